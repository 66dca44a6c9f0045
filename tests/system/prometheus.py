"""A Prometheus that scrapes a service every half second, with our alerts in seconds instead of minutes."""

from __future__ import annotations

import json
import re
import subprocess
import time
import urllib.parse
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from programs import clean_environment, running
from wheels import CLONE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from programs import Program

ALERTS = CLONE / "deploy/alerts.yml"
DASHBOARD = CLONE / "deploy/grafana-dashboard.json"
WINDOW = "4s"  # in place of the minutes over which an alert or a panel looks
_LONGEST = 15  # seconds until a scrape or a rule must have noticed

_CONFIGURATION = """
global: {{scrape_interval: 500ms, evaluation_interval: 500ms}}
rule_files: [alerts.yml]
scrape_configs:
  - job_name: tokensvc
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


class Prometheus:
    """Answers queries (PromQL)."""

    def __init__(self, program: Program) -> None:
        self._program = program

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the series of an instant query, each with `metric` and `value`; fails if it is not valid."""
        found: list[dict[str, Any]] = self._get("query", query=expression)["result"]
        return found

    def total(self, expression: str) -> float:
        """Return the sum of an instant query; 0 if nothing is found."""
        return sum(float(series["value"][1]) for series in self.query(expression))

    def rules(self) -> list[dict[str, Any]]:
        """Return the rules that were loaded, with their state."""
        (group,) = self._get("rules")["groups"]
        rules: list[dict[str, Any]] = group["rules"]
        return rules

    def firing(self) -> set[str]:
        """Return the names of the alerts that fire."""
        return {rule["name"] for rule in self.rules() if rule["state"] == "firing"}

    def await_alert(self, name: str, *, firing: bool = True) -> float:
        """Wait until the alert fires, or until it does no longer; return for how many seconds."""
        began = time.monotonic()
        while (name in self.firing()) != firing:
            assert time.monotonic() < began + _LONGEST, f"{name}: {'does not fire' if firing else 'still fires'}"
            time.sleep(0.1)
        return time.monotonic() - began

    def await_total(self, expression: str, wanted: float) -> None:
        """Wait until the sum of a query is *wanted*."""
        end = time.monotonic() + _LONGEST
        while (found := self.total(expression)) != wanted:
            assert time.monotonic() < end, f"{expression}: {found}, not {wanted}"
            time.sleep(0.1)

    def await_values(self, expression: str) -> bool:
        """Wait until a query has a value that is a number; return whether it has."""
        end = time.monotonic() + _LONGEST
        while all(series["value"][1] == "NaN" for series in self.query(expression)):
            if time.monotonic() > end:
                return False
            time.sleep(0.1)
        return True

    def _get(self, what: str, **parameters: str) -> Any:
        address = f"{self._program.url}/api/v1/{what}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(address, timeout=10) as answer:  # noqa: S310 - our own address
            content = json.load(answer)
        assert content["status"] == "success", content
        return content["data"]


@contextmanager
def scraping(folder: Path, port: int) -> Iterator[Prometheus]:
    """Run a Prometheus that scrapes 127.0.0.1:*port*, until the end of the block."""
    in_seconds = re.sub(r"\[\d+m\]", f"[{WINDOW}]", re.sub(r"for: \d+m", "for: 0s", ALERTS.read_text(encoding="utf-8")))
    (folder / "alerts.yml").write_text(in_seconds, encoding="utf-8")
    (folder / "prometheus.yml").write_text(_CONFIGURATION.format(port=port), encoding="utf-8")
    command = [
        "prometheus",
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'series'}",
        "--web.listen-address=127.0.0.1:0",
    ]
    # It listens before it is ready: group 1 is remembered from that line.
    with running(command, r'"Listening on" address=([0-9.:]+)', environment=clean_environment()) as program:
        program.url = f"http://{program.url}"
        program.await_line("Server is ready")
        yield Prometheus(program)


def promtool(*words: str | Path, given: str = "") -> str:
    """Run promtool, which must be content; return what it says."""
    done = subprocess.run(["promtool", *words], input=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
