"""A TCP proxy to whichever service is currently deployed."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator


class Front:
    """Forwards each connection to one service; `deploy` switches to another."""

    def __init__(self, listener: socket.socket, service: str) -> None:
        self._listener = listener
        self._service = service
        self._open: set[socket.socket] = set()
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"

    def deploy(self, service: str) -> None:
        """Send new connections to *service* and close those kept alive to the previous one."""
        self._service = service
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def accept(self) -> None:
        """Serve until the listener is closed."""
        while True:
            try:
                browser, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(browser,), daemon=True).start()

    def _carry(self, browser: socket.socket) -> None:
        address = urlsplit(self._service)
        with browser, socket.create_connection((address.hostname, address.port)) as service:
            self._open |= {browser, service}
            try:
                _exchange(browser, service)
            finally:
                self._open -= {browser, service}


def _exchange(one: socket.socket, other: socket.socket) -> None:
    """Copy bytes both ways until either side closes."""
    towards = {one: other, other: one}
    with selectors.DefaultSelector() as ready, contextlib.suppress(OSError):
        for end in towards:
            ready.register(end, selectors.EVENT_READ)
        while True:
            for key, _ in ready.select():
                content = key.fileobj.recv(65536)
                if not content:
                    return
                towards[key.fileobj].sendall(content)


@contextlib.contextmanager
def fronting(service: str) -> Iterator[Front]:
    """Run a front while the context lasts."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        front = Front(listener, service)
        thread = threading.Thread(target=front.accept)
        thread.start()
        try:
            yield front
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            front.deploy(service)
            thread.join()
