"""What may befall the service's upstream, by name: how it comes about, and what is expected then."""

from __future__ import annotations

import itertools
import json
import socket
import ssl
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import trustme

from system import faults

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from system.upstream import Exchange, Received, Upstream

BAD, UNREACHABLE, TIMEOUT = "502 upstream-bad-response", "502 upstream-unavailable", "504 upstream-timeout"
THROTTLED, REFUSED_KEY, REJECTED = "503 upstream-throttled", "503 issuer-misconfigured", "500 profile-rejected"
ONE, DEADLINE = 1.0, 5.5  # seconds for an answer
BURST = 10  # requests that fail


@dataclass(frozen=True)
class Fault:
    """A fault: its answers, how soon they come, and how often one request may reach Google.

    *retry_after* is what the answer passes on. A *quick* one is part of `make test`.
    """

    make: Callable[[Upstream, Certificates], AbstractContextManager[None]]
    expected: set[str]
    seconds: float = ONE
    sent: int = 1
    retry_after: int | None = None
    quick: bool = False


class Certificates:
    """An authority that the service trusts, and servers' certificates of several kinds."""

    def __init__(self, authority_file: Path) -> None:
        self.authority_file = authority_file
        self._trusted = trustme.CA()
        self._trusted.cert_pem.write_to_path(str(authority_file))
        self.good = _context(self._trusted, "localhost")
        yesterday = datetime.now(UTC) - timedelta(days=1)
        self.bad = {
            "expired": _context(self._trusted, "localhost", not_after=yesterday),
            "of another host": _context(self._trusted, "elsewhere.test"),
            "of an unknown authority": _context(trustme.CA(), "localhost"),
        }

    def secure(self, connection: socket.socket) -> socket.socket:
        """Begin TLS as a server."""
        return self.good.wrap_socket(connection, server_side=True)


def _context(authority: trustme.CA, host: str, **named: datetime) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host, **named).configure_cert(context)
    return context


@contextmanager
def _refused(upstream: Upstream, _certificates: Certificates) -> Iterator[None]:
    port = upstream.port
    upstream.leave()
    yield
    upstream.listen(port)


@contextmanager
def _black_hole(upstream: Upstream, _certificates: Certificates) -> Iterator[None]:
    """Listen with a queue that is full, so that the kernel ignores further attempts."""
    port = upstream.port
    upstream.leave()
    with ExitStack() as queue:
        server = queue.enter_context(socket.create_server(("127.0.0.1", port), backlog=0))
        for _ in range(3):
            waiting = queue.enter_context(socket.socket())
            waiting.settimeout(0)
            waiting.connect_ex(server.getsockname())
        yield
    upstream.listen(port)


@contextmanager
def _greeting(upstream: Upstream, greet: Callable[[socket.socket], socket.socket]) -> Iterator[None]:
    before, upstream.greet = upstream.greet, greet
    upstream.hang_up()
    yield
    upstream.greet = before


def _certificate(kind: str) -> Callable[[Upstream, Certificates], AbstractContextManager[None]]:
    def make(upstream: Upstream, certificates: Certificates) -> AbstractContextManager[None]:
        return _greeting(upstream, lambda raw: certificates.bad[kind].wrap_socket(raw, server_side=True))

    return make


def _handshake_hangs(upstream: Upstream, _certificates: Certificates) -> AbstractContextManager[None]:
    def greet(raw: socket.socket) -> socket.socket:
        while raw.recv(65536):
            pass  # until the service hangs up
        return raw

    return _greeting(upstream, greet)


def _answering(fault: faults.Fault | None) -> Callable[[Upstream, Certificates], AbstractContextManager[None]]:
    @contextmanager
    def make(upstream: Upstream, _certificates: Certificates) -> Iterator[None]:
        upstream.fault = fault
        yield
        upstream.fault = None

    return make


def _named(name: str) -> Callable[[Upstream, Certificates], AbstractContextManager[None]]:
    return _answering(faults.FAULTS[name])


def _minting(exchange: Exchange, _received: Received) -> None:
    """Mint, and close before the answer."""
    exchange.server.upstream.mint()


@contextmanager
def _burst(upstream: Upstream, _certificates: Certificates) -> Iterator[None]:
    """Fail some requests, and answer the others."""
    left = itertools.count(BURST, -1)

    def fault(exchange: Exchange, received: Received) -> bool:
        if next(left) > 0:
            faults.FAULTS["503"](exchange, received)
        else:
            exchange.send(faults.answer(200, json.dumps({"name": exchange.server.upstream.mint()}).encode()))
        return True

    with _answering(fault)(upstream, _certificates):
        yield


WRONG_ANSWERS = {
    "empty": "empty",
    "an empty object": "empty-object",
    "HTML": "html",
    "a list": "list",
    "a number for a name": "name-number",
    "a name of 60 KB": "name-long",
    "a name with line breaks": "name-lines",
    "not UTF-8": "not-utf8",
    "JSON 60,000 levels deep": "deep",
    "a body of 100 MB": "huge",
    "compressed": "zipped",
}
RETRY_AFTER = {"7 s": ("429", 7), "no": ("429-silent", 5), "a date as": ("429-date", 11)}
RETRY_AFTER |= {"a past date as": ("429-past", 5), "a negative": ("429-negative", 5), "an absurd": ("429-absurd", 5)}

FAULTS = {
    "connection refused": Fault(_refused, {UNREACHABLE}, quick=True),
    "black hole": Fault(_black_hole, {TIMEOUT, UNREACHABLE}, DEADLINE),
    **{f"certificate {kind}": Fault(_certificate(kind), {UNREACHABLE}) for kind in ("expired", "of another host")},
    "certificate of an unknown authority": Fault(_certificate("of an unknown authority"), {UNREACHABLE}, quick=True),
    "handshake hangs": Fault(_handshake_hangs, {TIMEOUT, UNREACHABLE}, DEADLINE),
    "no headers": Fault(_named("silent"), {TIMEOUT, UNREACHABLE}, DEADLINE, quick=True),
    "headers drip": Fault(_named("drips-headers"), {TIMEOUT, UNREACHABLE}, DEADLINE),
    "body drips": Fault(_named("drips-body"), {TIMEOUT, UNREACHABLE}, DEADLINE),
    "truncated": Fault(_named("truncated"), {BAD}),
    "reset in the body": Fault(_named("reset"), {UNREACHABLE, BAD}),
    "minted, and closed": Fault(_answering(_minting), {UNREACHABLE}, quick=True),
    **{f"200, {name}": Fault(_named(fault), {BAD}, 3.0) for name, fault in WRONG_ANSWERS.items()},
    **{
        f"429, {name} Retry-After": Fault(_named(fault), {THROTTLED}, retry_after=seconds, quick=seconds == 7)
        for name, (fault, seconds) in RETRY_AFTER.items()
    },
    "500": Fault(_named("500"), {UNREACHABLE}),
    f"503 for {BURST} requests": Fault(_burst, {"200", UNREACHABLE}, quick=True),
    "400": Fault(_named("400"), {REJECTED}),
    "401": Fault(_named("401"), {REFUSED_KEY}, sent=2),
    "403": Fault(_named("403"), {REFUSED_KEY}, sent=2, quick=True),
    "redirect": Fault(_named("307"), {BAD}, quick=True),
}
