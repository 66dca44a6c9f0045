"""Runs migrations that are written in SQL."""

from alembic import op


def run(script: str) -> None:
    """Run each statement of *script*, in which `{NUMBER}` is a primary key that the database assigns."""
    on_sqlite = op.get_context().dialect.name == "sqlite"
    number = "INTEGER NOT NULL PRIMARY KEY" if on_sqlite else "BIGSERIAL PRIMARY KEY"
    # A number of a removed event is not given again.
    filled = script.format(NUMBER=number, ONCE="AUTOINCREMENT" if on_sqlite else "")
    for statement in filled.split(";\n"):
        op.execute(statement)
