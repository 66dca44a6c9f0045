"""No other user of the machine can read what the service writes, whatever the umask."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys

from programs import OPEN_PROFILE, running, service_environment


def _modes(folder):
    """Return the mode of *folder*, and of all in it."""
    return {
        str(path.relative_to(folder.parent)): stat.S_IMODE(path.stat().st_mode) for path in [folder, *folder.rglob("*")]
    }


def test_files_and_sockets_of_a_service_are_private(tmp_path):
    environment = service_environment(tmp_path, OPEN_PROFILE, "http://127.0.0.1:9")
    path = tmp_path / "tokensvc.sock"
    command = [sys.executable, "-m", "gunicorn", "--config", "python:tokensvc.serving"]
    command += ["--bind", f"unix:{path}", "--workers", "1", "tokensvc.app:create_app()"]
    before = os.umask(0)
    try:
        with running(command, r"Listening at: (unix:.*?) ", environment=environment) as program:
            program.await_line("worker started")
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(path))
                client.sendall(b"GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n")
                assert client.recv(20).startswith(b"HTTP/1.0 200")
            modes = _modes(tmp_path / "data")
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
    finally:
        os.umask(before)
    assert {"data/tokensvc.db", "data/tokensvc.db-wal", "data/tokensvc.db-shm"} <= modes.keys()
    assert {name: oct(mode) for name, mode in modes.items() if mode & 0o077} == {}
    assert modes["data"] == 0o700
    assert modes["data/tokensvc.db"] == 0o600


def test_caches_of_a_mounted_service_are_private_in_a_folder_that_is_not(tmp_path):
    """The site has its own umask, and may have created the folder."""
    (tmp_path / "data").mkdir(mode=0o755)
    environment = service_environment(tmp_path, OPEN_PROFILE, "http://127.0.0.1:9")
    command = [sys.executable, "-c", "from tokensvc.app import create_app; create_app()"]
    subprocess.run(command, env=environment, check=True, capture_output=True, umask=0)
    assert _modes(tmp_path / "data")["data/compiled"] == 0o700


def test_files_of_commands_are_private(tmp_path):
    environment = service_environment(tmp_path, OPEN_PROFILE, "http://127.0.0.1:9")
    export = tmp_path / "data" / "audit.csv"
    for words in (["db", "upgrade"], ["audit", "export", "--output", str(export)]):
        command = [sys.executable, "-m", "tokensvc", *words]
        subprocess.run(command, env=environment, check=True, capture_output=True, umask=0)

    modes = _modes(tmp_path / "data")
    assert modes["data"] == 0o700
    assert {mode for name, mode in modes.items() if name != "data"} == {0o600}
