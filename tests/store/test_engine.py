from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from tokensvc.store.engine import upgrade
from tokensvc.store.schema import metadata


def test_the_migrations(engine):
    """They make the very tables that the code is written for."""
    with engine.begin() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)

    assert differences == []


def test_a_second_upgrade(engine):
    """It changes nothing."""
    upgrade(engine)


def test_the_journal(engine):
    """Readers and a writer do not wait for each other, and a killed process loses nothing."""
    with engine.begin() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 1
