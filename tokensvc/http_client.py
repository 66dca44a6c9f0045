"""One bounded HTTPS request over a kept connection: total deadline, no redirects, capped answer.

The HTTP libraries bound each read, not the whole exchange: an upstream that drips one byte at a
time holds their caller for as long as it likes.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import threading
import time
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Buffer

LONGEST_ANSWER = 64 * 1024  # bytes
_IDLE_KEPT = 32  # connections

_Address = tuple[int, tuple[Any, ...]]  # a family, and what `connect` takes


class TooLong(Exception):  # noqa: N818 - says what happened
    """The answer is longer than the client's cap."""


@dataclass(frozen=True)
class Answer:
    """What came back; *headers* have lower-case names."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class _Request:
    method: str
    path: str
    body: bytes | None
    headers: dict[str, str] = field(repr=False)  # one of them may be a key


class BoundedHttpClient:
    """Asks one origin; belongs to one process, and must not be shared over a fork."""

    def __init__(self, base_url: str, *, longest_answer: int = LONGEST_ANSWER) -> None:
        """*base_url* with scheme and host, and a path where the service lives below one.

        An answer's content over *longest_answer* bytes is not read.
        """
        self._longest_answer = longest_answer
        parts = urlsplit(base_url)
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if self._tls else 80)
        self._base_path = parts.path.rstrip("/")
        self._addresses = _Addresses(self._host, self._port)
        self._idle: deque[_Connection] = deque()
        self._lock = threading.Lock()

    def post(self, path: str, body: bytes, headers: dict[str, str], *, deadline: float) -> Answer:
        """Post *body* and read the whole answer before *deadline* (of `time.monotonic`).

        A kept connection that its other side has closed meanwhile is replaced once.

        Raises:
            TimeoutError: when the deadline passes, at whatever point.
            TooLong: for an answer over the cap.
            OSError, http.client.HTTPException: when the exchange fails otherwise.
        """
        return self._ask(_Request("POST", self._base_path + path, body, headers), deadline)

    def get(self, path: str, headers: dict[str, str], *, deadline: float) -> Answer:
        """Get *path*; everything else is as with `post`."""
        return self._ask(_Request("GET", self._base_path + path, None, headers), deadline)

    def close(self) -> None:
        """Close what is kept."""
        while (connection := self._take()) is not None:
            connection.close()

    def _ask(self, request: _Request, deadline: float) -> Answer:
        kept = self._take()
        if kept is not None:
            try:
                return self._exchange(kept, request, deadline)
            except (http.client.RemoteDisconnected, ConnectionError):
                pass  # gone stale while idle
        fresh = _Connection(self._host, self._port, self._tls, self._addresses)
        return self._exchange(fresh, request, deadline)

    def _exchange(self, connection: _Connection, request: _Request, deadline: float) -> Answer:
        connection.deadline = deadline
        try:
            connection.request(request.method, request.path, request.body, request.headers)
            with connection.getresponse() as response:
                content = _read_capped(response, self._longest_answer)
                reusable = not response.will_close
        except BaseException:
            connection.close()
            raise
        if reusable:
            self._give_back(connection)
        else:
            connection.close()
        return Answer(
            response.status,
            {name.lower(): value for name, value in response.getheaders()},
            content,
        )

    def _take(self) -> _Connection | None:
        with self._lock:
            return self._idle.pop() if self._idle else None

    def _give_back(self, connection: _Connection) -> None:
        with self._lock:
            if len(self._idle) < _IDLE_KEPT:
                self._idle.append(connection)
                return
        connection.close()


def _read_capped(response: http.client.HTTPResponse, longest: int) -> bytes:
    """The whole content, read to its end so that the connection can be used again."""
    content = response.read(longest + 1)
    if len(content) > longest or response.read(1):
        raise TooLong
    return content


class _Addresses:
    """The addresses of a host: the first of each family.

    A resolver may hang for as long as it likes, and nothing stops it: it does so in a thread of its
    own, and at most in one.
    """

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._lock = threading.Lock()
        self._asked: Future[tuple[_Address, ...]] | None = None

    def look_up(self, seconds: float) -> tuple[_Address, ...]:
        """What the resolver says within *seconds*; who asks meanwhile gets the same answer.

        Raises:
            TimeoutError: when the time is over.
            OSError: where there is no such host.
        """
        with self._lock:
            asked = self._asked
            if asked is None or asked.done():
                asked = Future()
                threading.Thread(target=self._ask, args=(asked,), daemon=True).start()
                self._asked = asked
        return asked.result(seconds)

    def _ask(self, asked: Future[tuple[_Address, ...]]) -> None:
        try:
            found = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        except UnicodeError:
            asked.set_exception(OSError("no host has such a name"))
        except Exception as error:  # noqa: BLE001 - it is raised where it is waited for
            asked.set_exception(error)
        else:
            first: dict[int, _Address] = {}
            for family, *_, address in found:
                first.setdefault(family, (family, address))
            asked.set_result(tuple(first.values()))


class _Connection(http.client.HTTPConnection):
    """A connection every one of whose waits ends at `deadline`."""

    def __init__(
        self, host: str, port: int, tls: ssl.SSLContext | None, addresses: _Addresses
    ) -> None:
        super().__init__(host, port)
        self._tls = tls
        self._addresses = addresses
        self.deadline = 0.0

    def connect(self) -> None:
        raw = self._connected()
        try:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls:
                raw.settimeout(self._left())
                raw = self._tls.wrap_socket(raw, server_hostname=self.host)
        except BaseException:
            raw.close()
            raise
        self.sock = _DeadlineSocket(raw, self._left)

    def _connected(self) -> socket.socket:
        """A connection to the first address of each family that takes one.

        The time left is shared: a family whose packets vanish, as on a machine with half an IPv6,
        must leave some to the other.
        """
        untried = list(self._addresses.look_up(self._left()))
        while True:
            family, address = untried.pop(0)
            raw = socket.socket(family, socket.SOCK_STREAM)
            try:
                raw.settimeout(self._left() / (1 + len(untried)))
                raw.connect(address)
            except OSError:
                raw.close()
                if not untried:
                    raise
            else:
                return raw

    def _left(self) -> float:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline has passed")
        return left


class _DeadlineSocket:
    """The part of a socket that `http.client` uses, with the time left set before each wait."""

    def __init__(self, raw: socket.socket, left: Callable[[], float]) -> None:
        self._raw = raw
        self._left = left
        self._reader: _DeadlineReader | None = None

    def sendall(self, content: bytes) -> None:
        self._raw.settimeout(self._left())  # sendall counts this over the whole of its work
        self._raw.sendall(content)

    def makefile(self, mode: str) -> io.BufferedReader:
        assert mode == "rb"  # noqa: S101 - http.client reads answers so
        self._reader = _DeadlineReader(self._raw, self._left)
        return io.BufferedReader(self._reader)

    def close(self) -> None:
        # http.client closes the connection as soon as it knows that the answer is its last, and
        # goes on reading that answer: the socket stays open for its reader.
        if self._reader is None or self._reader.closed:
            self._raw.close()
        else:
            self._reader.closes_socket = True


class _DeadlineReader(io.RawIOBase):
    def __init__(self, raw: socket.socket, left: Callable[[], float]) -> None:
        self._raw = raw
        self._left = left
        self.closes_socket = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        self._raw.settimeout(self._left())
        return self._raw.recv_into(buffer)

    def close(self) -> None:
        super().close()
        if self.closes_socket:
            self._raw.close()
