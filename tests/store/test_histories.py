"""Plays random histories of greedy clients and checks what they hold open and are charged."""

from __future__ import annotations

import os
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
from tokensvc.store.blocks import Blocks
from tokensvc.store.engine import open_engine
from tokensvc.store.ledger import Ledger
from tokensvc.store.schema import events
from tokensvc.store.token_lifetimes import MOST_TOKENS

# For each engine and parameter. `make soak` plays more.
HISTORIES = int(os.environ.get("HISTORIES", "150"))
OVER_SOCKETS = 20
# Google refuses a handle for a moment after its connection has ended; these clients know to wait.
PROMPT = {"resume_lock": 0.0, "refusal_delay": 0.0, "update_delay": 0.0}


class Clock:
    """A clock that moves only when told."""

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
    """The clock of a running emulator, which can be moved ahead."""

    def __init__(self, sockets):
        self._sockets = sockets

    def __call__(self):
        return datetime.fromtimestamp(self._sockets.now(), UTC)

    def reach(self, moment):
        self._sockets.reach(moment)


@contextmanager
def open_world(engine, database_url, clock, google, client_handle):
    """Open one store from two workers.

    PostgreSQL may lose its last commits in a crash here, which makes the test faster.
    """
    if engine.dialect.name == "postgresql":
        with engine.begin() as connection:
            name = connection.execute(text("SELECT current_database()")).scalar()
            connection.execute(text(f"ALTER DATABASE {name} SET synchronous_commit = off"))
        engine.dispose()
    other = open_engine(database_url)
    # Which never sweep: the histories' clock is not that of the sweep's pauses.
    ledgers = [Ledger(each, clock, lambda: 0.0) for each in (engine, other)]
    with ThreadPoolExecutor(2) as threads:
        blocks = Blocks(engine, clock)
        yield World(clock, ledgers, blocks, threads, google, client_handle == "honoured")
    other.dispose()


def play_histories(engine, world, client_handle, count):
    """Play *count* histories, check their charges, and return the most sessions each held."""
    histories = []
    for number in range(count):
        random = Random(f"{client_handle} {number}")  # noqa: S311 - reproducible, not secret
        histories.append(History(world, str(number), random))
        histories[-1].run()
    charged = _charged(engine)
    for history in histories:
        history.check_seconds(charged)
    return [history.most_live for history in histories]


@pytest.mark.parametrize("client_handle", ["ignored", "honoured"])
def test_open_sessions_are_bounded_by_the_granted_tokens(engine, database_url, client_handle):
    clock = Clock()
    google = Google(clock.timestamp, Options(client_handle=client_handle, **PROMPT))
    with open_world(engine, database_url, clock, google, client_handle) as world:
        live = play_histories(engine, world, client_handle, HISTORIES)
    assert max(live) >= MOST_TOKENS  # the bound is reached


@pytest.mark.parametrize("handle_state", ["snapshot", "at_close"])
@pytest.mark.parametrize("client_handle", ["ignored", "honoured"])
def test_running_emulator_opens_the_same_sessions(engine, database_url, client_handle, handle_state):
    options = Options(client_handle=client_handle, handle_state=handle_state, **PROMPT)
    with (
        BackgroundEmulator(options) as emulator,
        Sockets(emulator, options) as google,
        open_world(engine, database_url, EmulatorClock(google), google, client_handle) as world,
    ):
        play_histories(engine, world, client_handle, OVER_SOCKETS)
    assert google.opened > OVER_SOCKETS
    assert google.refused > 0


def _charged(engine):
    """Return the seconds charged to each lease according to the audit log."""
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
