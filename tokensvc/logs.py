"""Log lines as JSON, one a line, so that no text from outside can pass for a line of ours."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime


class JsonFormatter(logging.Formatter):
    """`{"t": time, "level", "logger", "message"}`, and `exception` with the frames where one is."""

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON."""
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
    """A `logging.config` dictionary: everything to standard output, from *level* up."""
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
            "sqlalchemy": {"level": "WARNING"},  # writes out whole rows
        },
    }
