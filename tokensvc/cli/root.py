"""The `tokensvc` command, and its subcommands."""

import importlib
import os
from typing import Any

import click

from tokensvc.config.environment import PRIVATE
from tokensvc.errors import ConfigurationError, TemporarilyUnavailable, described

# The module that has a command under its name; imported only when used, since the emulator's libraries are an extra.
_COMMANDS = {
    "serve": "tokensvc.cli.serve",
    "demo": "tokensvc.cli.demo",
    "emulator": "tokensvc.emulator.command",
    "init": "tokensvc.cli.init",
    "schema": "tokensvc.cli.init",
    "check": "tokensvc.cli.check",
    "probe": "tokensvc.cli.probe",
    "block": "tokensvc.cli.blocks",
    "unblock": "tokensvc.cli.blocks",
    "blocks": "tokensvc.cli.blocks",
    "audit": "tokensvc.cli.audit",
    "usage": "tokensvc.cli.usage",
    "users": "tokensvc.cli.users",
    "keys": "tokensvc.cli.keys",
    "db": "tokensvc.cli.db",
}
_EXTRA_MODULES = {"aiohttp", "numpy"}


class _LazyGroup(click.Group):
    def list_commands(self, _context: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        try:
            command: click.Command = getattr(importlib.import_module(_COMMANDS[name]), name)
        except ModuleNotFoundError as error:
            if error.name not in _EXTRA_MODULES:
                raise
            return click.Command(name, callback=_fail_without_extra, short_help="Needs tokensvc[emulator].")
        return command

    def invoke(self, context: click.Context) -> Any:  # noqa: ANN401 - click's
        try:
            return super().invoke(context)
        except ConfigurationError as error:
            if context.invoked_subcommand in {"serve", "check", "probe"}:
                click.echo(error.report(), err=True)
                context.exit(2)
            raise click.ClickException(f"Nothing was done: {error}.") from None
        except TemporarilyUnavailable as error:
            raise click.ClickException(f"Nothing was done: {error.cause}.") from None
        except (click.ClickException, click.Abort, click.exceptions.Exit, BrokenPipeError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it is reported in a sentence
            raise click.ClickException(f"It failed: {described(error)}.") from None


def _fail_without_extra() -> None:
    raise click.ClickException("This needs the emulator: pip install 'tokensvc[emulator]'")


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tokensvc", prog_name="tokensvc")
def tokensvc() -> None:
    """Let the visitors of a site talk to Gemini in real time, without an API key in the page.

    Start with “tokensvc demo”, which needs neither an account nor an API key, and then “tokensvc init”.
    """


def main() -> None:
    """Run the command line."""
    os.umask(PRIVATE)
    tokensvc()
