"""The conformance table: every rule holds; `make mutants` shows that its check would notice if not.

Each row is tested with both official SDKs, or with a raw socket if one of them cannot do what it
requires. `docs/conformance.md` lists the rows.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from conformance.peers import javascript, python
from conformance.table import TABLE, page, summary
from conformance.table.rules import JAVASCRIPT, PYTHON, RAW
from emulator import live_client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conformance.table.rules import Emulating

HERE = Path(__file__).parent
DOCS = HERE.parents[1] / "docs"
# What a reader can look up: a repository (owner/name) or a page; of Google's, also an SDK.
NAMED = {
    "recorded": r"https://|\b[A-Za-z][\w-]+/[\w.-]+",
    "documented": r"https://|google-genai|@google/genai",
    "ours": r"\w",
}
ROWS = [
    pytest.param(row, peer, id=name)
    for section, rows in TABLE.items()
    for row in rows
    for peer, name in row.ids(section).items()
]
# Warnings of the SDK at its first use, and about a field that it discourages.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Setting `LiveConnectConfig.generation_config`"),
    pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession"),
]


@pytest.fixture(name="javascript_port", scope="module")
def _javascript_port() -> Iterator[int]:
    """Start a node process with the JavaScript SDK; return its port."""
    script = HERE / "peers" / "javascript.mjs"
    pipe = subprocess.PIPE
    command = [javascript.NODE, script]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        # Leaving the context closes its standard input, which makes it exit.
        yield int(process.stdout.readline().split()[-1])


@pytest.fixture(name="by")
def _by(request: pytest.FixtureRequest) -> Callable[[str], Emulating]:
    """Return the `emulating` of a client."""

    def emulating_by(peer: str) -> Emulating:
        if peer == JAVASCRIPT:
            return partial(javascript.emulating, node=request.getfixturevalue("javascript_port"))
        return {PYTHON: python.emulating, RAW: live_client.emulating}[peer]

    return emulating_by


@pytest.mark.parametrize(("row", "peer"), ROWS)
def test_rule_holds(row, peer, by):
    asyncio.run(row.check(by(peer)))


def test_every_fact_is_stated_once():
    facts = [row.fact for rows in TABLE.values() for row in rows]
    assert len(set(facts)) == len(facts)


def test_every_fact_names_its_source():
    """In a form that can be looked up, unless it is ours."""
    sources = [row.source for rows in TABLE.values() for row in rows]
    unnamed = [source for source in sources if not re.search(NAMED[source.kind], source.where)]
    assert unnamed == []


@pytest.mark.parametrize(("name", "content"), [("conformance.md", page()), ("emulator.md", summary())])
def test_documentation_is_up_to_date(name, content):
    assert content in (DOCS / name).read_text(encoding="utf-8"), (
        "run PYTHONPATH=tests .venv/bin/python -m conformance.table to update it"
    )
