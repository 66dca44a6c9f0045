"""The emulator's clock: the machine's time plus whatever a test has skipped."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime


class Clock:
    """A monotonic clock in Unix seconds that can jump ahead.

    A skip wakes every sleeper whose deadline it passes, so that a test can cover a token's twenty
    hours or a connection's ten minutes without waiting.
    """

    def __init__(self) -> None:
        self._origin = time.time() - time.monotonic()
        self._skipped = 0.0
        self._jump = asyncio.Event()

    def now(self) -> float:
        """Return the seconds since 1970; the value never decreases."""
        return self._origin + time.monotonic() + self._skipped

    def skip(self, seconds: float) -> None:
        """Move the clock ahead by *seconds*."""
        self._skipped += seconds
        self._jump.set()  # wakes the sleepers; later ones wait for the next event
        self._jump = asyncio.Event()

    async def sleep_until(self, deadline: float) -> None:
        """Wait until *deadline* (Unix seconds); return immediately if it has passed."""
        while (left := deadline - self.now()) > 0:
            try:
                async with asyncio.timeout(left):
                    await self._jump.wait()
            except TimeoutError:
                continue  # the timer may fire a moment before the deadline

    async def sleep(self, seconds: float) -> None:
        """Wait for *seconds*."""
        await self.sleep_until(self.now() + seconds)


def rfc3339(moment: float) -> str:
    """Format Unix seconds as a proto-JSON timestamp in UTC, e.g. ``2026-11-22T23:10:00.5Z``."""
    return datetime.fromtimestamp(moment, UTC).isoformat().replace("+00:00", "Z")
