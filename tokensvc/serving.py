"""gunicorn's settings: `gunicorn --config python:tokensvc.serving 'tokensvc.app:create_app()'`.

Each lower-case name below is one of gunicorn's settings. The address comes from the command line or
PORT, the number of workers from WEB_CONCURRENCY. Put a buffering proxy in front, for the reason in
docs/deploying.md.

The master loads the configuration once, and its workers inherit it. At SIGHUP it loads it again and
replaces the workers.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import mmap
import os
import sys
import time
import traceback
import uuid
from functools import partial
from typing import TYPE_CHECKING

from gunicorn.arbiter import Arbiter
from gunicorn.errors import HaltServer
from gunicorn.http.errors import ParseException
from gunicorn.util import write_nonblock
from gunicorn.workers.gthread import ThreadWorker

from tokensvc import app, logs
from tokensvc.config.environment import log_level
from tokensvc.errors import (
    ConfigurationError,
    InternalError,
    InvalidRequest,
    TemporarilyUnavailable,
)
from tokensvc.store import engine as stores
from tokensvc.web_api import problems

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable


_LONGEST_PAUSE = 2.0  # seconds before the next try

# Shared by the master and its workers: one more than the number of failed starts in a row, or zero
# until a first worker has started.
_tries = mmap.mmap(-1, 1)


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn ships no types
    """A worker whose failure to start does not stop the service, and which logs no request."""

    _notified = 0.0

    def init_process(self) -> None:
        """Serve. If the worker cannot start, pause and exit, so that the master tries again.

        Exits with the code that makes gunicorn stop everything only if no worker has started yet.
        A later fault, such as a full disk or a store that restarts, is expected to pass.
        """
        try:
            super().init_process()
        except Exception as error:
            if self.booted:
                raise
            if not _tries[0]:
                self.log.error("worker cannot start, giving up fault=%s", _described(error))  # noqa: TRY400 - a traceback adds nothing
                sys.exit(Arbiter.WORKER_BOOT_ERROR)
            self.log.error("worker cannot start, will be retried fault=%s", _described(error))  # noqa: TRY400 - likewise
            time.sleep(_next_pause())
            sys.exit(1)

    def notify(self) -> None:
        """Tell the master that this worker is alive, once a second: each time writes to a file."""
        now = time.monotonic()
        if now >= self._notified + 1:
            self._notified = now
            super().notify()

    def is_parent_alive(self) -> bool:
        """Return whether the master is alive; if it is not, stop as if told to.

        Otherwise the worker would serve its busy connections, and hold the port, for all of
        `graceful_timeout`, and no successor could start.
        """
        if not super().is_parent_alive():
            self.alive = False
        return bool(self.alive)

    def handle_error(
        self, _request: object, client: socket.socket, _address: object, error: Exception
    ) -> None:
        """Send an error to *client*, whose request failed outside the application.

        gunicorn's own response and log line quote the request, which may contain a credential.
        """
        kind = InvalidRequest if isinstance(error, ParseException) else InternalError
        request_id = uuid.uuid4().hex
        self.log.warning(
            "request failed id=%s code=%s error=%s", request_id, kind.code, type(error).__name__
        )
        body = problems.document(kind(), request_id)
        head = (
            f"HTTP/1.1 {kind.status} {kind.title}\r\nConnection: close\r\n"
            f"Content-Type: {problems.MEDIA_TYPE}\r\nContent-Length: {len(body)}\r\n"
            "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n\r\n"
        )
        with contextlib.suppress(OSError):  # the client may have left
            write_nonblock(client, (head + body).encode())


worker_class = Worker  # threads, because requests mostly wait for Google
threads = 200  # more than may wait for Google at once (`gemini/gate.py`)
keepalive = 5  # seconds
graceful_timeout = 20  # seconds
limit_request_line = 2048  # bytes
limit_request_fields = 64
header_map = "drop"  # headers with underscores, which could pose as others
control_socket_disable = True
accesslog = "-"
# No query and no header: either may contain a secret.
access_log_format = "%(m)s %(U)s %(s)s %(D)s us"
try:
    _level = log_level(os.environ)
except ConfigurationError:  # on_starting reports it, together with every other fault
    _level = "INFO"
logconfig_dict = logs.configuration(_level)


def on_starting(server: Arbiter) -> None:
    """Load the configuration and upgrade the store, once for all workers.

    Exits with 2 and a list of every fault if the configuration is invalid.
    """
    try:
        deployment = _load(server)
        engine = stores.open_engine(deployment.settings.paths.database_url)
        stores.prepare(engine)
        app.hand_over(deployment)
    except ConfigurationError as error:
        print(error.report(), file=sys.stderr)  # noqa: T201 - for the operator, before there is a log
        sys.exit(2)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is reported in a sentence
        sys.exit(f"tokensvc cannot start: {_described(error)}")
    engine.dispose()  # nothing that holds a connection is shared over a fork
    server.spawn_worker = partial(_spawn, server.spawn_worker)
    server.reload = partial(_reload, server, server.reload)


def post_worker_init(worker: Worker) -> None:
    """Record that a worker has started."""
    _tries[0] = 1
    # Of every request's CPU time, a tenth went into searching what is there for good.
    gc.collect()
    gc.freeze()
    worker.log.info("worker started pid=%s", worker.pid)


def _load(server: Arbiter) -> app.Deployment:
    deployment = app.load_deployment(os.environ)
    # A Unix socket, which is given as text, is reached from this machine alone.
    deployment.check_bind_addresses(at[0] for at in server.cfg.address if not isinstance(at, str))
    return deployment


def _next_pause() -> float:
    """Return the backoff in seconds, counted over all workers."""
    _tries[0] = min(_tries[0] + 1, 255)  # it is one byte
    return min(_LONGEST_PAUSE, 0.25 * 2.0 ** (_tries[0] - 2))  # 2 after the first failure


def _spawn(spawn: Callable[[], int]) -> int:
    """Spawn a worker; if the machine cannot, leave it to gunicorn's next try, a second later.

    gunicorn itself would stop if the temporary folder is full or memory is short.
    """
    umask = os.umask(0o077)  # reading it means setting it
    os.umask(umask)
    try:
        return spawn()
    except (OSError, MemoryError) as error:
        os.umask(umask)  # gunicorn changes it, and does not restore it in this case
        if not _tries[0]:
            reason = f"worker cannot start, giving up fault={_described(error)}"
            raise HaltServer(reason, Arbiter.WORKER_BOOT_ERROR) from None
        logging.getLogger("gunicorn.error").error(  # noqa: TRY400 - a traceback adds nothing
            "worker cannot start, will be retried fault=%s", _described(error)
        )
        return 0  # in place of a process ID, which gunicorn does not use


def _reload(server: Arbiter, reload: Callable[[], None]) -> None:
    """Reload on SIGHUP. If new workers would fail to start, keep the old ones as they are."""
    try:
        deployment = _load(server)
        stores.open_existing(deployment.settings.paths.database_url).dispose()
        app.hand_over(deployment)
    except Exception as error:  # noqa: BLE001 - whatever it is, the workers that serve stay
        server.log.error("reload rejected fault=%s", _described(error))  # noqa: TRY400 - a traceback adds nothing
        return
    reload()


def _described(error: Exception) -> str:
    """Describe *error* in a line, without a message that might contain a secret."""
    if isinstance(error, ConfigurationError):
        return str(error)
    if isinstance(error, TemporarilyUnavailable):
        return error.cause
    if isinstance(error, OSError):
        return f"{error.strerror}: {error.filename}" if error.filename else str(error.strerror)
    *_, (frame, line) = traceback.walk_tb(error.__traceback__)  # the innermost frame
    where = f"{frame.f_code.co_filename}:{line}"
    if isinstance(error, ImportError):
        return f"{type(error).__name__} of {error.name} at {where}"
    return f"{type(error).__name__} at {where}"
