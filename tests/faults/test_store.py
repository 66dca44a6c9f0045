"""A store that fails refuses tokens for as long as it fails, and loses no row; prints a table."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest

from system import fleet as fleets
from system.canaries import Canaries
from system.configurations import configuration
from system.crashing import Crowd, reconcile
from system.pgbouncer import PASSWORD, pooling
from system.postgres import Postgres
from system.test_worker_restarts import filled, mounted, read_only, tmpfs

BUDGETS = 'budget = { user = "20h/day", everyone = "9999h/day" }'
CONFIGURATION = configuration(limits=BUDGETS, default="")
ANSWERED_WITHIN = 15.0  # seconds for any answer: five for a connection, a deadline of six, and a busy machine
READY_WITHIN, LIVE_WITHIN = 2.5, 1.5  # seconds, likewise; /readyz waits for one, /livez for nothing
RECOVERED_WITHIN = 40.0  # seconds; as installed, pgbouncer itself waits 15 s after it could not log in
STEADY_FOR = 2.0  # seconds, until both workers have noticed; each repeats a health check for one
AS_INSTALLED = "session, as installed"
PASSWORD_OF = Canaries({"pgbouncer": PASSWORD})


@pytest.fixture(name="table", scope="module")
def _table():
    """Collect a line for each fault, and print the table at the end (shown by -s)."""
    lines = []
    yield lines
    print("\n| store | fault | /token during it | /readyz | /livez | recovery | rows lost |")  # noqa: T201 - figures
    print("|---|---|---|---|---|---|---|", *lines, sep="\n")  # noqa: T201 - likewise


class Store:
    """A fleet and what may happen to its store."""

    def __init__(self, name, fleet, **faults):
        self.name, self.fleet, self.faults = name, fleet, faults


@pytest.fixture(
    name="store",
    scope="module",
    params=[
        *("sqlite", "transaction"),
        *(pytest.param(mode, marks=pytest.mark.soak) for mode in ("direct", "session", AS_INSTALLED)),
    ],
)
def _store(request, tmp_path_factory, google):
    """Start a service on SQLite, or on PostgreSQL, directly or behind pgbouncer in one of its modes."""
    with ExitStack() as stack:
        folder = tmp_path_factory.mktemp("store")
        if request.param == "sqlite":
            stack.enter_context(mounted(folder / "disk", *tmpfs("64m")))
            path = folder / "disk" / "tokensvc.db"
            fleet = fleets.prepared(folder, CONFIGURATION, google.url, database_url=f"sqlite:///{path}")
            faults = {
                "full": lambda: filled(path.parent),
                "locked": lambda: locked(path),
                "read-only": lambda: read_only(path.parent),
                "corrupt": lambda: corrupt(path),
            }
        else:
            disk = Path(stack.enter_context(TemporaryDirectory(prefix="disk-")))
            stack.enter_context(mounted(disk, *tmpfs("400m")))
            postgres = stack.enter_context(closing(Postgres(disk)))
            url = postgres.url
            added = "" if request.param == AS_INSTALLED else "server_login_retry = 1"
            mode = request.param.split(",")[0]
            if mode != "direct":
                url = stack.enter_context(pooling(postgres.socket, mode, added)) + "/tokensvc"
            fleet = fleets.prepared(folder, CONFIGURATION, google.url, database_url=url)
            faults = {"suspended": postgres.suspended}
            if mode == "direct":
                faults |= {
                    "killed": lambda: killed(postgres),
                    "out of connections": lambda: exhausted(postgres),
                    "read-only": postgres.read_only,
                    "full": lambda: filled(disk),
                }
            else:
                faults |= {"read-only": postgres.read_only, "restarted": postgres.away}
        fleet.environment["TOKENSVC_LOG_LEVEL"] = "debug"
        stack.enter_context(fleets.started(fleet, workers=2))
        fleet.first.await_ready(200)
        name = {"sqlite": "SQLite", "direct": "PostgreSQL"}.get(request.param, f"pgbouncer, {request.param} pooling")
        yield Store(name, fleet, **faults)


@contextmanager
def locked(path):
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("begin exclusive")
        yield


@contextmanager
def corrupt(path):
    """Replace the open file by garbage, and afterwards by a backup of the moment before."""
    backup = path.with_name("backup.db")
    with closing(sqlite3.connect(path, isolation_level=None)) as store:
        store.execute("begin immediate")  # so that nothing is written after the backup
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(backup)) as target:
            source.backup(target)
        garbage = path.with_name("garbage")
        garbage.write_bytes(os.urandom(1 << 20))
        garbage.replace(path)
    yield
    backup.replace(path)


@contextmanager
def killed(postgres):
    postgres.kill()
    yield
    postgres.start()


@contextmanager
def exhausted(postgres):
    """Take every connection that the server has, as another program might."""
    with ExitStack() as others:
        end = time.monotonic() + 20
        refused = 0
        while refused < 5:  # the service's own are closed, so that it cannot connect again
            assert time.monotonic() < end
            try:
                other = others.enter_context(psycopg.connect(postgres.url, autocommit=True))
            except psycopg.OperationalError:
                refused += 1
                continue
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = 'tokensvc' AND query NOT LIKE '%terminate%' AND pid <> pg_backend_pid()"
            )
        yield


@pytest.fixture(name="fresh_google")
def _fresh_google(google):
    google.minted.clear()
    google.received.clear()
    return google


def test_faults_of_the_store_are_refused_reported_and_survived(store, fresh_google, table):
    service = store.fleet.first
    for fault, make in store.faults.items():
        writable = (store.name, fault) == ("SQLite", "read-only")  # for what has it open
        expected = {200} if writable else {503}
        with Crowd(service.url) as crowd:
            crowd.await_more(20)
            with make():
                if not writable:
                    await_only(503, service.post, "/token", STEADY_FOR)
                ready, live, token = (Answers() for _ in range(3))
                for _ in range(2):
                    ready.take(service.get, "/readyz", within=READY_WITHIN)
                    live.take(service.get, "/livez", within=LIVE_WITHIN)
                    token.take(service.post, "/token", within=ANSWERED_WITHIN)
                ended = time.monotonic()
            crowd.await_more(1)
            recovery = time.monotonic() - ended
            await_only(200, service.get, "/readyz", STEADY_FOR)
            crowd.await_more(20)
        assert token.statuses == expected
        # PostgreSQL changes a row in place where it has no room for another one.
        assert ready.statuses == expected or (store.name, fault) == ("PostgreSQL", "full")
        assert live.statuses == {200}
        assert crowd.statuses.keys() <= {200, 503}
        assert not crowd.lost
        reconcile(store.fleet, fresh_google, crowd)
        assert recovery < RECOVERED_WITHIN
        assert PASSWORD_OF.found_in("".join(service.lines).encode()) == {}
        table.append(f"| {store.name} | {fault} | {token} | {ready} | {live} | {recovery:.1f} s | none |")


class Answers:
    """The statuses of some answers, and how long the slowest took."""

    def __init__(self):
        self.statuses, self.slowest = set(), 0.0

    def take(self, ask, path, *, within):
        """Ask for *path*; the answer must come *within* so many seconds."""
        began = time.monotonic()
        self.statuses.add(ask(path).status)
        self.slowest = max(self.slowest, time.monotonic() - began)
        assert self.slowest < within

    def __str__(self):
        return f"{'/'.join(map(str, self.statuses))} in {self.slowest:.2f} s"


def await_only(status, ask, path, seconds):
    """Wait until every answer has had *status* for so many seconds: a store may have some room left at first."""
    since = began = time.monotonic()
    while time.monotonic() < since + seconds:
        if ask(path).status != status:
            since = time.monotonic()
        assert since < began + 60
        time.sleep(0.1)
