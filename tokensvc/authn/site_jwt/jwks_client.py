"""The keys a provider publishes (JWKS): known ones are read without waiting for anybody.

A fetch is a flight: one at a time, in a thread of its own, bounded in time and size. Who knows the
key they need never waits for it. What was fetched last is good for a day without the provider, and
is kept in a file, so that a start during an outage is no outage.
"""

from __future__ import annotations

import logging
import random
import re
import threading
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tokensvc.authn.site_jwt.jwks import PublishedKey, UnusableJwks, read_jwks
from tokensvc.errors import TemporarilyUnavailable
from tokensvc.http_client import BoundedHttpClient

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tokensvc.authn.site_jwt.jwks import PublishedKeys
    from tokensvc.authn.site_jwt.jwks_cache import JwksCache
    from tokensvc.authn.site_jwt.keys import PublicKey

_log = logging.getLogger(__name__)

FLIGHT = 3.0  # seconds that a fetch may take, connecting included
LONGEST_SET = 256 * 1024  # bytes
PAUSE = 30  # seconds between two fetches, whoever asks for them
LONGEST_BACK_OFF = 60  # seconds between two fetches of a provider that fails
SHORTEST_LIFE, LONGEST_LIFE = 60, 600  # seconds until a set is fetched anew, whatever it says
LONGEST_STALE = 24 * 3600  # seconds that a set is good for while its provider is down
PATIENCE = 2.0  # seconds that a token with an unknown key waits for the flight
_WAITING_ROOM = 4  # threads of a process that may wait so: a hanging provider holds no more
_TICK = 5.0  # seconds between two looks at what is due
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age=([0-9]{1,9})(?:$|[\s,])", re.IGNORECASE)


@dataclass(frozen=True)
class Clocks:
    """Where a key set takes its times from.

    *steady* gives seconds that no clock change moves, *wall* seconds since the epoch; *chance* is
    0 to 1, so that workers do not fetch in step.
    """

    steady: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    chance: Callable[[], float] = random.random


@dataclass(frozen=True)
class _Fetched:
    """A set as it came, and when by the steady clock."""

    keys: PublishedKeys
    at: float


