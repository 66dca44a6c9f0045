"""How long each step of the recorded sessions took with the real service, and with the emulator.

`PYTHONPATH=tests python -m bench.recordings`; each record in `tests/recordings`, or each conversation
in a file that `tokensvc probe --settle` has written, is replayed with the emulator's default options.
A step is the time from what a message depends on (what the client did last, the end of its speech, or
the answer's first sound) to the message. Steps that differ by more than half are marked. The real
times include a network of about 10 ms there and back.
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recordings.record import RECORDS
from recordings.replay import Replay, ReplayError, emulator_for
from recordings.settled import records as settled_records

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bench.measuring import Bench
    from recordings.record import Record
    from recordings.replay import Moment

SHORTEST = 0.05  # seconds; a shorter step has no ratio that says anything
HALF = 0.5
# What messages depend on, if it is not what happened last.
DEPENDS_ON = {
    "sessionResumptionUpdate": "setupComplete",
    "goAway": "setupComplete",
    "ACTIVITY_START": "speech",
    "ACTIVITY_END": "end of speech",
    "inputTranscription": "end of speech",
}
# What later messages may depend on.
BEGINS = {"setupComplete": "setupComplete", "modelTurn": "first sound"}
PRECISION = 0.01  # seconds


def recordings(_: Bench | None = None, records: Iterable[Record] = RECORDS) -> dict[str, float]:
    """How long each step of the recorded sessions takes with the emulator, beside the real one."""
    ratios = []
    for record in records:
        click.echo(f"\n{record.name}: {record.title}")
        replay = Replay(record, emulator_for(record), step=PRECISION, strict=False)
        try:
            asyncio.run(replay.run())
        except ReplayError as error:
            failure = _details(error)
        else:
            failure = ""
        for name, recorded, emulated in _steps(replay.moments):
            ratio = emulated / recorded if recorded >= SHORTEST else None
            shown = "" if ratio is None else f"{ratio:5.2f}{'' if _near(ratio) else ' *'}"
            click.echo(f"  {name:58} {recorded:8.3f} s {emulated:8.3f} s  {shown}")
            if ratio is not None:
                ratios.append(ratio)
        for difference in replay.differences.values():
            click.echo(f"  differs:\n{_details(difference)}")
        if failure:
            click.echo(f"  stopped:\n{failure}")
    near = sum(_near(ratio) for ratio in ratios)
    click.echo(f"\n{near} of {len(ratios)} steps of {SHORTEST} s or more are within half")
    return {"recordings.steps_within_half": near / max(1, len(ratios))}


def _details(error: ReplayError) -> str:
    return str(error).partition("\n")[2]


def _near(ratio: float) -> bool:
    return abs(ratio - 1) <= HALF


def _steps(moments: list[Moment]) -> Iterator[tuple[str, float, float]]:
    """Yield each step's name, and its recorded and emulated seconds."""
    marks: list[tuple[float, float, str]] = []  # recorded and emulated times, the newest first
    for moment in moments:
        message, times = moment.message, (moment.message.at, moment.at)
        if message.sender == "client":
            marks.insert(0, (*times, message.kind))
            if message.kind == "speech":
                marks.insert(0, (message.until, moment.until, "end of speech"))
            continue
        kind = message.values.get("voiceActivity.type", message.kind)
        name = DEPENDS_ON.get(kind)
        past = [mark for mark in marks if mark[0] <= message.at and name in {None, mark[2]}]
        recorded, emulated, since = max(past, key=lambda mark: mark[0])
        yield f"{since} → {kind}", message.at - recorded, moment.at - emulated
        if kind in BEGINS:
            marks.insert(0, (*times, BEGINS[kind]))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("settled", nargs="?", type=Path, help="a file of “tokensvc probe --settle”")
    settled = parser.parse_args().settled
    recordings(records=settled_records(settled) if settled else RECORDS)
