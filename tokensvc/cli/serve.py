"""`tokensvc serve`: runs gunicorn with our settings."""

from __future__ import annotations

import os
import sys

import click

from tokensvc.cli.ports import check_port_free


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8080, show_default=True, envvar="PORT", help="Port to listen on.")
@click.option(
    "--workers", default=2, show_default=True, envvar="WEB_CONCURRENCY", help="Worker processes."
)
def serve(host: str, port: int, workers: int) -> None:
    """Start the service: the API and its page.

    Needs GEMINI_API_KEY, TOKENSVC_SECRET_KEY and a configuration file (TOKENSVC_CONFIG, by default
    tokensvc.toml). Keep it on 127.0.0.1, behind a proxy that terminates TLS.
    """
    check_port_free(host, port, "--port")
    os.execv(sys.executable, gunicorn_command(host, port, workers))  # noqa: S606 - our own interpreter


def gunicorn_command(host: str, port: int, workers: int) -> list[str]:
    """Return the command line that serves on *host* and *port*."""
    return [
        sys.executable,
        "-m",
        "gunicorn",
        "--config",
        "python:tokensvc.serving",
        "--bind",
        f"[{host}]:{port}" if ":" in host else f"{host}:{port}",  # IPv6 needs brackets
        "--workers",
        str(workers),
        "tokensvc.app:create_app()",
    ]
