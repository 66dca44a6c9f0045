"""A substitute for Google's token endpoint, which mints, counts and fails on demand.

The model selects the fault: `fault-…` gets that one, so that one service meets all of them.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import socket
import socketserver
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import parse_headers
from typing import TYPE_CHECKING, Any, Self

from system import faults

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

TOKEN_BYTES = 24


@dataclass(frozen=True)
class Received:
    """A request as it was received; header names are in lower case."""

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
    """One connection, kept open as long as the faults allow."""

    disable_nagle_algorithm = True

    def setup(self) -> None:
        upstream = self.server.upstream
        self.request = upstream.greet(self.request)
        upstream.connections.add(self.request)
        super().setup()

    def finish(self) -> None:
        super().finish()
        self.server.upstream.connections.discard(self.request)
        self.request.close()  # of TLS, which the server does not know of

    def handle(self) -> None:
        while received := self._received():
            with self.server.upstream.lock:
                self.server.upstream.received.append(received)
            try:
                if not self._answer(received):
                    return
            except OSError:
                return  # the service hung up, as some faults require

    def _received(self) -> Received | None:
        try:
            line = self.rfile.readline(65537)
            if not line:
                return None
            headers = {name.lower(): value for name, value in parse_headers(self.rfile).items()}
            length = int(headers.get("content-length", "0"))
            content = self.rfile.read(length)
        except OSError:
            return None  # the client was killed
        if len(content) < length:
            return None  # the client gave up
        return Received(line.decode("latin-1").split()[1], headers, content)

    def _answer(self, received: Received) -> bool:
        """Answer; return whether the connection can be used again."""
        upstream = self.server.upstream
        upstream.gate.wait()
        refusal = upstream.refused_keys.get(received.headers.get("x-goog-api-key", ""))
        if refusal is not None:
            key = received.headers["x-goog-api-key"]
            self.send(faults.refusal(refusal, key, reason=upstream.refusal_reason))
            return True
        if (fault := upstream.fault) is not None:
            return fault(self, received) is True
        if received.model.startswith("fault-"):
            return faults.FAULTS[received.model.removeprefix("fault-")](self, received) is True
        if upstream.fails_next():
            self.send(faults.refusal(503, "This mint fails."))
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

    def handle_error(self, *_: object) -> None:
        """Ignore a client that left during the handshake or while it was answered."""


@dataclass
class Trap:
    """Another host, to which nothing should connect; it records what does."""

    connections: list[bytes] = field(default_factory=list)
    url: str = ""

    def __enter__(self) -> Self:
        # A different loopback address, so that it is a different host and not just another port.
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
                connection, _ = self._server.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(2)
                try:
                    self.connections.append(connection.recv(65536))
                except OSError:
                    self.connections.append(b"")


@dataclass
class Upstream:
    """Serves on a port of its own while entered.

    While *gate* is cleared, no request is answered. If *fail_every* is n, each n-th mint fails with
    a 503. *refused_keys* maps an API key to the status it is refused with, for *refusal_reason*.
    *trap* is the target of the redirects. *fault* answers every request, if there is one, and returns
    True to keep the connection; *greet* begins each connection, such as with TLS.
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
    fault: faults.Fault | None = None
    greet: Callable[[socket.socket], socket.socket] = lambda connection: connection
    connections: set[socket.socket] = field(default_factory=set)
    _attempts: int = 0

    def __enter__(self) -> Self:
        self.gate.set()
        self.trap.__enter__()
        self.listen()
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    def listen(self, port: int = 0) -> None:
        """Accept connections on *port*, by default any that is free."""
        self._server = _Server(("127.0.0.1", port), Exchange)
        self._server.upstream = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def leave(self) -> None:
        """Stop listening, and close every connection."""
        self._server.shutdown()
        self._thread.join(timeout=10)
        self._server.server_close()
        self.hang_up()

    def hang_up(self) -> None:
        """Close every connection."""
        for connection in list(self.connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    @property
    def port(self) -> int:
        return self._server.server_address[1]

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
            self._attempts += 1
            return bool(self.fail_every) and self._attempts % self.fail_every == 0

    @property
    def fingerprints(self) -> set[str]:
        return {hashlib.sha256(name.encode()).hexdigest() for name in self.minted}
