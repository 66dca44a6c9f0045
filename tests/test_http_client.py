import gc
import socket
import struct
import threading
import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import ExitStack, closing

import pytest

from tokensvc.http_client import LONGEST_ANSWER, BoundedHttpClient, CutShort, TooLong
from upstream_for_tests import answering, dripping, http_answer, read_request, upstream

HEADERS = {"Content-Type": "application/json"}


@pytest.fixture(name="connect")
def _connect():
    """Make clients, and close their connections after the test."""
    with ExitStack() as clients:
        yield lambda url: clients.enter_context(closing(BoundedHttpClient(url)))


def post(client, seconds=5.0):
    return client.post("/v1beta/auth_tokens", b"{}", HEADERS, deadline=time.monotonic() + seconds)


def test_requests_share_a_connection(connect):
    with upstream(answering(http_answer(), http_answer())) as (url, received):
        client = connect(url)
        statuses = [post(client).status for _ in range(2)]

    assert statuses == [200, 200]
    assert len(received) == 2


def test_client_that_is_dropped_closes_its_connections():
    """An application that mounts the service need not close it."""
    closed = threading.Event()

    def until_closed(connection, received):
        read_request(connection, received)
        connection.sendall(http_answer())
        if connection.recv(1) == b"":
            closed.set()

    with upstream(until_closed) as (url, _):
        client = BoundedHttpClient(url)
        post(client)
        del client
        gc.collect()

        assert closed.wait(5)


def test_get_has_no_body_and_shares_the_connection(connect):
    with upstream(answering(http_answer(body=b"{}"), http_answer())) as (url, received):
        client = connect(url)
        answer = client.get("/keys", {"Accept": "application/json"}, deadline=time.monotonic() + 5)
        post(client)

    assert (answer.status, answer.body) == (200, b"{}")
    assert received[0].startswith(b"GET /keys HTTP/1.1\r\n")
    assert b"Content-Length" not in received[0]


@pytest.mark.parametrize("longest", [10, 100_000])
def test_response_limit_is_configurable(longest):
    with (
        upstream(answering(http_answer(body=b"a" * longest), http_answer(body=b"a" * (longest + 1)))) as (url, _),
        closing(BoundedHttpClient(url, longest_answer=longest)) as client,
    ):
        assert len(post(client).body) == longest
        with pytest.raises(TooLong):
            post(client)


def get(client):
    return client.get("/keys", {}, deadline=time.monotonic() + 5)


@pytest.mark.parametrize("send", [get, post])
def test_redirect_is_returned_and_not_followed(connect, send):
    redirect = http_answer(307, b"", b"Location: http://127.0.0.1:9/elsewhere\r\n")
    with upstream(answering(redirect)) as (url, received):
        assert send(connect(url)).status == 307

    assert len(received) == 1


def test_path_of_the_base_url_is_kept(connect):
    """A gateway may serve Google's API below a path."""
    with upstream(answering(http_answer())) as (url, received):
        post(connect(url + "/google"))

    assert received[0].startswith(b"POST /google/v1beta/auth_tokens HTTP/1.1\r\n")


def test_closed_idle_connection_is_replaced(connect):
    closed = threading.Event()

    def answering_once(connection, received):
        answering(http_answer())(connection, received)
        closed.set()

    with upstream(answering_once, answering(http_answer())) as (url, received):
        client = connect(url)
        first = post(client)
        assert closed.wait(5)
        assert [first.status, post(client).status] == [200, 200]
    assert len(received) == 2


def test_connections_that_the_server_has_closed_are_closed_while_another_is_used(connect):
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(3) as pool, ExitStack() as held:
        client = connect(f"http://127.0.0.1:{server.getsockname()[1]}")
        posting = [pool.submit(post, client, seconds=30) for _ in range(3)]
        connections = [held.enter_context(server.accept()[0]) for _ in posting]

        def answer(connection):
            connection.settimeout(30)
            read_request(connection, [])
            connection.sendall(http_answer())

        for connection in connections:  # one after the other, so that the last is the next to be used
            answer(connection)
            _, posting = wait(posting, 30, FIRST_COMPLETED)
        *others, last = connections
        for other in others:
            other.shutdown(socket.SHUT_WR)
        for _ in others:
            posted = pool.submit(post, client, seconds=30)
            answer(last)
            assert posted.result().status == 200
        assert [other.recv(1) for other in others] == [b"", b""]


