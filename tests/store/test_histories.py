"""A client that wants all it can get: what it holds open at Google, and what it is charged."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from sqlalchemy import func, select, text

from store.histories import History, World
from store.sessions import Google, Sockets
from tokensvc.emulator.background import BackgroundEmulator
from tokensvc.emulator.options import Options
from tokensvc.store.accounting import MOST_TOKENS
from tokensvc.store.blocks import Blocks
from tokensvc.store.engine import open_engine
from tokensvc.store.ledger import Ledger
from tokensvc.store.schema import events

HISTORIES = 2000  # on each engine: half a minute of one core on SQLite, one on PostgreSQL
OVER_SOCKETS = 20


class Clock:
    """A clock that only moves when it is told to."""

    def __init__(self):
        self.now = datetime(2026, 11, 22, tzinfo=UTC)

    def __call__(self):
        return self.now

    def timestamp(self):
        return self.now.timestamp()

    def reach(self, moment):
        self.now = max(self.now, datetime.fromtimestamp(moment, UTC))

    @staticmethod
    def seconds(count):
        return timedelta(seconds=count)


class EmulatorClock(Clock):
    """The time of a running emulator, which runs, and is set ahead."""

    def __init__(self, sockets):
        self._sockets = sockets

    def __call__(self):
        return datetime.fromtimestamp(self._sockets.now(), UTC)

    def reach(self, moment):
        self._sockets.reach(moment)


@contextmanager
def a_world(engine, clock, google, client_handle):
    """Two workers at one store, which may lose what it was told last: it is only looked at here."""
    url = engine.url
    if engine.dialect.name == "postgresql":
        with engine.begin() as connection:
            connection.execute(text(f"ALTER DATABASE {url.database} SET synchronous_commit = off"))
        engine.dispose()
    other = open_engine(url.render_as_string(hide_password=False))
    ledgers = [Ledger(each, clock) for each in (engine, other)]
    with ThreadPoolExecutor(2) as threads:
        blocks = Blocks(engine, clock)
        yield World(clock, ledgers, blocks, threads, google, client_handle == "honoured")
    other.dispose()


def tell(engine, world, client_handle, count):
    """Let *count* histories happen, and hold them to what was charged; all that were live."""
    histories = []
    for number in range(count):
        random = Random(f"{client_handle} {number}")  # noqa: S311 - to be had again
        histories.append(History(world, str(number), random))
        histories[-1].run()
    charged = _charged(engine)
    for history in histories:
        history.check_seconds(charged)
    return [history.most_live for history in histories]


@pytest.mark.parametrize("client_handle", ["ignored", "honoured"])
def test_what_is_open_is_bounded_by_what_was_granted(engine, client_handle):
    clock = Clock()
    google = Google(clock.timestamp, Options(client_handle=client_handle))
    with a_world(engine, clock, google, client_handle) as world:
        live = tell(engine, world, client_handle, HISTORIES // 2)
    assert max(live) >= MOST_TOKENS  # the bound is reached


@pytest.mark.parametrize("handle_state", ["snapshot", "at_close"])
@pytest.mark.parametrize("client_handle", ["ignored", "honoured"])
def test_a_running_emulator_opens_the_same(engine, client_handle, handle_state):
    options = Options(client_handle=client_handle, handle_state=handle_state)
    with (
        BackgroundEmulator(options) as emulator,
        Sockets(emulator, options) as google,
        a_world(engine, EmulatorClock(google), google, client_handle) as world,
    ):
        tell(engine, world, client_handle, OVER_SOCKETS)
    assert google.opened > OVER_SOCKETS
    assert google.refused > 0


def _charged(engine):
    """The seconds that the audit says were charged for each lease."""
    with engine.begin() as connection:
        rows = connection.execute(
            select(events.c.lease_id, events.c.kind, func.sum(events.c.seconds))
            .where(events.c.kind.in_(("reserved", "refunded")))
            .group_by(events.c.lease_id, events.c.kind)
        ).all()
    charged = {}
    for lease, kind, seconds in rows:
        sign = 1 if kind == "reserved" else -1
        charged[lease] = charged.get(lease, 0) + sign * seconds
    return charged
