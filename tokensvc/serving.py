"""gunicorn's settings: `gunicorn --config python:tokensvc.serving 'tokensvc.app:create_app()'`.

Each name below is a setting of gunicorn's. The address is left to the command line or to PORT, the
number of workers to WEB_CONCURRENCY. Put a buffering proxy in front: docs/deploying.md says why.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
import uuid
from typing import TYPE_CHECKING

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

    from gunicorn.arbiter import Arbiter


_PAUSE = 1  # seconds before the next try


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn ships no types
    """A worker that quotes no request, and takes nobody down with it."""

    def load_wsgi(self) -> None:
        """Build the application; where that fails, another worker tries a little later.

        The start itself was checked whole in `on_starting`. What fails now has come since, such as
        a file that was saved half-edited or a store that restarts; gunicorn's own answer would be
        to stop the workers that still serve.
        """
        try:
            super().load_wsgi()
        except (ConfigurationError, TemporarilyUnavailable) as error:
            sentence = f"this worker cannot begin and is tried again: {error}"
            self.log.error(sentence)  # noqa: TRY400 - it names every fault; a traceback adds nothing
            time.sleep(_PAUSE)
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
    except TemporarilyUnavailable as error:
        sys.exit(f"tokensvc cannot start; the database of DATABASE_URL is away ({error.cause}).")
    engine.dispose()  # nothing that holds a connection is shared over a fork
