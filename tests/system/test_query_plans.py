"""However large the store is, a mint reads few rows of it and finds them by an index."""

from __future__ import annotations

import itertools
import re
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from sqlalchemy import event, text

from tokensvc.domain import Admission, Budget, EphemeralToken, Lease, Limit, Principal, Window
from tokensvc.errors import RateLimited, TooManyAtOnce
from tokensvc.store.engine import file_of, open_engine, upgrade
from tokensvc.store.ledger import Ledger
from tokensvc.store.sweeping import Sweeper
from tokensvc.store.times import DAY, SECOND, microseconds

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ROWS = 200_000  # of each growing table
GROWING = {"events", "charges", "spending", "leases", "tokens"}
_BY_INDEX = {"Index Scan", "Index Only Scan", "Bitmap Heap Scan"}
MAX_ROWS = 64  # a little more than the highest limit below
SWEPT = 200  # rows that one transaction of a sweep removes
HIGHEST = 60
LIMITS = (Limit(HIGHEST, 60), Limit(HIGHEST, 86_400))
BUSY, HOLDER, LEASE = "the busiest window", "the busiest person", "the busiest lease"
_AT = microseconds(NOW)

# A series of numbers from 1, as each engine makes one.
_SERIES = {
    "sqlite": "(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {count})"
    " SELECT n FROM s) AS s",
    "postgresql": "generate_series(1, {count}) AS s(n)",
}
# Half of all charges and tokens are one person's, and a tenth is outdated.
_FILL = [
    """INSERT INTO events (at, kind, reservation_id, lease_id, request_id, principal_kind, issuer,
         subject, address, profile, seconds)
       SELECT {now} - n * 1000, 'reserved', 'r' || n, 'l' || n, 'q' || n, 'user', 'shop',
         'person-' || (n % 10000), '192.0.2.1', 'default', 300 FROM {series}""",
    """INSERT INTO charges (reservation_id, key, at)
       SELECT 'r' || n, CASE WHEN n % 2 = 0 THEN '{busy}' ELSE 'window-' || n END,
         {now} - CAST(n AS BIGINT) * 480000 FROM {series}""",
    """INSERT INTO spending (key, day, seconds)
       SELECT 'person-' || (n / 10), {now} / {day} - n % 10, 300 FROM {series}""",
    """INSERT INTO leases (id, holder, token_id, token_end, charged_until, granted_at, drawn_until,
         fresh_at, deadline)
       SELECT 'l' || n, 'person-' || n, 't' || n, {now} + n * 1000, {now} + n * 1000, {now}, {now},
         {now}, {now} + {day} - CAST(n AS BIGINT) * 950000 FROM {series}""",
    """INSERT INTO tokens (id, lease_id, expires_at, place_of, counted_for, counted_until)
       SELECT 't' || n, CASE WHEN n % 3 = 0 THEN '{lease}' ELSE 'l' || n END,
         {now} + CAST({rows} * 0.9 - n AS BIGINT) * 480000,
         CASE WHEN n % 2 = 0 THEN '{holder}' ELSE 'person-' || n END,
         CASE WHEN n % 2 = 0 THEN '{holder}' ELSE 'person-' || n END,
         {now} + CAST({rows} * 0.9 - n AS BIGINT) * 480000 FROM {series}""",
]
_OUTDATED = "SELECT count(*) FROM charges WHERE at <= :before"


class _Clock:
    def __init__(self):
        self.now = NOW

    def __call__(self):
        self.now += timedelta(milliseconds=1)
        return self.now


