"""The conformance table: every rule holds, and its check fails once the rule is taken out."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from conformance.table import (
    model_rules,
    resumption_rules,
    session_rules,
    socket_rules,
    token_rules,
    tool_rules,
    turn_rules,
)
from conformance.table.rules import Rule
from emulator import talking

# Seconds in which every check is over if its rule holds.
LONG_ENOUGH = 4.0
# How a check fails: by its own word, by waiting in vain, or for want of what should be there.
FAILURES = (AssertionError, TimeoutError, KeyError, aiohttp.ClientError)
ROOMS = (
    token_rules,
    socket_rules,
    model_rules,
    session_rules,
    resumption_rules,
    turn_rules,
    tool_rules,
)
TABLE = [
    pytest.param(row, id=f"{room.__name__.rpartition('.')[2].removesuffix('_rules')}: {row.fact}")
    for room in ROOMS
    for row in vars(room).values()
    if isinstance(row, Rule)
]


@pytest.mark.parametrize("row", TABLE)
def test_rule_holds(row):
    """The emulator keeps to the fact."""
    asyncio.run(row.check())


@pytest.mark.parametrize("row", TABLE)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_check_fails_without_the_rule(row, monkeypatch):
    """No check passes by accident."""
    monkeypatch.setattr(talking, "PATIENCE", 0.5)
    row.take_out(monkeypatch)

    with pytest.raises(FAILURES):
        asyncio.run(asyncio.wait_for(row.check(), LONG_ENOUGH))


def test_no_two_rows_say_the_same():
    """A fact is stated once."""
    facts = [row.values[0].fact for row in TABLE]
    assert len(set(facts)) == len(facts)
