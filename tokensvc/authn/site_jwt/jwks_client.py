"""Keeps the keys that a provider publishes (JWKS), so that tokens with a known key never wait.

Fetches are single-flight, in a thread of their own, bounded in time and size. The last good set is
used for up to a day while the provider is down, and is cached in a file, so that the service can
start during an outage. PyJWT's PyJWKClient holds one lock while it fetches, does not back off and
never uses an old set: during an outage, valid tokens waited for 8 s or were refused.
"""

import base64
import hashlib
import json
import logging
import os
import random
import re
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from tokensvc.authn.site_jwt.jwks import PublishedKeys, UnusableJwks, read_jwks
from tokensvc.authn.site_jwt.keys import PublicKey
from tokensvc.errors import TemporarilyUnavailable
from tokensvc.http_client import BoundedHttpClient, Proxy
from tokensvc.threads import start_thread

_log = logging.getLogger(__name__)

FETCH_LIMIT = 3.0  # seconds that a fetch may take, connecting included
LONGEST_SET = 1024 * 1024  # bytes
PAUSE = 30  # seconds between two fetches, whatever triggers them
LONGEST_BACKOFF = 60  # seconds between two fetches from a provider that fails
SHORTEST_LIFE, LONGEST_LIFE = (60, 600)  # seconds until a set is fetched again
LONGEST_STALE = 24 * 3600  # seconds that a set is used while its provider is down
WAIT_LIMIT = 2.0  # seconds that a token with an unknown key waits for a fetch
_MAX_WAITERS = 4  # threads per process; the others keep serving if a provider hangs
_TICK = 5.0  # seconds between two checks of what is due
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age=([0-9]{1,9})(?:$|[\s,])", re.IGNORECASE)


@dataclass(frozen=True)
class Clocks:
    """The sources of time and of jitter.

    *steady* returns monotonic seconds, *wall* seconds since the epoch, and *chance* a number from
    0 to 1, so that workers do not fetch in step. A fetch takes at most *fetch_limit* seconds.
    """

    steady: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    chance: Callable[[], float] = random.random
    fetch_limit: float = FETCH_LIMIT


