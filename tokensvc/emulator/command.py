"""The command line of the emulator."""

from __future__ import annotations

import asyncio
import errno
import signal
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin, get_type_hints

import click

from tokensvc.emulator.options import Options
from tokensvc.emulator.responses.scenario import ScenarioError, load_scenario
from tokensvc.emulator.server.emulator import Emulator, ListenConfig

if TYPE_CHECKING:
    from collections.abc import Callable


def with_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add a command-line option for each field of `Options`."""
    types = get_type_hints(Options)
    for field in reversed(fields(Options)):  # click lists the last added first
        kind = types[field.name]
        flag = "--" + field.name.replace("_", "-")
        number = click.FloatRange(0, min_open=field.name.endswith("_rate"))  # 0 is not a rate
        extra: dict[str, Any] = {"type": number, "show_default": True}
        if kind is int:
            extra["type"] = click.IntRange(0)
        elif kind is bool:
            extra = {"is_flag": True}
        elif get_origin(kind) is Literal:
            extra["type"] = click.Choice(get_args(kind))
        elif get_origin(kind) is tuple:  # only api_keys
            flag, extra = "--api-key", {"multiple": True}
        option = click.option(flag, field.name, default=field.default, help=field.metadata["description"], **extra)
        command = option(command)
    return command


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=9090,
    show_default=True,
    help="Port; 0 picks a free one.",
)
@click.option("--tls", is_flag=True, help="Serve https and wss, with a certificate issued on start.")
@click.option(
    "--certificate-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="With --tls: where to write the certificate that clients have to trust.",
)
@click.option(
    "--scenario",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="TOML or JSON file with scripted answers and faults; see docs/emulator.md.",
)
@with_options
def emulator(
    host: str,
    port: int,
    *,
    tls: bool,
    certificate_file: Path | None,
    scenario: Path | None,
    **settings: Any,  # noqa: ANN401 - the fields of Options
) -> None:
    """Run an emulator of the Live API: tokens and the Live WebSocket, without an account.

    It serves `POST /v1beta/auth_tokens` and the WebSocket of Google's Live API to the official
    SDKs and to browsers, and enforces the same rules. It does not recognize speech: it transcribes
    it as "[2.4 s of speech]" and plays it back. It recites what you type, and calls a declared
    function when you type the words of its name.

    \b
    Python:      GOOGLE_GEMINI_BASE_URL=https://localhost:9090 SSL_CERT_FILE=cert.pem
                 with --tls --certificate-file cert.pem (this SDK requires TLS for the Live API)
    JavaScript:  GOOGLE_GEMINI_BASE_URL=http://localhost:9090
    Inspection:  http://localhost:9090/emulator
    """  # noqa: D301 - the backspace tells click to keep the line breaks
    if not host.strip():  # which would mean every address
        raise click.UsageError("--host is empty: write 127.0.0.1, or 0.0.0.0 for every address")
    listen = ListenConfig(host=host, port=port, tls=tls, certificate_file=certificate_file)
    try:
        script = load_scenario(scenario) if scenario else None
    except ScenarioError as error:
        raise click.ClickException(str(error)) from None
    server = Emulator(
        Options(**settings),
        script.responder if script else None,
        listen,
        script.faults if script else (),
    )
    try:
        asyncio.run(_serve(server))
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise click.ClickException(f"Cannot listen on {host}:{port}: {error.strerror}.") from None
        raise click.ClickException(
            f"Port {port} is in use on {host}. Choose another with --port, or 0 for a free one."
        ) from None


async def _serve(server: Emulator) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    async with server:
        click.echo(f"Live API emulator on {server.url}")
        await stopping.wait()
