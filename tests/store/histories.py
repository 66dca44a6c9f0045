"""Random histories of conversations: the requests of honest and dishonest clients to the ledger."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from store.sessions import Client, Token
from tokensvc.domain import Admission, Lease, Principal
from tokensvc.errors import Blocked, LeaseOver, RateLimited, TooManyAtOnce
from tokensvc.store.times import SECOND
from tokensvc.store.token_lifetimes import ALLOWANCE, FRESH_PAUSE, MOST_TOKENS

if TYPE_CHECKING:
    from concurrent.futures import Executor
    from datetime import datetime
    from random import Random

    from store.sessions import Google
    from tokensvc.domain import Reservation
    from tokensvc.store.blocks import Blocks
    from tokensvc.store.ledger import Ledger

# For each style: how often each step is taken, how many steps, and how long the client waits.
STYLES: dict[str, tuple[dict[str, int], range, tuple[float, ...]]] = {
    "wander": (
        {
            "start": 3,
            "renew": 8,
            "renew_afresh": 4,
            "renew_twice": 1,
            "hang_up": 2,
            "fail": 1,
            "end": 1,
            "move": 1,
            "block": 1,
            "wait": 8,
        },
        range(2, 7),
        (0.4, 2, 7, 10, 20, 30, 45, 60, 100, 280),
    ),
    "hoard": (
        {"renew_idle": 10, "renew": 2, "renew_afresh": 2, "wait": 3},
        range(8, 13),
        (0, 0.4, 10),
    ),
    "cycle": ({"start": 5, "end": 4, "renew": 1, "fail": 1}, range(5, 9), ()),
    "lapse": ({"renew_idle": 4, "wait": 2, "start": 2}, range(5, 9), (31, 45)),
    "roam": ({"migrate": 6, "end": 1, "fail": 1}, range(3, 6), ()),
}
STYLE_WEIGHTS = {"wander": 10, "hoard": 3, "cycle": 2, "lapse": 2, "roam": 2}
EARLIER_CONVERSATIONS = 8  # whose handles the client has kept


@dataclass
class Conversation:
    """A lease and what its client knows about it."""

    lease: Lease
    began: datetime
    holder: str
    handle: str | None = None
    ended: bool = False
    moved: bool = False
    granted_at: datetime | None = None  # when its last token was granted
    # When tokens without a handle were granted, and to which holder.
    fresh: list[tuple[datetime, str]] = field(default_factory=list)


@dataclass
class World:
    """What all histories share: the clock, the store, two ledgers, threads and Google."""

    clock: Any
    ledgers: list[Ledger]
    blocks: Blocks
    threads: Executor
    google: Google
    unlocked_resume: bool


class History:
    """One client with *places* and tokens of *lifetime* seconds that takes all it can get."""

    def __init__(self, world: World, name: str, random: Random) -> None:
        self.world, self.name, self.random = world, name, random
        self.places = random.choice((1, 2, 2, 3))
        self.lifetime = random.choice((60, 300, 300))
        self.client = Client(world.google, world.unlocked_resume)
        self.conversations: list[Conversation] = []
        self.holder = f"{name}/a"
        self.log: list[str] = []  # shown if an assertion fails
        self.most_live = 0
        self.extra_handles = 0
        self.waits: tuple[float, ...] = ()

    def run(self) -> None:
        """Start, take the steps of a random style, then let all tokens expire."""
        (style,) = self.random.choices(list(STYLE_WEIGHTS), list(STYLE_WEIGHTS.values()))
        weights, lengths, self.waits = STYLES[style]
        for _ in range(EARLIER_CONVERSATIONS if "renew_idle" in weights else 0):
            self._add_earlier_handle()
        self._start()
        steps = self.random.choice(lengths)
        for step in self.random.choices(list(weights), list(weights.values()), k=steps):
            getattr(self, f"_{step}")()
            self.check()
        self._advance(self.lifetime + 1)
        assert self.client.live == [], (self.world.google.now(), self.log)

    # Steps of a client

    def _start(self) -> None:
        now = self.world.clock()
        lease = Lease(
            f"{self.name}/{len(self.conversations)}",
            Principal("guest", "", self.name),
            "default",
            {},
            now,
            now + self.random.choice((2, 4, 8)) * self._seconds(self.lifetime),
        )
        conversation = Conversation(lease, now, self.holder)
        if self._request(conversation, None, renewal=False):
            self.conversations.append(conversation)

    def _add_earlier_handle(self) -> None:
        """Add the handle of an earlier conversation that can be resumed."""
        ends = self.world.google.now() + 30
        token = Token(self.world.google.mint(ends, None), "another's", ends, None)
        self.client.receive(token)
        self.client.close(self.client.live[0])
        self.client.tokens.clear()
        self.extra_handles += 1

    def _renew(self) -> None:
        """Renew with a handle: the last one again, that of a session, or an invented one."""
        if conversation := self._any_conversation():
            sessions = self.client.idle or self.client.live
            if self.random.random() < 0.3:
                sessions = self.client.live
            handles = [session.handle for session in sessions] or ["made-up"]
            handle = self.random.choice(handles)
            if conversation.handle is not None and self.random.random() < 0.2:
                handle = conversation.handle
            self._request(conversation, handle)

    def _renew_idle(self) -> None:
        """Renew with the handle of a session that is not open."""
        conversation = self._any_conversation()
        if conversation and self.client.idle:
            self._request(conversation, self.random.choice(self.client.idle).handle)

    def _renew_afresh(self) -> None:
        if conversation := self._any_conversation():
            for _ in range(self.random.choice((1, 1, 1, 4))):
                self._request(conversation, None)

    def _renew_twice(self) -> None:
        """Renew twice concurrently, from two workers."""
        if conversation := self._any_conversation():
            known = [session.handle for session in self.client.sessions.values()]
            handles = [self.random.choice([None, *known]) for _ in range(2)]
            asked = [self._admission(conversation, handle) for handle in handles]
            admit = [
                self.world.threads.submit(self._admit, ledger, each)
                for ledger, each in zip(self.world.ledgers, asked, strict=True)
            ]
            for admission, handle, answer in zip(asked, handles, admit, strict=True):
                self._receive(conversation, admission, handle, answer.result())

    def _hang_up(self) -> None:
        """Close a connection but keep its token and its handle."""
        if live := self.client.live:
            self.client.close(self.random.choice(live))

    def _fail(self) -> None:
        """Renew, then refund because the mint failed."""
        if conversation := self._any_conversation():
            admission = self._admission(conversation, self.random.choice((None, "lost")))
            reservation = self._admit(self.world.ledgers[0], admission)
            if reservation is not None:
                self.world.ledgers[0].refund(reservation, "upstream-timeout")

    def _end(self) -> None:
        if conversation := self._any_conversation():
            self.world.ledgers[0].end(conversation.lease, "request", "192.0.2.1")
            conversation.ended = True
            assert not self._request(conversation, None)
            assert not self._request(conversation, "made-up")

    def _move(self) -> None:
        """Change the address, for example from Wi-Fi to mobile."""
        self.holder = f"{self.name}/{self.random.choice('ab')}"

    def _migrate(self) -> None:
        """Start at one address and renew at another."""
        self.holder = f"{self.name}/a"
        self._start()
        self.holder = f"{self.name}/b"
        self._request(self.conversations[-1], "made-up")

    def _block(self) -> None:
        blocked = self._key()
        self.world.blocks.put(blocked, None)
        conversation = self._any_conversation()
        assert conversation is None or not self._request(conversation, None)
        self.world.blocks.lift(blocked)

    def _wait(self) -> None:
        self._advance(self.random.choice(self.waits))

    # Invariants

    def check(self) -> None:
        """Check that no more sessions are open than were granted."""
        live = self.client.live
        self.most_live = max(self.most_live, len(live))
        if self.world.unlocked_resume:
            # Resuming does not spend a token, so only the sessions started bound the open ones.
            started = self.extra_handles + sum(len(each.fresh) for each in self.conversations)
            assert len(live) <= len(self.client.sessions) <= started, self.log
            return
        for each in self.conversations:
            # One fresh start at a time needs no place of its own.
            pause = self._seconds(FRESH_PAUSE / SECOND)
            for at, holder in each.fresh:
                together = sum(at <= other < at + pause for other, by in each.fresh if by == holder)
                assert together <= self.places + 1, self.log
        by_lease = {
            each.lease.id: sum(session.token is not None and session.token.lease == each.lease.id for session in live)
            for each in self.conversations
        }
        assert all(count <= MOST_TOKENS for count in by_lease.values()), self.log
        for holder in {each.holder for each in self.conversations}:
            held = [each for each in self.conversations if each.holder == holder]
            held = [each for each in held if by_lease[each.lease.id]]
            assert len(held) <= 2 * self.places, self.log
            placed = [each for each in held if not each.ended and not each.moved]
            assert len(placed) <= self.places, self.log

    def check_seconds(self, charged: dict[str, int]) -> None:
        """Check that no lease held sessions longer than it was charged and allowed."""
        if self.world.unlocked_resume:
            return
        for each in self.conversations:
            assert each.granted_at is not None
            lasted = each.granted_at - each.began
            allowance = ALLOWANCE * self.lifetime + lasted.total_seconds()
            held = self.client.held.get(each.lease.id, 0)
            # A history can reach the bound exactly, and sessions are timed in floats.
            assert held <= charged[each.lease.id] + allowance + 1e-3, self.log

    # Helpers

    def _any_conversation(self) -> Conversation | None:
        active = [each for each in self.conversations if not each.ended]
        return self.random.choice(active) if active else None

    def _seconds(self, count: float) -> Any:
        return self.world.clock.seconds(count)

    def _key(self) -> str:
        return f"block of {self.name}"

    def _admission(self, conversation: Conversation, handle: str | None, *, renewal: bool = True) -> Admission:
        return Admission(
            request_id="request",
            address="192.0.2.1",
            lease=conversation.lease,
            model="models/gemini-3.8-live",
            renewal=renewal,
            wanted=self.lifetime,
            connect_within=60,
            holder=self.holder,
            handle=handle and handle[-64:],
            places=self.places,
            blocks=(self._key(),),
        )

    def _admit(self, ledger: Ledger, admission: Admission) -> Reservation | None:
        try:
            return ledger.admit(admission)
        except (Blocked, LeaseOver, RateLimited, TooManyAtOnce) as refusal:
            self.log.append(f"{self.world.clock()} {admission.lease.id} {refusal.code}")
            return None

    def _request(self, conversation: Conversation, handle: str | None, *, renewal: bool = True) -> bool:
        admission = self._admission(conversation, handle, renewal=renewal)
        reservation = self._admit(self.world.ledgers[0], admission)
        return self._receive(conversation, admission, handle, reservation)

    def _receive(
        self,
        conversation: Conversation,
        admission: Admission,
        handle: str | None,
        reservation: Reservation | None,
    ) -> bool:
        if reservation is None:
            return False
        now = self.world.clock()
        self.log.append(f"{now} {admission.lease.id} {handle and handle[-6:]} until {reservation.expires_at}")
        conversation.moved |= admission.holder != conversation.holder
        conversation.holder, conversation.handle = admission.holder, handle
        conversation.granted_at = now
        if handle is None:
            conversation.fresh.append((now, admission.holder))
        ends = reservation.expires_at.timestamp()
        name = self.world.google.mint(ends, handle)
        self.client.receive(Token(name, conversation.lease.id, ends, handle))
        return True

    def _advance(self, seconds: float) -> None:
        """Advance the clock; whenever a token expires, open what can then be opened."""
        until = self.world.google.now() + seconds
        for ends in sorted({token.ends for token in self.client.tokens}):
            if ends <= until:
                self.world.clock.reach(ends)
                self.client.use_all()
                self.check()
        self.world.clock.reach(until)
        self.client.use_all()
