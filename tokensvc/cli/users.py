"""`tokensvc users`: the built-in accounts."""

import secrets
import sys

import click

from tokensvc.authn.passwords import hash_password
from tokensvc.cli.inputs import store_url
from tokensvc.domain import Account
from tokensvc.plain_text import escaped
from tokensvc.store.accounts import Accounts
from tokensvc.store.engine import open_existing, open_or_create

_LONGEST_NAME = 255


@click.group()
def users() -> None:
    """Manage accounts, for a site without a login of its own."""


@users.command()
@click.argument("username")
@click.option("--group", "groups", multiple=True, help="Group of the account; repeatable.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input, for scripts.")
def add(username: str, groups: tuple[str, ...], *, password_stdin: bool) -> None:
    """Add an account. Leave its password empty for a random one, which is shown once."""
    if not 0 < len(username) <= _LONGEST_NAME or not username.isprintable():
        raise click.ClickException("A user name must have 1 to 255 printable characters.")
    password, hashed = _password(from_stdin=password_stdin)
    if not Accounts(open_or_create(store_url())).add(Account(username, hashed, frozenset(groups))):
        raise click.ClickException(f"Account “{username}” exists already. “tokensvc users set-password” changes it.")
    click.echo(f"Added {username}." + (f" Password: {password}" if password else ""))


@users.command("list")
def list_users() -> None:
    """List the accounts."""
    for name in _accounts().names():
        click.echo(escaped(name))


@users.command("set-password")
@click.argument("username")
@click.option("--password-stdin", is_flag=True, help="Read it from standard input, for scripts.")
def set_password(username: str, *, password_stdin: bool) -> None:
    """Change an account's password, and end its logins."""
    password, hashed = _password(from_stdin=password_stdin)
    if not _accounts().set_password_hash(username, hashed):
        raise click.ClickException(f"There is no account “{username}”.")
    click.echo(f"Changed {username}." + (f" Password: {password}" if password else ""))


@users.command()
@click.argument("username")
def remove(username: str) -> None:
    """Remove an account and end its logins. An access JWT stays valid for up to 15 minutes."""
    if not _accounts().remove(username):
        raise click.ClickException(f"There is no account “{username}”.")
    click.echo(f"Removed {username}.")


def _accounts() -> Accounts:
    return Accounts(open_existing(store_url()))


def _password(*, from_stdin: bool) -> tuple[str | None, str]:
    """Return the generated password, or None if one was typed, and the hash."""
    if from_stdin:
        typed = sys.stdin.readline().rstrip("\r\n")
    else:
        typed = click.prompt("Password (empty for a random one)", default="", hide_input=True, show_default=False)
    generated = None if typed or from_stdin else secrets.token_urlsafe(12)
    try:
        return generated, hash_password(generated or typed)
    except ValueError as error:
        raise click.ClickException(str(error)) from None
