"""An HTTP client with a total deadline, a size limit, keep-alive connections and no redirects.

HTTP libraries limit the time of each read, not of the whole exchange: an upstream that sends one
byte at a time can block the caller forever.
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
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Buffer

LONGEST_ANSWER = 64 * 1024  # bytes
_IDLE_KEPT = 32  # connections

_Request = tuple[str, str, bytes | None, dict[str, str]]  # method, path, body, headers
_Address = tuple[int, tuple[Any, ...]]  # a family, and the argument of `connect`


class TooLong(Exception):  # noqa: N818 - says what happened
    """The response is longer than the client's cap."""


@dataclass(frozen=True)
class Answer:
    """An HTTP response; *headers* have lower-case names."""

    status: int
    headers: dict[str, str]
    body: bytes


class BoundedHttpClient:
    """A client of one origin, for one process: it must not be shared across a fork."""

    def __init__(self, base_url: str, *, longest_answer: int = LONGEST_ANSWER) -> None:
        """*base_url* may include a path; a response body over *longest_answer* bytes is refused."""
        self._longest_answer = longest_answer
        parts = urlsplit(base_url)
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if self._tls else 80)
        self._base_path = parts.path.rstrip("/")
        self._resolver = _Resolver(self._host, self._port)
        self._idle: deque[_Connection] = deque()
        self._lock = threading.Lock()

    def post(self, path: str, body: bytes, headers: dict[str, str], *, deadline: float) -> Answer:
        """Post *body* and read the whole response before *deadline* (of `time.monotonic`).

        If a kept connection turns out to be closed, the request is sent again on a new one.

        Raises:
            TimeoutError: if the deadline passes, at any step.
            TooLong: if the response is over the cap.
            OSError, http.client.HTTPException: if the exchange fails in another way.
        """
        return self._send(("POST", self._base_path + path, body, headers), deadline)

    def get(self, path: str, headers: dict[str, str], *, deadline: float) -> Answer:
        """Get *path*, like `post`."""
        return self._send(("GET", self._base_path + path, None, headers), deadline)

    def close(self) -> None:
        """Close every idle connection."""
        while (connection := self._take_idle()) is not None:
            connection.close()

    def _send(self, request: _Request, deadline: float) -> Answer:
        idle = self._take_idle()
        if idle is not None:
            try:
                return self._exchange(idle, request, deadline)
            except (http.client.RemoteDisconnected, ConnectionError):
                pass  # the server closed it while it was idle
        fresh = _Connection(self._host, self._port, self._tls, self._resolver)
        return self._exchange(fresh, request, deadline)

    def _exchange(self, connection: _Connection, request: _Request, deadline: float) -> Answer:
        connection.deadline = deadline
        try:
            connection.request(*request)
            with connection.getresponse() as response:
                content = _read_capped(response, self._longest_answer)
                reusable = not response.will_close
        except BaseException:
            connection.close()
            raise
        if reusable:
            self._keep_idle(connection)
        else:
            connection.close()
        return Answer(
            response.status, {name.lower(): value for name, value in response.getheaders()}, content
        )

    def _take_idle(self) -> _Connection | None:
        with self._lock:
            return self._idle.pop() if self._idle else None

    def _keep_idle(self, connection: _Connection) -> None:
        with self._lock:
            if len(self._idle) < _IDLE_KEPT:
                self._idle.append(connection)
                return
        connection.close()


def _read_capped(response: http.client.HTTPResponse, longest: int) -> bytes:
    """Return the whole content, read to its end so that the connection can be used again."""
    content = response.read(longest + 1)
    if len(content) > longest or response.read(1):
        raise TooLong
    return content


class _Resolver:
    """Resolves a host name; the system's resolver may hang, so it runs in at most one thread."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._lock = threading.Lock()
        self._lookup: Future[tuple[_Address, ...]] | None = None

    def resolve(self, seconds: float) -> tuple[_Address, ...]:
        """Return the first address of each family; concurrent callers share one lookup.

        Raises:
            TimeoutError: if the lookup takes longer than *seconds*.
            OSError: if there is no such host.
        """
        with self._lock:
            lookup = self._lookup
            if lookup is None or lookup.done():
                lookup = Future()
                threading.Thread(target=self._look_up, args=(lookup,), daemon=True).start()
                self._lookup = lookup
        return lookup.result(seconds)

    def _look_up(self, lookup: Future[tuple[_Address, ...]]) -> None:
        try:
            found = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        except UnicodeError:
            lookup.set_exception(OSError("not a valid host name"))
        except Exception as error:  # noqa: BLE001 - raised in the waiting threads
            lookup.set_exception(error)
        else:
            first: dict[int, _Address] = {}
            for family, *_, address in found:
                first.setdefault(family, (family, address))
            lookup.set_result(tuple(first.values()))


class _Connection(http.client.HTTPConnection):
    """A connection on which no wait lasts beyond `deadline` (of `time.monotonic`)."""

    def __init__(
        self, host: str, port: int, tls: ssl.SSLContext | None, resolver: _Resolver
    ) -> None:
        super().__init__(host, port)
        self._tls = tls
        self._resolver = resolver
        self.deadline = 0.0  # set before each exchange

    def connect(self) -> None:
        raw = self._connect_to_any()
        try:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls:
                raw.settimeout(self._time_left())
                raw = self._tls.wrap_socket(raw, server_hostname=self.host)
        except BaseException:
            raw.close()
            raise
        self.sock = _DeadlineSocket(raw, self._time_left)

    def _connect_to_any(self) -> socket.socket:
        """Return a socket connected to the first address that accepts.

        Each address gets its share of the time left: on a machine with broken IPv6, its
        packets get lost, and there must be time left for IPv4.
        """
        untried = list(self._resolver.resolve(self._time_left()))
        while True:
            family, address = untried.pop(0)
            raw = socket.socket(family, socket.SOCK_STREAM)
            try:
                raw.settimeout(self._time_left() / (1 + len(untried)))
                raw.connect(address)
            except OSError:
                raw.close()
                if not untried:
                    raise
            else:
                return raw

    def _time_left(self) -> float:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline has passed")
        return left


class _DeadlineSocket:
    """The methods of a socket that `http.client` uses, each limited to the time left."""

    def __init__(self, raw: socket.socket, time_left: Callable[[], float]) -> None:
        self._raw = raw
        self._time_left = time_left
        self._reader: _DeadlineReader | None = None

    def sendall(self, content: bytes) -> None:
        self._raw.settimeout(self._time_left())  # sendall applies it to all its writes together
        self._raw.sendall(content)

    def makefile(self, mode: str) -> io.BufferedReader:
        assert mode == "rb"  # noqa: S101 - the only mode that http.client uses
        self._reader = _DeadlineReader(self._raw, self._time_left)
        return io.BufferedReader(self._reader)

    def close(self) -> None:
        # http.client closes the connection before it reads the last response's body, so the socket
        # stays open until its reader is closed.
        if self._reader is None or self._reader.closed:
            self._raw.close()
        else:
            self._reader.closes_socket = True


class _DeadlineReader(io.RawIOBase):
    def __init__(self, raw: socket.socket, time_left: Callable[[], float]) -> None:
        self._raw = raw
        self._time_left = time_left
        self.closes_socket = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        self._raw.settimeout(self._time_left())
        return self._raw.recv_into(buffer)

    def close(self) -> None:
        super().close()
        if self.closes_socket:
            self._raw.close()
