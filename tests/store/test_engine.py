import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from tokensvc.errors import ConfigurationError
from tokensvc.store.engine import open_engine, prepare, upgrade
from tokensvc.store.schema import metadata


def test_the_migrations(engine):
    """They make the very tables that the code is written for."""
    with engine.begin() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)

    assert differences == []


def test_a_second_upgrade(engine):
    """It changes nothing."""
    upgrade(engine)


def test_an_old_schema_on_a_server(new_database):
    """The start is refused, with what to do; an embedded store upgrades itself."""
    engine = open_engine(new_database())
    with pytest.raises(ConfigurationError, match="tokensvc db upgrade"):
        prepare(engine)

    upgrade(engine)
    prepare(engine)
    engine.dispose()


@pytest.mark.parametrize("url", ["mysql://localhost/x", "oracle://localhost/x"])
def test_another_kind_of_database(url):
    """It is refused in words."""
    with pytest.raises(ConfigurationError, match="SQLite or PostgreSQL"):
        open_engine(url)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_journal(engine):
    """Readers and a writer do not wait for each other, and a killed process loses nothing."""
    with engine.begin() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 1
