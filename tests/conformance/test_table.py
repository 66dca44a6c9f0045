"""The conformance table: every rule holds for whoever can speak of it, and its check fails without.

Each row is exercised by both official SDKs where they can say what it says, and by a raw socket
where one of them cannot; `docs/conformance.md` is the table to read.
"""

from __future__ import annotations

import asyncio
import subprocess
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import pytest
from websockets.exceptions import InvalidStatus

from conformance.peers import javascript, python
from conformance.table import TABLE, page
from conformance.table.rules import JAVASCRIPT, PYTHON, RAW
from emulator import talking

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conformance.table.rules import Emulating

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "conformance.md"
# Seconds in which every check is over if its rule holds.
LONG_ENOUGH = 4.0
# How a check fails: by its own word, by waiting in vain, or for want of what should be there.
FAILURES = (AssertionError, TimeoutError, KeyError, aiohttp.ClientError, InvalidStatus)
ROWS = [
    pytest.param(row, peer, id=f"{room}: {row.fact} ({peer})")
    for room, rows in TABLE.items()
    for row in rows
    for peer in row.peers
]
# What the SDK says of itself at the first use, and of a field that it would rather not have.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Setting `LiveConnectConfig.generation_config`"),
    pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession"),
]


@pytest.fixture(name="javascript_port", scope="module")
def _javascript_port() -> Iterator[int]:
    """The port of a node that has the JavaScript SDK."""
    script = HERE / "peers" / "javascript.mjs"
    pipe = subprocess.PIPE
    with subprocess.Popen(["node", script], stdin=pipe, stdout=pipe, text=True) as process:
        # Leaving closes its input, at which it ends.
        yield int(process.stdout.readline().split()[-1])


@pytest.fixture(name="by")
def _by(request: pytest.FixtureRequest) -> Callable[[str], Emulating]:
    """The `emulating` of a peer."""

    def emulating_by(peer: str) -> Emulating:
        if peer == JAVASCRIPT:
            return partial(javascript.emulating, node=request.getfixturevalue("javascript_port"))
        return {PYTHON: python.emulating, RAW: talking.emulating}[peer]

    return emulating_by


@pytest.mark.parametrize(("row", "peer"), ROWS)
def test_rule_holds(row, peer, by):
    """The emulator keeps to the fact."""
    asyncio.run(row.check(by(peer)))


@pytest.mark.parametrize(("row", "peer"), ROWS)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_check_fails_without_the_rule(row, peer, by, monkeypatch):
    """No check passes by accident, by no peer."""
    monkeypatch.setattr(talking, "PATIENCE", 0.5)
    emulating = by(peer)
    row.take_out(monkeypatch)

    with pytest.raises(FAILURES):
        asyncio.run(asyncio.wait_for(row.check(emulating), LONG_ENOUGH))


def test_no_two_rows_say_the_same():
    """A fact is stated once."""
    facts = [row.fact for rows in TABLE.values() for row in rows]
    assert len(set(facts)) == len(facts)


def test_the_page_is_the_table():
    """What is written for people is what is run here."""
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m conformance.table writes it anew"
