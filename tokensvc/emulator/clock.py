"""Time as the emulator sees it: the machine's, plus what a test has skipped."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime


class Clock:
    """Unix time in seconds, monotonic, and able to jump ahead.

    A skip wakes every sleeper whose moment it passes, so that twenty hours of token life or ten
    minutes of connection can be tested in a moment.
    """

    def __init__(self) -> None:
        self._origin = time.time() - time.monotonic()
        self._skipped = 0.0
        self._jump = asyncio.Event()

    def now(self) -> float:
        """Seconds since 1970, never going back."""
        return self._origin + time.monotonic() + self._skipped

    def skip(self, seconds: float) -> None:
        """Let *seconds* pass at once."""
        self._skipped += seconds
        self._jump.set()
        self._jump = asyncio.Event()

    async def sleep_until(self, moment: float) -> None:
        """Return when it is *moment* (Unix seconds), at once if it has been."""
        while (left := moment - self.now()) > 0:
            try:
                async with asyncio.timeout(left):
                    await self._jump.wait()
            except TimeoutError:
                continue

    async def sleep(self, seconds: float) -> None:
        """Return in *seconds*."""
        await self.sleep_until(self.now() + seconds)


def rfc3339(moment: float) -> str:
    """Unix seconds as a proto-JSON timestamp in UTC, e.g. ``2026-11-22T23:10:00.5Z``."""
    return datetime.fromtimestamp(moment, UTC).isoformat().replace("+00:00", "Z")
