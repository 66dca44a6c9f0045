"""Keeps a slow or unreachable Google from taking every thread: a bulkhead, and a circuit breaker.

Each thread that waits for Google is one that cannot serve anything else. So fewer may wait than
there are threads, and while Google does not answer at all, only one at a time tries.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tokensvc.errors import UpstreamBusy, UpstreamUnavailable

# Three quarters of the worker's threads (`serving.threads`); the rest refuse, and serve health checks and pages.
MOST_WAITING = 150
FOR_RENEWALS = 24  # of these: conversations that are under way come first
FAILURES = 16  # in a row, until nothing is sent
PAUSE = 2.0  # seconds until one request tries again
EACH = 0.02  # seconds by which each start that is refused lengthens the time over which all of them come again
LONGEST = 30.0  # seconds for that


class Gate:
    """Lets requests through to Google while it answers and few are waiting."""

    def __init__(
        self,
        *,
        most: int = MOST_WAITING,
        for_renewals: int = FOR_RENEWALS,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        """*steady* returns seconds of a clock that is never set."""
        self._most = most
        self._most_starts = most - for_renewals
        self._steady = steady
        self._lock = threading.Lock()
        self._waiting = 0
        self._failures = 0
        self._closed_until = 0.0
        self._trying = False  # one request, to see whether Google answers again
        self._all_again = 0.0  # when all starts that were refused have come again
        # Told of each request after which it is known whether Google answers.
        self.tell: Callable[[bool], None] = lambda _answers: None

    @contextmanager
    def passage(self, *, renewal: bool) -> Iterator[None]:
        """Hold a place among those that may wait for Google.

        Raises:
            UpstreamBusy: if too many are waiting.
            UpstreamUnavailable: if Google has not answered for a while.
        """
        tries = self._enter(renewal=renewal)
        try:
            yield
        finally:
            with self._lock:
                self._waiting -= 1
                if tries:  # even if it was refused before it asked Google: the next one tries
                    self._trying = False

    def record(self, *, answered: bool) -> None:
        """Learn how a request to Google ended."""
        with self._lock:
            self._failures = 0 if answered else self._failures + 1
            if self._failures >= FAILURES:
                self._closed_until = self._steady() + PAUSE
            known = answered or self._failures >= FAILURES
        if known:
            self.tell(answered)

    def _enter(self, *, renewal: bool) -> bool:
        """Take a place; return whether this request tries, and no other."""
        with self._lock:
            if self._waiting >= (self._most if renewal else self._most_starts):
                raise UpstreamBusy(cause=f"{self._waiting} mints waiting", retry_after=self._later(renewal))
            tries = self._failures >= FAILURES
            if tries:
                wait = PAUSE if self._trying else self._closed_until - self._steady()
                if wait > 0:
                    raise UpstreamUnavailable(cause="no answer lately", retry_after=wait + self._later(renewal))
                self._trying = True
            self._waiting += 1
            return tries

    def _later(self, renewal: bool) -> float:  # noqa: FBT001 - only called above
        """Return after how many seconds to come again: a renewal at once, the starts of a crowd spread out."""
        if renewal:
            return 0.0
        now = self._steady()
        self._all_again = min(max(now, self._all_again) + EACH, now + LONGEST)
        return random.uniform(0, self._all_again - now)  # noqa: S311 - nobody gains by guessing it
