"""`tokensvc keys`: the API keys of backends."""

import re

import click

from tokensvc.authn.api_keys import make_key
from tokensvc.cli.inputs import now, store_url
from tokensvc.config.values import NAME
from tokensvc.domain import KEY_ISSUER_PREFIX, ApiKey, fingerprint
from tokensvc.quota_keys import block_key
from tokensvc.store.api_keys import ApiKeys
from tokensvc.store.blocks import Blocks
from tokensvc.store.engine import open_existing, open_or_create


@click.group()
def keys() -> None:
    """Manage API keys for backends that fetch tokens for their users."""


@keys.command()
@click.argument("name")
@click.option("--profile", "profiles", metavar="PROFILE", multiple=True, help="Limit it to this profile; repeatable.")
def create(name: str, profiles: tuple[str, ...]) -> None:
    """Create a key called NAME and show it once: only its fingerprint is stored.

    It can use the profiles whose “allow” lists “key:NAME”.
    """
    for kind, checked in (("key", name), *(("profile", profile) for profile in profiles)):
        if not re.fullmatch(NAME, checked):
            raise click.ClickException(f"A {kind}'s name has 1 to 64 letters, digits, dots, dashes or underscores.")
    key, store = make_key(), open_or_create(store_url())
    created = ApiKey(name, now(), frozenset(profiles) or None)  # None means every profile
    if not ApiKeys(store).add(created, fingerprint(key)):
        raise click.ClickException(
            f"There is a key “{name}” already. Create one with another name, switch to it, and remove the old one."
        )
    # Removing an earlier key of this name has left this block behind.
    Blocks(store, now).lift(block_key("issuer", KEY_ISSUER_PREFIX + name))
    click.echo(key)
    click.echo(f"This key is shown only once. It can use {_usable_profiles(created)}.", err=True)


@keys.command("list")
def list_keys() -> None:
    """List the keys by name, with the date of creation and the profiles that each can use."""
    for key in ApiKeys(open_existing(store_url())).listed():
        click.echo(f"{key.name}\t{key.created_at:%Y-%m-%d}\t{_usable_profiles(key)}")


@keys.command()
@click.argument("name")
def remove(name: str) -> None:
    """Remove a key at once. Its users' conversations can no longer be renewed."""
    store = open_existing(store_url())
    if not ApiKeys(store).remove(name, KEY_ISSUER_PREFIX + name):
        raise click.ClickException(f"There is no key “{name}”.")
    # Stops requests that were authenticated just before.
    Blocks(store, now).put(block_key("issuer", KEY_ISSUER_PREFIX + name), until=None)
    click.echo(f"Removed {name}.")


def _usable_profiles(key: ApiKey) -> str:
    condition = f"“allow” lists “{KEY_ISSUER_PREFIX}{key.name}”"
    if key.profiles is None:
        return f"every profile whose {condition}"
    return f"{', '.join(sorted(key.profiles))}, if {condition}"