@pytest.fixture(name="stores", scope="module", params=["sqlite", "postgresql"])
def _stores(request, tmp_path_factory):
    """Provide an empty store and a full one."""
    engines = []
    for name in ("empty", "full"):
        if request.param == "sqlite":
            engine = open_engine(f"sqlite:///{tmp_path_factory.mktemp(name) / 'tokensvc.db'}")
        else:
            engine = open_engine(request.getfixturevalue("new_database")())
        upgrade(engine)
        engines.append(engine)
    with engines[1].begin() as connection:
        if request.param == "postgresql":
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text("SET LOCAL synchronous_commit = off"))
        else:
            connection.exec_driver_sql("PRAGMA cache_size = -200000")
        for statement in _FILL:
            words = {"now": _AT, "day": DAY, "busy": BUSY, "holder": HOLDER, "lease": LEASE}
            words |= {"rows": ROWS, "series": _SERIES[request.param].format(count=ROWS)}
            connection.execute(text(statement.format(**words)))
    if request.param == "postgresql":
        with engines[1].connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("SET statement_timeout = 0"))
            connection.execute(text("ANALYZE"))
    yield engines
    for engine in engines:
        engine.dispose()


def _use_ledger(engine):
    """Use the ledger for a conversation, a failed mint, and refusals."""
    clock = _Clock()
    ledger = Ledger(engine, clock)
    principal = Principal("user", "shop", "person-7")
    lease = Lease("new", principal, "default", {}, NOW, NOW + timedelta(hours=1))
    admission = Admission(
        request_id="request",
        address="192.0.2.1",
        lease=lease,
        model="models/m",
        renewal=False,
        wanted=300,
        connect_within=60,
        holder="person-8",
        places=HIGHEST // 2,  # twice as many tokens are counted
        windows=(Window("user", "quiet", LIMITS), Window("own", "quieter", LIMITS)),
        budgets=(Budget("user", "person-8", 10**9), Budget("everyone", "everyone", 10**9)),
        blocks=("everyone", "profile", "subject", "lease"),
    )
    reservation = ledger.admit(admission)
    ledger.grant(reservation, EphemeralToken("auth_tokens/t", clock(), clock()))
    renewal = replace(admission, renewal=True)
    ledger.refund(ledger.admit(renewal), "upstream-timeout")
    ledger.end(lease, "request", "192.0.2.1")
    with suppress(RateLimited):
        ledger.admit(replace(admission, windows=(Window("user", BUSY, LIMITS),)))
    with suppress(TooManyAtOnce):
        ledger.admit(replace(admission, holder=HOLDER))
    with suppress(RateLimited):
        ledger.admit(replace(admission, lease=replace(lease, id=LEASE)))
    ledger.charge_attempt(Window("login", "quiet", LIMITS))


def _lent(engine):
    """Lend the connection that runs a mint's statements: PostgreSQL's are all alike."""
    file = file_of(engine)
    return file.lend() if file else closing(engine.raw_connection())


@contextmanager
def _executed(engine):
    """Collect the statements that the driver executes, with their parameters."""
    found = []

    class NotingCursor(psycopg.Cursor):
        def execute(self, query, params=None, **options):
            found.append((query, params))
            return super().execute(query, params, **options)

    def note(connection, *_):
        if engine.dialect.name == "sqlite":
            connection.set_trace_callback(lambda statement: found.append((statement, ())))
        else:
            connection.cursor_factory = NotingCursor

    event.listen(engine, "checkout", note)
    with _lent(engine) as connection:
        note(connection)
    try:
        yield found
    finally:
        event.remove(engine, "checkout", note)
        engine.dispose()  # the connections that note


def test_every_statement_reads_few_rows_and_finds_them_by_an_index(stores):
    _, full = stores
    with _executed(full) as statements:
        _use_ledger(full)
    explained = [
        (statement, parameters)
        for statement, parameters in statements
        if any(table in statement for table in GROWING | {"blocks"})
    ]
    assert {words.split()[0] for words, _ in explained} == {"SELECT", "INSERT", "UPDATE", "DELETE"}
    assert all(any(f" {table}" in words for words, _ in explained) for table in GROWING)

    explain = _explain_sqlite if full.dialect.name == "sqlite" else _explain_postgresql
    for statement, parameters in explained:
        with full.connect() as connection:
            explain(connection, statement, parameters)
            connection.rollback()


