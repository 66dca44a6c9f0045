"""What the emulator sends is what the real service sent: kinds, order and fields of the messages.

Times are compared by `tests/bench/recordings.py`, which plays the same records.
"""

from __future__ import annotations

import pytest

from recordings.record import RECORDS
from recordings.replay import Replay, emulator_for


@pytest.mark.parametrize("record", RECORDS, ids=[record.name for record in RECORDS])
async def test_emulator_sends_what_was_recorded(record):
    await Replay(record, emulator_for(record)).run()
