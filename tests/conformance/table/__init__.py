"""The conformance table: facts about the Live API, room by room, and the page that shows them."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

from conformance.table import (
    fault_rules,
    lock_rules,
    model_rules,
    resumption_rules,
    session_rules,
    socket_rules,
    speech_rules,
    token_rules,
    tool_rules,
    turn_rules,
)
from conformance.table.rules import Rule

TABLE = {
    room.__name__.rpartition(".")[2].removesuffix("_rules"): [
        row for row in vars(room).values() if isinstance(row, Rule)
    ]
    for room in (
        token_rules,
        socket_rules,
        lock_rules,
        model_rules,
        session_rules,
        resumption_rules,
        speech_rules,
        turn_rules,
        tool_rules,
        fault_rules,
    )
}
HEAD = """\
# What the emulator keeps to, and by whom it is held to it

Each row is a fact of the Live API and where it is known from. Every `make test` runs it by both
official SDKs (google-genai {python}, @google/genai {javascript}), or by a raw socket where an SDK
cannot say it; the last column says why. Each is also run with the rule taken out of the emulator,
by the same peers, and must fail then.

`PYTHONPATH=tests python -m conformance.table` writes this page; a test holds it to what is run.
"""
COLUMNS = """
| fact | known from | by | why not by an SDK |
|---|---|---|---|
"""
MANIFEST = Path(__file__).parents[2] / "node_modules" / "@google" / "genai" / "package.json"


def page() -> str:
    """The whole table in Markdown."""
    javascript = json.loads(MANIFEST.read_text(encoding="utf-8"))["version"]
    parts = [HEAD.format(python=version("google-genai"), javascript=javascript)]
    for room, rows in TABLE.items():
        parts += [f"\n## {room.capitalize()}\n", COLUMNS, *map(_line, rows)]
    return "".join(parts)


def _line(row: Rule) -> str:
    return f"| {row.fact} | {row.source} | {', '.join(row.peers)} | {_why(row)} |\n"


def _why(row: Rule) -> str:
    reasons = list(dict.fromkeys(row.unsaid.values()))
    if len(row.unsaid) > len(reasons):
        return reasons[0]
    return "; ".join(f"{peer}: {reason}" for peer, reason in row.unsaid.items())
