"""Runs compiled statements on the driver's own connection: the path that every mint takes.

SQLAlchemy builds each statement once for each engine. To build and run it through SQLAlchemy for each request would
cost many times what the database itself does (docs/performance.md).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from typing import Any, TypeAlias

from sqlalchemy import Dialect, Engine
from sqlalchemy.sql import ClauseElement

from tokensvc.store.engine import file_of, guarded, locks

Values: TypeAlias = Mapping[str, Any]
Row: TypeAlias = tuple[Any, ...]
_Compiled: TypeAlias = tuple[str, Sequence[str] | None, Values]  # SQL, the order of its arguments, constants
Driven: TypeAlias = Any  # a StoreConnection or a PgConnection, whose driver may be missing


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
        sql, order, constants = compiled
        named = {**constants, **values} if constants else values
        return sql, named if order is None else [named[name] for name in order]

    def _compile(self, dialect: Dialect) -> _Compiled:
        clause = self._clause
        if not isinstance(clause, ClauseElement):
            clause = clause(dialect.name)
        compiled: Any = clause.compile(dialect=dialect, column_keys=self._columns)  # an SQLCompiler
        # A parameter without a value is a value of each call.
        constants = {name: value for name, value in compiled.params.items() if value is not None}
        order = compiled.positiontup if compiled.positional else None
        return compiled.string, order, constants


Request: TypeAlias = tuple[Statement, Values]


class Transaction:
    """An open transaction; each call runs its statements in one round trip."""

    def __init__(self, connection: Driven, dialect: Dialect, first: Sequence[tuple[str, Any]] = ()) -> None:
        """*first*, SQL and arguments, runs in the first round trip."""
        self._connection = connection
        self._dialect = dialect
        self._first = first
        self.committed = False

    def read(self, *requests: Request) -> list[list[Row]]:
        """Return the rows of each query."""
        return [cursor.fetchall() for cursor in self._run(requests)]

    def write(self, *requests: Request) -> list[int]:
        """Return how many rows each statement changed."""
        return [cursor.rowcount for cursor in self._run(requests)]

    def commit(self, *requests: Request) -> None:
        """Run the last statements and commit."""
        with self._connection.pipeline():
            self._run(requests)
            self._connection.commit()
        self.committed = True

    def _run(self, requests: Iterable[Request]) -> list[Any]:
        execute = self._connection.execute
        with self._connection.pipeline():
            for sql, values in self._first:
                execute(sql, values)
            self._first = ()
            return [execute(*statement.bound(self._dialect, values)) for statement, values in requests]


@contextmanager
def transaction(engine: Engine, keys: Iterable[str] = ()) -> Iterator[Transaction]:
    """Run a transaction, like `engine.transaction`; it is committed at the end of the block."""
    with guarded(engine), ExitStack() as held:
        if (file := file_of(engine)) is not None:
            connection = held.enter_context(file.lend())
            connection.begin()
            opened = Transaction(connection, engine.dialect)
        else:
            # Closing a pooled connection rolls back what was not committed.
            driven: Driven = held.enter_context(closing(engine.raw_connection())).driver_connection
            opened = Transaction(driven, engine.dialect, [(driven.settings, None), *locks(keys)])
        yield opened
        if not opened.committed:
            opened.commit()
