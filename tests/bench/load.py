"""Puts a server under load with wrk (github.com/wg/wrk), whose own cost is a few microseconds."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).with_name("wrk.lua")


@dataclass(frozen=True)
class Run:
    """The result of a load; times are in milliseconds."""

    answers: int
    seconds: float
    failures: int
    median: float
    p99: float

    @property
    def rate(self) -> float:
        """Answers per second."""
        return self.answers / self.seconds


def put(url: str, bearers: Path, connections: int, seconds: float, pause: int = 0) -> Run:
    """Keep *connections* busy for *seconds* with the credentials in the file *bearers*.

    Each waits *pause* milliseconds between an answer and its next request.
    """
    wrk = shutil.which("wrk")
    if wrk is None:
        sys.exit("There is no wrk: “make programs” installs it on Debian.")
    command = [wrk, "-t1", f"-c{connections}", f"-d{seconds:.0f}s", "--timeout", "30s"]
    finished = subprocess.run(
        [*command, "-s", str(SCRIPT), url],
        env=os.environ | {"BEARERS": str(bearers), "PAUSE": str(pause)},
        capture_output=True,
        text=True,
        check=True,
    )
    line = next(line for line in finished.stdout.splitlines() if line.startswith("RESULT"))
    answers, lasted, failures, median, p99 = map(int, line.split()[1:])
    return Run(answers, lasted / 1e6, failures, median / 1000, p99 / 1000)
