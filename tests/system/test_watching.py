"""Alerts and dashboard with a real Prometheus; the incidents of docs/runbooks.md, rehearsed with its commands."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import ec

from authn.provider_for_tests import jwk, provider
from programs import (
    API_KEY,
    SECRET_KEY,
    Answer,
    Program,
    clean_environment,
    operate,
    service_environment,
    serving,
    share_compiled_profiles,
)
from system import site
from system.launching import free_ports
from system.prometheus import ALERTS, DASHBOARD, WINDOW, Prometheus, promtool, scraping
from system.upstream import Upstream
from test_docs import anchors
from tokensvc.cli.root import tokensvc
from wheels import CLONE

if TYPE_CHECKING:
    from collections.abc import Iterator

RUNBOOKS = CLONE / "docs/runbooks.md"
ALERT_TESTS = Path(__file__).with_name("alerts.test.yml")
COMMANDS = re.compile(r"^ *```sh\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
CONFIGURATION = """
[[issuers]]
name = "bank"
issuer = "https://bank.test/"
audience = "https://tokens.test/"
algorithms = ["ES256"]
jwks_url = "{keys}"
{issuer}
[http]
metrics_bind = "127.0.0.1:{port}"
[profiles.default]
model = "gemini-3.8-live"
allow = ["user", "guest"]
[profiles.default.tools.find_order]
python = "order_tools:find_order"
bind = {{ customer = "${{subject}}" }}
[profiles.small]
model = "gemini-3.8-live"
allow = ["user"]
budget = "10m/day"
[limits]
user = ["20/minute"]
concurrent = {{ user = 1000, guest = 1000 }}
budget = {{ guest = "99999h/day", everyone = "1000h/day" }}
"""


@dataclass
class Scene:
    """A service of two workers, what it depends on, and the Prometheus that watches it."""

    service: Program
    google: Upstream
    prometheus: Prometheus
    metrics: Program

    def ask(self, subject: str | None, profile: str = "default") -> Answer:
        """Ask for a token."""
        bearer = site.signed(subject) if subject else None
        return self.service.post("/token", {"profile": profile}, bearer=bearer)

    def codes(self, subject: str, count: int, profile: str = "default") -> list[str]:
        """Ask for *count* tokens at once; return the sorted outcomes."""
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: self.ask(subject, profile), range(count)))
        return sorted("granted" if answer.status == 200 else answer.code for answer in answers)

    def replace(self, old: str, new: str) -> None:
        """Change the configuration, and wait until both workers use it."""
        assert self.service.folder is not None
        file = self.service.folder / "tokensvc.toml"
        before, applied = file.read_text(encoding="utf-8"), "configuration change in force"
        assert old in before
        count = sum(applied in line for line in self.service.lines)
        file.write_text(before.replace(old, new), encoding="utf-8")
        self.service.await_lines(applied, count + 2)


@pytest.fixture(name="scene", scope="module")
def _scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder, (port,) = tmp_path_factory.mktemp("watched"), free_ports(1)
    key = jwk(ec.generate_private_key(ec.SECP256R1()), "1")
    share_compiled_profiles(folder)
    with provider(key) as keys, Upstream() as google:
        written = CONFIGURATION.format(port=port, keys=keys.url, issuer=site.ISSUER)
        tools = str(Path(__file__).parent)
        environment = service_environment(folder, written, google.url, SHOP_SECRET=site.SECRET, PYTHONPATH=tools)
        with serving(environment) as service, scraping(tmp_path_factory.mktemp("prometheus"), port) as prometheus:
            service.folder = folder
            service.await_lines("worker started", 2)
            scene = Scene(service, google, prometheus, Program(service.child, url=f"http://127.0.0.1:{port}"))
            scene.prometheus.await_total("up", 1)
            yield scene


def rules() -> list[dict[str, Any]]:
    """Return the rules, as they are written."""
    found: list[dict[str, Any]] = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"][0]["rules"]
    return found


def follow(scene: Scene, heading: str, containing: str) -> list[str]:
    """Run the command of a section of the runbooks in which *containing* occurs; return the lines that it prints."""
    assert scene.service.folder is not None
    sections = re.split(r"^## ", RUNBOOKS.read_text(encoding="utf-8"), flags=re.MULTILINE)
    (section,) = (section for section in sections if section.startswith(f"{heading}\n"))
    (command,) = (block for block in COMMANDS.findall(section) if containing in block)
    (scene.service.folder / "log").write_text("".join(scene.service.lines), encoding="utf-8")
    environment = clean_environment(
        LOG=f"cat {scene.service.folder / 'log'}",
        TOKENSVC_DATA_DIR=str(scene.service.folder / "data"),
        TOKENSVC_SECRET_KEY=SECRET_KEY,
    )
    ours = f'tokensvc() {{ {sys.executable} -m tokensvc "$@"; }}\n'
    done = subprocess.run(["bash", "-c", ours + command], env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_alerts_are_valid_and_fire_only_when_they_should() -> None:
    """Each one is tried with series in which it fires, and with healthy ones in which none does."""
    promtool("check", "rules", ALERTS)
    promtool("test", "rules", ALERT_TESTS)
    cases = [case for test in yaml.safe_load(ALERT_TESTS.read_text())["tests"] for case in test["alert_rule_test"]]
    everything = {rule["alert"] for rule in rules()}
    assert {case["alertname"] for case in cases if "exp_alerts" in case} == everything
    assert {case["alertname"] for case in cases if "exp_alerts" not in case} == everything


def test_each_alert_has_a_runbook() -> None:
    addressed = {rule["alert"]: rule["annotations"]["runbook"].rpartition("/")[2] for rule in rules()}
    assert addressed == {name: f"runbooks.md#{name.lower()}" for name in addressed}
    assert anchors(RUNBOOKS) >= {address.partition("#")[2] for address in addressed.values()}


def test_commands_of_the_runbooks_exist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their options are those of the command, and jq accepts their filters."""
    text = RUNBOOKS.read_text(encoding="utf-8")
    written = "\n".join(COMMANDS.findall(text)) + "\n".join(re.findall(r"`([^`\n]+)`", COMMANDS.sub("", text)))
    commands = set(re.findall(r"\btokensvc ([a-z][^|&#\n]*)", written)) - {"cannot start. Fix these …"}
    assert len(commands) > 10
    monkeypatch.chdir(tmp_path)
    Path("audit.jsonl").touch()
    for words in commands:
        found, rest = tokensvc, words.split()
        while isinstance(found, click.Group):
            found, *rest = found.get_command(click.Context(found), rest[0]), *rest[1:]
        found.make_context(words, rest).close()
    filters = re.findall(r"jq -\w+ '([^']+)'", written)
    assert len(filters) > 10
    for each in filters:
        subprocess.run(["jq", "-R", each, "/dev/null"], check=True)


