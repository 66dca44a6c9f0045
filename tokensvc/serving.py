"""gunicorn's settings: `gunicorn --config python:tokensvc.serving 'tokensvc.app:create_app()'`.

Each lower-case name below is one of gunicorn's settings. The address comes from the command line or
PORT, the number of workers from WEB_CONCURRENCY. Put a buffering proxy in front, for the reason in
docs/deploying.md.

The master loads the configuration once, and its workers inherit it. At SIGHUP it loads it again and
replaces the workers.
"""

import contextlib
import ctypes
import gc
import logging
import mmap
import os
import resource
import signal
import socket
import sys
import time
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

from gunicorn import glogging
from gunicorn.arbiter import Arbiter
from gunicorn.errors import HaltServer
from gunicorn.http.errors import LimitRequestHeaders, LimitRequestLine, ParseException
from gunicorn.util import write_nonblock

from tokensvc import app, errors, logs
from tokensvc.config.environment import PRIVATE, log_level
from tokensvc.connections import ConnectionWorker, RequestTooSlow
from tokensvc.store import engine as stores
from tokensvc.web_api import headers, problems

_LONGEST_PAUSE = 2.0  # seconds before the next try
_M_ARENA_MAX = -8  # of glibc's mallopt(3)

# Shared by the master and its workers: one more than the number of failed starts in a row, or zero
# until a first worker has started.
_tries = mmap.mmap(-1, 1)


class Worker(ConnectionWorker):
    """A worker whose failure to start does not stop the service, and which logs no request."""

    _notified = 0.0

    def load_wsgi(self) -> None:
        """Build the application in this process, even if --preload has built one in the master."""
        self.app.callable = None
        super().load_wsgi()

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
                self.log.error("worker cannot start, giving up fault=%s", errors.described(error))  # noqa: TRY400 - a traceback adds nothing
                sys.exit(Arbiter.WORKER_BOOT_ERROR)
            self.log.error("worker cannot start, will be retried fault=%s", errors.described(error))  # noqa: TRY400 - likewise
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

    def handle_error(self, _request: object, client: socket.socket, _address: object, error: Exception) -> None:
        """Send an error to *client*, whose request failed outside the application.

        gunicorn's own response and log line quote the request, which may contain a credential.
        """
        kind: type[errors.Refusal] = errors.InternalError
        if isinstance(error, RequestTooSlow):
            kind = errors.TimedOut
        elif isinstance(error, (LimitRequestHeaders, LimitRequestLine)):
            kind = errors.HeadersTooLarge
        elif isinstance(error, ParseException):
            kind = errors.InvalidRequest
        request_id = uuid.uuid4().hex
        self.log.warning("request failed id=%s code=%s error=%s", request_id, kind.code, type(error).__name__)
        body = problems.document(kind(), request_id)
        security = "".join(f"{name}: {value}\r\n" for name, value in headers.DEFAULTS)
        head = (
            f"HTTP/1.1 {kind.status} {kind.title}\r\nConnection: close\r\n"
            f"Content-Type: {problems.MEDIA_TYPE}\r\nContent-Length: {len(body)}\r\n"
            f"Cache-Control: no-store\r\nVary: Origin\r\nX-Request-Id: {request_id}\r\n{security}"
            # So that a page can read it: its origin is unknown here, and there is no secret in it.
            "Access-Control-Allow-Origin: *\r\n\r\n"
        )
        with contextlib.suppress(OSError):  # the client may have left
            write_nonblock(client, (head + body).encode())


class Logger(glogging.Logger):  # type: ignore[misc]  # gunicorn ships no types
    """gunicorn's logger, which collects nothing for an access log that there is not."""

    @property
    def access_log_enabled(self) -> bool:
        """Whether somebody has asked for one."""
        return bool(self.cfg.accesslog)


