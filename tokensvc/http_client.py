"""An HTTP client with a total deadline, a size limit, keep-alive connections and no redirects.

HTTP libraries limit the time of each read, not of the whole exchange: an upstream that sends one
byte at a time can block the caller forever. And the standard library's takes a third of a mint's
CPU time to read the headers of a response (docs/performance.md). This one reads what RFC 9112
requires of a client, and nothing else.
"""

from __future__ import annotations

import re
import socket
import ssl
import threading
import time
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_ANSWER = 64 * 1024  # bytes
_LONGEST_HEAD = 64 * 1024  # bytes
_MOST_HEADERS = 100
_IDLE_KEPT = 32  # connections
_BLOCK = 64 * 1024  # bytes read at once
_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9]{2})(?: [^\r\n]*)?")
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n]*?)[ \t]*")
_LENGTH = re.compile("[0-9]{1,18}")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?")

_Address = tuple[int, tuple[Any, ...]]  # a family, and the argument of `connect`


class TooLong(Exception):  # noqa: N818 - says what happened
    """The response is longer than the client's cap."""


class CutShort(Exception):  # noqa: N818 - likewise
    """The response's content is incomplete, or how it is framed is not valid."""


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
        self._authority = parts.netloc.rpartition("@")[2]
        self._base_path = parts.path.rstrip("/")
        self._resolver = _Resolver(self._host, parts.port or (443 if self._tls else 80))
        self._idle: deque[_Connection] = deque()
        self._lock = threading.Lock()

    def post(
        self, path: str, body: bytes, headers: Mapping[str, str], *, deadline: float
    ) -> Answer:
        """Post *body* and read the whole response before *deadline* (of `time.monotonic`).

        If a kept connection turns out to be closed, the request is sent again on a new one.

        Raises:
            TimeoutError: if the deadline passes, at any step.
            TooLong: if the response is over the cap.
            CutShort: if its content is incomplete.
            OSError: if the exchange fails in another way, or the response is not HTTP.
        """
        headers = {**headers, "Content-Length": str(len(body))}
        return self._send(self._request("POST", path, headers) + body, deadline)

    def get(self, path: str, headers: Mapping[str, str], *, deadline: float) -> Answer:
        """Get *path*, like `post`."""
        return self._send(self._request("GET", path, headers), deadline)

    def close(self) -> None:
        """Close every idle connection."""
        while (connection := self._take_idle()) is not None:
            connection.close()

    def _request(self, method: str, path: str, headers: Mapping[str, str]) -> bytes:
        fields = {"Host": self._authority, "Accept-Encoding": "identity", **headers}
        lines = [f"{method} {self._base_path}{path} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in fields.items()]
        if any("\r" in line or "\n" in line for line in lines):
            raise ValueError("a line break in a header")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def _send(self, request: bytes, deadline: float) -> Answer:
        idle = self._take_idle()
        if idle is not None:
            try:
                return self._exchange(idle, request, deadline)
            except ConnectionError:
                pass  # the server closed it while it was idle
        fresh = _connect(self._resolver, self._tls, self._host, deadline)
        return self._exchange(_Connection(fresh), request, deadline)

    def _exchange(self, connection: _Connection, request: bytes, deadline: float) -> Answer:
        try:
            answer, reusable = connection.exchange(request, self._longest_answer, deadline)
        except BaseException:
            connection.close()
            raise
        if reusable:
            self._keep_idle(connection)
        else:
            connection.close()
        return answer

    def _take_idle(self) -> _Connection | None:
        with self._lock:
            return self._idle.pop() if self._idle else None

    def _keep_idle(self, connection: _Connection) -> None:
        with self._lock:
            if len(self._idle) < _IDLE_KEPT:
                self._idle.append(connection)
                return
        connection.close()


def _time_left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("the deadline has passed")
    return left


def _connect(
    resolver: _Resolver, tls: ssl.SSLContext | None, host: str, deadline: float
) -> socket.socket:
    """Return a socket connected to the first address that accepts.

    Each address gets its share of the time left: on a machine with broken IPv6, its packets get
    lost, and there must be time left for IPv4.
    """
    untried = list(resolver.resolve(_time_left(deadline)))
    while True:
        family, address = untried.pop(0)
        raw = socket.socket(family, socket.SOCK_STREAM)
        try:
            raw.settimeout(_time_left(deadline) / (1 + len(untried)))
            raw.connect(address)
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if tls is None:
                return raw
            raw.settimeout(_time_left(deadline))
            return tls.wrap_socket(raw, server_hostname=host)
        except BaseException as error:
            raw.close()
            if not (isinstance(error, OSError) and untried):
                raise


class _Connection:
    """A connection on which no wait lasts beyond the deadline of its exchange."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._received = b""
        self._deadline = 0.0

    def close(self) -> None:
        self._socket.close()

    def exchange(self, request: bytes, longest: int, deadline: float) -> tuple[Answer, bool]:
        """Return the response, and whether the connection can be used again."""
        self._deadline = deadline
        self._socket.settimeout(_time_left(deadline))  # sendall applies it to all its writes
        self._socket.sendall(request)
        if not self._receive():
            raise ConnectionResetError("closed before a response")
        try:
            status = 0
            while status < HTTPStatus.OK:  # until a response that is final
                version, status, headers = self._head()
            content, framed = self._content(status, headers, longest)
        except ConnectionError as error:  # not to be sent again: the server has acted on it
            raise OSError("reset in the middle of a response") from error
        keeps = version == 1 and "close" not in headers.get("connection", "").lower()
        return Answer(status, headers, content), framed and keeps and not self._received

    def _receive(self) -> bool:
        """Read some more; return False at the end of the stream."""
        self._socket.settimeout(_time_left(self._deadline))
        block = self._socket.recv(_BLOCK)
        self._received += block
        return bool(block)

    def _head(self) -> tuple[int, int, dict[str, str]]:
        not_http = OSError("not an HTTP response")
        status_line, *lines = self._until(b"\r\n\r\n", not_http).split(b"\r\n")
        status = _STATUS_LINE.fullmatch(status_line)
        fields = [_HEADER.fullmatch(line) for line in lines]
        if status is None or None in fields or len(lines) > _MOST_HEADERS:
            raise not_http
        headers = {
            field[1].decode("ascii").lower(): field[2].decode("latin-1")
            for field in fields
            if field
        }
        return int(status[1]), int(status[2]), headers

    def _content(self, status: int, headers: dict[str, str], longest: int) -> tuple[bytes, bool]:
        """Return the content, and whether its end is marked by anything but the stream's end."""
        if status in {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}:
            return b"", True
        if "transfer-encoding" in headers:
            return self._chunks(longest), True
        if "content-length" in headers:
            if not _LENGTH.fullmatch(headers["content-length"]):
                raise CutShort("Content-Length")
            length = int(headers["content-length"])
            if length > longest:
                raise TooLong
            return self._take(length), True
        while len(self._received) <= longest:
            if not self._receive():
                return self._received, False
        raise TooLong

    def _chunks(self, longest: int) -> bytes:
        """Decode the chunks (RFC 9112, section 7.1); trailers are read and dropped."""
        content = b""
        while True:
            found = _CHUNK_SIZE.fullmatch(self._line())
            if found is None:
                raise CutShort("chunk size")
            size = int(found[1], 16)
            if size == 0:
                break
            if len(content) + size > longest:
                raise TooLong
            content += self._take(size)
            if self._line():
                raise CutShort("chunk")
        while self._line():
            pass
        return content

    def _line(self) -> bytes:
        return self._until(b"\r\n", CutShort("chunk"))

    def _until(self, mark: bytes, fault: Exception) -> bytes:
        """Return what comes before *mark*; raise *fault* if it is too long, or ends before."""
        while (end := self._received.find(mark)) < 0:
            if len(self._received) > _LONGEST_HEAD or not self._receive():
                raise fault
        found, self._received = self._received[:end], self._received[end + len(mark) :]
        return found

    def _take(self, length: int) -> bytes:
        while len(self._received) < length:
            if not self._receive():
                raise CutShort(f"{len(self._received)} of {length} bytes")
        taken, self._received = self._received[:length], self._received[length:]
        return taken


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
