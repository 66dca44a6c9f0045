"""Connections to the upstream: in time, over TLS, and only with a trusted certificate."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest

from programs import OPEN_PROFILE
from system.launching import launched
from tokensvc.emulator.server import certificate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from programs import Answer, Program

DEADLINE = 5.0  # seconds that a mint may take
SLACK = 1.5  # seconds for everything else on a busy machine


@pytest.fixture(name="secured", scope="module")
def _secured(tmp_path_factory) -> Iterator[tuple[Program, int]]:
    """Start a service with the upstream https://localhost; return the port, still unused, too."""
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    folder = tmp_path_factory.mktemp("secured")
    with launched(folder, OPEN_PROFILE, f"https://localhost:{port}", workers=1) as program:
        yield program, port


def _timed(program: Program) -> tuple[Answer, float]:
    started = time.monotonic()
    answer = program.post("/token")
    return answer, time.monotonic() - started


Address = tuple[str, socket.AddressFamily]


def _loopbacks() -> list[Address]:
    """Return the addresses of “localhost”."""
    found = socket.getaddrinfo("localhost", 0, type=socket.SOCK_STREAM)
    return list(dict.fromkeys((name[0], family) for family, *_, name in found))


@contextmanager
def _listening(addresses: list[Address], port: int, backlog: int) -> Iterator[list[socket.socket]]:
    with ExitStack() as servers:
        yield [
            servers.enter_context(socket.create_server((host, port), family=family, backlog=backlog))
            for host, family in addresses
        ]


@contextmanager
def _unresponsive(addresses: list[Address], port: int) -> Iterator[None]:
    """Fill the listen queue at each address, so that the kernel ignores further attempts."""
    with _listening(addresses, port, backlog=0) as servers, ExitStack() as queue:
        for server in servers:
            for _ in range(3):
                waiting = queue.enter_context(socket.socket(server.family))
                waiting.settimeout(0)
                waiting.connect_ex(server.getsockname())
        yield


@contextmanager
def _answering(addresses: list[Address], port: int, greet) -> Iterator[list[bytes]]:
    """Pass each connection to *greet*; collect what that returns."""
    heard: list[bytes] = []
    with _listening(addresses, port, backlog=16) as servers:

        def serve(server: socket.socket) -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.settimeout(DEADLINE + SLACK)
                    heard.append(greet(connection))

        threads = [threading.Thread(target=serve, args=(server,)) for server in servers]
        for thread in threads:
            thread.start()
        try:
            yield heard
        finally:
            for server in servers:
                server.shutdown(socket.SHUT_RDWR)  # wakes the accept
            for thread in threads:
                thread.join(timeout=10)


def test_refused_connection_is_reported_at_once(secured):
    program, _ = secured
    answer, seconds = _timed(program)
    assert (answer.status, answer.code) == (502, "upstream-unavailable")
    assert seconds < SLACK


def test_deadline_covers_all_addresses_and_the_tls_handshake(secured):
    """The first of two addresses does not respond, which leaves time for the second."""
    program, port = secured

    def say_nothing(connection: socket.socket) -> bytes:
        heard = connection.recv(65536)
        while connection.recv(65536):
            pass  # until the service hangs up
        return heard

    *unresponsive, greeting = _loopbacks()
    with _unresponsive(unresponsive, port), _answering([greeting], port, say_nothing) as heard:
        answer, seconds = _timed(program)
    assert (answer.status, answer.code) == (504, "upstream-timeout")
    assert DEADLINE / 2 < seconds < DEADLINE + SLACK
    assert heard[0].startswith(b"\x16\x03")  # a TLS handshake


def test_upstream_without_tls_receives_only_a_handshake(secured):
    program, port = secured

    def speak_plainly(connection: socket.socket) -> bytes:
        heard = connection.recv(65536)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        return heard

    with _answering(_loopbacks(), port, speak_plainly) as heard:
        answer, _ = _timed(program)
    assert (answer.status, answer.code) == (502, "upstream-unavailable")
    assert [content[:2] for content in heard] == [b"\x16\x03"]


def test_nothing_is_sent_to_an_upstream_with_an_untrusted_certificate(secured, tmp_path):
    program, port = secured
    context = certificate.issue(tmp_path / "cert.pem")

    def greet(connection: socket.socket) -> bytes:
        try:
            with context.wrap_socket(connection, server_side=True) as secure:
                return secure.recv(65536)
        except OSError:
            return b""

    with _answering(_loopbacks(), port, greet) as heard:
        answer, _ = _timed(program)
    assert (answer.status, answer.code) == (502, "upstream-unavailable")
    assert b"".join(heard) == b""
