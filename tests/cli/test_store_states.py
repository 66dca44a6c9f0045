"""Every verb answers in a sentence, whatever has become of the store."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from cli.verbs import VERBS
from programs import OPEN_PROFILE, service_environment
from tokensvc.store.engine import open_engine, upgrade

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PASSWORD = "hunter2-hunter2"
NOBODY = 65534
CREATING = {"users add bob --password-stdin", "keys create backend", "db upgrade"}
STOP = {"block all"}
BACKUP = {"db backup FILE"}


def _intact(_data: Path) -> None:
    pass


def _missing(data: Path) -> None:
    shutil.rmtree(data)


def _away(data: Path) -> None:
    (data / "tokensvc.db").unlink()


def _foreign(data: Path) -> None:
    if os.geteuid() == 0:
        data.chmod(0o700)
        os.chown(data, NOBODY, NOBODY)
    else:
        data.chmod(0)


def _read_only(data: Path) -> None:
    for file in data.iterdir():
        file.chmod(0o400)
    data.chmod(0o500)


def _a_file(data: Path) -> None:
    shutil.rmtree(data)
    data.write_text("")


def _corrupt(data: Path) -> None:
    (data / "tokensvc.db").write_bytes(b"\xff" * 8192)


def _empty(data: Path) -> None:
    (data / "tokensvc.db").write_bytes(b"")


def _a_folder(data: Path) -> None:
    (data / "tokensvc.db").unlink()
    (data / "tokensvc.db").mkdir()


def _execute(data: Path, statement: str) -> None:
    with contextlib.closing(sqlite3.connect(data / "tokensvc.db")) as store, store:
        store.execute(statement)


def _newer(data: Path) -> None:
    _execute(data, "UPDATE alembic_version SET version_num = '9999'")


@contextlib.contextmanager
def _file_locked(data: Path) -> Iterator[None]:
    with (data / "tokensvc.db.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _store_locked(data: Path) -> Iterator[None]:
    with contextlib.closing(sqlite3.connect(data / "tokensvc.db", isolation_level=None)) as store:
        store.execute("BEGIN EXCLUSIVE")
        yield


# How to bring each state about, and the verbs that work in it; all do if the store is intact.
STATES: dict[str, tuple[Callable[[Path], object], set[str]]] = {
    "folder missing": (_missing, CREATING),
    "folder of another user": (_foreign, set()),
    "folder read-only": (_read_only, set()),
    "folder is a file": (_a_file, set()),
    "disk full": (_intact, set()),
    "store locked": (_store_locked, BACKUP),
    "lock held": (_file_locked, STOP),
    "store away": (_away, {"db upgrade"}),
    "store newer": (_newer, STOP | BACKUP),
    "store corrupt": (_corrupt, set()),
    "store empty": (_empty, {"db upgrade"}),
    "store is a folder": (_a_folder, set()),
}
ALL_CAPABILITIES_DROPPED = ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all"]


def _outcomes(environment: dict[str, str], *arguments: str) -> dict[str, list]:
    """Run every verb in one process, without root's right to pass over a file's mode."""
    dropping = ALL_CAPABILITIES_DROPPED if os.geteuid() == 0 else []
    done = subprocess.run(
        [*dropping, sys.executable, "-m", "cli.verbs", *arguments],
        env=environment | {"PYTHONPATH": os.pathsep.join(sys.path)},  # the code that is under test
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return json.loads(done.stdout)


def _assert_sentences(outcomes: dict[str, list], works: set[str]) -> None:
    """Check each verb's outcome, and print the table."""
    for verb, (code, output, error, escaped) in outcomes.items():
        print(f"  {verb:42}{code}  {error.strip() or output.strip()}")  # noqa: T201 - shown by -s
        assert not escaped, f"{verb} raised an exception"
        assert code == (0 if verb in works else 1), f"{verb}: {error}"
        assert "Traceback" not in error
        assert "hunter2" not in output + error
        if code:
            assert error.startswith("Error: ")
            assert len(error.splitlines()) == 1


