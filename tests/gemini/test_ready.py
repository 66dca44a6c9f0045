"""Tokens that are minted ahead: for whom, how many, how old, and never the same one twice."""

import random
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from tokensvc.config.profiles import Profile
from tokensvc.domain import EphemeralToken, Lease, Principal
from tokensvc.errors import RateLimited, UpstreamBusy, UpstreamUnavailable
from tokensvc.gemini.compiler import CompiledProfile
from tokensvc.gemini.ready import ReadyTokens

ALICE = Principal("user", "i", "alice", claims={"given_name": "Alice"})
LIFETIME = timedelta(minutes=5)
PLAIN = (None, False, {})  # no handle, not for a rebuild, and no context
VOICE = {"path": "voice", "choices": ["Kore", "Puck"]}


def compiled(ready_tokens=8):
    fields = {"name": "default", "model": "gemini-3.8-live", "allow": ["user"]}
    fields |= {"ready_tokens": ready_tokens, "options": {"voice": VOICE}}
    body = {"bidiGenerateContentSetup": {"generationConfig": {"responseModalities": ["AUDIO"]}}}
    return CompiledProfile(Profile.model_validate(fields), body, {"voice": {}})


class CountingMinter:
    """Mints a different token each time; *refusal* is raised instead, *full* refuses a place.

    While *ahead* is cleared, mints in the background wait.
    """

    def __init__(self):
        self.tokens, self.leases, self.profiles, self.tries = [], [], [], 0
        self.refusal, self.full = None, False
        self.ahead = threading.Event()
        self.ahead.set()
        self._lock = threading.Lock()

    @contextmanager
    def passage(self, *, renewal):  # noqa: ARG002
        if self.full:
            raise UpstreamBusy
        yield

    def mint(self, compiled, lease, expires_at, resumption_handle=None, *, rebuild=False):
        assert (resumption_handle, rebuild, lease.context) == PLAIN
        if lease.principal != ALICE:
            self.ahead.wait(10)
        with self._lock:
            self.tries += 1
            if self.refusal:
                raise self.refusal
            end = expires_at.replace(microsecond=0)
            token = EphemeralToken(f"auth_tokens/{len(self.tokens)}", end, end)
            self.tokens.append(token)
            self.leases.append(lease)
            self.profiles.append(compiled)
        return token


class World:
    """A pool of ready tokens, its minter, and a clock that only the test moves."""

    def __init__(self):
        self.now = datetime(2026, 11, 22, 23, 0, 0, 400_000, UTC)
        self.minter = CountingMinter()
        self.ready = ReadyTokens(self.minter, lambda: self.now)
        self.profile = compiled()
        self._others = set(threading.enumerate())

    def start(self, **asked):
        """Issue a token, or refuse to; return when nothing more is being minted."""
        try:
            return self.issue(**asked)
        finally:
            self.settle()

    def issue(self, *, voice="Kore", renewal=False, charged=LIFETIME, refusal=None, waits=0):
        """Issue a token that is charged for *charged*, after *waits* seconds or a *refusal*."""
        profile, end = self.profile, self.now + LIFETIME
        lease = Lease("lease", ALICE, "default", {"voice": voice}, self.now, end)
        with self.ready.passage(profile, lease, renewal=renewal) as mint:
            if refusal:
                raise refusal
            self.wait(waits)
            paid = self.now + charged
            token = mint(paid, *PLAIN)
        assert token.expires_at <= paid
        assert self.minter.profiles[self.minter.tokens.index(token)] is profile
        return token

    def settle(self):
        for thread in set(threading.enumerate()) - self._others:
            thread.join()

    def wait(self, seconds):
        self.now += timedelta(seconds=seconds)

    @property
    def minted(self):
        return len(self.minter.tokens)


@pytest.fixture(name="world")
def _world():
    return World()


def test_second_start_gets_a_token_that_was_minted_after_the_first(world):
    first = world.start()
    ahead = [token for token in world.minter.tokens if token != first]
    world.wait(3)
    second = world.start()

    assert [second] == ahead
    assert second.expires_at == (world.now + LIFETIME - timedelta(seconds=3)).replace(microsecond=0)


def test_ready_token_is_handed_out_while_no_place_is_free(world):
    world.start()
    world.minter.full = True

    assert world.start() in world.minter.tokens
    with pytest.raises(UpstreamBusy):
        world.start()


def test_nothing_is_minted_ahead_before_the_first_start_or_without_the_setting(world):
    with pytest.raises(RateLimited):
        world.start(refusal=RateLimited())
    assert world.minted == 0
    world.profile = compiled(ready_tokens=0)
    for _ in range(3):
        world.start()
    assert world.minted == 3


def test_token_ahead_is_minted_for_nobody_with_the_default_options(world):
    first = world.start()
    (lease,) = [lease for token, lease in zip(world.minter.tokens, world.minter.leases, strict=True) if token != first]

    assert lease.options == {"voice": "Kore"}
    assert lease.principal.claims == {}
    assert "alice" not in repr(lease)


@pytest.mark.parametrize("asked", [{"renewal": True}, {"voice": "Puck"}])
def test_renewal_and_other_options_get_a_token_of_their_own(world, asked):
    world.start()
    ahead = set(world.minter.tokens)

    assert world.start(**asked) not in ahead
    assert world.minted == len(ahead) + 1  # and they are not demand


