"""A certificate for localhost, issued when the emulator starts, to serve TLS."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import trustme

if TYPE_CHECKING:
    from pathlib import Path


def issue(authority_file: Path) -> ssl.SSLContext:
    """Return a context that serves localhost, 127.0.0.1 and ::1 with a new certificate.

    Clients trust it through *authority_file*, to which its certificate authority is written.
    """
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1", "::1").configure_cert(context)
    authority.cert_pem.write_to_path(authority_file)
    return context
