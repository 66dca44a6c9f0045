"""A small Google of our own: mints, counts, and misbehaves as the model's name asks.

A profile whose model is `fault-…` gets that fault, so that one service meets every fault at once.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import socket
import socketserver
import threading
from dataclasses import dataclass, field
from http.client import parse_headers
from typing import TYPE_CHECKING, Any, Self

from service import faults

if TYPE_CHECKING:
    from types import TracebackType

TOKEN_BYTES = 24


@dataclass(frozen=True)
class Received:
    """A request as it came in; header names are lower case."""

    path: str
    headers: dict[str, str]
    content: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.content)

    @property
    def model(self) -> str:
        return self.body["bidiGenerateContentSetup"]["model"].removeprefix("models/")


class Exchange(socketserver.StreamRequestHandler):
    """One connection, kept as long as the faults allow."""

    disable_nagle_algorithm = True

    def handle(self) -> None:
        while received := self._received():
            with self.server.upstream.lock:
                self.server.upstream.received.append(received)
            try:
                if not self._answer(received):
                    return
            except OSError:
                return  # the service hung up, as it should on some of these

    def _received(self) -> Received | None:
        try:
            line = self.rfile.readline(65537)
            if not line:
                return None
            headers = {name.lower(): value for name, value in parse_headers(self.rfile).items()}
            length = int(headers.get("content-length", "0"))
            content = self.rfile.read(length)
        except OSError:
            return None  # who asked was killed
        if len(content) < length:
            return None  # who asked gave up
        return Received(line.decode("latin-1").split()[1], headers, content)

    def _answer(self, received: Received) -> bool:
        """Answer; False where the connection is used up."""
        upstream = self.server.upstream
        upstream.gate.wait()
        refusal = upstream.refused_keys.get(received.headers.get("x-goog-api-key", ""))
        if refusal is not None:
            key = received.headers["x-goog-api-key"]
            self.send(faults.refusal(refusal, key, reason=upstream.refusal_reason))
            return True
        if received.model.startswith("fault-"):
            faults.FAULTS[received.model.removeprefix("fault-")](self, received)
            return False
        if upstream.fails_next():
            self.send(faults.refusal(503, "not this one"))
            return True
        self.send(faults.answer(200, json.dumps({"name": upstream.mint()}).encode()))
        return True

    def send(self, content: bytes) -> None:
        self.request.sendall(content)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256
    upstream: Upstream


@dataclass
class Trap:
    """Another host that nobody has any business with; counts who connects."""

    visitors: list[bytes] = field(default_factory=list)
    url: str = ""

    def __enter__(self) -> Self:
        # Another loopback address, so that it is another host and not only another port.
        self._server = socket.create_server(("127.0.0.2", 0))
        self.url = f"http://127.0.0.2:{self._server.getsockname()[1]}"
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown(socket.SHUT_RDWR)  # wakes the accept
        self._thread.join(timeout=10)
        self._server.close()

    def _watch(self) -> None:
        while True:
            try:
                visitor, _ = self._server.accept()
            except OSError:
                return
            with visitor:
                visitor.settimeout(2)
                try:
                    self.visitors.append(visitor.recv(65536))
                except OSError:
                    self.visitors.append(b"")


@dataclass
class Upstream:
    """Serves on a port of its own while it is entered.

    *gate* holds every answer while it is cleared. *fail_every* n fails each n-th mint with a 503.
    *refused_keys* maps an API key to the status it is refused with, for *refusal_reason*. *trap* is
    where the redirecting faults send the service.
    """

    received: list[Received] = field(default_factory=list)
    minted: list[str] = field(default_factory=list)
    fail_every: int = 0
    refused_keys: dict[str, int] = field(default_factory=dict)
    refusal_reason: str = ""
    gate: threading.Event = field(default_factory=threading.Event)
    stopping: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    url: str = ""
    trap: Trap = field(default_factory=Trap)
    _asked: int = 0

    def __enter__(self) -> Self:
        self.gate.set()
        self.trap.__enter__()
        self._server = _Server(("127.0.0.1", 0), Exchange)
        self._server.upstream = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.gate.set()
        self.stopping.set()
        self._server.shutdown()
        self._thread.join(timeout=10)
        self._server.server_close()
        self.trap.__exit__(kind, error, trace)

    def mint(self) -> str:
        name = f"auth_tokens/{secrets.token_hex(TOKEN_BYTES)}"
        with self.lock:
            self.minted.append(name)
        return name

    def fails_next(self) -> bool:
        with self.lock:
            self._asked += 1
            return bool(self.fail_every) and self._asked % self.fail_every == 0

    @property
    def fingerprints(self) -> set[str]:
        return {hashlib.sha256(name.encode()).hexdigest() for name in self.minted}
