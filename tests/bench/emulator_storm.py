"""Fuzz the emulator: `PYTHONPATH=tests python -m bench.emulator_storm --count 1000000`.

Starts an emulator of its own, sends it mutated frames and bodies from several clients, and says
how each connection ended. Exits 1 on a traceback, a dead emulator, or an answer that is no
documented one.
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

from emulator.storm import Weather, storm

FLAGS = (
    *("--latency", "0", "--send-rate", "8", "--playback-rate", "8"),
    *("--keep-audio", "1", "--keep-sessions", "20"),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    # Told to stop, it takes its emulator along.
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
            weather = Weather()
            # Broken off, it still says what came of it.
            with contextlib.suppress(KeyboardInterrupt):
                asyncio.run(storm(url, arguments.count, arguments.seed, weather=weather))
            took = time.monotonic() - began
            memory = resident(child.pid)
        finally:
            child.terminate()
            child.wait(10)
            child.stdout.close()
        said = errors.read_text(errors="replace")
    return report(weather, said, took, memory)


def report(weather: Weather, said: str, took: float, memory: float) -> int:
    """Print what came of it; the exit code."""
    sys.stdout.write(f"{weather.show()}\n{took:.0f} s, emulator at {memory:.0f} MB\n")
    tracebacks = said.count("Traceback")
    sys.stdout.write(f"{tracebacks} tracebacks\n{said[:3000]}")
    sys.stdout.write(f"closes that did not occur: {sorted(weather.unseen) or 'none'}\n")
    internal = sum(count for end, count in weather.ends.items() if "Internal error" in end)
    return 1 if tracebacks or internal or weather.wrong else 0


def resident(pid: int) -> float:
    """Resident memory in MB."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


if __name__ == "__main__":
    sys.exit(main())
