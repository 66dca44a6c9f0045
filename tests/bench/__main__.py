"""Measure what a token costs, as ratios to baselines that take turns with the service.

Absolute times mean little on a shared machine; each figure is a median. Prints tables, then each
figure beside its goal and the last committed result, and keeps the figures of each part that ran.
"""

from __future__ import annotations

import argparse
import signal
import tempfile
from pathlib import Path

from bench import publishing, results
from bench.client import emulator, press
from bench.echo import echo
from bench.key_outage import key_outage
from bench.large_ledger import ledger
from bench.measuring import Bench, progress
from bench.recordings import recordings
from bench.sign_ins import sign_ins
from bench.stall import stall
from bench.starts import starts
from bench.stores import everyone, stores
from bench.throughput import latencies, rates, ready
from bench.tool_calls import tools

PARTS = {
    part.__name__: part
    for part in (
        *(rates, latencies, ready, stores, everyone, ledger),
        *(starts, stall, echo, key_outage, sign_ins, tools, press, emulator, recordings),
    )
}
# The options that a part uses, which are kept with its figures; most use these two.
MOST = ("rounds", "seconds")
OPTIONS = {
    "starts": ("rounds",),
    **dict.fromkeys(("stall", "key_outage", "sign_ins", "tools", "recordings"), ()),
    "ledger": (*MOST, "events"),
    "echo": ("mints",),
    "press": ("presses",),
    "emulator": ("sessions", "minutes"),
}


def main() -> None:
    options = _options()
    # On SIGTERM, stop the servers too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    before = results.figures_of(results.committed())
    found = {}
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        names = {each for used in (MOST, *OPTIONS.values()) for each in used}
        bench = Bench(Path(name), **{each: getattr(options, each) for each in names})
        try:
            for part in options.parts or PARTS:
                progress(part)
                figures = PARTS[part](bench)
                kept = {each: getattr(options, each) for each in OPTIONS.get(part, MOST)}
                results.keep(options.results, part, kept, figures)
                found |= figures
        finally:  # if a part fails, what was measured before it counts
            results.show(found, before)
            if options.results == results.FILE:
                publishing.publish()


def _options() -> argparse.Namespace:
    parts = [f"  {name:10} {(part.__doc__ or '').splitlines()[0]}" for name, part in PARTS.items()]
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=f"{__doc__}\nparts:\n" + "\n".join(parts),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"what to measure: {', '.join(PARTS)} (all)")
    parser.add_argument("--results", type=Path, default=results.FILE, help="the file that keeps the figures")
    numbers = parser.add_argument_group("how much")
    for name, default, meaning in (
        ("rounds", 5, "runs of each server, of which the median counts"),
        ("seconds", 2.0, "length of a run; whole seconds"),
        ("events", 10_000_000, "in the large ledger: 5 GB and 4 minutes for ten million"),
        ("mints", 10_000, "that are checked to be the caller's, before a restart and after"),
        ("presses", 50, "in the browser"),
        ("sessions", 400, "of the emulator"),
        ("minutes", 2.0, "that the emulator's sessions last"),
    ):
        text = f"{meaning} ({default:g})" if default < 1e5 else f"{meaning} ({default:,})"
        numbers.add_argument(f"--{name}", type=type(default), default=default, help=text)
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}: see --help")
    return options


if __name__ == "__main__":
    main()