class JwksClient:
    """The keys behind one URL; belongs to one process, and must not be shared over a fork."""

    def __init__(
        self,
        url: str,
        algorithms: Sequence[str],
        kept: JwksCache | None = None,
        *,
        clocks: Clocks | None = None,
        flight: float = FLIGHT,
    ) -> None:
        """*algorithms* are the issuer's; *kept* is where the last good set outlives a restart."""
        self.url = url
        self._algorithms = tuple(algorithms)
        self._kept = kept
        self._clocks = clocks or Clocks()
        self._longest_flight = flight
        self._lock = threading.Lock()  # held for a few lines, never while waiting
        self._waiting_room = threading.BoundedSemaphore(_WAITING_ROOM)
        self._flight: threading.Event | None = None
        self._failures = 0
        self._asked_at = self._due_at = float("-inf")
        self._fetched = self._from_last_time()

    def for_token(self, algorithm: str, unverified_kid: str | None) -> Sequence[PublicKey]:
        """The published key of that name where it is for *algorithm*.

        Raises:
            TemporarilyUnavailable: where no key of the provider is known yet.
        """
        key = self._current().get(unverified_kid)
        if key is None:
            key = self._after_asking_again(unverified_kid)
        return [key.key] if key is not None and algorithm in key.algorithms else []

    def refresh_if_due(self) -> threading.Event | None:
        """Start a fetch where one is due; an event that is set when the one under way has ended."""
        with self._lock:
            if self._flight is None and self._clocks.steady() >= self._due_at:
                self._take_off()
            return self._flight

    def _current(self) -> PublishedKeys:
        fetched = self._fetched
        if fetched is None or self._clocks.steady() - fetched.at > LONGEST_STALE:
            return {}
        return fetched.keys

    def _after_asking_again(self, unverified_kid: str | None) -> PublishedKey | None:
        flight = self._flight_for_unknown_key()
        if flight is not None and self._waiting_room.acquire(blocking=False):
            try:
                flight.wait(PATIENCE)
            finally:
                self._waiting_room.release()
        keys = self._current()
        if not keys:
            raise TemporarilyUnavailable(
                cause="no key of the issuer is known yet", retry_after=self._pause()
            )
        return keys.get(unverified_kid)

    def _flight_for_unknown_key(self) -> threading.Event | None:
        """The flight under way, or a new one where it is time for one."""
        with self._lock:
            if self._flight is None and self._clocks.steady() >= self._asked_at + self._pause():
                self._take_off()
            return self._flight

    def _pause(self) -> float:
        """How many seconds have to lie between the last fetch and the next."""
        back_off = min(LONGEST_BACK_OFF, 2 ** min(self._failures - 1, 10)) if self._failures else 0
        # Without a single key nobody can be served: then the back-off alone decides.
        return max(PAUSE, back_off) if self._current() else back_off

    def _take_off(self) -> None:
        self._asked_at = self._clocks.steady()
        flight = self._flight = threading.Event()
        try:
            threading.Thread(target=self._fly, args=(flight,), daemon=True).start()
        except RuntimeError:  # no thread to be had: the next who asks tries again
            self._flight = None

    def _fly(self, flight: threading.Event) -> None:
        try:
            life = self._fetch()
        except Exception as error:  # noqa: BLE001 - a provider can fail in any way; the old set stays
            self._land(failed=True)
            reason = str(error) if isinstance(error, UnusableJwks) else type(error).__name__
            host = urlsplit(self.url).hostname
            _log.warning("the keys of %s cannot be fetched, the last ones stay: %s", host, reason)
        else:
            self._land(life=life)
        finally:
            flight.set()

    def _land(self, *, life: float = 0.0, failed: bool = False) -> None:
        with self._lock:
            self._failures = self._failures + 1 if failed else 0
            # Well before its end, so that nobody meets a set that is over.
            wait = self._pause() if failed else life * (0.5 + 0.3 * self._clocks.chance())
            self._due_at = self._asked_at + wait
            self._flight = None

    def _fetch(self) -> float:
        """Fetch the set and put it in place; how many seconds it is good for."""
        parts = urlsplit(self.url)
        path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        origin = f"{parts.scheme}://{parts.netloc}"
        headers = {"Accept": "application/json", "Connection": "close", "User-Agent": "tokensvc"}
        with closing(BoundedHttpClient(origin, longest_answer=LONGEST_SET)) as client:
            answer = client.get(path, headers, deadline=time.monotonic() + self._longest_flight)
        if answer.status != 200:  # noqa: PLR2004 - a redirect is no answer either
            raise UnusableJwks(f"answered {answer.status}")
        keys = read_jwks(answer.body, self._algorithms)
        self._fetched = _Fetched(keys, self._clocks.steady())
        if self._kept:
            self._kept.write(answer.body, self._clocks.wall())
        stated = _MAX_AGE.search(answer.headers.get("cache-control", ""))
        life = int(stated[1]) if stated else LONGEST_LIFE
        return max(SHORTEST_LIFE, min(life, LONGEST_LIFE))

    def _from_last_time(self) -> _Fetched | None:
        last = self._kept.read() if self._kept else None
        if last is None:
            return None
        age = self._clocks.wall() - last.fetched_at
        if not 0 <= age <= LONGEST_STALE:
            return None
        with suppress(UnusableJwks):  # the algorithms may have changed since
            keys = read_jwks(last.content, self._algorithms)
            return _Fetched(keys, self._clocks.steady() - age)
        return None


class JwksRefresher:
    """Fetches each key set ahead of its end, in a thread that no request waits for."""

    def __init__(self, key_sets: Sequence[JwksClient], *, tick: float = _TICK) -> None:
        """*tick* is in seconds."""
        self._key_sets = tuple(key_sets)
        self._tick = tick
        self._stopped = threading.Event()

    def start(self) -> None:
        """Begin, with whatever is due now."""
        if self._key_sets:
            threading.Thread(target=self._run, daemon=True).start()

    def stop(self) -> None:
        """Begin no further fetch."""
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.is_set():
            for key_set in self._key_sets:
                key_set.refresh_if_due()
            self._stopped.wait(self._tick)
