"""An HTTP client with a total deadline, a size limit, keep-alive connections and no redirects.

HTTP libraries limit the time of each read, not of the whole exchange: an upstream that sends one
byte at a time can block the caller forever. And the standard library's takes a third of a mint's
CPU time to read the headers of a response (docs/performance.md). This one reads what RFC 9112
requires of a client, and nothing else.
"""

import base64
import re
import select
import socket
import ssl
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from tokensvc.threads import start_thread

LONGEST_ANSWER = 64 * 1024  # bytes
_LONGEST_HEAD = 64 * 1024  # bytes
_MOST_HEADERS = 100
_IDLE_KEPT = 150  # connections: as many as may wait for Google, so that the next crowd needs no handshakes
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
class Proxy:
    """An HTTP proxy that opens tunnels (CONNECT); *credentials* are `user:password`."""

    host: str
    port: int
    credentials: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return f"the proxy http://{self.host}:{self.port}"


@dataclass(frozen=True)
class Answer:
    """An HTTP response; *headers* have lower-case names."""

    status: int
    headers: dict[str, str]
    body: bytes


class BoundedHttpClient:
    """A client of one origin, for one process: it must not be shared across a fork."""

    def __init__(
        self,
        base_url: str,
        *,
        longest_answer: int = LONGEST_ANSWER,
        proxy: Proxy | None = None,
        check_address: Callable[[str], None] | None = None,
    ) -> None:
        """*base_url* may include a path; a response body over *longest_answer* bytes is refused.

        With a *proxy*, TLS is still with the origin, end to end. *check_address* raises OSError for
        an IP address that must not be connected to.
        """
        self._check_address = check_address
        self._longest_answer = longest_answer
        parts = urlsplit(base_url)
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._host = parts.hostname or ""
        port = parts.port or (443 if self._tls else 80)
        self._authority = parts.netloc.rpartition("@")[2]
        self._base_path = parts.path.rstrip("/")
        self._tunnel = _tunnel_request(self._host, port, proxy) if proxy else None
        self._resolver = _Resolver(*(proxy.host, proxy.port) if proxy else (self._host, port))
        self._idle: deque[_Connection] = deque()  # its methods are thread-safe
        # Closes every idle connection. Another application may mount the service, and drop it without closing anything.
        self.close = weakref.finalize(self, _close_all, self._idle)

    def post(self, path: str, body: bytes, headers: Mapping[str, str], *, deadline: float) -> Answer:
        """Post *body* and read the whole response before *deadline* (of `time.monotonic`).

        It is sent once: a request that was not answered may have been acted on.

        Raises:
            TimeoutError: if the deadline passes, at any step.
            TooLong: if the response is over the cap.
            CutShort: if its content is incomplete.
            OSError: if the exchange fails in another way, or the response is not HTTP.
        """
        return self._send("POST", path, {**headers, "Content-Length": str(len(body))}, body, deadline)

    def get(self, path: str, headers: Mapping[str, str], *, deadline: float) -> Answer:
        """Get *path*, like `post`."""
        return self._send("GET", path, headers, b"", deadline)

    def _send(self, method: str, path: str, headers: Mapping[str, str], body: bytes, deadline: float) -> Answer:
        fields = {"Host": self._authority, "Accept-Encoding": "identity", **headers}
        request = _request_head(f"{method} {self._base_path}{path} HTTP/1.1", fields) + body
        connection, reusable = self._take_idle() or self._connect(deadline), False
        try:
            answer, reusable = connection.exchange(request, self._longest_answer, deadline)
        finally:
            if reusable and len(self._idle) < _IDLE_KEPT:
                self._keep(connection)
            else:
                connection.close()
        return answer

    def _keep(self, connection: "_Connection") -> None:
        """Keep *connection* for the next request, and close the one that waits longest if the server has closed it."""
        self._idle.append(connection)
        with suppress(IndexError):  # others have taken them all
            longest = self._idle.popleft()
            if longest.is_quiet():
                self._idle.appendleft(longest)
            else:
                longest.close()

    def _take_idle(self) -> "_Connection | None":
        """Return a kept connection that the server has not closed."""
        with suppress(IndexError):  # none is left
            while not (idle := self._idle.pop()).is_quiet():
                idle.close()
            return idle
        return None

    def _connect(self, deadline: float) -> "_Connection":
        """Connect to the first address that accepts.

        Each address gets its share of the time left: on a machine with broken IPv6, its packets
        get lost, and there must be time left for IPv4.
        """
        untried = list(self._resolver.resolve(_time_left(deadline)))
        while True:
            family, address = untried.pop(0)
            if self._check_address:
                self._check_address(address[0])
            raw = socket.socket(family, socket.SOCK_STREAM)
            try:
                raw.settimeout(_time_left(deadline) / (1 + len(untried)))
                raw.connect(address)
                raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if self._tunnel:
                    _Connection(raw).open_tunnel(self._tunnel, deadline)
                if self._tls is None:
                    return _Connection(raw)
                raw.settimeout(_time_left(deadline))
                return _Connection(self._tls.wrap_socket(raw, server_hostname=self._host))
            except BaseException as error:
                raw.close()
                if not (isinstance(error, OSError) and untried):
                    raise