def test_nothing_fires_while_all_is_well(scene: Scene) -> None:
    assert scene.codes("ada", 10) == ["granted"] * 10
    assert scene.ask(None).status == 200
    scene.prometheus.await_total("tokensvc_tokens_total", 11)
    assert scene.prometheus.firing() == set()
    promtool("check", "metrics", given=scene.metrics.get("/metrics").body.decode())


def test_google_refuses_the_key(scene: Scene) -> None:
    scene.google.refused_keys[API_KEY] = 403
    assert scene.codes("bob", 4) == ["issuer-misconfigured"] * 4
    scene.prometheus.await_total('tokensvc_tokens_total{outcome="issuer-misconfigured"}', 4)
    assert scene.codes("bob", 4) == ["issuer-misconfigured"] * 4
    scene.prometheus.await_alert("TokensvcKeyRefused")
    (found,) = follow(scene, "TokensvcKeyRefused", "API key refused")
    assert "8 API key refused number=1 code=issuer-misconfigured cause=Google answered 403" in found
    del scene.google.refused_keys[API_KEY]
    assert scene.ask("bob").status == 200


def test_database_is_away(scene: Scene) -> None:
    data = scene.service.folder / "data"
    (data / "tokensvc.db").rename(data / "elsewhere")
    assert scene.ask("ada").code == "temporarily-unavailable"
    scene.prometheus.await_alert("TokensvcStoreAway")
    (found,) = follow(scene, "TokensvcStoreAway", "temporarily-unavailable")
    assert "store: there is no file" in found
    (data / "elsewhere").rename(data / "tokensvc.db")
    assert scene.ask("ada").status == 200
    scene.prometheus.await_alert("TokensvcStoreAway", firing=False)


