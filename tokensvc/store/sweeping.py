"""Removes outdated rows in the background, so that tables stay small and no request waits."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from sqlalchemy import delete, literal, select

from tokensvc.domain import LONGEST_WINDOW
from tokensvc.errors import TemporarilyUnavailable
from tokensvc.store.engine import transaction
from tokensvc.store.schema import charges, leases, tokens
from tokensvc.store.times import DAY, SECOND, microseconds

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Column, Engine, Table

PAUSE = 60.0  # seconds between two sweeps of a process
_BATCH = 200  # rows removed at once: a few milliseconds
# A literal in the statement, so that PostgreSQL plans for few rows.
_FEW = literal(_BATCH, literal_execute=True)
_log = logging.getLogger(__name__)


class Sweeper:
    """Sweeps a store while it is used."""

    def __init__(
        self,
        engine: Engine,
        clock: Callable[[], datetime],
        steady: Callable[[], float] = time.monotonic,
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
            threading.Thread(target=self._try, name="sweeper", daemon=True).start()

    def sweep(self) -> int:
        """Remove all outdated rows, most a day late in case the clock is set back; count them.

        Raises:
            TemporarilyUnavailable: if the store cannot be written.
        """
        now = microseconds(self._clock())
        return (
            self._remove(charges, charges.c.at, now - LONGEST_WINDOW * SECOND)
            + self._remove(leases, leases.c.deadline, now - DAY)
            + self._remove(tokens, tokens.c.expires_at, now - DAY)
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
