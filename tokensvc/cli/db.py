"""`tokensvc db`: the store's schema."""

from pathlib import Path

import click

from tokensvc.cli.inputs import store_url
from tokensvc.store.engine import file_of, open_engine
from tokensvc.store.engine import upgrade as upgrade_store


@click.group()
def db() -> None:
    """Manage the store."""


@db.command()
def upgrade() -> None:
    """Bring the schema up to date; run this at each release. With SQLite, a start does it too."""
    upgrade_store(open_engine(store_url()))
    click.echo("The store's schema is up to date.")


@db.command()
@click.argument("file", type=click.Path(path_type=Path))
def backup(file: Path) -> None:
    """Copy an SQLite store to FILE while the service runs. For PostgreSQL, use pg_dump."""
    store = file_of(open_engine(store_url()))
    if store is None:
        raise click.ClickException("The store is in PostgreSQL: back it up with pg_dump (docs/upgrading.md).")
    try:
        store.back_up(file)
    except FileExistsError:
        raise click.ClickException(f"{file} exists, so nothing was written.") from None
    click.echo(f"Wrote {file}.")
