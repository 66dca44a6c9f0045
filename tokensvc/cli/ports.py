"""Finds out whether a port is free, to say so in words before anything starts."""

from __future__ import annotations

import socket

import click


def refuse_taken(host: str, port: int, flag: str) -> None:
    """Do nothing where *port* is free.

    Raises:
        click.ClickException: where it is taken, naming the *flag* that changes it.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise click.ClickException(
                f"Port {port} on {host} cannot be used ({error.strerror}). "
                f"Choose another with {flag}."
            ) from None
