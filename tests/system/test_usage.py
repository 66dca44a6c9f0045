"""Usage as clients report it and as the command line shows it, over two workers and a restart."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from programs import Program, clean_environment, service_environment, serving, share_compiled_profiles
from system import site
from system.upstream import Upstream

CONFIGURATION = f"""{site.ISSUER}
[profiles.default]
model = "gemini-3.8-live"
allow = ["user"]
[prices."gemini-3.8-live"]
input = {{ AUDIO = 3.0 }}
output = {{ AUDIO = 12.0 }}
[limits]
user = ["2/minute"]
"""
HOSTILE = [17, "x", [], {"seconds": "NaN"}, {"seconds": -1, "tokens": {"prompt": None}}, {"x": "y" * 5000}]


@pytest.fixture(name="google", scope="module")
def _google():
    with Upstream() as google:
        yield google


def command(folder: Path, *words: str) -> str:
    environment = clean_environment(
        TOKENSVC_DATA_DIR=str(folder / "data"), TOKENSVC_CONFIG=str(folder / "tokensvc.toml")
    )
    ran = subprocess.run(
        [sys.executable, "-m", "tokensvc", *words], env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def talk(service: Program, person: str, usage: object) -> None:
    """Start, renew and end a conversation."""
    bearer = site.signed(person)
    lease = service.post("/token", bearer=bearer).json["lease"]
    assert service.post("/token", {"lease": lease, "usage": {"seconds": 1}}, bearer=bearer).status == 200
    assert service.post("/lease/end", {"lease": lease, "usage": usage}).status == 204


def test_usage_and_refusals_survive_a_restart_and_agree(tmp_path: Path, google: Upstream) -> None:
    environment = service_environment(tmp_path, CONFIGURATION, google.url, SHOP_SECRET=site.SECRET)
    share_compiled_profiles(tmp_path)
    said = {"seconds": 20, "tokens": {"prompt": {"AUDIO": 1_000_000}, "response": {"AUDIO": 500_000}}, "ended": "idle"}
    for people in (["ada", "bob"], ["carl"]):
        with serving(environment, workers=2) as service:
            for person in people:
                talk(service, person, said)
            # A renewal without a handle counts as a start.
            assert [service.post("/token", bearer=site.signed(people[0])).status for _ in range(9)] == [429] * 9
    (row,) = json.loads(command(tmp_path, "usage", "--by", "profile", "--format", "json"))
    assert (row["conversations"], row["reported"]) == (3, 60)
    assert row["cost"] == pytest.approx(3 * 9.0)
    assert row["ended"] == {"idle": 3}
    assert "ada" in command(tmp_path, "usage", "--by", "day,subject")
    assert command(tmp_path, "usage", "--by", "subject", "--format", "csv").splitlines()[0].startswith("subject,")
    counted = command(tmp_path, "audit", "refusals")
    assert sum(int(line.split()[1]) for line in counted.splitlines()) == 18
    assert "request " in command(tmp_path, "audit", "list")


def test_no_report_makes_a_request_fail(tmp_path: Path, google: Upstream) -> None:
    environment = service_environment(
        tmp_path, CONFIGURATION.replace('["2/minute"]', '["99/minute"]'), google.url, SHOP_SECRET=site.SECRET
    )
    share_compiled_profiles(tmp_path)
    with serving(environment, workers=1) as service:
        for number, usage in enumerate(HOSTILE):
            talk(service, f"person-{number}", usage)
    (row,) = json.loads(command(tmp_path, "usage", "--by", "profile", "--format", "json"))
    assert row["reported"] <= len(HOSTILE)
