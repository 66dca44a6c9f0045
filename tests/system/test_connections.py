"""A client that holds its connection, or never finishes its request, delays nobody else."""

from __future__ import annotations

import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest

from programs import LISTENING, OPEN_PROFILE, running, service_environment
from system import raw
from system.launching import launched

PROMPT = 1.0  # seconds; gunicorn would wait two for each client that does not close
GIVEN_UP = 30.0  # seconds; after ten it should be
POST = b"POST /token HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
UNFINISHED = {
    "line": (b"GET /livez HT", b"408"),
    "head": (b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Long: ", b"408"),
    "no body": (POST + b"Content-Length: 10\r\n\r\n", b"408"),
    "half a body": (POST + b"Content-Length: 10\r\n\r\n{", b"408"),
    "half a chunk": (POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{", b"408"),
}
ANSWERED = b"POST /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99\r\n\r\n"


@pytest.fixture(name="program", scope="module")
def _program(tmp_path_factory, google):
    with launched(tmp_path_factory.mktemp("held"), OPEN_PROFILE, google.url, workers=1) as program:
        yield program


@pytest.fixture(name="connect")
def _connect(program):
    with ExitStack() as held:

        def connect(content):
            return held.enter_context(connected(program, content))

        yield connect


def connected(program, content):
    """Connect, and send *content*."""
    parts = urlsplit(program.url)
    connection = socket.create_connection((parts.hostname, parts.port), timeout=GIVEN_UP)
    connection.sendall(content)
    return connection


def answer(connection):
    """Receive until the service closes its side."""
    received = b""
    while part := connection.recv(65536):
        received += part
    return received


def assert_prompt(program):
    began = time.monotonic()
    assert program.get("/livez").status == 200
    assert time.monotonic() - began < PROMPT


@pytest.mark.parametrize("count", [1, 5, 40])
@pytest.mark.parametrize(
    "content",
    [raw.request("GET", "/livez"), b"GET /livez\r\n\r\n", b"GET /nothing HTTP/1.0\r\n\r\n"],
    ids=["close", "malformed line", "HTTP/1.0"],
)
def test_client_that_holds_a_closed_connection_delays_nobody(program, connect, count, content):
    held = [connect(content) for _ in range(count)]
    for connection in held:
        assert answer(connection).startswith(b"HTTP/1.")
    assert_prompt(program)


def test_silent_clients_take_no_thread(program, connect):
    """More than there are threads."""
    for _ in range(300):
        connect(b"")
    assert_prompt(program)


@pytest.fixture(name="given_up", scope="module")
def _given_up(program):
    """Return the answer to each client that never finishes; all wait at the same time."""
    clients = {name: (answer, content) for name, (content, _) in UNFINISHED.items()}
    clients |= {"trickle": (trickle, b"GET /livez HTTP/1.1\r\n"), "answered": (answer, ANSWERED)}

    def ask(client):
        converse, content = client
        with connected(program, content) as connection:
            return converse(connection)

    with ThreadPoolExecutor(len(clients)) as pool:
        return dict(zip(clients, pool.map(ask, clients.values()), strict=True))


def trickle(connection):
    """Send a header every half second until the service closes its side, and return its answer, if there is one."""
    began = time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        received = pool.submit(answer, connection)
        while not received.done():
            if time.monotonic() > began + GIVEN_UP - 5:  # before the wait itself gives up
                connection.shutdown(socket.SHUT_RDWR)  # ends the wait for an answer
                break
            try:
                connection.sendall(b"X: y\r\n")
            except OSError:  # the service has closed the connection
                break
            time.sleep(0.5)
        return received.result()


@pytest.mark.parametrize("name", UNFINISHED)
def test_unfinished_request_is_given_up_and_answered(given_up, name):
    _, status = UNFINISHED[name]
    lines = given_up[name].split(b"\r\n")
    assert lines[0].split()[1] == status
    assert b"Content-Type: application/problem+json" in lines


def test_request_that_trickles_in_is_given_up(given_up):
    """The deadline is that of the whole request, not of its next byte."""
    assert given_up["trickle"].startswith(b"HTTP/1.1 408 ")


def test_unread_body_of_an_answered_request_closes_the_connection(given_up):
    """The response is not followed by a second one about the body."""
    assert given_up["answered"].startswith(b"HTTP/1.1 405 ")
    assert given_up["answered"].count(b"HTTP/1.1") == 1


def test_credential_of_a_person_in_150_groups_reaches_the_service(program):
    """Such a token has 8.5 KB; its refusal is an ordinary one."""
    refused = program.post("/token", bearer="x" * 12_000)
    assert (refused.status, refused.code) == (401, "invalid-token")


@pytest.mark.parametrize("size", [17_000, 60_000, 300_000])
def test_header_over_the_limit_is_refused_readably_for_a_page(program, size):
    refused = program.post("/token", bearer="x" * size, headers={"Origin": "https://shop.example"})
    assert (refused.status, refused.code) == (431, "headers-too-large")
    assert refused.headers["access-control-allow-origin"] == "*"


def test_requests_of_one_connection_are_all_answered(connect):
    """At once after an answer, while a thread waits for the next; later, through the loop; and sent together."""
    connection = connect(b"")
    asked = b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    for content, pause, answers in [(asked, 0, 1), (asked, 0, 1), (asked, 0.1, 1), (asked * 3, 0, 3)]:
        time.sleep(pause)  # what is tested: a client that waits longer than a thread does
        connection.sendall(content)
        received = b""
        while received.count(b"HTTP/1.1 200 OK") < answers or received.count(b'"ok"') < answers:
            part = connection.recv(65536)
            assert part
            received += part


def test_service_that_may_open_few_files_outlives_many_silent_clients(tmp_path, google):
    """They take less than half of what a worker may open, until it closes them; then come the next ones."""
    serve = [sys.executable, "-m", "tokensvc", "serve", "--port", "0", "--workers", "2"]
    limited = ["sh", "-c", 'ulimit -n 128 && exec "$0" "$@"', *serve]
    environment = service_environment(tmp_path, OPEN_PROFILE, google.url)
    with running(limited, LISTENING, environment=environment) as program, ExitStack() as held:
        program.await_lines("worker started", 2)
        for _ in range(300):
            held.enter_context(connected(program, b""))
        assert program.post("/token").status == 200
        assert not [line for line in program.lines if "exited" in line or "Exception" in line]


def test_requests_that_came_together_are_answered_though_the_client_sends_no_more(connect):
    connection = connect(3 * b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    connection.shutdown(socket.SHUT_WR)
    received = b""
    while part := connection.recv(65536):
        received += part
    assert received.count(b"HTTP/1.1 200 OK") == received.count(b'"ok"') == 3