@pytest.mark.parametrize("reset", [False, True])
def test_request_on_a_kept_connection_that_is_closed_without_an_answer_is_not_sent_again(connect, reset):
    """The mint may have succeeded, so a retry could create a second token."""

    def closing(connection, received):
        read_request(connection, received)
        connection.sendall(http_answer())
        read_request(connection, received)
        if reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with upstream(closing, answering(http_answer())) as (url, received):
        client = connect(url)
        post(client)
        with pytest.raises(ConnectionError):
            post(client)

    assert len(received) == 2


def test_closed_new_connection_is_an_error_without_retry(connect):
    """The mint may have succeeded, so a retry could create a second token."""
    with (
        upstream(answering()) as (url, received),
        pytest.raises(ConnectionError),
    ):
        post(connect(url))

    assert received == []


def test_request_is_not_sent_again_once_its_response_has_begun(connect):
    """The mint has succeeded, or may have."""

    def resetting(connection, received):
        read_request(connection, received)
        connection.sendall(http_answer())
        read_request(connection, received)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    with upstream(resetting, answering(http_answer())) as (url, received):
        client = connect(url)
        post(client)
        with pytest.raises((OSError, CutShort)):
            post(client)

    assert len(received) == 2


@pytest.mark.parametrize(
    "content",
    [b"HTTP/1.1 200 OK\r\nX: " + b"a" * 250, http_answer(body=b" " * 250)],
    ids=["headers", "body"],
)
def test_deadline_covers_the_whole_exchange_of_a_slow_upstream(connect, content):
    started, stop = threading.Event(), threading.Event()
    with upstream(dripping(content, started, stop)) as (url, _):
        with pytest.raises(TimeoutError):
            post(connect(url), seconds=0.3)
        assert started.is_set()
        stop.set()


@pytest.fixture(name="resolver")
def _resolver(monkeypatch):
    """A resolver that hangs until released, and counts its calls."""
    resolver = Resolver(socket.getaddrinfo)
    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    yield resolver
    resolver.released.set()


class Resolver:
    def __init__(self, real):
        self.real, self.calls = real, 0
        self.called, self.released = threading.Event(), threading.Event()

    def __call__(self, *arguments, **named):
        self.calls += 1
        self.called.set()
        self.released.wait(30)
        return self.real(*arguments, **named)


def test_deadline_covers_a_hanging_host_lookup_which_later_requests_share(connect, resolver):
    with upstream(answering(http_answer())) as (url, _):
        client = connect(url.replace("127.0.0.1", "localhost"))
        for _ in range(3):
            with pytest.raises(TimeoutError):
                post(client, seconds=0.05)
        assert resolver.calls == 1
        resolver.released.set()
        assert post(client).status == 200


def test_concurrent_requests_share_one_host_lookup(connect, resolver):
    with upstream(*[answering(http_answer())] * 8) as (url, _), ThreadPoolExecutor(8) as pool:
        client = connect(url.replace("127.0.0.1", "localhost"))
        responses = [pool.submit(post, client) for _ in range(8)]
        assert resolver.called.wait(5)
        with pytest.raises(TimeoutError):
            post(client, seconds=0.3)  # by now the others are waiting
        assert resolver.calls == 1
        resolver.released.set()
        assert [response.result().status for response in responses] == [200] * 8


def test_lookup_for_which_no_thread_can_be_started_is_an_error_and_is_tried_again(connect, monkeypatch):
    def start(_thread):
        raise RuntimeError("can't start new thread")

    with upstream(answering(http_answer())) as (url, _):
        client = connect(url)
        with monkeypatch.context() as full:
            full.setattr(threading.Thread, "start", start)
            with pytest.raises(OSError, match="no thread"):
                post(client)
        assert post(client).status == 200


