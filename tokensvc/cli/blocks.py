"""`tokensvc block`, `unblock` and `blocks`: the emergency stop, and narrower blocks."""

import json
from datetime import timedelta

import click

from tokensvc.cli.inputs import now, store_url
from tokensvc.config.values import duration
from tokensvc.errors import ConfigurationError, TemporarilyUnavailable
from tokensvc.plain_text import escaped
from tokensvc.quota_keys import EVERYONE_BLOCK, block_key
from tokensvc.store.accounts import Accounts
from tokensvc.store.blocks import Blocks
from tokensvc.store.engine import open_existing, open_unchecked

_WHAT = click.Choice(["all", "guests", "profile", "subject", "lease"])


@click.command()
@click.argument("what", type=_WHAT)
@click.argument("name", required=False)
@click.option("--issuer", metavar="ISS", help="With “subject”: only at this issuer, by its exact “iss”.")
@click.option("--for", "lasting", type=duration, metavar="TIME", help="Only for this long, such as 30m or 2h.")
def block(what: str, name: str | None, issuer: str | None, lasting: int | None) -> None:
    """Stop tokens for everybody, or for some, from the next request on.

    It applies in every worker and on every machine. A running conversation ends when its token does, within
    token_lifetime (5 minutes by default). A block holds until you lift it, or as long as --for says.

    \b
    tokensvc block all                  nobody gets a token: the emergency stop
    tokensvc block all --for 30m        the same, for half an hour
    tokensvc block guests               nobody without a credential gets a token
    tokensvc block profile support      nobody gets this profile
    tokensvc block subject alice        this person gets no token
    tokensvc block lease 4f3c…          this conversation; “tokensvc audit list” shows its id

    \b
    tokensvc blocks                     lists what is blocked, and since when
    tokensvc unblock subject alice      lifts a block: the same words, with “unblock”
    """  # noqa: D301 - \b keeps click from wrapping the lines
    until = now() + timedelta(seconds=lasting) if lasting else None
    key = _key(what, name, issuer)
    try:
        store = open_existing(store_url())
        for each in (key, *_keys_of_account(Accounts(store), what, name, issuer)):
            Blocks(store, now).put(each, until)
    except (ConfigurationError, TemporarilyUnavailable) as error:
        if what != "all":
            raise
        try:  # the emergency stop need not agree with the rest about the store
            Blocks(open_unchecked(store_url()), now).put(key, until)
        except TemporarilyUnavailable:
            raise error from None
    click.echo("Blocked" + (f" until {until:%Y-%m-%d %H:%M} UTC." if until else "."))


@click.command()
@click.argument("what", type=_WHAT)
@click.argument("name", required=False)
@click.option("--issuer", help="With “subject”: the issuer that was blocked.")
def unblock(what: str, name: str | None, issuer: str | None) -> None:
    """Lift a block: repeat the words of “tokensvc block”, which “tokensvc blocks” lists.

    \b
    tokensvc unblock all
    tokensvc unblock subject alice
    """  # noqa: D301 - \b keeps click from wrapping the lines
    key, store = _key(what, name, issuer), open_existing(store_url())
    lifted = [Blocks(store, now).lift(each) for each in (key, *_keys_of_account(Accounts(store), what, name, issuer))]
    if not any(lifted):
        raise click.ClickException("This was not blocked. “tokensvc blocks” lists all blocks.")
    click.echo("Unblocked.")


@click.command()
def blocks() -> None:
    """List the current blocks."""
    for found in Blocks(open_existing(store_url()), now).in_force():
        until = f"until {found.until:%Y-%m-%d %H:%M} UTC" if found.until else "until unblocked"
        # A block's key is a JSON list of words, such as ["profile", "support"].
        words = json.loads(found.key)
        words = ["all"] if words == ["everyone"] else words
        click.echo(f"{escaped(' '.join(words))}  since {found.at:%Y-%m-%d %H:%M} UTC, {until}")


def _key(what: str, name: str | None, issuer: str | None) -> str:
    needs_name = what not in {"all", "guests"}
    if needs_name != (name is not None):
        raise click.UsageError(f"“{what}” needs a name." if needs_name else f"“{what}” takes no name.")
    if issuer is not None and what != "subject":
        raise click.UsageError("--issuer can be used only with “subject”.")
    if what == "all":
        return EVERYONE_BLOCK
    return block_key(what, *(word for word in (issuer or None, name) if word is not None))


def _keys_of_account(accounts: Accounts, what: str, name: str | None, issuer: str | None) -> list[str]:
    """Return the key for the account that the subject *name* is another spelling of, if there is one."""
    account = accounts.find(name) if what == "subject" and name is not None else None
    return [_key(what, account.username, issuer)] if account and account.username != name else []
