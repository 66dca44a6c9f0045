"""Checks that a port is free, for a clear error before anything starts."""

from __future__ import annotations

import socket

import click


def check_port_free(host: str, port: int, flag: str) -> None:
    """Check that *port* is free.

    Raises:
        click.ClickException: if it is in use, naming the *flag* that changes it.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        # As servers do: connections that closed a moment ago must not make it look in use.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise click.ClickException(
                f"Port {port} on {host} cannot be used ({error.strerror}). "
                f"Choose another with {flag}."
            ) from None
