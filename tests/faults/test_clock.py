"""The machine's clock is set, both ways, under a service that runs."""

from __future__ import annotations

import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from programs import OPEN_PROFILE
from system.faults import FAULTS
from system.launching import launched

HOUR = 3600
STARTS = 5  # of a guest in an hour
CONFIGURATION = OPEN_PROFILE.replace('guest = ["100000/minute"]', f'guest = ["{STARTS}/hour"]')
SOONEST, LATEST = 4.5, 15.0  # seconds; a deadline is five, on a machine that may be busy


class Clock:
    """The clock that a program sees, without its monotonic one."""

    def __init__(self, file):
        self._file = file
        folder = Path(__file__).parent / "set_clock"
        self.environment = {"PYTHONPATH": str(folder), "SET_CLOCK": str(file)}
        self.set(0)

    def set(self, seconds):
        """Set the clock *seconds* ahead of the machine's."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{seconds}")
        new.replace(self._file)  # never half written


@pytest.fixture(name="clock")
def _clock(tmp_path):
    return Clock(tmp_path / "clock")


@pytest.fixture(name="program")
def _program(tmp_path, google, clock):
    with launched(tmp_path, CONFIGURATION, google.url, **clock.environment) as program:
        yield program


def starts(program, count=3 * STARTS):
    return Counter(program.post("/token").status for _ in range(count))


def test_clock_that_is_set_gives_no_second_allowance_and_stops_nothing(program, clock):
    """A clock that is set back by more than a limit's window gives one more: see docs/deploying.md."""
    assert starts(program) == {200: STARTS, 429: 2 * STARTS}
    for seconds in (-1, -120, 120):
        clock.set(seconds)
        assert starts(program) == {429: 3 * STARTS}
    clock.set(HOUR + 1)
    assert starts(program) == {200: STARTS, 429: 2 * STARTS}
    clock.set(HOUR - 119)
    assert starts(program) == {429: 3 * STARTS}
    program.await_ready(200)
    clock.set(2 * HOUR + 2)
    lease = program.post("/token").json["lease"]
    for seconds in (-118, 122):  # and back again, while a conversation goes on
        clock.set(2 * HOUR + 2 + seconds)
        renewed = program.post("/token", {"lease": lease, "resumption_handle": "handle"})
        assert renewed.status == 200
        assert 0 < renewed.json["expires_in"] <= 300


def test_deadline_is_by_a_clock_that_nobody_sets(program, clock, google):
    """Neither sooner, if the clock is set ahead meanwhile, nor later."""
    google.fault = FAULTS["drips-body"]  # so that there is always another wait, which looks at the clock
    try:
        for ahead in (3600, -3600):
            setting = threading.Timer(1, clock.set, [ahead])
            setting.start()
            began = time.monotonic()
            refused = program.post("/token")
            assert SOONEST < time.monotonic() - began < LATEST
            assert (refused.status, refused.code) == (504, "upstream-timeout")
            setting.join()
            clock.set(0)
    finally:
        google.fault = None
    assert program.post("/token").status == 200
