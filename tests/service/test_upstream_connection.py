"""Reaching the upstream at all: in time, over TLS, and only where its certificate is good."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest

from programs import OPEN_PROFILE
from service.launching import launched
from tokensvc.emulator.server import certificate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from programs import Answer, Program

DEADLINE = 5.0  # seconds that a mint may take
SLACK = 1.5  # seconds for all else on a busy machine


@pytest.fixture(name="secured", scope="module")
def _secured(tmp_path_factory) -> Iterator[tuple[Program, int]]:
    """A service whose upstream is https://localhost and a port where nothing listens yet."""
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    folder = tmp_path_factory.mktemp("secured")
    with launched(folder, OPEN_PROFILE, f"https://localhost:{port}", workers=1) as program:
        yield program, port


def _timed(program: Program) -> tuple[Answer, float]:
    begun = time.monotonic()
    answer = program.post("/token")
    return answer, time.monotonic() - begun


Place = tuple[str, socket.AddressFamily]


def _loopbacks() -> list[Place]:
    """The addresses that “localhost” has here."""
    found = socket.getaddrinfo("localhost", 0, type=socket.SOCK_STREAM)
    return list(dict.fromkeys((address[0], family) for family, *_, address in found))


@contextmanager
def _listening(places: list[Place], port: int, backlog: int) -> Iterator[list[socket.socket]]:
    with ExitStack() as servers:
        yield [
            servers.enter_context(
                socket.create_server((host, port), family=family, backlog=backlog)
            )
            for host, family in places
        ]


@contextmanager
def _swallowing(places: list[Place], port: int) -> Iterator[None]:
    """A full queue at each place: the kernel answers no further attempt to connect."""
    with _listening(places, port, backlog=0) as servers, ExitStack() as queue:
        for server in servers:
            for _ in range(3):
                waiting = queue.enter_context(socket.socket(server.family))
                waiting.settimeout(0)
                waiting.connect_ex(server.getsockname())
        yield


@contextmanager
def _answering(places: list[Place], port: int, greet) -> Iterator[list[bytes]]:
    """Each visitor is handed to *greet*, which returns what it heard."""
    heard: list[bytes] = []
    with _listening(places, port, backlog=16) as servers:

        def serve(server: socket.socket) -> None:
            while True:
                try:
                    visitor, _ = server.accept()
                except OSError:
                    return
                with visitor:
                    visitor.settimeout(DEADLINE + SLACK)
                    heard.append(greet(visitor))

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


def test_nothing_listens(secured):
    """A refused connection is told at once."""
    program, _ = secured
    answer, seconds = _timed(program)
    assert (answer.status, answer.code) == (502, "upstream-unavailable")
    assert seconds < SLACK


def test_packets_vanish_and_a_handshake_never_ends(secured):
    """The deadline holds over all of a host's addresses and over TLS together.

    Where “localhost” has two addresses, the first swallows what it is sent, and leaves time for
    the second.
    """
    program, port = secured

    def say_nothing(visitor: socket.socket) -> bytes:
        heard = visitor.recv(65536)
        while visitor.recv(65536):
            pass  # until the service hangs up
        return heard

    *swallowing, greeting = _loopbacks()
    with _swallowing(swallowing, port), _answering([greeting], port, say_nothing) as heard:
        answer, seconds = _timed(program)
    assert (answer.status, answer.code) == (504, "upstream-timeout")
    assert DEADLINE / 2 < seconds < DEADLINE + SLACK
    assert heard[0].startswith(b"\x16\x03")  # it began a handshake, and nothing else


def test_an_upstream_without_tls(secured):
    """An upstream that speaks plain HTTP gets a handshake, and never the key."""
    program, port = secured

    def speak_plainly(visitor: socket.socket) -> bytes:
        heard = visitor.recv(65536)
        visitor.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        return heard

    with _answering(_loopbacks(), port, speak_plainly) as heard:
        answer, _ = _timed(program)
    assert (answer.status, answer.code) == (502, "upstream-unavailable")
    assert [content[:2] for content in heard] == [b"\x16\x03"]


def test_a_certificate_that_nobody_vouches_for(secured, tmp_path):
    """Without a certificate that this machine trusts the key is not sent."""
    program, port = secured
    context = certificate.issue(tmp_path / "cert.pem")

    def greet(visitor: socket.socket) -> bytes:
        try:
            with context.wrap_socket(visitor, server_side=True) as secure:
                return secure.recv(65536)
        except OSError:
            return b""

    with _answering(_loopbacks(), port, greet) as heard:
        answer, _ = _timed(program)
    assert (answer.status, answer.code) == (502, "upstream-unavailable")
    assert b"".join(heard) == b""
