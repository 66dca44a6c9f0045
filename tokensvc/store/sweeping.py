"""Removes outdated rows in the background, so that tables stay small and no request waits."""

import logging
import time
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Engine

from tokensvc.domain import LONGEST_WINDOW
from tokensvc.errors import TemporarilyUnavailable
from tokensvc.store.engine import remove_until
from tokensvc.store.refunds import undo_interrupted
from tokensvc.store.schema import charges, leases, tokens, tool_calls
from tokensvc.store.times import DAY, SECOND, microseconds
from tokensvc.threads import start_thread

PAUSE = 20.0  # seconds between two sweeps of a process
_log = logging.getLogger(__name__)


class Sweeper:
    """Sweeps a store while it is used."""

    def __init__(
        self, engine: Engine, clock: Callable[[], datetime], steady: Callable[[], float] = time.monotonic
    ) -> None:
        """*steady* returns a time that is never set, in seconds."""
        self._engine = engine
        self._clock = clock
        self._steady = steady
        self._next = steady() + PAUSE

    def tick(self) -> None:
        """Start a sweep in the background if one is due."""
        now = self._steady()
        if now >= self._next:
            self._next = now + PAUSE
            start_thread(self._try, name="sweeper")

    def sweep(self) -> int:
        """Undo interrupted mints, and remove what is outdated; return how many rows that concerned.

        Most rows are removed a day late, in case the clock is set back. May raise TemporarilyUnavailable.
        """
        now = microseconds(self._clock())
        return (
            undo_interrupted(self._engine, now)
            + remove_until(self._engine, charges, charges.c.at, now - LONGEST_WINDOW * SECOND)
            + remove_until(self._engine, leases, leases.c.deadline, now - DAY)
            + remove_until(self._engine, tokens, tokens.c.expires_at, now - DAY)
            + remove_until(self._engine, tool_calls, tool_calls.c.deadline, now - DAY)
        )

    def _try(self) -> None:
        try:
            removed = self.sweep()
        except TemporarilyUnavailable as error:
            _log.warning("sweep failed, will be retried cause=%s", error.cause)
        else:
            _log.debug("sweep finished rows=%d", removed)
