import sqlite3
from contextlib import closing
from importlib.resources import files

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import insert, select

from tokensvc.errors import ConfigurationError
from tokensvc.store.engine import file_of, open_engine, prepare, shorten_log, upgrade
from tokensvc.store.schema import REVISION, metadata, spending


def test_migrations_create_the_schema_of_the_code(engine):
    with engine.begin() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)

    assert differences == []


def test_second_upgrade_keeps_what_is_stored(engine):
    with engine.begin() as connection:
        connection.execute(insert(spending).values(key="everyone", day=1, seconds=60))

    upgrade(engine)

    with engine.begin() as connection:
        assert connection.execute(select(spending.c.seconds)).scalar() == 60


@pytest.mark.system
def test_start_with_an_old_server_schema_is_refused_until_upgraded(new_database):
    engine = open_engine(new_database())
    with pytest.raises(ConfigurationError, match="tokensvc db upgrade"):
        prepare(engine)

    upgrade(engine)
    prepare(engine)
    engine.dispose()


@pytest.mark.parametrize("url", ["mysql://localhost/x", "oracle://localhost/x"])
def test_unsupported_database_is_rejected(url):
    with pytest.raises(ConfigurationError, match="must name SQLite or PostgreSQL"):
        open_engine(url)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_sqlite_uses_wal_with_normal_synchronous(engine):
    """Readers and a writer do not block each other, and a killed process loses no commit."""
    with engine.begin() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_log_is_emptied_unless_somebody_reads_an_earlier_state(engine):
    def spend(day):
        with engine.begin() as connection:
            connection.execute(insert(spending).values(key="everyone", day=day, seconds=60))

    spend(1)
    with closing(sqlite3.connect(str(file_of(engine)))) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT day FROM spending").fetchall() == [(1,)]
        spend(2)
        assert not shorten_log(engine, 0)
        assert file_of(engine).log_size > 0
        assert reader.execute("SELECT day FROM spending").fetchall() == [(1,)]
    assert shorten_log(engine, 0)
    assert file_of(engine).log_size == 0
    with engine.begin() as connection:
        assert connection.execute(select(spending.c.day)).scalars().all() == [1, 2]


def test_revision_is_that_of_the_newest_migration():
    names = [file.name for file in (files("tokensvc.store") / "migrations/versions").iterdir()]
    assert max(name for name in names if name.endswith(".py")).startswith(f"{REVISION}_")