@pytest.mark.parametrize("state", STATES)
def test_every_verb_answers_in_a_sentence_in_every_state_of_the_store(tmp_path, state):
    bring_about, works = STATES[state]
    environment = service_environment(tmp_path, OPEN_PROFILE, "http://127.0.0.1:9")
    data = tmp_path / "data"
    engine = open_engine(f"sqlite:///{data / 'tokensvc.db'}")
    upgrade(engine)
    engine.dispose()

    brought = bring_about(data)
    held = brought if isinstance(brought, contextlib.AbstractContextManager) else None
    try:
        with held or contextlib.nullcontext():
            print(f"\n{state}")  # noqa: T201 - shown by -s
            outcomes = _outcomes(environment, *(["0"] if state == "disk full" else []))
    finally:
        if data.is_dir():
            data.chmod(0o700)  # or pytest could not remove it

    if state == "folder missing":  # what is after the first verb that creates the store works
        outcomes = {verb: done for verb, done in outcomes.items() if verb in CREATING | STOP}
    _assert_sentences(outcomes, works)


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://user:pass@{PASSWORD}:port/name",
        f"postgresql://user:{PASSWORD}",
        f"postgresql://user:{PASSWORD}@host:99999/name",
        f"postgresql://user:{PASSWORD}@host:port/name",
        f"postgresql:/user:{PASSWORD}@host/name",
        f"mysql://user:{PASSWORD}@host/name",
        f"{PASSWORD}",
        f"sqlite://{PASSWORD}",
        f"sqlite:///:memory:{PASSWORD}",
    ],
)
def test_no_verb_prints_part_of_a_malformed_database_url(tokensvc, url):
    for verb, typed in VERBS.items():
        done = tokensvc(*verb.split(), typed=typed, DATABASE_URL=url)

        assert done.exit_code == 1
        assert done.stderr.startswith("Error: Nothing was done: environment: DATABASE_URL must be ")
        assert len(done.stderr.splitlines()) == 1
        assert "hunter2" not in done.stderr + done.stdout


@pytest.mark.parametrize("password", [PASSWORD, f"p@{PASSWORD}"])
def test_every_verb_answers_in_a_sentence_if_the_server_is_away(tmp_path, password):
    url = f"postgresql://user:{password}@127.0.0.1:9/name"  # nobody listens
    environment = service_environment(tmp_path, OPEN_PROFILE, "http://127.0.0.1:9")

    _assert_sentences(_outcomes(environment | {"DATABASE_URL": url}), set())


@pytest.mark.parametrize(
    "broken",
    [
        {"TOKENSVC_CONFIG": "/nowhere/tokensvc.toml"},
        {"GEMINI_API_KEY": "", "TOKENSVC_SECRET_KEY": ""},
        {"TOKENSVC_LOG_LEVEL": "loud", "PORT": "many", "WEB_CONCURRENCY": "0"},
    ],
)
def test_emergency_stop_needs_nothing_but_the_store(tokensvc, broken):
    assert tokensvc("db", "upgrade").exit_code == 0

    assert tokensvc("block", "all", **broken).stdout == "Blocked.\n"
    assert tokensvc("blocks", **broken).stdout.startswith("all  since")


@pytest.mark.parametrize("state", ["store newer", "lock held"])
def test_emergency_stop_in_a_store_that_the_rest_refuses_is_in_force(tokensvc, tmp_path, state):
    tokensvc("db", "upgrade")
    brought = STATES[state][0](tmp_path / "data")
    held = brought if isinstance(brought, contextlib.AbstractContextManager) else None
    with held or contextlib.nullcontext():
        assert tokensvc("block", "all", "--for", "2h").exit_code == 0

    with contextlib.closing(sqlite3.connect(tmp_path / "data" / "tokensvc.db")) as store:
        assert store.execute("SELECT key FROM blocks").fetchall() == [('["everyone"]',)]
