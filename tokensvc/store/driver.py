"""Runs compiled statements on the driver's own connection: the path that every mint takes.

SQLAlchemy builds each statement for both engines, once. To build it and run it through SQLAlchemy
for each request would cost many times what the database itself does (docs/performance.md).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import Dialect, Engine
from sqlalchemy.sql import ClauseElement

from tokensvc.store.engine import file_of, guarded
from tokensvc.store.schema import REVISION
from tokensvc.store.sqlite import StoreConnection

Values: TypeAlias = Mapping[str, Any]
Row: TypeAlias = tuple[Any, ...]

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(%(key)s, 0))"


@dataclass(frozen=True)
class _Compiled:
    sql: str
    order: Sequence[str] | None  # of the arguments, if the driver takes them by position
    constants: Values


class Statement:
    """A statement that is compiled once for each engine; its bound parameters are given by name."""

    def __init__(self, clause: ClauseElement | Callable[[str], ClauseElement], columns: Sequence[str] = ()) -> None:
        """*clause* may be a function of the engine's name; it inserts or sets *columns*."""
        self._clause = clause
        self._columns = list(columns) or None
        self._compiled: dict[str, _Compiled] = {}

    def bound(self, dialect: Dialect, values: Values) -> tuple[str, Any]:
        """Return the SQL and its arguments as the driver takes them."""
        compiled = self._compiled.get(dialect.name)
        if compiled is None:
            compiled = self._compiled[dialect.name] = self._compile(dialect)
        named = {**compiled.constants, **values} if compiled.constants else values
        if compiled.order is None:
            return compiled.sql, named
        return compiled.sql, [named[name] for name in compiled.order]

    def _compile(self, dialect: Dialect) -> _Compiled:
        clause = self._clause
        if not isinstance(clause, ClauseElement):
            clause = clause(dialect.name)
        compiled: Any = clause.compile(dialect=dialect, column_keys=self._columns)  # an SQLCompiler
        # A parameter without a value is a value of each call.
        constants = {name: value for name, value in compiled.params.items() if value is not None}
        order = compiled.positiontup if compiled.positional else None
        return _Compiled(compiled.string, order, constants)


class Transaction:
    """An open transaction; each call runs its statements in one round trip."""

    def __init__(self, connection: Any, dialect: Dialect) -> None:  # noqa: ANN401 - two drivers
        self._connection = connection
        self._dialect = dialect
        self.committed = False

    def read(self, *requests: tuple[Statement, Values]) -> list[list[Row]]:
        """Return the rows of each query."""
        return [cursor.fetchall() for cursor in self._run(requests)]

    def write(self, *requests: tuple[Statement, Values]) -> list[int]:
        """Return how many rows each statement changed."""
        return [cursor.rowcount for cursor in self._run(requests)]

    def commit(self, *requests: tuple[Statement, Values]) -> None:
        """Run the last statements and commit."""
        raise NotImplementedError

    def _run(self, requests: Iterable[tuple[Statement, Values]]) -> list[Any]:
        raise NotImplementedError


class _SqliteTransaction(Transaction):
    def __init__(self, connection: StoreConnection, dialect: Dialect) -> None:
        super().__init__(connection, dialect)
        connection.begin()

    def commit(self, *requests: tuple[Statement, Values]) -> None:
        self._run(requests)
        self._connection.check_in_place()  # a commit to a deleted file would be lost
        self._connection.execute("COMMIT")
        self.committed = True

    def _run(self, requests: Iterable[tuple[Statement, Values]]) -> list[Any]:
        execute = self._connection.execute
        return [execute(*statement.bound(self._dialect, values)) for statement, values in requests]


class _PostgresqlTransaction(Transaction):
    def __init__(self, connection: Any, dialect: Dialect, keys: Iterable[str]) -> None:  # noqa: ANN401
        super().__init__(connection, dialect)
        # Run in the first round trip; keys are locked in sorted order to prevent deadlocks.
        self._first = [(connection.settings, None), *((_LOCK, {"key": key}) for key in sorted(set(keys)))]

    def commit(self, *requests: tuple[Statement, Values]) -> None:
        with self._connection.pipeline():
            self._run(requests)
            self._connection.commit()
        self.committed = True

    def _run(self, requests: Iterable[tuple[Statement, Values]]) -> list[Any]:
        execute = self._connection.execute
        with self._connection.pipeline():
            for statement in self._first:
                execute(*statement)
            self._first = []
            return [execute(*statement.bound(self._dialect, values)) for statement, values in requests]


@contextmanager
def transaction(engine: Engine, keys: Iterable[str] = ()) -> Iterator[Transaction]:
    """Run a transaction, like `engine.transaction`; it is committed at the end of the block.

    Raises:
        TemporarilyUnavailable: if the store cannot be read or written.
    """
    with guarded(engine), ExitStack() as held:
        opened: Transaction
        if (file := file_of(engine)) is not None:
            opened = _SqliteTransaction(held.enter_context(file.lend(REVISION)), engine.dialect)
        else:
            # Closing a pooled connection rolls back what was not committed.
            pooled = held.enter_context(closing(engine.raw_connection()))
            opened = _PostgresqlTransaction(pooled.driver_connection, engine.dialect, keys)
        yield opened
        if not opened.committed:
            opened.commit()