@pytest.mark.parametrize(("age", "is_handed_out"), [(29, True), (30, False), (31, False)])
def test_token_is_handed_out_within_30_seconds_of_its_mint_only(world, age, is_handed_out):
    """Google's times are whole seconds, so a token may count as up to a second older."""
    world.start()
    ahead = set(world.minter.tokens)
    world.wait(age)

    assert (world.start() in ahead) is is_handed_out


def test_token_that_gets_too_old_while_its_admission_waits_is_not_handed_out(world):
    world.start()
    ahead = set(world.minter.tokens)

    assert world.start(waits=31) not in ahead


def test_clock_that_is_set_back_makes_no_token_outlive_its_charge(world):
    world.start()
    world.wait(-3600)

    assert world.start().expires_at <= world.now + LIFETIME


def test_shorter_reservation_gets_a_token_minted_for_it_and_the_next_start_the_ready_one(world):
    world.start()
    ahead = set(world.minter.tokens)
    short = world.start(charged=timedelta(seconds=60))

    assert short not in ahead
    assert short.expires_at <= world.now + timedelta(seconds=60)
    assert world.start() in ahead


def test_shorter_reservation_is_refused_if_no_place_is_free(world):
    world.start()
    world.minter.full = True

    with pytest.raises(UpstreamBusy):
        world.start(charged=timedelta(seconds=60))


def test_refused_start_leaves_the_token_for_the_next_one_and_is_no_demand(world):
    world.start()
    minted = world.minted
    for _ in range(20):
        with pytest.raises(RateLimited):
            world.start(refusal=RateLimited())

    assert world.minted == minted
    assert world.start() in world.minter.tokens[:minted]


def test_changed_policy_drops_the_tokens_even_if_the_profile_reads_the_same(world):
    world.start()
    world.start()
    old = set(world.minter.tokens)
    world.profile = compiled()

    assert world.start() not in old


def test_token_whose_mint_began_before_a_change_is_dropped(world):
    world.minter.ahead.clear()
    world.issue()
    world.profile = compiled()
    world.issue()
    world.minter.ahead.set()
    world.settle()

    before, after = world.minter.tokens[2:]
    if world.minter.profiles[2] is world.profile:
        before, after = after, before
    assert world.start() == after
    assert world.start() != before


def test_pool_holds_ten_seconds_of_demand_and_never_more_than_the_setting(world):
    for _ in range(9):
        world.start()
    assert world.minted == 9 + 3
    for _ in range(60):
        world.start()
    assert world.minted == 69 + 8


def test_tokens_that_are_being_minted_count(world):
    world.minter.ahead.clear()
    for _ in range(6):
        world.issue()
    world.minter.ahead.set()
    world.settle()

    assert world.minted == 6 + 2


def test_token_that_is_too_old_does_not_hide_a_newer_one(world):
    for _ in range(9):
        world.start()
    world.wait(20)
    world.start()
    newest = world.minter.tokens[-2:]
    world.wait(15)

    assert world.start() in newest


def test_demand_is_forgotten_after_half_a_minute(world):
    for _ in range(24):
        world.start()
    world.wait(31)
    before = world.minted
    world.start()

    assert world.minted == before + 2  # its own, and one ahead


def test_failure_pauses_minting_ahead_and_then_one_mint_tries(world):
    for _ in range(24):
        world.start()
    world.wait(31)  # nothing is left
    world.minter.refusal = UpstreamUnavailable()

    def tries():
        before = world.minter.tries
        with pytest.raises(UpstreamUnavailable):
            world.start()
        return world.minter.tries - before

    assert tries() == 2  # one ahead
    assert [tries() for _ in range(5)] == [1] * 5
    world.wait(10)
    assert tries() == 2
    assert tries() == 1
    world.wait(10)
    world.minter.refusal = None
    world.minter.ahead.clear()
    before = world.minted
    for _ in range(9):
        world.issue()
    world.minter.ahead.set()
    world.settle()
    assert world.minted == before + 9 + 1  # all the while one of them tried
    world.start()
    assert world.minted > before + 9 + 2  # now as many as before


@pytest.mark.parametrize("seed", range(5))
def test_no_token_is_handed_out_twice_under_threads(world, seed):
    """With refusals, short reservations, changes of the policy and a moving clock in between."""
    handed_out = []

    def visit(chance):
        for _ in range(150):
            what = chance.random()
            if what < 0.02:
                world.profile = compiled(ready_tokens=chance.choice([2, 64]))
            try:
                handed_out.append(
                    world.issue(
                        renewal=what > 0.9,
                        charged=LIFETIME * (0.5 if what < 0.1 else 1),
                        refusal=RateLimited() if 0.1 < what < 0.3 else None,
                        waits=chance.random() / 10,
                    )
                )
            except RateLimited:
                continue

    visitors = [
        threading.Thread(target=visit, args=(random.Random(seed * 10 + number),))  # noqa: S311
        for number in range(8)
    ]
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.join()
    world.settle()

    values = [token.value for token in handed_out]
    assert len(values) == len(set(values)) > 800
    own = sum(lease.principal == ALICE for lease in world.minter.leases)
    assert own < len(values)  # the others were ready
