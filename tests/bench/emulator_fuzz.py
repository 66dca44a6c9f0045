"""Fuzz the emulator: `PYTHONPATH=tests python -m bench.emulator_fuzz --count 1000000`.

Starts an emulator, sends it mutated frames and bodies from several clients, and prints how the
connections ended. Exits with 1 on a traceback, a dead emulator, or an undocumented response.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from emulator.fuzzing import FuzzReport, fuzz

FLAGS = (
    *("--latency", "0", "--send-rate", "8", "--playback-rate", "8"),
    *("--keep-audio", "1", "--keep-sessions", "20"),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    # On SIGTERM, stop the emulator too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory() as folder:
        errors = Path(folder) / "stderr"
        with errors.open("wb") as stderr:
            child = subprocess.Popen(
                [sys.executable, "-m", "tokensvc.emulator", "--port", "0", *FLAGS],
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )
        try:
            assert child.stdout is not None
            url = child.stdout.readline().split()[-1]
            began = time.monotonic()
            result = FuzzReport()
            # When interrupted, print the results so far.
            with contextlib.suppress(KeyboardInterrupt):
                asyncio.run(fuzz(url, arguments.count, arguments.seed, report=result))
            took = time.monotonic() - began
            memory = resident(child.pid)
        finally:
            child.terminate()
            child.wait(10)
            child.stdout.close()
        said = errors.read_text(errors="replace")
    return report(result, said, took, memory)


def report(result: FuzzReport, said: str, took: float, memory: float) -> int:
    """Print the result and return the exit code."""
    sys.stdout.write(f"{result.summary()}\n{took:.0f} s, emulator at {memory:.0f} MB\n")
    tracebacks = said.count("Traceback")
    sys.stdout.write(f"{tracebacks} tracebacks\n{said[:3000]}")
    sys.stdout.write(f"closes that did not occur: {sorted(result.missing_closes) or 'none'}\n")
    internal = sum(count for close, count in result.closes.items() if "Internal error" in close)
    return 1 if tracebacks or internal or result.errors else 0


def resident(pid: int) -> float:
    """Return the resident memory in MB."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


if __name__ == "__main__":
    sys.exit(main())
