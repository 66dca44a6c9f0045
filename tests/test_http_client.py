import http.client
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing

import pytest

from tokensvc.http_client import LONGEST_ANSWER, BoundedHttpClient, TooLong
from upstream_for_tests import answering, dripping, http_answer, upstream

HEADERS = {"Content-Type": "application/json"}


@pytest.fixture(name="connect")
def _connect():
    """Makes clients, and closes what they keep."""
    with ExitStack() as clients:
        yield lambda url: clients.enter_context(closing(BoundedHttpClient(url)))


def post(client, seconds=5.0):
    return client.post("/v1beta/auth_tokens", b"{}", HEADERS, deadline=time.monotonic() + seconds)


def test_two_requests(connect):
    """They share a connection."""
    with upstream(answering(http_answer(), http_answer())) as (url, received):
        client = connect(url)
        statuses = [post(client).status for _ in range(2)]

    assert statuses == [200, 200]
    assert len(received) == 2


def test_a_get(connect):
    """It has no body, and shares the connection and the rules."""
    with upstream(answering(http_answer(body=b"{}"), http_answer())) as (url, received):
        client = connect(url)
        answer = client.get("/keys", {"Accept": "application/json"}, deadline=time.monotonic() + 5)
        post(client)

    assert (answer.status, answer.body) == (200, b"{}")
    assert received[0].startswith(b"GET /keys HTTP/1.1\r\n")
    assert b"Content-Length" not in received[0]


@pytest.mark.parametrize("longest", [10, 100_000])
def test_another_cap(longest):
    """It is the caller's to say how long an answer may be."""
    with (
        upstream(
            answering(http_answer(body=b"a" * longest), http_answer(body=b"a" * (longest + 1)))
        ) as (url, _),
        closing(BoundedHttpClient(url, longest_answer=longest)) as client,
    ):
        assert len(post(client).body) == longest
        with pytest.raises(TooLong):
            post(client)


def test_a_redirect(connect):
    """It is an answer like any other: nobody goes where it points."""
    redirect = http_answer(307, b"", b"Location: http://127.0.0.1:9/elsewhere\r\n")
    with upstream(answering(redirect)) as (url, received):
        assert connect(url).get("/keys", {}, deadline=time.monotonic() + 5).status == 307

    assert len(received) == 1


def test_a_path_below_the_host(connect):
    """It is kept: a gateway may serve Google below a path."""
    with upstream(answering(http_answer())) as (url, received):
        post(connect(url + "/google"))

    assert received[0].startswith(b"POST /google/v1beta/auth_tokens HTTP/1.1\r\n")


def test_a_kept_connection_that_was_closed(connect):
    """It is replaced once, and the caller does not notice."""
    with upstream(answering(http_answer()), answering(http_answer())) as (url, received):
        client = connect(url)
        statuses = [post(client).status for _ in range(2)]

    assert statuses == [200, 200]
    assert len(received) == 2


def test_a_fresh_connection_that_is_closed(connect):
    """It is an error, and not asked again: a mint is not known to have failed."""
    with (
        upstream(answering()) as (url, received),
        pytest.raises((http.client.RemoteDisconnected, ConnectionError)),
    ):
        post(connect(url))

    assert received == []


@pytest.mark.parametrize(
    "content",
    [b"HTTP/1.1 200 OK\r\nX: " + b"a" * 4096, http_answer(body=b" " * 4096)],
    ids=["headers", "body"],
)
def test_an_upstream_that_drips(connect, content):
    """The deadline holds over the whole exchange, not over each byte."""
    started, stop = threading.Event(), threading.Event()
    with upstream(dripping(content, started, stop)) as (url, _):
        with pytest.raises(TimeoutError):
            post(connect(url), seconds=0.3)
        assert started.is_set()
        stop.set()


@pytest.fixture(name="resolver")
def _resolver(monkeypatch):
    """A resolver that hangs until it is released; it counts how often it was asked."""
    resolver = Resolver(socket.getaddrinfo)
    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    yield resolver
    resolver.released.set()


class Resolver:
    def __init__(self, real):
        self.real, self.asked, self.released = real, 0, threading.Event()

    def __call__(self, *arguments, **named):
        self.asked += 1
        self.released.wait(30)
        return self.real(*arguments, **named)


def test_a_resolver_that_hangs(connect, resolver):
    """The deadline holds over looking up the host, too; who asks again waits for that answer."""
    with upstream(answering(http_answer())) as (url, _):
        client = connect(url.replace("127.0.0.1", "localhost"))
        for _ in range(3):
            with pytest.raises(TimeoutError):
                post(client, seconds=0.05)
        assert resolver.asked == 1
        resolver.released.set()
        assert post(client).status == 200


def test_several_who_wait_for_one_answer(connect, resolver):
    """Each of them gets all of it: nobody's addresses are used up by another."""
    with upstream(*[answering(http_answer())] * 8) as (url, _), ThreadPoolExecutor(8) as pool:
        client = connect(url.replace("127.0.0.1", "localhost"))
        asking = [pool.submit(post, client) for _ in range(8)]
        with pytest.raises(TimeoutError):
            post(client, seconds=0.3)  # meanwhile they have begun to wait
        resolver.released.set()
        assert [one.result().status for one in asking] == [200] * 8


@pytest.mark.parametrize("host", ["nowhere.invalid", "a" * 64 + ".example", "a..b"])
def test_a_host_that_there_is_not(connect, host):
    """It is an error of the exchange; a later request asks anew."""
    client = connect(f"http://{host}:9")
    for _ in range(2):
        with pytest.raises(OSError, match=r".") as failed:
            post(client)
        assert not isinstance(failed.value, TimeoutError)


def test_an_upstream_that_says_nothing(connect):
    """The deadline ends the wait."""
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
def test_an_answer_without_end(connect, answer):
    """No more than the cap is read."""
    with upstream(answering(answer)) as (url, _), pytest.raises(TooLong):
        post(connect(url))


def test_an_answer_of_the_longest_length(connect):
    """It is taken, and its connection kept."""
    longest = http_answer(body=b"a" * LONGEST_ANSWER)
    with upstream(answering(longest, http_answer())) as (url, received):
        client = connect(url)
        first, second = post(client), post(client)

    assert len(first.body) == LONGEST_ANSWER
    assert second.status == 200
    assert len(received) == 2
