"""Formats the log as one JSON object per line, so that no input can forge a line."""

import json
import logging
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

_log = logging.getLogger(__name__)
_request: ContextVar[dict[str, Any] | None] = ContextVar("request", default=None)


def begin_request() -> dict[str, Any]:
    """Return what will be known of the request that begins in this thread, filled by `note` and `timed`."""
    facts: dict[str, Any] = {}
    _request.set(facts)
    return facts


def note(**facts: object) -> None:
    """Add *facts* to the line of the current request; those that are None are left out. No secret may be among them."""
    current = _request.get()
    if current is not None:
        current.update({name: fact for name, fact in facts.items() if fact is not None})


@contextmanager
def timed(name: str) -> Iterator[None]:
    """Add the time that the block takes to the current request's fact *name*, in milliseconds."""
    began = time.perf_counter()
    try:
        yield
    finally:
        current = _request.get()
        if current is not None:
            current[name] = round(current.get(name, 0.0) + 1000 * (time.perf_counter() - began), 1)


class JsonFormatter(logging.Formatter):
    """Writes `t` (the time), `level`, `logger`, `message` and, for an error, `exception`.

    A record with `facts` has each of them as a field, and a message that never changes.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return *record* as one line of JSON."""
        line = {
            "t": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info and record.exc_info[1]:
            line["exception"] = _frames(record.exc_info[1])
        return json.dumps(line)


def _frames(error: BaseException | None) -> str:
    """Return the frames and classes of *error* and its causes, without messages: one may contain a secret."""
    parts = []
    while error is not None:
        parts.append("".join(traceback.format_tb(error.__traceback__)) + type(error).__name__)
        error = error.__cause__ or error.__context__
    return "\ncaused by\n".join(parts)


def log_failed_threads() -> None:
    """Log an error that ends a thread, instead of writing its message to standard error."""

    def log(args: threading.ExceptHookArgs) -> None:
        name = args.thread.name if args.thread else ""
        _log.error("thread failed name=%s", name, exc_info=args.exc_value)

    threading.excepthook = log


def configuration(level: str) -> dict[str, object]:
    """Return a `logging.config` dictionary that writes *level* and above to standard output."""
    # At debug level gunicorn quotes requests, credentials included.
    quiet = {"handlers": ["output"], "level": "INFO" if level == "DEBUG" else level, "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonFormatter}},
        "handlers": {"output": {"class": "logging.StreamHandler", "formatter": "json", "stream": "ext://sys.stdout"}},
        "root": {"handlers": ["output"], "level": level},
        "loggers": {
            "gunicorn.error": quiet,
            "alembic": {"level": "WARNING"},
            "psycopg": {"level": "ERROR"},  # it warns of each connection that it cannot end
            "sqlalchemy": {"level": "WARNING"},  # below that it logs whole rows
        },
    }
