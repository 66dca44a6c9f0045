"""Two instances, deployed as docs/deploying.md says, keep serving during an upgrade and a rollback."""

from __future__ import annotations

import subprocess
import sys

import pytest

from faults.rolling import rolling
from faults.test_two_releases import restore
from system import fleet as fleets
from system.configurations import PUBLIC_URL, configuration
from system.nginx import as_shipped
from tokensvc.store.schema import REVISION
from wheels import CLONE, copy_clone

HTTP = f'public_url = "{PUBLIC_URL}"\ntrusted_proxies = ["127.0.0.1/32"]'
CONFIGURATION = configuration(http=HTTP, default="")
OLDEST = "0002"  # the schema of the first commit whose stores are kept
LATER = f"{int(REVISION) + 1:04}"
MIGRATION = f"""
import sqlalchemy as sa
from alembic import op

revision, down_revision = "{LATER}", "{REVISION}"


def upgrade():
    for table in ("events", "leases", "tokens", "charges", "spending"):
        op.add_column(table, sa.Column("later", sa.Text, server_default="x"))
    op.create_table("later", sa.Column("id", sa.Integer, primary_key=True))
    op.create_index("leases_by_later", "leases", ["later"])
"""
SOAKED = 3  # upgrades and rollbacks


@pytest.fixture(name="fleet")
def _fleet(tmp_path, new_database, slow_google, monkeypatch):
    """Provide instances over a store that an early release has filled, with their secrets in files."""
    restore(url := new_database(), OLDEST)
    fleet = fleets.prepared(tmp_path, CONFIGURATION, slow_google.url, database_url=url)
    for name in ("GEMINI_API_KEY", "TOKENSVC_SECRET_KEY", "DATABASE_URL"):
        (tmp_path / name).write_text(fleet.environment[name] + "\n", encoding="utf-8")
        fleet.environment[f"{name}_FILE"] = str(tmp_path / name)
        if name != "DATABASE_URL":  # with which the fleet itself reads the store
            del fleet.environment[name]
    del fleet.environment["DATABASE_URL_FILE"]
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    return fleet


@pytest.fixture(name="releases")
def _releases(tmp_path):
    """Return what selects this release and a later one, whose migration adds to the schema."""
    clone = copy_clone(tmp_path / "later")
    schema = clone / "tokensvc" / "store" / "schema.py"
    text = schema.read_text(encoding="utf-8")
    assert f'REVISION = "{REVISION}"' in text
    schema.write_text(text.replace(f'REVISION = "{REVISION}"', f'REVISION = "{LATER}"'), encoding="utf-8")
    versions = clone / "tokensvc" / "store" / "migrations" / "versions"
    (versions / f"{LATER}_later.py").write_text(MIGRATION, encoding="utf-8")
    (clone / "web" / "app.css").write_text("/* later */", encoding="utf-8")
    return [{"PYTHONPATH": str(folder), "PYTHONSAFEPATH": "1"} for folder in (CLONE, clone)]


def change_to(release, instances, patient):
    """Do as docs/upgrading.md says, to upgrade and to go back; return which release each instance served in between."""
    instances.fleet.environment |= release
    command = [sys.executable, "-m", "tokensvc", "db", "upgrade"]
    subprocess.run(command, env=instances.fleet.environment, cwd=release["PYTHONPATH"], check=True, timeout=120)
    patient.await_more(10)
    assets = []
    for number in (0, 1):
        assets.append(instances.restart(number).get("/widget.js").headers["location"])
        patient.await_more(10)
    return assets


def change_back_and_forth(fleet, releases, times):
    this, later = releases
    with rolling(fleet, as_shipped) as (instances, patient):
        for _ in range(times):
            upgraded = change_to(later, instances, patient)
            assert fleet.one("select version_num from alembic_version") == LATER
            rolled_back = change_to(this, instances, patient)
            assert set(upgraded).isdisjoint(rolled_back), "the same release was served"
    print(f"{patient.served} served, {patient.retried} retries")  # noqa: T201 - shown by -s
    assert patient.errors == []


def test_upgrade_and_rollback_are_not_noticed(fleet, releases):
    """Each step serves with both releases at once; the store was of an early release when it began."""
    change_back_and_forth(fleet, releases, 1)


@pytest.mark.soak
def test_many_upgrades_and_rollbacks_are_not_noticed(fleet, releases):
    change_back_and_forth(fleet, releases, SOAKED)
