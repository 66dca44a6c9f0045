"""`tokensvc db`: the store's schema."""

import os

import click

from tokensvc.config.environment import Paths
from tokensvc.store.engine import open_engine
from tokensvc.store.engine import upgrade as upgrade_store


@click.group()
def db() -> None:
    """Manage the store."""


@db.command()
def upgrade() -> None:
    """Bring the schema up to date; run this at each release. With SQLite, a start does it too."""
    upgrade_store(open_engine(Paths.read(os.environ).database_url))
    click.echo("The store's schema is up to date.")
