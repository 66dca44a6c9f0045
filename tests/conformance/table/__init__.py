"""The conformance table: facts about the Live API by section, and the page that lists them."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

from conformance.table import (
    fault_rules,
    lock_rules,
    model_rules,
    request_rules,
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
    section.__name__.rpartition(".")[2].removesuffix("_rules"): [
        row for row in vars(section).values() if isinstance(row, Rule)
    ]
    for section in (
        request_rules,
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
# What the emulator conforms to, and how that is tested

Each row is a fact about the Live API and where it is known from. Every `make test` checks it with
both official SDKs (google-genai {python}, @google/genai {javascript}), or with a raw socket if an
SDK cannot do it; the last column says why. `make mutants` also runs each check against an emulator
from which the rule was removed, and there it must fail.

`PYTHONPATH=tests .venv/bin/python -m conformance.table` writes this page; a test keeps it current.
"""
COLUMNS = """
| fact | known from | tested with | why not with an SDK |
|---|---|---|---|
"""
MANIFEST = Path(__file__).parents[2] / "node_modules" / "@google" / "genai" / "package.json"


def page() -> str:
    """Return the table in Markdown."""
    javascript = json.loads(MANIFEST.read_text(encoding="utf-8"))["version"]
    parts = [HEAD.format(python=version("google-genai"), javascript=javascript)]
    for section, rows in TABLE.items():
        parts += [f"\n## {section.capitalize()}\n", COLUMNS, *map(_line, rows)]
    return "".join(parts)


def _line(row: Rule) -> str:
    return f"| {row.fact} | {row.source} | {', '.join(row.peers)} | {_why(row)} |\n"


def _why(row: Rule) -> str:
    reasons = list(dict.fromkeys(row.unsupported.values()))
    if len(row.unsupported) > len(reasons):
        return reasons[0]
    return "; ".join(f"{peer}: {reason}" for peer, reason in row.unsupported.items())
