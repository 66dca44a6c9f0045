"""`tokensvc keys`: the API keys of backends."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime

import click

from tokensvc.authn.api_keys import make_key
from tokensvc.config.environment import Paths
from tokensvc.config.profiles import NAME
from tokensvc.domain import KEY_ISSUER_PREFIX, ApiKey
from tokensvc.quota_keys import issuer_block
from tokensvc.signing.fingerprints import fingerprint
from tokensvc.store.api_keys import ApiKeys
from tokensvc.store.blocks import Blocks
from tokensvc.store.engine import open_existing, open_or_create


@click.group()
def keys() -> None:
    """Keep API keys for backends that fetch tokens for their users."""


@keys.command()
@click.argument("name")
@click.option(
    "--profile",
    "profiles",
    metavar="PROFILE",
    multiple=True,
    help="Make it good for this profile only; may stand several times.",
)
def create(name: str, profiles: tuple[str, ...]) -> None:
    """Make a key called NAME and show it, this once: only its fingerprint is kept.

    A profile is for it where its “allow” lists “key:NAME”.
    """
    for what, called in (("key", name), *(("profile", profile) for profile in profiles)):
        if not re.fullmatch(NAME, called):
            raise click.ClickException(
                f"A {what}'s name has 1 to 64 letters, digits, dots, dashes and underlines."
            )
    key = make_key()
    made = ApiKey(name, datetime.now(UTC), frozenset(profiles) or None)
    if not _api_keys(create=True).add(made, fingerprint(key)):
        raise click.ClickException(
            f"There is a key “{name}” already. Make one of another name, change over to it, "
            "and remove the old one."
        )
    _blocks().lift(issuer_block(KEY_ISSUER_PREFIX + name))
    click.echo(key)
    click.echo(f"This is shown once. It opens {_opened(made)}.", err=True)


@keys.command("list")
def list_keys() -> None:
    """List the keys by name, with the day each was made and what it opens."""
    for key in _api_keys().listed():
        click.echo(f"{key.name}\t{key.created_at:%Y-%m-%d}\t{_opened(key)}")


@keys.command()
@click.argument("name")
def remove(name: str) -> None:
    """Remove a key; it is refused from the next request on, and no conversation of it renews."""
    if not _api_keys().remove(name, KEY_ISSUER_PREFIX + name):
        raise click.ClickException(f"There is no key “{name}”.")
    # Whoever was let in by it a moment ago gets no further than here.
    _blocks().put(issuer_block(KEY_ISSUER_PREFIX + name), None)
    click.echo(f"Removed {name}.")


def _opened(key: ApiKey) -> str:
    listing = f"“allow” lists “{KEY_ISSUER_PREFIX}{key.name}”"
    if key.profiles is None:
        return f"every profile whose {listing}"
    return f"{', '.join(sorted(key.profiles))}, where {listing}"


def _api_keys(*, create: bool = False) -> ApiKeys:
    opened = open_or_create if create else open_existing
    return ApiKeys(opened(Paths.read(os.environ).database_url))


def _blocks() -> Blocks:
    return Blocks(open_existing(Paths.read(os.environ).database_url), lambda: datetime.now(UTC))
