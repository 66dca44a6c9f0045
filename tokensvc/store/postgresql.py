"""Opens PostgreSQL by any provider's URL, directly or through a pooler such as pgbouncer.

A pooler may give each transaction another session, and by default it refuses options at the start of a connection. So
nothing stays in a session: no prepared statement, and no setting of ours.
"""

import logging
import select
import time
from functools import partial
from threading import BoundedSemaphore
from typing import Any, TypeVar
from urllib.parse import parse_qsl, quote, unquote, urlencode

import psycopg
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import Conninfo
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DisconnectionError

from tokensvc.errors import ConfigurationError
from tokensvc.store.sqlite import BUSY

T = TypeVar("T")
_LONGEST_WAIT = BUSY + 1  # seconds; a suspended server cannot end a statement itself
_READ_ONLY = "25006"  # SQLSTATE
# What other tools put there for themselves.
_OF_OTHER_TOOLS = """
connection_limit pgbouncer pool_timeout single_use_connections socket_timeout sslaccept statement_cache_size
max_idle_connection_lifetime supa uselibpqcompat workaround advisory_locks checkout_timeout encoding idle_timeout pool
prepared_statements reaping_frequency async_fallback prepared_statement_cache_size pool_max_conns pool_min_conns
pool_max_conn_lifetime pool_max_conn_idle_time pool_health_check_period default_query_exec_mode
statement_cache_capacity description_cache_capacity binary_parameters prepareThreshold reWriteBatchedInserts
tcpKeepAlive socketTimeout loginTimeout conn_max_age
"""
_log = logging.getLogger(__name__)


class PgConnection(psycopg.Connection[Any]):
    """A connection whose server must answer in time; *settings* is SQL for each transaction."""

    settings = ""
    longest_wait = _LONGEST_WAIT

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        """Wait for the server; close the connection if it does not answer, or has become a replica.

        Every call of psycopg on an open connection waits here.
        """
        began = time.monotonic()
        try:
            return super().wait(gen, interval, timeout or self.longest_wait)
        except psycopg.Error as error:
            # So that neither a rollback waits for it, nor the next transaction gets it.
            if error.sqlstate == _READ_ONLY or time.monotonic() >= began + self.longest_wait:
                self.close()
            raise

    def rollback(self) -> None:
        """Roll back, unless `wait` has closed the connection."""
        if not self.closed:
            super().rollback()


def open_postgresql(url: str, places: BoundedSemaphore) -> Engine:
    """Return an engine for *url*; raise ConfigurationError if it is invalid."""
    parameters, schema = read_url(url)
    engine = create_engine(
        "postgresql+psycopg://",
        creator=partial(_connect, parameters, _settings(schema)),
        pool_size=8,
        max_overflow=0,
        pool_timeout=BUSY,
        hide_parameters=True,
        use_native_hstore=False,
        execution_options={"places": places},
    )
    event.listen(engine, "checkout", _discard_if_closed)
    event.listen(engine, "begin", lambda opened: opened.exec_driver_sql(_settings(schema)))
    return engine


def read_url(url: str) -> tuple[dict[str, Any], str | None]:
    """Return libpq's parameters for *url*, and the schema that it names for another tool.

    The password may contain any character, percent-encoded or not. Raises ConfigurationError, which names what is
    invalid, without a part of the password.
    """
    user, password, address = _without_credentials(url.partition("://")[2])
    location, _, query = address.partition("?")
    authority = location.partition("/")[0]
    known = {option.keyword.decode() for option in Conninfo.get_defaults()} | {"ssl"}
    faults = [
        "DATABASE_URL: the port is not a number; is “user:password@” missing before the host?"
        for host in authority.split(",")
        if not (host.rpartition("]")[2].partition(":")[2] or "0").isdecimal()
    ]
    kept, schema = {}, None
    for name, value in parse_qsl(query.replace("+", "%2B"), keep_blank_values=True):
        if name in {"schema", "currentSchema"}:
            schema = value
        elif name in known:
            kept[name] = value
        elif name in _OF_OTHER_TOOLS.split():
            _log.info("parameter of DATABASE_URL is for another tool, ignored name=%s", name)
        else:
            faults.append(f"DATABASE_URL: unknown parameter “{name}”; remove it or correct it")
    if faults:
        raise ConfigurationError("environment", faults)
    try:
        parameters = conninfo_to_dict(f"postgresql://{location}?{urlencode(kept, quote_via=quote)}")
    except psycopg.Error:  # its message would quote the URL
        fault = "DATABASE_URL: write postgresql://user:password@host:5432/database"
        raise ConfigurationError("environment", [fault]) from None
    credentials = {"user": user, "password": password}
    parameters |= {name: unquote(value) for name, value in credentials.items() if value}
    defaults = {"connect_timeout": int(BUSY), "fallback_application_name": "tokensvc"}
    if "," in authority:  # some of them are replicas
        defaults["target_session_attrs"] = "read-write"
    return defaults | parameters, schema


def _without_credentials(address: str) -> tuple[str, str, str]:
    """Split *address* into user, password and the rest, at the last @ that a path follows."""
    marks = [] if address.startswith("/") else [i for i, c in enumerate(address) if c == "@"]
    if not marks:
        return "", "", address
    mark = next((i for i in reversed(marks) if "/" in address[i:]), marks[-1])
    user, _, password = address[:mark].partition(":")
    return user, password, address[mark + 1 :]


def _settings(schema: str | None) -> str:
    """Return the statement that bounds each statement and lock of a transaction."""
    limit = str(int(BUSY * 1000))
    settings = {"statement_timeout": limit, "lock_timeout": limit}
    if schema is not None:
        settings["search_path"] = '"{}"'.format(schema.replace('"', '""'))
    quoted = {name: value.replace("'", "''").replace("%", "%%") for name, value in settings.items()}
    calls = ", ".join(f"set_config('{name}', '{value}', true)" for name, value in quoted.items())
    return f"SELECT {calls}"


def _connect(parameters: dict[str, Any], settings: str) -> PgConnection:
    connection = PgConnection.connect(**parameters, prepare_threshold=None)
    connection.settings = settings
    return connection


def _discard_if_closed(connection: PgConnection, *_: object) -> None:
    """Raise DisconnectionError if the server has closed an idle connection, such as by a restart.

    Nothing else is ever waiting to be read. SQLAlchemy's own check takes a round trip.
    """
    poll = select.poll()
    if not connection.closed:
        poll.register(connection.fileno(), select.POLLIN)
    if connection.closed or poll.poll(0):
        raise DisconnectionError("the server has closed the connection")
