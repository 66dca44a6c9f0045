"""Two releases over one database: an older store is taken over whole, and a newer one that only adds is served.

The stores in `schemas/` are dumps, made by running the release that they are named after; the zeros of a probe are cut
to one byte.
"""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import column, create_engine, inspect, select, text

from programs import SECRET_KEY, clean_environment, service_environment, serving
from system import site
from system.fleet import children
from system.raw import login
from tokensvc.store.engine import open_engine, upgrade
from tokensvc.store.schema import REVISION

SCHEMAS = Path(__file__).parent / "schemas"
CONFIGURATION = f"""
{site.ISSUER}
[profiles.default]
model = "gemini-3.8-live"
allow = ["user", "guest", "key:backend"]
[profiles.closed]
model = "gemini-3.8-live"
allow = ["user", "guest"]
"""
# What a migration removed before the first release, with its reason.
REMOVED = {"0002": {"leases"}}  # they did not list their tokens; nobody had any but us
RELEASES = sorted({file.name.partition(".")[0] for file in SCHEMAS.iterdir()})


@pytest.fixture(name="url", params=["sqlite", "postgresql"])
def _url(request, tmp_path):
    """Return the URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'tokensvc.db'}"
    return request.getfixturevalue("new_database")()


def restore(url, revision):
    """Fill the database with the dump of *revision*; return the dump."""
    kind = url.partition(":")[0]
    dump = (SCHEMAS / f"{revision}.{kind}.sql").read_text(encoding="utf-8")
    if kind == "sqlite":
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as store:
            store.executescript(dump)
    else:
        with psycopg.connect(url, autocommit=True) as store:
            store.execute(dump)
    return dump


@contextmanager
def reading(url):
    """Connect to the store whatever its schema is."""
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def columns(url):
    """Return the columns of each table."""
    with reading(url) as connection:
        tables = inspect(connection)
        return {name: tables.get_columns(name) for name in tables.get_table_names()}


def content(url, named):
    """Return the rows of the tables and columns that are *named*."""
    with reading(url) as connection:
        return {
            table: sorted(map(repr, connection.execute(select(*map(column, names)).select_from(text(table)))))
            for table, names in named.items()
        }


def migrate(url):
    engine = open_engine(url)
    upgrade(engine)
    engine.dispose()


@contextmanager
def served(url, folder, google):
    named = {"SHOP_SECRET": site.SECRET, "DATABASE_URL": url}
    with serving(service_environment(folder, CONFIGURATION, google.url, **named)) as program:
        program.folder, program.database = folder, {"DATABASE_URL": url}
        program.await_lines("worker started", 2)
        program.await_ready(200)
        yield program


@pytest.mark.parametrize("revision", RELEASES)
def test_older_store_is_taken_over_with_all_that_it_holds(url, revision, tmp_path, google):
    dump = restore(url, revision)
    kept = {
        table: [each["name"] for each in found]
        for table, found in columns(url).items()
        if table not in {*REMOVED.get(revision, ()), "alembic_version"}
    }
    before = content(url, kept)
    migrate(url)
    assert content(url, kept) == before
    assert all(before.values())
    with served(url, tmp_path, google) as program:
        assert program.post("/token").status == 200
        assert program.post("/token", {"profile": "closed"}).code == "blocked"
        api_key = re.search(r"tsk_\w+", dump)[0]
        assert program.post("/token", bearer=api_key).status == 200
        assert login(program, "ada", "hunter2-hunter2", source="127.0.5.1").status == 200
    sealed = tokensvc(program, "audit", "export")
    assert sealed.count('"kind"') >= len(before["events"]) + 4


@pytest.mark.parametrize("revision", RELEASES)
def test_what_an_older_release_writes_fits_the_newest_schema(url, revision):
    """So that both can run while instances are replaced one by one: first expand, then contract."""
    restore(url, revision)
    older = columns(url)
    migrate(url)
    newer = columns(url)
    for table, found in older.items():
        if table in REMOVED.get(revision, ()):
            continue
        names = {each["name"] for each in found}
        now = {each["name"]: each for each in newer[table]}
        assert names <= now.keys(), f"{table} has lost a column"
        added = [each for name, each in now.items() if name not in names]
        assert all(each["nullable"] or each["default"] is not None for each in added), f"{table} needs a new column"


def expand(url, revision):
    """Do as a later release that only adds would: a column for each table, an index and a table."""
    with reading(url) as connection:
        for table in inspect(connection).get_table_names():
            if table != "alembic_version":
                connection.execute(text(f"ALTER TABLE {table} ADD COLUMN later TEXT DEFAULT 'x'"))
        connection.execute(text("CREATE TABLE later (id INTEGER PRIMARY KEY)"))
        connection.execute(text("CREATE INDEX events_by_later ON events (later)"))
        connection.execute(text(f"UPDATE alembic_version SET version_num = '{revision}'"))  # noqa: S608 - our own


def test_this_release_serves_beside_a_later_one_that_only_adds(url, tmp_path, google):
    """Its workers restart and its commands work, and so does going back to it."""
    migrate(url)
    with served(url, tmp_path, google) as program:
        lease = program.post("/token").json["lease"]
        expand(url, f"{int(REVISION) + 1:04}")
        for pid in children(program.child.pid):
            os.kill(pid, signal.SIGKILL)
        program.await_lines("worker started", 4)
        assert program.post("/token", {"lease": lease, "resumption_handle": "handle"}).status == 200
        program.await_ready(200)
        tokensvc(program, "db", "upgrade")  # as a platform does when it goes back to this release
        tokensvc(program, "block", "guests")
        assert program.post("/token").code == "blocked"
        tokensvc(program, "unblock", "guests")
    with served(url, tmp_path, google) as program:
        assert program.post("/token").status == 200


def test_this_release_refuses_a_store_from_which_a_later_one_has_removed_something(url, tmp_path, google):
    migrate(url)
    expand(url, "1000")
    with (
        pytest.raises(pytest.fail.Exception, match="of a newer release, which removed something"),
        served(url, tmp_path, google),
    ):
        pass


def test_start_on_an_older_store_in_postgresql_says_to_upgrade_it(new_database, tmp_path, google):
    restore(url := new_database(), RELEASES[0])
    older = rf"schema \({RELEASES[0]}\) is older than this release .*: run “tokensvc db upgrade”"
    with pytest.raises(pytest.fail.Exception, match=older), served(url, tmp_path, google):
        pass


def test_upgrade_is_undone_by_restoring_a_backup_and_done_again(url, new_database, postgresql, tmp_path):
    restore(url, RELEASES[0])
    before = content(url, named := {name: [each["name"] for each in found] for name, found in columns(url).items()})
    kept = {name: named[name] for name in named.keys() - REMOVED[RELEASES[0]] - {"alembic_version"}}
    copy = tmp_path / "backup"
    back_up(url, copy, postgresql.bin_path)
    migrate(url)
    url = restored(copy, url, new_database, postgresql.bin_path)
    assert content(url, named) == before
    migrate(url)
    assert content(url, kept) == {name: before[name] for name in kept}


def back_up(url, copy, programs):
    """Do as docs/upgrading.md says."""
    if url.startswith("sqlite"):
        done = subprocess.run(
            [sys.executable, "-m", "tokensvc", "db", "backup", str(copy)],
            env=clean_environment(DATABASE_URL=url),
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout) == (0, f"Wrote {copy}.\n"), done.stderr
    else:
        subprocess.run([programs / "pg_dump", "--format=custom", f"--file={copy}", f"--dbname={url}"], check=True)


def restored(copy, url, new_database, programs):
    """Do as docs/upgrading.md says; return the restored store's URL."""
    if url.startswith("sqlite"):
        copy.replace(url.removeprefix("sqlite:///"))
        return url
    restored = new_database()
    subprocess.run([programs / "pg_restore", "--no-owner", f"--dbname={restored}", str(copy)], check=True)
    return restored


def tokensvc(program, *words):
    """Run the command *words* on the store; return what it prints."""
    environment = clean_environment(TOKENSVC_DATA_DIR=str(program.folder / "data"), TOKENSVC_SECRET_KEY=SECRET_KEY)
    command = [sys.executable, "-m", "tokensvc", *words]
    done = subprocess.run(command, env=environment | program.database, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
