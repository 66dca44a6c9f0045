"""`tokensvc demo`: runs everything on one machine, without an API key or an account."""

import contextlib
import importlib.util
import json
import logging
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import click

from tokensvc.authn.passwords import hash_password
from tokensvc.cli.serve import check_port_free, gunicorn_command
from tokensvc.config import file as config_file
from tokensvc.config.secrets import read_secret
from tokensvc.domain import Account
from tokensvc.store.accounts import Accounts
from tokensvc.store.engine import open_or_create

_HOST = "127.0.0.1"
_START_DEADLINE = 60  # seconds; a first start compiles the profiles
_USERNAME = "demo"
_FILE = click.Path(exists=True, dir_okay=False, resolve_path=True)


@click.command()
@click.option("--port", default=8080, show_default=True, help="Port of the service and its page.")
@click.option("--emulator-port", default=9090, show_default=True, help="Port of the emulator.")
@click.option("--config", type=_FILE, help="Serve this file instead of the demo's own.")
@click.option("--origin", "origins", multiple=True, metavar="URL", help="A site whose pages may call; repeatable.")
@click.option("--scenario", type=_FILE, help="What the emulator answers.")
def demo(port: int, emulator_port: int, config: str | None, origins: tuple[str, ...], scenario: str | None) -> None:
    """Try everything: an emulator of the Live API, the service, and a page to talk to.

    If GEMINI_API_KEY is set, Google answers instead of the emulator. Nothing is kept. The emulator plays
    back what you say, and recites what you type; --scenario gives it words (docs/emulator.md). Pages at
    any port of localhost may call the service, to try the widget in your own; with --config, those of the
    file. TOKENSVC_LOG_LEVEL=info shows each request.
    """
    if config and origins:
        raise click.UsageError("With --config, write the sites into the file: [http] origins.")
    # The handler raises nothing: an exception between the start of a child and the line that stops it would leave
    # the child running.
    stopping: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _frame: stopping.append(received))
    api_key = read_secret(os.environ, "GEMINI_API_KEY")
    check_port_free(_HOST, port, "--port")
    if not api_key:
        check_port_free(_HOST, emulator_port, "--emulator-port")
    with tempfile.TemporaryDirectory(prefix="tokensvc-demo-") as folder, contextlib.ExitStack() as running:
        environment = _environment(Path(folder), config or _configuration(Path(folder), origins, google=bool(api_key)))
        if api_key:
            environment["GEMINI_API_KEY"] = api_key
        else:
            click.echo("Starting the emulator …")
            running.enter_context(_emulator(emulator_port, scenario))
            environment |= {
                "GEMINI_API_KEY": "the-emulator-takes-any-key",
                "TOKENSVC_GEMINI_BASE_URL": f"http://{_HOST}:{emulator_port}",
                "TOKENSVC_GEMINI_WEBSOCKET_URL": f"ws://{_HOST}:{emulator_port}",
            }
        password = _add_account(environment["DATABASE_URL"])
        click.echo("Starting the service …")
        service = running.enter_context(_child(gunicorn_command(_HOST, port, workers=2), env=environment))
        if _wait_until_ready(f"http://{_HOST}:{port}/livez", service, stopping):
            served = config_file.load(Path(environment["TOKENSVC_CONFIG"])).profiles.values()
            admitted = {who for profile in served for who in profile.allow}
            _print_instructions(f"http://localhost:{port}/", password, admitted, google=bool(api_key))
            _wait_for_stop(service, stopping)
    click.echo("Stopped.")


def _configuration(folder: Path, origins: tuple[str, ...], *, google: bool) -> Path:
    """Write our own file, which says on the page who answers, and return its path."""
    text = (files("tokensvc.cli") / "demo.toml").read_text(encoding="utf-8")
    if google:
        text = text.replace("An emulator answers, which plays back what you say. ", "")
    file = folder / "demo.toml"
    file.write_text(text.replace("origins = [", f"origins = [{''.join(f'{json.dumps(each)}, ' for each in origins)}"))
    return file


def _environment(folder: Path, config: Path | str) -> dict[str, str]:
    """Return the environment of the demo, without the settings of a real deployment."""
    other = ("TOKENSVC_", "GUNICORN_", "WEB_CONCURRENCY", "PORT", "DATABASE_URL", "GEMINI_API_KEY")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(other)}
    return kept | {
        "TOKENSVC_CONFIG": str(config),
        "TOKENSVC_DATA_DIR": str(folder),
        "TOKENSVC_SECRET_KEY": secrets.token_urlsafe(32),
        "TOKENSVC_LOG_LEVEL": os.environ.get("TOKENSVC_LOG_LEVEL", "warning"),
        "DATABASE_URL": f"sqlite:///{folder / 'tokensvc.db'}",
    }


def _add_account(database_url: str) -> str:
    """Add the demo account and return its password."""
    logging.getLogger("tokensvc.store").setLevel(logging.ERROR)  # a demo's store is always new
    engine, password = open_or_create(database_url), secrets.token_urlsafe(9)
    Accounts(engine).add(Account(_USERNAME, hash_password(password)))
    engine.dispose()
    return password


def _emulator(port: int, scenario: str | None) -> contextlib.AbstractContextManager[subprocess.Popen[bytes]]:
    if importlib.util.find_spec("aiohttp") is None:
        raise click.ClickException("Without GEMINI_API_KEY a demo needs the emulator: pip install 'tokensvc[emulator]'")
    options = ["--host", _HOST, "--port", str(port), *(["--scenario", scenario] if scenario else [])]
    options += ["--longest-utterance", "10"]  # somebody may try it in a noisy room
    return _child([sys.executable, "-m", "tokensvc.emulator", *options], stdout=subprocess.DEVNULL)


@contextlib.contextmanager
def _child(
    command: list[str], *, env: dict[str, str] | None = None, stdout: int | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program until the block ends, in its own session, so that Ctrl-C reaches only us."""
    with subprocess.Popen(command, env=env, stdout=stdout, start_new_session=True) as child:  # noqa: S603 - our own programs
        try:
            yield child
        finally:
            child.terminate()
            try:
                child.wait(timeout=10)
            except subprocess.TimeoutExpired:
                child.kill()


def _wait_until_ready(url: str, service: subprocess.Popen[bytes], stopping: list[int]) -> bool:
    """Wait until *service* responds; return False if a signal is received first."""
    deadline = time.monotonic() + _START_DEADLINE
    while time.monotonic() < deadline:
        if stopping:
            return False
        if service.poll() is not None:
            raise click.ClickException("The service did not start. Its output is above.")
        with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            urllib.request.urlopen(url, timeout=1).close()  # noqa: S310 - our own address
            return True
        time.sleep(0.1)
    raise click.ClickException(f"The service did not answer within {_START_DEADLINE} s.")


def _print_instructions(address: str, password: str, admitted: set[str], *, google: bool) -> None:
    emulator = "the emulator, which plays back what you say and recites what you type"
    click.echo(f"\n  Open       {click.style(address, bold=True)}")
    if "user" in admitted:
        otherwise = "   (or continue as a guest)" if "guest" in admitted else ""
        click.echo(f"  Sign in    {_USERNAME} / {password}{otherwise}")
    click.echo(f"  Answers    {'Google, billed to your API key' if google else emulator}\n")
    click.echo("Press Ctrl-C to stop everything.")


def _wait_for_stop(service: subprocess.Popen[bytes], stopping: list[int]) -> None:
    while not stopping:
        if service.poll() is not None:
            raise click.ClickException("The service has stopped. Its output is above.")
        time.sleep(0.2)
