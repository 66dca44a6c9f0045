"""`tokensvc block`, `unblock` and `blocks`: the emergency stop, and narrower blocks."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from tokensvc import quota_keys
from tokensvc.cli.parameters import DURATION
from tokensvc.config.environment import Paths
from tokensvc.store.blocks import Blocks
from tokensvc.store.engine import open_existing

if TYPE_CHECKING:
    from collections.abc import Callable

_WHAT = click.Choice(["all", "guests", "profile", "subject", "lease"])
_KEYS: dict[str, Callable[[str], str]] = {
    "profile": quota_keys.profile_block,
    "subject": quota_keys.subject_block,
    "lease": quota_keys.lease_block,
}


@click.command()
@click.argument("what", type=_WHAT)
@click.argument("name", required=False)
@click.option("--issuer", help="With “subject”: only at this issuer, by its exact “iss”.")
@click.option("--for", "lasting", type=DURATION, help="Only for this long, such as 30m or 2h.")
def block(what: str, name: str | None, issuer: str | None, lasting: int | None) -> None:
    """Refuse tokens from the next request on, in every worker and on every machine.

    \b
    tokensvc block all                  nobody gets a token: the emergency stop
    tokensvc block guests               nobody without a credential gets a token
    tokensvc block profile support      nobody gets this profile
    tokensvc block subject alice        this person gets no token; a call ends with its token
    tokensvc block lease 4f3c…          this conversation; “tokensvc audit list” shows the id
    """  # noqa: D301 - \b keeps click from wrapping the lines
    until = datetime.now(UTC) + timedelta(seconds=lasting) if lasting else None
    key = _key(what, name, issuer)
    _blocks().put(key, until)
    click.echo("Blocked" + (f" until {until:%Y-%m-%d %H:%M} UTC." if until else "."))


@click.command()
@click.argument("what", type=_WHAT)
@click.argument("name", required=False)
@click.option("--issuer", help="With “subject”: the issuer that was blocked.")
def unblock(what: str, name: str | None, issuer: str | None) -> None:
    """Lift a block, named as for “tokensvc block”."""
    key = _key(what, name, issuer)
    if not _blocks().lift(key):
        raise click.ClickException("This was not blocked. “tokensvc blocks” lists all blocks.")
    click.echo("Unblocked.")


@click.command()
def blocks() -> None:
    """List the current blocks."""
    for found in _blocks().in_force():
        until = f"until {found.until:%Y-%m-%d %H:%M} UTC" if found.until else "until unblocked"
        # A block's key is a JSON list of words, such as ["profile", "support"].
        words = json.loads(found.key)
        words = ["all"] if words == ["everyone"] else words
        click.echo(f"{' '.join(words)}  since {found.at:%Y-%m-%d %H:%M} UTC, {until}")


def _key(what: str, name: str | None, issuer: str | None) -> str:
    # The kinds in _KEYS need a name; the others, “all” and “guests”, take none.
    if (what in _KEYS) != (name is not None):
        raise click.UsageError(
            f"“{what}” needs a name." if what in _KEYS else f"“{what}” takes no name."
        )
    if issuer is not None and what != "subject":
        raise click.UsageError("--issuer can be used only with “subject”.")
    if what == "all":
        return quota_keys.EVERYONE_BLOCK
    if what == "guests":
        return quota_keys.GUESTS_BLOCK
    assert name is not None  # noqa: S101 - checked above
    return quota_keys.subject_block(name, issuer) if issuer else _KEYS[what](name)


def _blocks() -> Blocks:
    return Blocks(open_existing(Paths.read(os.environ).database_url), lambda: datetime.now(UTC))
