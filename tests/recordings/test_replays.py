"""What the emulator sends is what the real service sent: kinds, order and fields of the messages.

Times are compared by `tests/bench/recordings.py`, which plays the same records.
"""

from __future__ import annotations

import pytest

from recordings.record import RECORDS
from recordings.replay import Replay, ReplayError, emulator_for


def marks(record):
    """Return the marks of a record's replay: it must fail if the emulator is known to differ."""
    return [pytest.mark.xfail(reason=record.differs, raises=ReplayError)] if record.differs else []


@pytest.mark.parametrize(
    "record", [pytest.param(record, id=record.name, marks=marks(record)) for record in RECORDS]
)
async def test_emulator_sends_what_was_recorded(record):
    await Replay(record, emulator_for(record)).run()