def test_one_subject_floods(scene: Scene) -> None:
    """The command of the runbook finds the person, who is then blocked; others are served meanwhile."""
    for _ in range(2):  # the rate of a series is known from its second scrape on
        scene.codes("mallory", 40)
        scene.prometheus.await_total('tokensvc_tokens_total{outcome="granted"}', granted(scene))
    scene.prometheus.await_alert("TokensvcFlood")
    assert scene.ask("carol").status == 200
    assert follow(scene, "TokensvcFlood", "rate-limited")[0].split()[1:] == [
        "https://shop.test/",
        "mallory",
        "127.0.0.1",
    ]
    operate(scene.service, "block", "subject", "mallory", "--for", "2h")
    assert scene.ask("mallory").code == "blocked"
    operate(scene.service, "unblock", "subject", "mallory")


def granted(scene: Scene) -> float:
    """Return how many tokens the service says it granted."""
    lines = scene.metrics.get("/metrics").body.decode().splitlines()
    return sum(float(line.split()[-1]) for line in lines if 'outcome="granted"' in line)


def test_bad_release(scene: Scene) -> None:
    """A profile that Google rejects: the file is put back, without a restart."""
    good, bad = '[profiles.small]\nmodel = "gemini-3.8-live"', '[profiles.small]\nmodel = "fault-404"'
    scene.replace(good, bad)
    assert scene.codes("dave", 2, "small") == ["profile-rejected"] * 2
    scene.prometheus.await_total('tokensvc_tokens_total{outcome="profile-rejected"}', 2)
    assert scene.codes("dave", 2, "small") == ["profile-rejected"] * 2
    scene.prometheus.await_alert("TokensvcErrors")
    (found,) = follow(scene, "TokensvcErrors", "profile, code")
    expected = '{"route":"POST /token","profile":"small","code":"profile-rejected","cause":"Google answered 404'
    assert expected in found
    scene.replace(bad, good)


def test_budget_is_gone(scene: Scene) -> None:
    """Ten minutes are two tokens."""
    assert scene.codes("erin", 3, "small") == ["budget-spent", "granted", "granted"]
    scene.prometheus.await_alert("TokensvcBudgetGone")
    found = follow(scene, "TokensvcBudgetGone", "audit export")
    assert "600 small https://shop.test/ erin" in found


def queries() -> dict[str, list[str]]:
    """Return the queries of each panel of the dashboard, and of its annotations, by title."""
    board = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    panels = [*board["panels"], *({"title": a["name"], "targets": [a]} for a in board["annotations"]["list"])]
    found = {panel["title"]: [target["expr"] for target in panel.get("targets", ())] for panel in panels}
    return {title: expressions for title, expressions in found.items() if expressions}


def test_every_panel_of_the_dashboard_shows_something(scene: Scene) -> None:
    """The alert of the budget still fires."""
    lease = scene.ask("frank").json["lease"]
    call = {"lease": lease, "call": "1", "name": "find_order", "args": {"number": "17"}}
    assert scene.service.post("/tool", call, bearer=site.signed("frank")).status == 200
    filled = {"$job": ".*", "$profile": ".*", "$__rate_interval": WINDOW}
    for title, expressions in queries().items():
        for expression in expressions:
            asked = re.sub(r"\$\w+", lambda name: filled[name[0]], expression)
            if "tokensvc_reported_seconds_total" in asked:  # which nobody reports yet
                scene.prometheus.query(asked)
            else:
                assert scene.prometheus.await_values(asked), f"{title}: {asked}"


def test_budget_is_raised_without_a_restart(scene: Scene) -> None:
    scene.replace('budget = "10m/day"', 'budget = "20m/day"')
    assert scene.ask("erin", "small").status == 200


def test_stopped_service_is_noticed(scene: Scene) -> None:
    scene.service.stop()
    scene.prometheus.await_alert("TokensvcDown")