def _explain_sqlite(connection, statement, parameters):
    """Check that the statement scans and sorts no growing table."""
    lines = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
    for line in lines:
        scanned = line.detail.startswith("SCAN") and line.detail.split()[1] in GROWING
        assert not scanned, f"{line.detail} in {statement}"
        assert "TEMP B-TREE" not in line.detail, f"{line.detail} in {statement}"


def _explain_postgresql(connection, statement, parameters):
    """Check that the plan reads growing tables only by an index, and few rows of them.

    The statement is explained twice: executed with *parameters*, and planned for any parameters,
    since the driver lets the server reuse the plan of a frequent statement.
    """
    numbers = itertools.count(1)
    anything = re.sub(r"%\(\w+\)s", lambda _: f"${next(numbers)}", statement)
    explained = [(f"EXPLAIN (GENERIC_PLAN, FORMAT JSON) {anything}", None)]
    if not statement.startswith("INSERT"):  # it reads nothing, and its key exists by now
        explained.append((f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters))
    for words, values in explained:
        ((((plan,),)),) = connection.exec_driver_sql(words, values).all()
        for node in _nodes(plan["Plan"]):
            message = f"{node} in {words}"
            if node.get("Relation Name") in GROWING and node["Node Type"] != "ModifyTable":
                assert node["Node Type"] in _BY_INDEX, message
            read = node.get("Actual Rows", 0) + node.get("Rows Removed by Filter", 0)
            assert read * node.get("Actual Loops", 0) <= MAX_ROWS, message


def _nodes(plan):
    yield plan
    for child in plan.get("Plans", []):
        yield from _nodes(child)


def test_full_store_costs_at_most_three_times_as_much_as_an_empty_one(stores):
    """SQLite counts the instructions it executes, PostgreSQL the pages it reads."""
    cost = _instructions if stores[0].dialect.name == "sqlite" else _pages
    costs = [cost(engine) for engine in stores]
    assert costs[0] > 100
    assert costs[1] <= 3 * costs[0], costs


def _pages(engine):
    """Count the pages that PostgreSQL reads, from memory or disk, to use the ledger."""
    with _executed(engine) as statements:
        _use_ledger(engine)
    pages = 0
    for statement, parameters in statements:
        if statement.split()[0] not in {"SELECT", "UPDATE", "DELETE"}:
            continue  # an insertion would find its key taken
        explain = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}"
        with engine.connect() as connection:
            ((((plan,),)),) = connection.exec_driver_sql(explain, parameters).all()
            connection.rollback()
        pages += plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"]
    return pages


def _instructions(engine):
    """Count the instructions that SQLite executes to use the ledger."""
    count = 0

    def step():
        nonlocal count
        count += 1

    with _lent(engine) as raw:
        raw.set_progress_handler(step, 1)
    try:
        _use_ledger(engine)
    finally:
        raw.set_progress_handler(None, 1)
    return count


def test_sweep_removes_all_outdated_rows_in_small_transactions(stores):
    _, full = stores
    before = {"before": _AT - 86_400 * SECOND}
    with full.connect() as connection:
        assert connection.execute(text(_OUTDATED), before).scalar() > SWEPT
    with _executed(full) as statements:
        Sweeper(full, _Clock()).sweep()
    with full.connect() as connection:
        assert connection.execute(text(_OUTDATED), before).scalar() == 0
    deletions = [each for each in statements if each[0].startswith("DELETE")]
    assert len(deletions) > ROWS * 0.1 / SWEPT
    explain = _explain_sqlite if full.dialect.name == "sqlite" else _explain_postgresql
    with full.connect() as connection:
        for table in ("charges", "leases", "tokens"):
            explain(connection, *next(each for each in deletions if table in each[0]))
