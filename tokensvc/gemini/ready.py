"""Mints tokens ahead of demand, so that a start need not wait for Google.

Only profiles with `ready_tokens` have a pool, in each process its own. A token leaves it once, for
an admission that pays for all of its life. Until then it is charged to nobody.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

from tokensvc.domain import GUEST_ISSUER, READY_FOR, EphemeralToken, Lease, Principal
from tokensvc.errors import Refusal
from tokensvc.gemini.compiler import CompiledProfile
from tokensvc.gemini.minter import Minter
from tokensvc.threads import start_thread

_SPAN = timedelta(seconds=30)  # of demand; a pool holds a third of it, so that little goes stale
_PAUSE = timedelta(seconds=10)  # after a failure, until one mint tries again
_NOBODY = Principal("guest", GUEST_ISSUER, "")
_log = logging.getLogger(__name__)


class _Pool:
    """The tokens of one compiled profile, the oldest first; its users lock it."""

    def __init__(self, compiled: CompiledProfile) -> None:
        self.compiled = compiled
        self.lifetime = timedelta(seconds=compiled.profile.token_lifetime)
        self.tokens = deque[EphemeralToken](maxlen=compiled.profile.ready_tokens)
        self.starts = deque[datetime](maxlen=3 * compiled.profile.ready_tokens)
        self.minting = 0
        self.failed_at: datetime | None = None  # None if the last mint succeeded

    def take(self, now: datetime) -> EphemeralToken | None:
        """Remove and return a token that is ready; drop those that no longer are."""
        while self.tokens:
            token = self.tokens.popleft()
            if _is_ready(token, now + self.lifetime):
                return token
        return None

    def claim(self, now: datetime) -> int:
        """Count a start; return how many tokens to mint for the next ones."""
        self.starts.append(now)
        wanted = -(-sum(abs(now - at) <= _SPAN for at in self.starts) // 3)
        ready = sum(_is_ready(token, now + self.lifetime) for token in self.tokens)
        missing = max(0, wanted - ready - self.minting)
        if self.failed_at is not None:
            missing = int(not self.minting and abs(now - self.failed_at) >= _PAUSE)
        self.minting += missing
        return missing


class ReadyTokens:
    """Hands out tokens that are ready, or else has *minter* mint them; *clock* is in UTC."""

    def __init__(self, minter: Minter, clock: Callable[[], datetime]) -> None:
        self._minter = minter
        self._clock = clock
        self._lock = threading.Lock()
        self._pools: dict[str, _Pool] = {}
        # Told how many tokens are kept, whenever that may have changed.
        self.tell: Callable[[int], None] = lambda _count: None

    @contextmanager
    def passage(
        self, compiled: CompiledProfile, lease: Lease, *, renewal: bool
    ) -> Iterator[Callable[[datetime, str | None, bool, Mapping[str, str]], EphemeralToken]]:
        """Hold a ready token, or else a place among those that may wait: see `Gate.passage`.

        Yields a function that mints: until a time, with a handle, for a rebuild or not, and with a context.
        """
        with self._lock:
            pool = None if renewal else self._pool_of(compiled, lease)
            held = None
            if pool is not None:
                held = pool.take(self._clock())
                self._tell_count()

        def mint(expires_at: datetime, handle: str | None, rebuild: bool, context: Mapping[str, str]) -> EphemeralToken:  # noqa: FBT001
            nonlocal held
            if pool is not None:
                with self._lock:
                    missing = pool.claim(self._clock())
                for _ in range(missing):
                    if not start_thread(self._mint_one, pool, name="ready"):
                        self._finish(pool)
            if held is not None:
                if _is_ready(held, expires_at):
                    token, held = held, None
                    return token
                place.enter_context(self._minter.passage(renewal=renewal))
            return self._minter.mint(compiled, replace(lease, context=context), expires_at, handle, rebuild=rebuild)

        with ExitStack() as place:
            if held is None:
                place.enter_context(self._minter.passage(renewal=renewal))
            try:
                yield mint
            finally:
                if pool and held:  # it was not handed out
                    with self._lock:
                        pool.tokens.appendleft(held)
                        self._tell_count()

    def _pool_of(self, compiled: CompiledProfile, lease: Lease) -> _Pool | None:
        profile = compiled.profile
        if not profile.ready_tokens or lease.options != profile.resolve({}):
            return None
        pool = self._pools.get(profile.name)
        if pool is None or pool.compiled is not compiled:  # the policy has changed
            pool = self._pools[profile.name] = _Pool(compiled)
        return pool

    def _mint_one(self, pool: _Pool) -> None:
        profile, now = pool.compiled.profile, self._clock()
        lease = Lease("", _NOBODY, profile.name, profile.resolve({}), now, now + pool.lifetime)
        minted = []
        try:
            with self._minter.passage(renewal=False):
                minted.append(self._minter.mint(pool.compiled, lease, lease.expires_at))
        except Refusal as refusal:
            _log.warning("no token minted ahead profile=%s code=%s", profile.name, refusal.code)
        finally:
            self._finish(pool, *minted)
        if minted:
            _log.info("token minted ahead profile=%s", profile.name)

    def _finish(self, pool: _Pool, *minted: EphemeralToken) -> None:
        with self._lock:
            pool.minting -= 1
            pool.failed_at = None if minted else self._clock()
            pool.tokens.extend(minted)
            self._tell_count()

    def _tell_count(self) -> None:
        self.tell(sum(len(pool.tokens) for pool in self._pools.values()))


def _is_ready(token: EphemeralToken, end: datetime) -> bool:
    """Return whether *token* may stand for one that is minted now, until *end*: it lives no longer.

    By the clock in UTC, which Google goes by as well, and which a suspended machine does not stop.
    """
    return timedelta(0) <= end - token.expires_at <= timedelta(seconds=READY_FOR)
