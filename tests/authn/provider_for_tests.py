"""A JWKS provider: a small HTTP server with adjustable behaviour that counts its requests."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import contextmanager

from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from tokensvc.authn.site_jwt.jwks_client import LONGEST_SET, Clocks
from upstream_for_tests import read_request

TIMEOUT = 10  # seconds that a test waits for an event before it fails


class SteppedClocks:
    """Clocks that move only when advanced."""

    fetch_limit = 0.3  # seconds; the service's own limit is 3 s

    def __init__(self, wall=1_790_000_000.0):
        self.steady, self.wall = 1000.0, wall

    def advance(self, seconds):
        self.steady += seconds
        self.wall += seconds

    def clocks(self):
        return Clocks(lambda: self.steady, lambda: self.wall, lambda: 0.0, self.fetch_limit)


class JwksProvider:
    """Answers each request with `answer` and counts the requests in `asked`."""

    def __init__(self, url):
        self.url = url + "/keys.json"
        self.asked = 0
        self.answer = answering(b"{}")
        self.request_arrived = threading.Event()
        self.released = threading.Event()

    def publish(self, *members, max_age=None):
        self.answer = answering(key_set(*members), max_age=max_age)

    def await_asked(self, count):
        """Wait until *count* requests have arrived."""
        while self.asked < count:
            self.request_arrived.clear()
            assert self.asked >= count or self.request_arrived.wait(TIMEOUT)


@contextmanager
def provider(*members):
    """Run a provider that publishes *members* at an address of its own."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        serving = JwksProvider(f"http://127.0.0.1:{server.getsockname()[1]}")
        serving.publish(*members)
        threads = []

        def serve(connection):
            with connection:
                if read_request(connection, []):
                    serving.asked += 1
                    serving.request_arrived.set()
                    serving.answer(connection, serving)

        def accept():
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                threads.append(threading.Thread(target=serve, args=(connection,), daemon=True))
                threads[-1].start()

        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        try:
            yield serving
        finally:
            serving.released.set()
            server.shutdown(socket.SHUT_RDWR)
            for thread in [accepting, *threads]:
                thread.join(TIMEOUT)
                assert not thread.is_alive()


def key_set(*members):
    return json.dumps({"keys": members}).encode()


def jwk(private, kid=None, **members):
    """Return the public half of *private* as a member of a key set."""
    kinds = {"RSA": RSAAlgorithm, "EC": ECAlgorithm, "Ed2": OKPAlgorithm}
    kind = next(kinds[name] for name in kinds if name in type(private).__name__)
    published = kind.to_jwk(private.public_key(), as_dict=True)
    published.pop("key_ops", None)
    return published | ({} if kid is None else {"kid": kid}) | members


def answering(body, *, status=200, max_age=None, headers=b""):
    """Return a behaviour that sends the whole response at once."""
    if max_age is not None:
        headers += b"Cache-Control: public, max-age=%d\r\n" % max_age
    head = b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n%s\r\n" % (status, len(body), headers)

    def answer(connection, _provider):
        connection.sendall(head + body)

    return answer


def hanging(_connection, provider):
    """Send nothing until the test ends the wait."""
    provider.released.wait(TIMEOUT)


def dripping(connection, provider):
    """Send one byte at a time, each within any read timeout."""
    for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"a" * 10_000:
        try:
            connection.sendall(bytes([byte]))
        except OSError:
            return
        if provider.released.wait(0.01):
            return


def huge(connection, _provider):
    """Send more than any key set needs."""
    body = b" " * (LONGEST_SET + 1)
    try:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    except OSError:
        return


def resetting(connection, _provider):
    """Close the connection without a response."""
    connection.shutdown(socket.SHUT_RDWR)


# Unusable responses of the kinds that providers send during outages.
BAD_RESPONSES = {
    "a server error": answering(b"{}", status=500),
    "not found": answering(b"{}", status=404),
    "a redirect": answering(b"", status=302, headers=b"Location: http://127.0.0.1:9/elsewhere\r\n"),
    "an HTML page": answering(b"<html>Sign in</html>"),
    "an empty body": answering(b""),
    "a list": answering(b"[]"),
    "an object as keys": answering(b'{"keys": {}}'),
    "no keys": answering(b'{"keys": []}'),
    "keys that are not objects": answering(b'{"keys": [1, null, "x", []]}'),
    "invalid keys": answering(b'{"keys": [{"kty": "RSA", "n": "!", "e": 3}, {"kty": []}]}'),
    "invalid UTF-8": answering(b'{"keys": "\xff"}'),
    "a duplicate member": answering(b'{"keys": [], "keys": [{}]}'),
    "deep nesting": answering(b'{"keys": ' + b"[" * 20_000 + b"]" * 20_000 + b"}"),
    "a huge number": answering(b'{"keys": ' + b"9" * 10_000 + b"}"),
    "another protocol": lambda connection, _: connection.sendall(b"220 smtp.example ESMTP\r\n"),
    "a closed connection": resetting,
    "a huge body": huge,
    "one byte at a time": dripping,
    "no response in time": hanging,
}