@pytest.mark.parametrize("host", ["nowhere.invalid", "a" * 64 + ".example", "a..b"])
def test_unknown_host_is_an_error_and_is_looked_up_again(connect, host):
    client = connect(f"http://{host}:9")
    for _ in range(2):
        with pytest.raises(OSError, match=r".") as failed:
            post(client)
        assert not isinstance(failed.value, TimeoutError)


def test_deadline_ends_the_wait_for_a_silent_upstream(connect):
    silent = threading.Event()
    with upstream(lambda *_: silent.wait(10)) as (url, _):
        with pytest.raises(TimeoutError):
            post(connect(url), seconds=0.2)
        silent.set()


@pytest.mark.parametrize(
    "answer",
    [
        http_answer(body=b"a" * (LONGEST_ANSWER + 1)),
        b"HTTP/1.1 200 OK\r\n\r\n" + b"a" * (LONGEST_ANSWER + 1),
    ],
    ids=["announced", "not announced"],
)
def test_response_over_the_limit_is_refused(connect, answer):
    with upstream(answering(answer)) as (url, _), pytest.raises(TooLong):
        post(connect(url))


def test_response_at_the_limit_is_accepted_and_keeps_the_connection(connect):
    longest = http_answer(body=b"a" * LONGEST_ANSWER)
    with upstream(answering(longest, http_answer())) as (url, received):
        client = connect(url)
        first, second = post(client), post(client)

    assert len(first.body) == LONGEST_ANSWER
    assert second.status == 200
    assert len(received) == 2


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n", b"abcde"),
        (OK + b"transfer-encoding:chunked\r\n\r\n0\r\nTrailer: dropped\r\n\r\n", b""),
        (
            b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\n{}",
            b"{}",
        ),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 200\r\nContent-Length: 1\r\n\r\na", b"a"),
    ],
    ids=["chunks", "trailers", "interim response", "no content", "no reason"],
)
def test_response_in_any_framing_keeps_the_connection(connect, answer, body):
    with upstream(answering(answer, http_answer(body=b"next"))) as (url, received):
        client = connect(url)
        assert post(client).body == body
        assert post(client).body == b"next"

    assert len(received) == 2


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na",
        OK + b"Connection: Close\r\nContent-Length: 1\r\n\r\na",
        OK + b"Content-Length: 1\r\n\r\nabc",
        OK + b"\r\na",
    ],
    ids=["HTTP/1.0", "close", "more than announced", "until the end"],
)
def test_connection_is_not_used_again_if_it_ends_or_its_state_is_unknown(connect, answer):
    with upstream(answering(answer), answering(http_answer(body=b"next"))) as (url, received):
        client = connect(url)
        assert post(client).body == b"a"
        assert post(client).body == b"next"

    assert len(received) == 2


@pytest.mark.parametrize(
    "answer",
    [
        OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n-3\r\nabc\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        OK + b"Transfer-Encoding: gzip\r\n\r\nabc",
        OK + b"Content-Length: 5\r\n\r\nabc",
        OK + b"Content-Length: +3\r\n\r\nabc",
    ],
    ids=["long chunk", "negative chunk", "no last chunk", "gzip", "short", "signed length"],
)
def test_content_that_is_cut_short_or_framed_wrongly_is_refused(connect, answer):
    with upstream(answering(answer)) as (url, _), pytest.raises(CutShort):
        post(connect(url))


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/2 200\r\n\r\n",
        b"200 OK\r\n\r\n",
        OK + b"no colon\r\n\r\n",
        OK + b"Name : value\r\n\r\n",
        OK + b"A: b\r\n folded\r\n\r\n",
    ],
)
def test_response_that_is_not_http_is_an_error_without_retry(connect, answer):
    with upstream(answering(answer)) as (url, received):
        with pytest.raises(OSError, match="not an HTTP response") as failed:
            post(connect(url))
        assert not isinstance(failed.value, ConnectionError)

    assert len(received) == 1


def test_header_with_a_line_break_is_never_sent(connect):
    with upstream(answering(http_answer())) as (url, received):
        with pytest.raises(ValueError, match="line break"):
            connect(url).get("/keys", {"x": "a\r\nb: c"}, deadline=time.monotonic() + 5)
        assert received == []
