"""Removes outdated rows in the background, so that tables stay small and no request waits."""

import logging
import time
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Column, Engine, Table, delete, literal, select

from tokensvc.domain import LONGEST_WINDOW
from tokensvc.errors import TemporarilyUnavailable
from tokensvc.store.engine import transaction
from tokensvc.store.refunds import undo_interrupted
from tokensvc.store.schema import charges, leases, tokens, tool_calls
from tokensvc.store.times import DAY, SECOND, microseconds
from tokensvc.threads import start_thread

PAUSE = 20.0  # seconds between two sweeps of a process
_BATCH = 200  # rows removed at once: a few milliseconds
# A literal in the statement, so that PostgreSQL plans for few rows.
_FEW = literal(_BATCH, literal_execute=True)
_log = logging.getLogger(__name__)


class Sweeper:
    """Sweeps a store while it is used."""

    def __init__(
        self, engine: Engine, clock: Callable[[], datetime], steady: Callable[[], float] = time.monotonic
    ) -> None:
        """*clock* returns the time in UTC, *steady* one that is never set."""
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

        Most rows are removed a day late, in case the clock is set back.

        Raises:
            TemporarilyUnavailable: if the store cannot be written.
        """
        now = microseconds(self._clock())
        return (
            undo_interrupted(self._engine, now)
            + self._remove(charges, charges.c.at, now - LONGEST_WINDOW * SECOND)
            + self._remove(leases, leases.c.deadline, now - DAY)
            + self._remove(tokens, tokens.c.expires_at, now - DAY)
            + self._remove(tool_calls, tool_calls.c.deadline, now - DAY)
        )

    def _remove(self, table: Table, times: Column[int], before: int) -> int:
        oldest = select(table.c.id).where(times <= before).order_by(times).limit(_FEW)
        removed = 0
        while True:  # in short transactions, between those of requests
            with transaction(self._engine) as connection:
                gone = connection.execute(delete(table).where(table.c.id.in_(oldest))).rowcount
            removed += gone
            if gone < _BATCH:
                return removed

    def _try(self) -> None:
        try:
            removed = self.sweep()
        except TemporarilyUnavailable as error:
            _log.warning("sweep failed, will be retried cause=%s", error.cause)
        else:
            _log.debug("sweep finished rows=%d", removed)
