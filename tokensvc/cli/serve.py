"""`tokensvc serve`: runs gunicorn with our settings."""

import os
import socket
import sys

import click

from tokensvc.config.environment import MOST_WORKERS, Settings


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=int, help="Port to listen on; by default PORT, or 8080.")
@click.option(
    "--workers", type=click.IntRange(1, MOST_WORKERS), help="Worker processes; default: WEB_CONCURRENCY, or 2."
)
def serve(host: str, port: int | None, workers: int | None) -> None:
    """Start the service: the API and its page.

    Needs GEMINI_API_KEY, TOKENSVC_SECRET_KEY and a configuration file (TOKENSVC_CONFIG, by default
    tokensvc.toml). Keep it on 127.0.0.1, behind a proxy that terminates TLS.
    """
    settings = Settings.read(os.environ)
    port = settings.port if port is None else port
    check_port_free(host, port, "--port")
    # gunicorn reads these two itself, and fails if they are in quotes.
    environment = {n: v for n, v in os.environ.items() if n not in {"PORT", "WEB_CONCURRENCY"}}
    command = gunicorn_command(host, port, workers or settings.workers)
    os.execve(sys.executable, command, environment)  # noqa: S606 - our own interpreter


def gunicorn_command(host: str, port: int, workers: int) -> list[str]:
    """Return the command line that serves on *host* and *port*."""
    bind = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"  # IPv6 needs brackets
    options = ["--config", "python:tokensvc.serving", "--bind", bind, "--workers", str(workers)]
    return [sys.executable, "-m", "gunicorn", *options, "tokensvc.app:create_app()"]


def check_port_free(host: str, port: int, flag: str) -> None:
    """Check that *port* is free; raise ClickException, naming the *flag* that changes it, unless it can be used."""
    if not host.strip():  # which would mean every address
        raise click.UsageError("--host is empty: write 127.0.0.1, or 0.0.0.0 for every address")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        # As servers do: connections that closed a moment ago must not make it look in use.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OverflowError:
            raise click.UsageError(f"{flag} {port} is not a port: write one up to 65535") from None
        except (socket.gaierror, UnicodeError):
            raise click.UsageError(f"--host {host} is not an address of this machine") from None
        except OSError as error:
            raise click.ClickException(
                f"Port {port} on {host} cannot be used ({error.strerror}). Choose another with {flag}."
            ) from None