logger_class = Logger
worker_class = Worker  # threads, because requests mostly wait for Google
threads = 200  # more than may wait for Google at once (`gemini/gate.py`)
_files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]  # that may be open; -1: any number
# Each may need another one to Google; 64 are for the store and the worker itself.
worker_connections = 1000 if _files < 0 else min(1000, max(32, _files - 64) // 2)
umask = 0o177  # of Unix sockets: only this user can connect
keepalive = 5  # seconds
graceful_timeout = 20  # seconds
limit_request_line = 2048  # bytes
limit_request_fields = 64
limit_request_field_size = 16_384  # bytes: a credential may list 150 groups
header_map = "drop"  # headers with underscores, which could pose as others
forwarder_headers = ""  # none of them is an exception: by default, SCRIPT_NAME is believed
control_socket_disable = True
try:
    _level = log_level(os.environ)
except errors.ConfigurationError:  # on_starting reports it, together with every other fault
    _level = "INFO"
logconfig_dict = logs.configuration(_level)


def on_starting(server: Arbiter) -> None:
    """Load the configuration and upgrade the store, once for all workers.

    Exits with 2 and a list of every fault if the configuration is invalid.
    """
    os.umask(PRIVATE)
    try:
        deployment = _load(server)
        engine = stores.open_engine(deployment.settings.paths.database_url)
        stores.prepare(engine)
        app.handed_over = deployment
    except errors.ConfigurationError as error:
        print(error.report(), file=sys.stderr)  # noqa: T201 - for the operator, before there is a log
        sys.exit(2)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is reported in a sentence
        sys.exit(f"tokensvc cannot start: {errors.described(error)}")
    engine.dispose()  # nothing that holds a connection is shared over a fork
    # Of every request's CPU time, a tenth went into searching what is there for good; and a search after the fork would
    # give each worker a copy of it all.
    gc.collect()
    gc.freeze()
    # Whichever thread reads a page of the store allocates it. With an arena for each thread, a worker that has removed
    # many outdated rows would keep 20 MB more.
    with contextlib.suppress(AttributeError):  # another C library than glibc
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)
    if (bind := deployment.configuration.http.metrics_bind) is not None:
        folder = deployment.settings.paths.data_dir / "metrics"  # where prometheus-client counts
        folder.mkdir(parents=True, exist_ok=True)
        for file in folder.glob("*.db"):  # of an earlier start
            file.unlink()
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
        server.setup = partial(_setup, server, server.setup, bind)
        _listen_too(server, bind)
    server.spawn_worker = partial(_spawn, server.spawn_worker)
    server.reload = partial(_reload, server, server.reload)


def worker_exit(_server: Arbiter, worker: Worker) -> None:
    """Let a worker write what it has counted."""
    if (wsgi := getattr(worker, "wsgi", None)) is not None:
        wsgi.close()


def child_exit(_server: Arbiter, worker: Worker) -> None:
    """Leave out the gauges of a worker that has ended."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        from tokensvc.web_api import metrics  # noqa: PLC0415 - as the module says

        metrics.forget(worker.pid)


def _setup(server: Arbiter, setup: Callable[[Any], None], bind: str, wsgi: Any) -> None:  # noqa: ANN401 - gunicorn's
    setup(wsgi)
    _listen_too(server, bind)


def _listen_too(server: Arbiter, bind: str) -> None:
    """Listen on *bind* as well: for the metrics, and for nothing else."""
    server.cfg.set("bind", [*server.cfg.bind, bind])


def post_worker_init(worker: Worker) -> None:
    """Start what runs beside requests, and record that a worker has started."""
    worker.wsgi.replace_worker = partial(os.kill, os.getpid(), signal.SIGTERM)
    logs.log_failed_threads()
    worker.wsgi.start()
    _tries[0] = 1
    gc.freeze()  # as in `on_starting`
    worker.log.info("worker started pid=%s", worker.pid)


def _load(server: Arbiter) -> app.Deployment:
    deployment = app.load_deployment(os.environ)
    # A Unix socket, which is given as text, is reached from this machine alone.
    binds = [(at[0], str(at[1])) for at in server.cfg.address if not isinstance(at, str)]
    metrics = deployment.configuration.http.metrics_address
    deployment.check_bind_addresses(address[0] for address in binds if address != metrics)
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
        fault = errors.described(error)
        if not _tries[0]:
            raise HaltServer(f"worker cannot start, giving up fault={fault}", Arbiter.WORKER_BOOT_ERROR) from None
        log = logging.getLogger("gunicorn.error")
        log.error("worker cannot start, will be retried fault=%s", fault)  # noqa: TRY400 - a traceback adds nothing
        return 0  # in place of a process ID, which gunicorn does not use


def _reload(server: Arbiter, reload: Callable[[], None]) -> None:
    """Reload on SIGHUP. If new workers would fail to start, keep the old ones as they are."""
    try:
        deployment = _load(server)
        stores.open_existing(deployment.settings.paths.database_url).dispose()
        app.handed_over = deployment
    except Exception as error:  # noqa: BLE001 - whatever it is, the workers that serve stay
        server.log.error("reload rejected fault=%s", errors.described(error))  # noqa: TRY400 - a traceback adds nothing
        return
    reload()
