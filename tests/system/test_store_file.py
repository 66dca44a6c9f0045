"""The SQLite file is removed, replaced, moved and restored while the service runs."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pytest

from programs import OPEN_PROFILE, clean_environment
from system.launching import launched

MINTS = 20
RESTORED_WITHIN = 1.0  # seconds


@pytest.fixture(name="program", scope="module")
def _program(tmp_path_factory, google):
    with launched(tmp_path_factory.mktemp("store"), OPEN_PROFILE, google.url) as program:
        yield program


@pytest.fixture(name="data")
def _data(program):
    """Check that the service mints; return its data folder."""
    if mints(program) != {200}:  # an earlier test failed and left its block
        tokensvc(program, "unblock", "all")
        assert mints(program) == {200}
    return program.folder / "data"


def tokensvc(program, *words, folder=None):
    """Run `tokensvc` with *words*, as an operator does."""
    variables = {"TOKENSVC_DATA_DIR": str(folder or program.folder / "data")}
    return subprocess.run(
        [sys.executable, "-m", "tokensvc", *words],
        env=clean_environment(**variables),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def mints(program):
    """Return the statuses of so many requests that each worker answers several."""
    return {program.post("/token").status for _ in range(MINTS)}


def backup(data):
    """Back up the store as the documentation says."""
    copy = data.parent / "backup.db"
    copy.unlink(missing_ok=True)
    done = tokensvc(None, "db", "backup", str(copy), folder=data)
    assert done.returncode == 0, done.stderr
    assert copy.stat().st_mode & 0o077 == 0
    return copy


def assert_restored(program):
    ended = time.monotonic()
    assert program.post("/token").status == 200
    print(f"restored after {time.monotonic() - ended:.3f} s")  # noqa: T201 - shown by -s
    assert time.monotonic() - ended < RESTORED_WITHIN
    assert mints(program) == {200}
    program.await_ready(200)
    assert program.child.poll() is None


def assert_integrity(data):
    with closing(sqlite3.connect(data / "tokensvc.db")) as store:
        assert store.execute("pragma integrity_check").fetchall() == [("ok",)]


def test_removed_file_is_not_created_again(program, data):
    copy = backup(data)
    (data / "tokensvc.db").unlink()
    assert mints(program) == {503}
    program.await_ready(503)
    assert program.get("/livez").status == 200
    program.await_line("there is no file ")
    blocked = tokensvc(program, "block", "all")
    assert (blocked.returncode, "there is no file" in blocked.stderr) == (1, True)
    assert "Blocked" not in blocked.stdout
    assert mints(program) == {503}
    assert not (data / "tokensvc.db").exists()

    copy.replace(data / "tokensvc.db")
    assert_restored(program)
    assert_integrity(data)


def test_block_after_a_restore_takes_effect(program, data):
    """The backup replaces the open file, whose log must not be read beside it."""
    copy = backup(data)
    assert mints(program) == {200}  # recorded in the old file's write-ahead log
    copy.replace(data / "tokensvc.db")
    assert tokensvc(program, "block", "all").stdout == "Blocked.\n"
    assert mints(program) == {403}
    assert_integrity(data)
    with closing(sqlite3.connect(data / "tokensvc.db")) as store:
        assert store.execute("select count(*) from blocks").fetchone() == (1,)

    assert tokensvc(program, "unblock", "all").returncode == 0
    assert_restored(program)


def test_log_of_the_replaced_file_is_not_applied_to_the_restored_one(program, data):
    copy = backup(data)
    assert tokensvc(program, "block", "all").stdout == "Blocked.\n"
    copy.replace(data / "tokensvc.db")
    assert tokensvc(program, "blocks").stdout == ""
    assert_restored(program)
    assert_integrity(data)
    assert (data / "tokensvc.db-wal.replaced").exists()


def test_store_restored_with_its_log_includes_what_the_log_holds(program, data):
    tokensvc(program, "block", "all")
    kept = data.parent / "kept"
    shutil.copytree(data, kept)
    tokensvc(program, "unblock", "all")
    assert mints(program) == {200}
    for suffix in ("-shm", "-wal", ""):
        (kept / f"tokensvc.db{suffix}").replace(data / f"tokensvc.db{suffix}")
    shutil.rmtree(kept)
    assert mints(program) == {403}
    assert_integrity(data)

    assert tokensvc(program, "unblock", "all").returncode == 0
    assert_restored(program)


def test_file_moved_away_and_back_is_used_again(program, data):
    away = data / "away.db"
    (data / "tokensvc.db").rename(away)
    assert mints(program) == {503}
    away.rename(data / "tokensvc.db")
    assert_restored(program)
    assert_integrity(data)


def test_removed_folder_is_not_created_again(program, data):
    away = data.with_name("away")
    data.rename(away)
    assert mints(program) == {503}
    assert tokensvc(program, "block", "all").returncode == 1
    assert not data.exists()

    away.rename(data)
    assert_restored(program)


def test_another_valid_store_is_used_from_the_next_request(program, data, tmp_path):
    assert tokensvc(program, "db", "upgrade", folder=tmp_path).returncode == 0
    assert tokensvc(program, "block", "all", folder=tmp_path).returncode == 0
    copy = backup(data)
    (tmp_path / "tokensvc.db").replace(data / "tokensvc.db")
    assert mints(program) == {403}
    copy.replace(data / "tokensvc.db")
    assert_restored(program)
    assert_integrity(data)


def empty(file):
    file.write_bytes(b"")


def garbage(file):
    file.write_bytes(os.urandom(1 << 16))


def another_database(file):
    with closing(sqlite3.connect(file)) as other:
        other.execute("create table blocks (x)")
        other.commit()


def older_schema(file):
    shutil.copy(file.parent / "backup.db", file)
    with closing(sqlite3.connect(file)) as other:
        other.execute("update alembic_version set version_num = '0001'")
        other.commit()


def directory(file):
    file.mkdir()


@pytest.mark.parametrize(
    "invalid",
    [empty, garbage, another_database, older_schema, directory],
    ids=lambda f: f.__name__,
)
def test_file_that_is_not_a_valid_store_is_refused_and_not_changed(program, data, invalid):
    copy = backup(data)
    made = data.parent / "invalid"
    invalid(made)
    content = None if made.is_dir() else made.read_bytes()
    (data / "tokensvc.db").rename(data / "old.db")
    made.rename(data / "tokensvc.db")
    assert mints(program) == {503}
    program.await_ready(503)
    blocked = tokensvc(program, "block", "guests")
    assert (blocked.returncode, blocked.stdout) == (1, "")
    assert "Traceback" not in blocked.stderr
    if content is None:
        (data / "tokensvc.db").rmdir()
    else:
        assert (data / "tokensvc.db").read_bytes() == content

    copy.replace(data / "tokensvc.db")
    assert_restored(program)
    assert_integrity(data)


@pytest.mark.parametrize("name", ["compiled", "tokensvc.db.lock"])
def test_cache_and_lock_file_may_be_removed(program, data, name):
    found = data / name
    shutil.rmtree(found) if found.is_dir() else found.unlink()
    assert mints(program) == {200}
    copy = backup(data)
    copy.replace(data / "tokensvc.db")
    assert_restored(program)


def test_backup_overwrites_nothing_and_leaves_nothing_if_it_fails(program, data):
    copy = backup(data)
    before = copy.read_bytes()
    again = tokensvc(program, "db", "backup", str(copy))
    assert (again.returncode, "exists, so nothing was written" in again.stderr) == (1, True)
    assert copy.read_bytes() == before
    copy.unlink()
    nowhere = tokensvc(program, "db", "backup", str(copy), folder=data / "nowhere")
    assert (nowhere.returncode, "there is no file" in nowhere.stderr) == (1, True)
    assert not copy.exists()


def test_store_refuses_to_change_an_event_but_not_to_remove_one(data):
    """`tokensvc audit prune` removes events; the seal of an export shows if one is missing."""
    with closing(sqlite3.connect(data / "tokensvc.db")) as store:
        for column in ("kind", "subject", "seconds", "fingerprint"):
            with pytest.raises(sqlite3.IntegrityError, match="never changed"):
                store.execute(f"update events set {column} = null")  # noqa: S608 - our own names
        latest = "from events where id = (select max(id) from events)"
        assert store.execute(f"delete {latest}").rowcount == 1
        store.rollback()