class JwksClient:
    """The keys behind one URL; belongs to one process, and must not be shared across a fork."""

    def __init__(
        self,
        url: str,
        algorithms: Sequence[str],
        cache_dir: Path,
        *,
        clocks: Clocks | None = None,
        proxy: Proxy | None = None,
    ) -> None:
        """*algorithms* are the issuer's; a file in *cache_dir* keeps the last good set across a restart."""
        self.url = url
        self._proxy = proxy
        self._algorithms = algorithms
        self._cache = _Cache(cache_dir / f"{hashlib.sha256(url.encode()).hexdigest()[:32]}.json")
        self._clocks = clocks or Clocks()
        self._lock = threading.Lock()  # held for a few lines, never while waiting
        self._waiters = threading.BoundedSemaphore(_MAX_WAITERS)
        self._fetch_ended: threading.Event | None = None  # None if no fetch is running
        self._failures = 0
        self._started_at = self._due_at = float("-inf")
        self._fetched: tuple[PublishedKeys, float] = {}, float("-inf")  # the keys, and when they were fetched

    def __call__(self, algorithm: str, unverified_kid: str | None) -> Sequence[PublicKey]:
        """Return the keys published with *unverified_kid*, usually one; the errors are those of `Keys`."""
        identity = (unverified_kid, algorithm)
        return self._current().get(identity) or self._after_refetch(identity)

    @property
    def age(self) -> float | None:
        """Seconds since the present keys were fetched; None if there are none."""
        keys, fetched_at = self._fetched
        return self._clocks.steady() - fetched_at if keys else None

    def load_cached(self) -> None:
        """Use the cached set, if there is one that is not too old.

        A worker does this before it serves: the fork may be long after this client was created.
        """
        content, fetched_at = self._cache.read()
        age = self._clocks.wall() - fetched_at
        # A negative age means that the wall clock was set back.
        if 0 <= age <= LONGEST_STALE:
            with suppress(UnusableJwks):  # the algorithms may have changed since
                self._fetched = read_jwks(content, self._algorithms), self._clocks.steady() - age

    def refresh_if_due(self, *, for_unknown_key: bool = False) -> threading.Event | None:
        """Start a fetch if one is due, or *for_unknown_key* if the pause after the last one is over.

        Returns an event that is set when the running fetch has ended, or None if none is running.
        """
        with self._lock:
            due_at = self._started_at + self._pause() if for_unknown_key else self._due_at
            if self._fetch_ended is None and self._clocks.steady() >= due_at:
                self._start_fetch()
            return self._fetch_ended

    def _current(self) -> PublishedKeys:
        keys, fetched_at = self._fetched
        return keys if self._clocks.steady() - fetched_at <= LONGEST_STALE else {}

    def _after_refetch(self, identity: tuple[str | None, str]) -> Sequence[PublicKey]:
        ended = self.refresh_if_due(for_unknown_key=True)
        # If too many threads already wait, decide by the keys known now.
        if ended is not None and self._waiters.acquire(blocking=False):
            try:
                ended.wait(WAIT_LIMIT)
            finally:
                self._waiters.release()
        keys = self._current()
        if not keys:
            raise TemporarilyUnavailable(cause="no key of the issuer is known yet", retry_after=self._pause())
        return keys.get(identity, ())

    def _pause(self) -> float:
        """Return the least number of seconds between the last fetch and the next."""
        # 1, 2, 4, … seconds; the inner minimum keeps the power small.
        backoff = min(LONGEST_BACKOFF, 2 ** min(self._failures - 1, 10)) if self._failures else 0
        # Without any key nobody can be served, so only the backoff limits the fetches.
        return max(PAUSE, backoff) if self._current() else backoff

    def _start_fetch(self) -> None:
        self._started_at = self._clocks.steady()
        ended = self._fetch_ended = threading.Event()
        if not start_thread(self._run_fetch, ended, name="jwks"):
            self._fetch_ended = None  # tried again after the pause

    def _run_fetch(self, ended: threading.Event) -> None:
        life = None
        try:
            life = self._fetch()
        except Exception as error:  # noqa: BLE001 - a provider can fail in any way; the old set stays
            reason = f"{type(error).__name__}: {error}"
            host = urlsplit(self.url).hostname
            _log.warning("JWKS fetch failed, keeping the last keys host=%s reason=%s", host, reason)
        with self._lock:
            self._failures = self._failures + 1 if life is None else 0
            # At 50 to 80 % of the set's life, so that no request meets an outdated set.
            wait = self._pause() if life is None else life * (0.5 + 0.3 * self._clocks.chance())
            self._due_at = self._started_at + wait
            self._fetch_ended = None
        ended.set()

    def _fetch(self) -> float:
        """Fetch the set and put it in place; return for how many seconds it is fresh."""
        parts = urlsplit(self.url)
        path = urlunsplit(("", "", parts.path or "/", parts.query, ""))
        headers = {"Accept": "application/json", "Connection": "close", "User-Agent": "tokensvc"}
        origin = f"{parts.scheme}://{parts.netloc}"
        with closing(BoundedHttpClient(origin, longest_answer=LONGEST_SET, proxy=self._proxy)) as client:
            response = client.get(path, headers, deadline=time.monotonic() + self._clocks.fetch_limit)
        if response.status != 200:  # noqa: PLR2004 - a redirect is not followed
            raise UnusableJwks(f"answered {response.status}")
        self._fetched = read_jwks(response.body, self._algorithms), self._clocks.steady()
        self._cache.write(response.body, self._clocks.wall())
        stated = _MAX_AGE.search(response.headers.get("cache-control", ""))
        life = int(stated[1]) if stated else LONGEST_LIFE
        return max(SHORTEST_LIFE, min(life, LONGEST_LIFE))


@dataclass(frozen=True)
class _Cache:
    """The last valid key set in a file; if that cannot be used, it only logs a warning."""

    file: Path

    def read(self) -> tuple[bytes, float]:
        """Return the content and when it was fetched (seconds since the epoch): never, if there is none."""
        try:
            kept = json.loads(self.file.read_bytes())
            return base64.b64decode(kept["content"]), float(kept["fetched_at"])
        except FileNotFoundError:
            pass
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            _log.warning("JWKS cache unreadable file=%s reason=%s", self.file, type(error).__name__)
        return b"", float("-inf")

    def write(self, content: bytes, fetched_at: float) -> None:
        """Write *content* atomically."""
        kept = {"fetched_at": fetched_at, "content": base64.b64encode(content).decode()}
        unfinished = self.file.with_suffix(f".{os.getpid()}")  # one for each process
        try:
            self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            unfinished.write_text(json.dumps(kept), encoding="ascii")
            unfinished.replace(self.file)
        except OSError as error:
            _log.warning("JWKS not cached file=%s reason=%s", self.file, type(error).__name__)


class JwksRefresher:
    """Fetches each key set before it expires, in a thread that no request waits for."""

    def __init__(self, key_sets: Sequence[JwksClient], *, tick: float = _TICK) -> None:
        """*tick* is in seconds."""
        self._key_sets = tuple(key_sets)
        self._tick = tick
        self._stopped = threading.Event()

    def start(self) -> None:
        """Load the cached sets, and start a thread that fetches each set when it is due."""
        for key_set in self._key_sets:
            key_set.load_cached()
        if self._key_sets:
            threading.Thread(target=self._run, daemon=True).start()

    def stop(self) -> None:
        """Start no further fetch."""
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.is_set():
            for key_set in self._key_sets:
                key_set.refresh_if_due()
            self._stopped.wait(self._tick)
