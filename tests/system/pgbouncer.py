"""pgbouncer as Debian installs it: its default settings but for the mode, who may log in, and what a test adds."""

from __future__ import annotations

import os
import pwd
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from programs import running
from system.launching import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator

# All that a password may contain and a URL may not.
PASSWORD = "p@ss:w/rd?#[]&=+ %zz ü'\\!"

_SETTINGS = """
[databases]
* = host={socket} port=5432 user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {folder}/users.txt
pool_mode = {mode}
{added}
"""


@contextmanager
def pooling(socket: str, mode: str, added: str = "") -> Iterator[str]:
    """Run pgbouncer in *mode*, with the settings *added*, before the server at *socket*.

    Yields its URL without a database.
    """
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.fail("There is no pgbouncer: “make programs” installs one.")
    (port,) = free_ports(1)
    with tempfile.TemporaryDirectory(prefix="pgbouncer-") as name:
        folder = Path(name)
        settings = _SETTINGS.format(socket=socket, port=port, folder=folder, mode=mode, added=added)
        (folder / "pgbouncer.ini").write_text(settings)
        escaped = PASSWORD.replace('"', '""')
        (folder / "users.txt").write_text(f'"ada" "{escaped}"\n', encoding="utf-8")
        command = [program, str(folder / "pgbouncer.ini")]
        if not os.geteuid():  # it refuses to run as root
            owner = pwd.getpwuid(Path(socket).stat().st_uid)  # who may use the server's socket
            for path in (folder, *folder.iterdir()):
                os.chown(path, owner.pw_uid, owner.pw_gid)
            command[1:1] = ["-u", owner.pw_name]
        with running(command, r"listening on (127\.0\.0\.1:[0-9]+)", environment=dict(os.environ)):
            yield f"postgresql://ada:{quote(PASSWORD, safe='')}@127.0.0.1:{port}"
