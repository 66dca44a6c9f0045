"""gunicorn's settings: `gunicorn --config python:tokensvc.serving 'tokensvc.app:create_app()'`.

Each name below is a setting of gunicorn's. The address is left to the command line or to PORT, the
number of workers to WEB_CONCURRENCY. Put a buffering proxy in front: docs/deploying.md says why.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from tokensvc import app, logs
from tokensvc.errors import ConfigurationError
from tokensvc.store import engine as stores

if TYPE_CHECKING:
    from gunicorn.arbiter import Arbiter

worker_class = "gthread"  # a request waits for Google, it does not compute
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
logconfig_dict = logs.configuration(os.environ.get("TOKENSVC_LOG_LEVEL", "info").upper())


def on_starting(_server: Arbiter) -> None:
    """Find every fault, compile the profiles and upgrade the store, once for all workers."""
    try:
        deployment = app.prepare(os.environ)
    except ConfigurationError as error:
        sys.exit(error.report())
    engine = stores.open_engine(deployment.settings.places.database_url)
    stores.prepare(engine)
    engine.dispose()  # nothing that holds a connection is shared over a fork
