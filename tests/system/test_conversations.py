"""A lease allows one conversation, over HTTP and at the emulator."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tokensvc.authn.chain import LeaseHolders
from tokensvc.config.file import LimitTable
from tokensvc.config.profiles import Profile
from tokensvc.domain import Credentials, Principal
from tokensvc.emulator.background import BackgroundEmulator
from tokensvc.emulator.options import Options
from tokensvc.gemini.compiler import CompiledProfile
from tokensvc.gemini.gate import Gate
from tokensvc.gemini.minter import Minter
from tokensvc.gemini.ready import ReadyTokens
from tokensvc.http_client import BoundedHttpClient
from tokensvc.issuing import Policy, TokenRequest, TokenService
from tokensvc.signing.leases import LeaseSigner
from tokensvc.store.engine import open_engine, upgrade
from tokensvc.store.ledger import Ledger
from tokensvc.store.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from programs import Program
    from tokensvc.issuing import Grant

TWO_PLACES = """
[profiles.default]
model = "gemini-3.8-live"
allow = ["guest"]
[profiles.default.config]
response_modalities = ["AUDIO"]
[limits]
guest = ["1000/minute"]
concurrent = { guest = 2 }
budget = { guest = "999h/day" }
"""
MODEL = "models/gemini-3.8-live"
LOCKED = {
    "model": MODEL,
    "generationConfig": {"responseModalities": ["AUDIO"]},
    "sessionResumption": {},
}


def opens(url: str, setup: dict[str, Any], sockets: ExitStack) -> dict[str, Any] | None:
    """Set up a session; return its first resumption update, or None if it is refused."""
    socket = sockets.enter_context(connect(url, compression=None, max_queue=None, close_timeout=1))
    socket.send(json.dumps({"setup": setup}))
    try:
        messages = [json.loads(socket.recv(10)) for _ in range(2)]
    except ConnectionClosed:
        return None
    return messages[1]["sessionResumptionUpdate"]


def test_ten_fresh_starts_of_one_lease_get_at_most_two_tokens_each_usable_once(
    start_service: Callable[..., Program], emulator: Program
) -> None:
    service = start_service(TWO_PLACES, emulator.url)
    first = service.post("/token").json
    answers = [service.post("/token", {"lease": first["lease"]}) for _ in range(10)]
    granted = [answer.json for answer in answers if answer.status == 200]
    refused = [answer for answer in answers if answer.status != 200]
    assert len(granted) <= 2
    assert {answer.code for answer in refused} == {"too-many-at-once"}
    assert all(1 <= int(answer.headers["retry-after"]) <= 10 for answer in refused)

    with ExitStack() as sockets:
        open_ = [
            opens(f"{each['websocket_url']}?access_token={each['token']}", each["setup"], sockets)
            for each in [first, *granted, first, *granted]
        ]
        assert sum(session is not None for session in open_) == 1 + len(granted)

    assert service.post("/lease/end", {"lease": first["lease"]}).status == 204
    assert service.post("/token", {"lease": first["lease"]}).code == "lease-over"


class Guests:
    """Authenticates every client as the same guest."""

    def authenticate(self, _credentials: Credentials) -> Principal:
        return Principal("guest", "", "somebody")


@dataclass
class Visitor:
    """An honest client, which connects to the emulator with the service's tokens."""

    service: TokenService
    emulator: BackgroundEmulator
    skipped: list[float]
    socket: ExitStack = field(default_factory=ExitStack)
    handle: str | None = None
    lease: str | None = None
    charged: int = 0
    ends: datetime | None = None
    lifetimes: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return self.service.clock()

    def wait(self, seconds: float) -> None:
        self.skipped[0] += seconds
        self.emulator.skip(seconds)

    def connect(self, *, fresh: bool = False) -> None:
        """Close the connection, if there is one, and open another."""
        self.socket.close()
        handle = None if fresh else self.handle
        request = TokenRequest(unverified_lease=self.lease, resumption_handle=handle)
        grant: Grant = self.service.issue(Credentials(None, "192.0.2.1"), request, "request-id")
        self.lease, self.ends = grant.signed_lease, grant.token.expires_at
        self.charged += grant.reservation.seconds
        self.lifetimes.append((self.ends - self.now()).total_seconds())
        url = f"{self.emulator.websocket_url()}?access_token={grant.token.value}"
        update = opens(url, {"model": MODEL}, self.socket)
        assert update is not None
        self.handle = update["newHandle"]

    def talk(self, seconds: float) -> None:
        """Stay connected for *seconds*, with as many tokens as that takes."""
        until = self.now() + timedelta(seconds=seconds)
        while (left := (until - self.now()).total_seconds()) > 0:
            assert self.ends is not None
            life = (self.ends - self.now()).total_seconds()
            due = life - min(20, life / 3)
            self.wait(min(left, due))
            if due < left:
                self.connect()


@pytest.fixture(name="visitors")
def _visitors(tmp_path: Path) -> Iterator[Callable[[], Visitor]]:
    """Return a function that makes visitors; they share an address with two places."""
    skipped = [0.0]

    def clock() -> datetime:
        return datetime.fromtimestamp(time.time() + skipped[0], UTC)

    engine = open_engine(f"sqlite:///{tmp_path / 'tokensvc.db'}")
    upgrade(engine)
    profile = Profile.model_validate({"name": "default", "model": MODEL, "allow": ["guest"]})
    compiled = CompiledProfile(profile, {"uses": 1, "bidiGenerateContentSetup": LOCKED}, {})
    limits = LimitTable.model_validate(
        {"guest": ["1000/minute"], "concurrent": {"guest": 2}, "budget": {"guest": "24h/day"}}
    )
    with BackgroundEmulator(Options(resume_lock=0.0)) as emulator, ExitStack() as sockets:
        client = BoundedHttpClient(emulator.url)
        sockets.callback(client.close)
        service = TokenService(
            LeaseHolders(Guests(), LeaseSigner([b"signs-in-tests-and-nowhere-else-0123456789"], clock)),
            lambda: Policy({"default": compiled}, limits),
            Ledger(engine, clock),
            ReadyTokens(
                Minter(
                    client,
                    api_version="v1beta",
                    api_keys=["a-key"],
                    clock=clock,
                    gate=Gate(),
                    pseudonym=lambda _: "",
                ),
                clock,
            ),
            Usage(engine, clock),
            clock,
        )

        def make() -> Visitor:
            visitor = Visitor(service, emulator, skipped)
            sockets.callback(visitor.socket.close)
            visitor.connect()
            return visitor

        yield make
    engine.dispose()


@pytest.mark.parametrize("every", [10, 15, 20, 30, 45])
def test_drops_in_ten_minutes_are_never_refused_and_charged_at_most_half_more(
    visitors: Callable[[], Visitor], every: int
) -> None:
    """The other place is taken, and the charge may be half as much again as the ten minutes."""
    visitor, other = visitors(), visitors()
    for _ in range(600 // every):
        visitor.talk(every)
        visitor.connect()
    assert visitor.charged <= 1.5 * 600
    assert min(visitor.lifetimes) > 28  # 30 s, rounded down, less the time to mint
    assert other.charged == 300


@pytest.mark.parametrize("apart", [10, 60, 100])
def test_three_changes_of_network_are_never_refused_and_charged_one_token_more(
    visitors: Callable[[], Visitor], apart: int
) -> None:
    """Each change is a fresh start, which succeeds although the other place is taken."""
    visitor, other = visitors(), visitors()
    for _ in range(3):
        visitor.talk(apart)
        visitor.connect(fresh=True)
    assert visitor.charged <= 300 + 3 * apart + 3
    assert other.charged == 300
