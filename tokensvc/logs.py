"""Formats the log as one JSON object per line, so that no input can forge a line."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime


class JsonFormatter(logging.Formatter):
    """Writes `t` (the time), `level`, `logger`, `message` and, for an error, `exception`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return *record* as one line of JSON."""
        line = {
            "t": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


def configuration(level: str) -> dict[str, object]:
    """Return a `logging.config` dictionary that writes *level* and above to standard output."""
    to_output = {"handlers": ["output"], "level": level, "propagate": False}
    # At debug level gunicorn quotes requests, credentials included.
    quiet = to_output | {"level": "INFO" if level == "DEBUG" else level}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonFormatter}},
        "handlers": {
            "output": {
                "class": "logging.StreamHandler",
                "formatter": "json",
                "stream": "ext://sys.stdout",
            }
        },
        "root": {"handlers": ["output"], "level": level},
        "loggers": {
            "gunicorn.error": quiet,
            "gunicorn.access": to_output,
            "alembic": {"level": "WARNING"},
            "sqlalchemy": {"level": "WARNING"},  # below that it logs whole rows
        },
    }
