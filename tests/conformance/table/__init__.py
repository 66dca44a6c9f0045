"""The conformance table: facts about the Live API by section, and the page that lists them."""

from __future__ import annotations

import json
from collections import Counter
from importlib.metadata import version
from pathlib import Path

from conformance.table import (
    fault_rules,
    lock_rules,
    model_rules,
    refusal_rules,
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
        refusal_rules,
        speech_rules,
        turn_rules,
        tool_rules,
        fault_rules,
    )
}
HEAD = """\
# What the emulator conforms to, and how that is tested

Each row is a fact about the Live API and how it is known.
{summary}
Every `make test` checks each fact with both official SDKs (google-genai {python},
@google/genai {javascript}), or with a raw socket if an SDK cannot do it; the last column says why.
`make mutants` also runs each check against an emulator from which the rule was removed, and there
it must fail.

`PYTHONPATH=tests .venv/bin/python -m conformance.table` writes this page; a test keeps it current.
"""
COLUMNS = """
| fact | known | from | tested with | why not with an SDK |
|---|---|---|---|---|
"""
SUMMARY = """\
Of {rows} facts, {recorded} are *recorded*: somebody saw them of the real service, and their row
names the public record or report. {documented} are only *documented*, by Google's pages or SDKs.
{ours} are *ours*: nobody published what the real service does, or we do not know who found it out.
"""
MANIFEST = Path(__file__).parents[2] / "node_modules" / "@google" / "genai" / "package.json"


def summary() -> str:
    """Return how many facts are known in which way, as docs/emulator.md also says it."""
    kinds = Counter(row.source.kind for rows in TABLE.values() for row in rows)
    return SUMMARY.format(rows=kinds.total(), **kinds)


def page() -> str:
    """Return the table in Markdown."""
    javascript = json.loads(MANIFEST.read_text(encoding="utf-8"))["version"]
    versions = {"python": version("google-genai"), "javascript": javascript}
    parts = [HEAD.format(summary=summary(), **versions)]
    for section, rows in TABLE.items():
        parts += [f"\n## {section.capitalize()}\n", COLUMNS, *map(_line, rows)]
    return "".join(parts)


def _line(row: Rule) -> str:
    source, peers = row.source, ", ".join(row.peers)
    return f"| {row.fact} | {source.kind} | {source.where} | {peers} | {_why(row)} |\n"


def _why(row: Rule) -> str:
    reasons = list(dict.fromkeys(row.unsupported.values()))
    if len(row.unsupported) > len(reasons):
        return reasons[0]
    return "; ".join(f"{peer}: {reason}" for peer, reason in row.unsupported.items())
