"""An upstream that sends prepared bytes, with one script for each connection."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress


@contextmanager
def upstream(*scripts):
    """Serve each connection with the next of *scripts*; yield the URL and the requests received.

    A script is called with the connection and must not return before it is done with it.
    """
    received: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            for script in scripts:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    script(connection, received)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", received
        # Unblocks an accept that no connection will end.
        server.shutdown(socket.SHUT_RDWR)
        thread.join(timeout=10)
        assert not thread.is_alive()


def read_request(connection, received):
    """Read one request, with a body as long as its Content-Length."""
    content = b""
    while b"\r\n\r\n" not in content:
        part = connection.recv(65536)
        if not part:
            return False
        content += part
    head, _, body = content.partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")),
        0,
    )
    while len(body) < length:
        body += connection.recv(65536)
    received.append(head + b"\r\n\r\n" + body)
    return True


def answering(*answers):
    """Return a script that answers each request with the next of *answers*."""

    def script(connection, received):
        for answer in answers:
            if not read_request(connection, received):
                return
            with suppress(ConnectionError):  # a client may leave in the middle
                connection.sendall(answer)
        with suppress(OSError):
            connection.shutdown(socket.SHUT_WR)

    return script


def dripping(content, started, stop):
    """Return a script that sends *content* one byte at a time until *stop* is set."""

    def script(connection, received):
        read_request(connection, received)
        started.set()
        for byte in content:
            try:
                connection.sendall(bytes([byte]))
            except OSError:
                return
            if stop.wait(0.02):
                return

    return script


def http_answer(status=200, body=b'{"name": "auth_tokens/0123456789"}', headers=b""):
    """Return the bytes of a response."""
    return (
        b"HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s\r\n"
        % (status, len(body), headers)
    ) + body
