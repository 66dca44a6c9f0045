"""gunicorn's settings: `gunicorn --config python:tokensvc.serving 'tokensvc.app:create_app()'`.

Each name below is a setting of gunicorn's. The address is left to the command line or to PORT, the
number of workers to WEB_CONCURRENCY. Put a buffering proxy in front: docs/deploying.md says why.
"""

from __future__ import annotations

import contextlib
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
from tokensvc.config.environment import Paths, log_level
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

# Shared by the master and its workers: how many tries to begin have failed in a row, and one more.
# Zero until a first worker has begun.
_tries = mmap.mmap(-1, 1)


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn ships no types
    """A worker that quotes no request, and whose failure to begin does not stop the service."""

    def init_process(self) -> None:
        """Serve. If that cannot begin, pause and exit, so that the master tries again.

        Exits with the code that makes gunicorn stop everything only if no worker has begun yet:
        after that, the fault has come since, such as a file that was saved half-edited or a store
        that restarts, and other workers still serve.
        """
        try:
            super().init_process()
        except Exception as error:
            if self.booted:
                raise
            if not _tries[0]:
                self.log.error("worker cannot begin, giving up: %s", _described(error))  # noqa: TRY400 - it names the fault; a traceback adds nothing
                sys.exit(Arbiter.WORKER_BOOT_ERROR)
            self.log.error("worker cannot begin, will be tried again: %s", _described(error))  # noqa: TRY400 - likewise
            time.sleep(_next_pause())
            sys.exit(1)

    def is_parent_alive(self) -> bool:
        """Whether the master lives; a worker without it leaves as if it had been told to.

        Else it would serve the connections that are kept busy, and hold the port, for the whole
        of `graceful_timeout`, while no other can begin.
        """
        if not super().is_parent_alive():
            self.alive = False
        return bool(self.alive)

    def handle_error(
        self, _request: object, client: socket.socket, _address: object, error: Exception
    ) -> None:
        """Answer *client*, whose request ended in *error* before or after the application.

        gunicorn's own answer, and its line in the log, quote the request: a credential may be in
        it.
        """
        kind = InvalidRequest if isinstance(error, ParseException) else InternalError
        name = uuid.uuid4().hex
        self.log.warning("no request for %s: %s %s", name, kind.code, type(error).__name__)
        body = problems.document(kind(), name)
        head = (
            f"HTTP/1.1 {kind.status} {kind.title}\r\nConnection: close\r\n"
            f"Content-Type: {problems.MEDIA_TYPE}\r\nContent-Length: {len(body)}\r\n"
            "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n\r\n"
        )
        with contextlib.suppress(OSError):  # nobody may be there any more
            write_nonblock(client, (head + body).encode())


worker_class = Worker  # threads: a request waits for Google, it does not compute
threads = 16
keepalive = 5
graceful_timeout = 20
limit_request_line = 2048
limit_request_fields = 64
header_map = "drop"
control_socket_disable = True
accesslog = "-"
# No query and no header: either may hold a secret.
access_log_format = "%(m)s %(U)s %(s)s %(D)s us"
try:
    logconfig_dict = logs.configuration(log_level(os.environ))
except ConfigurationError as error:
    sys.exit(error.report())


def on_starting(server: Arbiter) -> None:
    """Find every fault, compile the profiles and upgrade the store, once for all workers."""
    try:
        deployment = app.prepare(os.environ)
        # A socket of the file system, which is text, is reached by this machine alone.
        deployment.check_bind_addresses(
            at[0] for at in server.cfg.address if not isinstance(at, str)
        )
        engine = stores.open_engine(deployment.settings.paths.database_url)
        stores.prepare(engine)
    except ConfigurationError as error:
        sys.exit(error.report())
    except Exception as error:  # noqa: BLE001 - whatever it is, a start says it in a sentence
        sys.exit(f"tokensvc cannot start: {_described(error)}")
    engine.dispose()  # nothing that holds a connection is shared over a fork
    server.spawn_worker = partial(_spawn, server.spawn_worker)
    server.reload = partial(_reload, server, server.reload)


def post_worker_init(worker: Worker) -> None:
    """Take note that a worker has begun."""
    _tries[0] = 1
    worker.log.info("worker has begun pid=%s", worker.pid)


def _next_pause() -> float:
    """A little longer for each failure in a row, over all workers."""
    _tries[0] = min(_tries[0] + 1, 255)
    return min(_LONGEST_PAUSE, 0.25 * 2.0 ** (_tries[0] - 2))


def _spawn(spawn: Callable[[], int]) -> int:
    """Spawn a worker; if the machine refuses, leave it to gunicorn's next look, a second later.

    gunicorn's own answer to a full temporary folder, or to a fork without memory, is to stop.
    """
    umask = os.umask(0o077)
    os.umask(umask)
    try:
        return spawn()
    except (OSError, MemoryError) as error:
        os.umask(umask)  # gunicorn changes it, and does not change it back then
        if not _tries[0]:
            reason = f"worker cannot begin, giving up: {_described(error)}"
            raise HaltServer(reason, Arbiter.WORKER_BOOT_ERROR) from None
        logging.getLogger("gunicorn.error").error(  # noqa: TRY400 - it names the fault
            "worker cannot begin, will be tried again: %s", _described(error)
        )
        return 0


def _reload(server: Arbiter, reload: Callable[[], None]) -> None:
    """Reload, as SIGHUP asks, unless the new workers could not begin: then the old ones stay."""
    try:
        stores.open_existing(Paths.read(os.environ).database_url).dispose()
        app.prepare(os.environ)
    except Exception as error:  # noqa: BLE001 - whatever it is, the workers that serve stay
        server.log.error("not reloaded: %s", _described(error))  # noqa: TRY400 - it names the fault
        return
    reload()


def _described(error: Exception) -> str:
    """What went wrong, in a line; a message that is not known to hold no secret is left out."""
    if isinstance(error, ConfigurationError):
        return str(error)
    if isinstance(error, TemporarilyUnavailable):
        return error.cause
    if isinstance(error, OSError):
        return f"{error.strerror}: {error.filename}" if error.filename else str(error.strerror)
    *_, (frame, line) = traceback.walk_tb(error.__traceback__)
    where = f"{frame.f_code.co_filename}:{line}"
    if isinstance(error, ImportError):
        return f"{type(error).__name__} of {error.name} at {where}"
    return f"{type(error).__name__} at {where}"
