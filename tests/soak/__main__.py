"""Long runs of what the tests try for seconds; prints figures.

`PYTHONPATH=tests python -m soak`; `--seconds` is the length of each scenario with outages, and
`--conversation` that of a conversation.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from soak.conversation import converse
from system import fleet as fleets
from system.configurations import configuration
from system.crashing import Crowd, reconcile
from system.postgres import Postgres
from system.upstream import Upstream

if TYPE_CHECKING:
    from collections.abc import Mapping

_BUDGETS = 'budget = { user = "20h/day", everyone = "9999h/day" }'
_CONFIGURATION = configuration(limits=_BUDGETS, default="")
_EVERY = 0.5  # seconds between two kills of workers
_OUTAGE = 5  # seconds of the run for each outage of PostgreSQL


def main() -> None:
    """Run every scenario; an assertion that fails ends the run."""
    parser = argparse.ArgumentParser(prog="soak", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="length of each scenario with outages")
    parser.add_argument("--conversation", type=int, default=600, help="seconds of the conversation")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        for name, scenario in _SCENARIOS.items():
            place = Path(folder) / name
            place.mkdir()
            with Upstream() as google:
                _print(name, scenario(place, google, arguments.seconds))
        place = Path(folder) / "conversation"
        place.mkdir()
        _print("conversation", converse(place, arguments.conversation))


def _print(scenario: str, figures: Mapping[str, float]) -> None:
    sys.stdout.write(json.dumps({"scenario": scenario, **figures}) + "\n")


def _workers(place: Path, google: Upstream, seconds: int) -> dict[str, int]:
    """Kill one of four workers twice a second, and the master at the end."""
    fleet = fleets.prepared(place, _CONFIGURATION, google.url)
    chance, pace = random.Random(7), threading.Event()  # noqa: S311 - the choice need not be secret
    kills = int(seconds / _EVERY)
    with fleets.started(fleet, workers=4), Crowd(fleet.first.url) as crowd:
        crowd.await_more(20)
        began, before = time.monotonic(), len(crowd.tokens)
        for _ in range(kills):
            if workers := fleet.workers():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(chance.choice(workers), signal.SIGKILL)
            pace.wait(_EVERY)
        rate = (len(crowd.tokens) - before) / (time.monotonic() - began)
        crowd.await_more(50)
        fleet.first.child.kill()
        with fleets.supervised(fleet, workers=4):
            crowd.await_more(50)
    return {"kills": kills, "tokens a second": round(rate), **reconcile(fleet, google, crowd)}


def _postgresql(place: Path, google: Upstream, seconds: int) -> dict[str, int]:
    """Kill and stop PostgreSQL in turn, with two instances of the service."""
    postgres, pace = Postgres(), threading.Event()
    outages = max(2, seconds // _OUTAGE)
    try:
        fleet = fleets.prepared(place, _CONFIGURATION, google.url, database_url=postgres.url)
        with fleets.started(fleet, instances=2, workers=2), Crowd(fleet.first.url) as crowd:
            for outage in range(outages):
                crowd.await_more(20)
                (postgres.kill if outage % 2 else postgres.stop)()
                pace.wait(_EVERY)
                postgres.start()
            crowd.await_more(50)
        return {"outages": outages, **reconcile(fleet, google, crowd)}
    finally:
        postgres.close()


_SCENARIOS = {"workers": _workers, "postgresql": _postgresql}

if __name__ == "__main__":
    main()
