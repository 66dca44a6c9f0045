"""Checks that a port is free, for a clear error before anything starts."""

import socket

import click


def check_port_free(host: str, port: int, flag: str) -> None:
    """Check that *port* is free.

    Raises:
        click.UsageError: if *host* is not an address, or there is no such port.
        click.ClickException: if it is in use, naming the *flag* that changes it.
    """
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