def _close_all(connections: deque["_Connection"]) -> None:
    with suppress(IndexError):  # none is left
        while True:
            connections.pop().close()


def _time_left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("the deadline has passed")
    return left


def _tunnel_request(host: str, port: int, proxy: Proxy) -> bytes:
    authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    fields = {"Host": authority}
    if proxy.credentials is not None:
        fields["Proxy-Authorization"] = f"Basic {base64.b64encode(proxy.credentials.encode()).decode()}"
    return _request_head(f"CONNECT {authority} HTTP/1.1", fields)


def _request_head(request_line: str, fields: Mapping[str, str]) -> bytes:
    lines = [request_line, *(f"{name}: {value}" for name, value in fields.items())]
    if any("\r" in line or "\n" in line for line in lines):
        raise ValueError("a line break in a header")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class _Connection:
    """A connection on which no wait lasts beyond the deadline of its exchange."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._received = b""
        self._deadline = 0.0

    def close(self) -> None:
        self._socket.close()

    def is_quiet(self) -> bool:
        """Return whether nothing has arrived, neither an end nor what was not asked for."""
        waiting = select.poll()
        waiting.register(self._socket, select.POLLIN)
        return not waiting.poll(0)

    def exchange(self, request: bytes, longest: int, deadline: float) -> tuple[Answer, bool]:
        """Return the response, and whether the connection can be used again."""
        version, status, headers = self._response_head(request, deadline)
        content, framed = self._content(status, headers, longest)
        keeps = version == 1 and "close" not in headers.get("connection", "").lower()
        return Answer(status, headers, content), framed and keeps and not self._received

    def open_tunnel(self, request: bytes, deadline: float) -> None:
        """Have the proxy connect us to the origin (RFC 9110, section 9.3.6)."""
        _, status, _ = self._response_head(request, deadline)
        if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES or self._received:
            raise OSError(f"proxy answered {status}")

    def _response_head(self, request: bytes, deadline: float) -> tuple[int, int, dict[str, str]]:
        """Send *request*; return the minor version, the status and the headers of the final response."""
        self._deadline = deadline
        self._socket.settimeout(_time_left(deadline))  # sendall applies it to all its writes
        self._socket.sendall(request)
        if not self._receive():
            raise ConnectionResetError("closed before a response")
        status = 0
        while status < HTTPStatus.OK:  # what comes before is interim
            version, status, headers = self._head()
        return version, status, headers

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
        headers = {field[1].decode("ascii").lower(): field[2].decode("latin-1") for field in fields if field}
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
                if not start_thread(self._look_up, lookup, name="lookup"):
                    raise OSError("no thread can be started")
                self._lookup = lookup  # only once something will end it
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
