"""Clients that are slow, and requests that two servers could read differently, directly and through nginx."""

from __future__ import annotations

import asyncio
import socket
from contextlib import contextmanager, suppress
from threading import Event, Thread
from urllib.parse import urlsplit

import pytest

from faults.load import LIVEZ, ask, recovery, visitor, watched
from system import site
from system.clients import Connection, post
from system.configurations import configuration
from system.launching import launched, rows
from system.nginx import in_front_of
from system.raw import exchange, request

CONFIGURATION = configuration(http='trusted_proxies = ["127.0.0.1/32", "127.0.0.2/32"]', default="")
SLOW = 32  # clients that send a header byte by byte, and as many whose body drips
DRIP = 0.5  # seconds between two bytes
PROMPT = 0.1  # seconds
ATTEMPTS = 3  # at the times, of which one must do: the clients and the service share the machine
HEAD = b"POST /token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
HIDDEN = b"POST /token HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: hidden\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture(name="program", scope="module")
def _program(tmp_path_factory, google):
    named = {"SHOP_SECRET": site.SECRET}
    with launched(tmp_path_factory.mktemp("slow"), CONFIGURATION, google.url, workers=2, **named) as program:
        program.await_lines("worker started", 2)
        recovery(program, 15)  # a worker's first request takes longer
        yield program


@pytest.fixture(name="url", scope="module", params=["directly", "through nginx"])
def _url(request, program, tmp_path_factory):
    if request.param == "directly":
        yield program.url
        return
    with in_front_of(tmp_path_factory.mktemp("nginx"), [program.url]) as proxies:
        yield proxies[0].url


@contextmanager
def dripping(url):
    """Keep slow clients connected, half of them in a header and half in a body; who is turned away comes again."""
    done = Event()

    async def drip(begun):
        while not done.is_set():
            reader, writer = await asyncio.open_connection(urlsplit(url).hostname, urlsplit(url).port)
            writer.write(begun)
            try:
                while not (done.is_set() or reader.at_eof()):
                    writer.write(b"x")
                    await writer.drain()
                    await asyncio.sleep(DRIP)
            except OSError:  # turned away
                pass
            writer.close()

    async def drip_all():
        header, body = b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", HEAD + b"Content-Length: 9999\r\n\r\n"
        await asyncio.gather(*(drip(begun) for begun in (header, body) for _ in range(SLOW)))

    thread = Thread(target=lambda: asyncio.run(drip_all()))
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(30)


def prompt(url, seconds):
    """Ask for tokens and for health for so many *seconds*; return the slowest of each."""

    async def tokens():
        end = asyncio.get_running_loop().time() + seconds
        taken = []
        while asyncio.get_running_loop().time() < end:
            connection = Connection(url)
            timed = await ask(connection, "visitor", post(visitor()))
            connection.close()
            assert timed.reply.status == 200
            taken.append(timed.seconds)
            await asyncio.sleep(0.05)
        return sorted(taken)

    with watched(url) as health:
        taken = asyncio.run(tokens())
    return taken[int(0.99 * len(taken))], health.worst


@pytest.mark.alone
@pytest.mark.parametrize("seconds", [3, pytest.param(60, marks=pytest.mark.soak)])
def test_clients_that_send_byte_by_byte_delay_nobody(url, seconds):
    for _ in range(ATTEMPTS):
        with dripping(url):
            token, livez = prompt(url, seconds)
        found = f"p99 of tokens {1000 * token:.0f} ms, /livez {1000 * livez:.0f} ms at most"
        print(f"{2 * SLOW} slow clients for {seconds} s: {found}")  # noqa: T201 - shown by -s
        if max(token, livez) < PROMPT:
            return
    pytest.fail(f"{found}: is the machine quiet?")


CHUNKED = b"Transfer-Encoding: chunked\r\n"
EMPTY = b"0\r\n\r\n"
# Each hides a second request from a server that reads the first one differently.
MALFORMED = {
    "length and chunks": HEAD + b"Content-Length: 5\r\n" + CHUNKED + b"\r\n" + EMPTY + HIDDEN,
    "two lengths": HEAD + b"Content-Length: 0\r\nContent-Length: %d\r\n\r\n" % len(HIDDEN) + HIDDEN,
    "a list of lengths": HEAD + b"Content-Length: 0, %d\r\n\r\n" % len(HIDDEN) + HIDDEN,
    "a signed length": HEAD + b"Content-Length: +0\r\n\r\n" + HIDDEN,
    "a length in hex": HEAD + b"Content-Length: 0x0\r\n\r\n" + HIDDEN,
    "another coding": HEAD + b"Transfer-Encoding: xchunked\r\n\r\n" + EMPTY + HIDDEN,
    "a vertical tab before chunked": HEAD + b"Transfer-Encoding: \x0bchunked\r\n\r\n" + EMPTY + HIDDEN,
    "chunked and something after it": HEAD + b"Transfer-Encoding: chunked, identity\r\n\r\n" + EMPTY + HIDDEN,
    "a blank before the colon": HEAD + b"Transfer-Encoding : chunked\r\n\r\n" + EMPTY + HIDDEN,
    "a folded header": HEAD + b"X-Folded: a\r\n Transfer-Encoding: chunked\r\nContent-Length : 0\r\n\r\n" + HIDDEN,
    "a size of chunk that is not one": HEAD + CHUNKED + b"\r\n0x5\r\n{}\r\n" + EMPTY + HIDDEN,
    "a negative size of chunk": HEAD + CHUNKED + b"\r\n-1\r\n" + EMPTY + HIDDEN,
    "bare line feeds": HEAD + b"X: a\nTransfer-Encoding: chunked\n\n" + EMPTY + HIDDEN,
    "a NUL": HEAD + b"X-Nul: a\0b\r\n\r\n" + HIDDEN,
    "two hosts": HEAD + b"Host: evil.test\r\nContent-Length: 0\r\n\r\n" + HIDDEN,
    # nginx passes it on, and would be right to take what follows for another request.
    "101 headers": HEAD + b"X: y\r\n" * 101 + b"\r\n",
    "a URI of 9 KB": b"POST /token?" + b"a" * 9000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n" + HIDDEN,
    "no version": b"POST /token\r\n\r\n" + HIDDEN,
}


@pytest.mark.parametrize("name", MALFORMED)
def test_request_that_servers_could_read_differently_hides_no_second_one(program, url, name):
    parts = urlsplit(url)
    received = b""
    with (
        socket.create_connection((parts.hostname, parts.port), timeout=30) as connection,
        suppress(ConnectionError),  # who refuses a request may close without reading the rest
    ):
        connection.sendall(MALFORMED[name])
        connection.shutdown(socket.SHUT_WR)
        while part := connection.recv(65536):
            received += part
    statuses = [int(line.split()[1]) for line in received.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]
    assert rows(program, "select kind from events where request_id = 'hidden'") == []
    assert len(statuses) <= 1
    assert all(400 <= status < 600 for status in statuses)
    assert asyncio.run(ask(Connection(url), "after", LIVEZ)).reply.status == 200


def test_header_with_underscores_is_not_taken_for_the_proxys(program):
    """A proxy replaces X-Forwarded-For, but may pass on X_Forwarded_For."""
    forged = ("X-Forwarded-For: 198.51.100.7", "X_Forwarded_For: 6.6.6.6", f"Authorization: Bearer {visitor()}")
    known = (*forged, "X-Request-Id: underscores")
    assert exchange(program.url, request("POST", "/token", *known)).status == 200
    addresses = rows(program, "select distinct address from events where request_id = 'underscores'")
    assert addresses == [("198.51.100.7",)]
