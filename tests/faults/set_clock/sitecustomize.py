"""Lets a test set the clock that a Python program sees: the file SET_CLOCK holds by how many seconds it is ahead.

Python imports this module at its start if its folder is in PYTHONPATH. The monotonic clock is left alone.
"""

from __future__ import annotations

import datetime as dt
import os
import time
from pathlib import Path

_FILE = Path(os.environ["SET_CLOCK"])
_actual = time.time


def _time() -> float:
    return _actual() + float(_FILE.read_text(encoding="ascii"))


class _Datetime(dt.datetime):
    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:
        """Return the time by the clock as it was set."""
        return cls.fromtimestamp(_time(), tz)


time.time = _time
dt.datetime = _Datetime
