"""A proxy that opens tunnels by CONNECT, and in place of one does whatever a test wants."""

from __future__ import annotations

import base64
import socket
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from upstream_for_tests import read_request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OPENED = b"HTTP/1.1 200 Connection established\r\nProxy-Agent: test\r\n\r\n"


@dataclass
class ConnectProxy:
    """Answers each CONNECT by *answer*, by default with a tunnel.

    *targets* are the authorities that were asked for, and *credentials* what came with each.
    """

    url: str
    answer: Callable[[socket.socket, ConnectProxy], bool] = lambda *_: True
    opened: bytes = OPENED
    targets: list[str] = field(default_factory=list)
    credentials: list[str | None] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def serve(self, client: socket.socket) -> None:
        received: list[bytes] = []
        if not read_request(client, received):
            return
        line, *headers = received[0].decode().split("\r\n")
        method, target, _ = line.split(" ")
        assert method == "CONNECT"
        self.targets.append(target)
        named = dict(header.split(": ", 1) for header in headers if header)
        encoded = named.get("Proxy-Authorization", "").removeprefix("Basic ")
        self.credentials.append(base64.b64decode(encoded).decode() or None)
        if self.answer(client, self):
            host, _, port = target.rpartition(":")
            with socket.create_connection((host.strip("[]"), int(port)), timeout=10) as origin:
                client.sendall(self.opened)
                back = threading.Thread(target=_copy, args=(origin, client), daemon=True)
                back.start()
                _copy(client, origin)
                back.join(10)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while block := source.recv(65536):
            target.sendall(block)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def answering(content: bytes) -> Callable[[socket.socket, ConnectProxy], bool]:
    """Return an answer that sends *content* and opens no tunnel."""

    def answer(client: socket.socket, _proxy: ConnectProxy) -> bool:
        client.sendall(content)
        return False

    return answer


def hanging(_client: socket.socket, proxy: ConnectProxy) -> bool:
    """Answer nothing until the test ends."""
    proxy.stopping.wait(30)
    return False


def dripping(client: socket.socket, proxy: ConnectProxy) -> bool:
    """Send one byte at a time, each within any read timeout."""
    for byte in b"HTTP/1.1 200 Connection established\r\nX: " + b"a" * 10_000:
        with suppress(OSError):
            client.sendall(bytes([byte]))
        if proxy.stopping.wait(0.02):
            break
    return False


@contextmanager
def connect_proxy() -> Iterator[ConnectProxy]:
    """Run a proxy on a port of its own."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        proxy = ConnectProxy(f"http://127.0.0.1:{server.getsockname()[1]}")

        def serve(client: socket.socket) -> None:
            with client, suppress(OSError):
                proxy.serve(client)

        def accept() -> None:
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=serve, args=(client,), daemon=True).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            proxy.stopping.set()
            server.shutdown(socket.SHUT_RDWR)
            thread.join(10)
