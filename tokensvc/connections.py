"""How a worker treats its connections: no client keeps its loop waiting, nor a thread for long."""

import selectors
import socket
import time
from concurrent.futures import Future
from functools import partial
from threading import Semaphore
from typing import Any

from gunicorn.http.errors import LimitRequestHeaders, ParseException
from gunicorn.workers.gthread import TConn, ThreadWorker

from tokensvc.errors import TimedOut

_RECEIVED_WITHIN = 10.0  # seconds, for all of a request
_YIELDS = 0.00005  # seconds for each connection that a worker has, before it accepts another
_MOST_YIELDED = 0.001
_NEXT_ACCEPT = 0.1  # seconds, after a failure
_NEXT_WITHIN = 0.01  # seconds for which a thread waits for another request
_MOST_LINGERING = 16  # threads that do so; fewer than a worker has
_SENT_WITHIN = 60.0  # seconds, for a part of a response
_CLOSED_WITHIN = 2.0  # seconds for the client to close, after a last response
_MOST_RECEIVED = 128 * 1024  # bytes of a request: its head, and the body or what is skipped of it


class RequestTooSlow(ParseException):  # type: ignore[misc]  # gunicorn ships no types
    """The request was not complete in time."""

    refusal = TimedOut  # of a body, which the application reads


class ClientSocket(socket.socket):
    """A connection to a client, on which no request and no response takes forever."""

    _deadline = 0.0
    _left = 0

    def expect_request(self) -> None:
        """Allow the next request its time and size."""
        self._deadline = time.monotonic() + _RECEIVED_WITHIN
        self._left = _MOST_RECEIVED

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Receive a part of the request; raise ParseException if it takes too long or too much."""
        if self._left <= 0:
            raise LimitRequestHeaders("request too large")
        self.settimeout(max(0.001, self._deadline - time.monotonic()))
        try:
            received = super().recv(size, flags)
        except TimeoutError:
            raise RequestTooSlow from None
        finally:
            self.settimeout(_SENT_WITHIN)
        self._left -= len(received)
        return received

    def await_request(self) -> bool:
        """Wait for a moment; return whether some of the next request has arrived, or the end of them all."""
        self.settimeout(_NEXT_WITHIN)
        try:
            super().recv(1, socket.MSG_PEEK)
        except OSError:
            return False
        return True

    def discard(self) -> bool:
        """Discard what has arrived; return whether more may follow."""
        try:
            received = len(super().recv(65536))
        except BlockingIOError:
            return True
        except OSError:
            return False
        self._left -= received
        return received > 0 and self._left > 0

    def sendall(self, content: Any, flags: int = 0) -> None:  # noqa: ANN401 - any buffer
        """Send *content*; raise BrokenPipeError if the client does not read it."""
        try:
            super().sendall(content, flags)
        except TimeoutError:
            raise BrokenPipeError from None

    def setblocking(self, flag: bool) -> None:  # noqa: FBT001 - as the standard library's
        """Wait when sending, for a while, or do not wait at all."""
        self.settimeout(_SENT_WITHIN if flag else 0)


class ConnectionWorker(ThreadWorker):  # type: ignore[misc]  # likewise
    """A worker whose threads have requests to read, and whose loop waits for no client.

    gunicorn itself lets a thread wait for a new connection's first byte, reads without a deadline,
    and waits in its loop until a client has closed.
    """

    def init_process(self) -> None:
        """Serve, in this process."""
        self._lingering = Semaphore(_MOST_LINGERING)
        super().init_process()

    def accept(self, listener: socket.socket) -> None:
        """Accept a connection, unless a worker with fewer of them comes first."""
        if self.cfg.workers > 1:
            time.sleep(min(self.nr_conns * _YIELDS, _MOST_YIELDED))
        try:
            super().accept(listener)
        except OSError as error:  # there are no descriptors left on the machine, for example
            self.log.warning("connection not accepted fault=%s", error.strerror)
            time.sleep(_NEXT_ACCEPT)

    def enqueue_req(self, conn: TConn) -> None:
        """Hand *conn* to a thread, once its client has sent something."""
        if conn.initialized or conn.data_ready:
            super().enqueue_req(conn)
            return
        client = conn.sock
        conn.sock = ClientSocket(client.family, client.type, client.proto, client.detach())
        self._poll(conn, self.cfg.keepalive, partial(self.on_pending_socket_readable, conn))

    def handle(self, conn: TConn) -> object:
        """Serve a request, in a thread, and those that follow it without a pause."""
        client = conn.sock
        if not isinstance(client, ClientSocket):  # gunicorn itself terminates TLS
            return super().handle(conn)
        client.expect_request()
        served = super().handle(conn)
        while served is True and self._next_arrives(client):
            client.expect_request()
            served = super().handle(conn)
        return served

    def _next_arrives(self, client: ClientSocket) -> bool:
        """Wait for a moment, unless many threads do, and return whether the client has sent something or has left.

        This saves the way through the loop: two thread switches, which are a tenth of the cost of a request on a kept
        connection, and a quarter of one that is alone on its connection.
        """
        if not self._lingering.acquire(blocking=False):
            return False
        try:
            return bool(self.alive) and client.await_request()
        finally:
            self._lingering.release()

    def _keepalive_after(self, conn: TConn, keepalive: object) -> bool:
        try:
            return bool(super()._keepalive_after(conn, keepalive))
        except ParseException:  # of a body that nobody needed; the response has been sent
            return False

    def finish_request(self, conn: TConn, served: Future[object]) -> None:
        """Keep or close the connection of a request that was served."""
        if not (served.cancelled() or served.exception()) and served.result():
            super().finish_request(conn, served)
            return
        # Closing at once could destroy the response on its way (RFC 9112, section 9.6).
        try:
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:  # the client has left
            self.nr_conns -= 1
            conn.close()
        else:
            self._poll(conn, _CLOSED_WITHIN, partial(self._discard, conn))

    def _poll(self, conn: TConn, seconds: float, callback: Any) -> None:  # noqa: ANN401 - gunicorn's
        """Have the loop call *callback* when *conn* is readable, or close it after *seconds*."""
        conn.sock.settimeout(0)
        conn.timeout = time.monotonic() + seconds
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, callback)

    def _discard(self, conn: TConn, client: socket.socket) -> None:
        if isinstance(client, ClientSocket) and client.discard():
            return
        self.poller.unregister(client)
        self.pending_conns.remove(conn)
        self.nr_conns -= 1
        conn.close()
