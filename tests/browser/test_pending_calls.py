"""A tool call that is pending when the connection is cut."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from browser.sound import spoken
from browser.talking import PROFILE, Talk

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from browser.talking import Talker

WITH_TOOL = PROFILE.replace(
    "[limits]",
    """[[profiles.default.config.tools]]
[[profiles.default.config.tools.function_declarations]]
name = "get_local_time"
description = "The time where the visitor is."
[limits]""",
)
SCENARIO = """
[[turn]]
call = "get_local_time"
then = "It is {result.output.time}."
"""
# The result is there once the conversation continues.
PREPARE = """
globalThis.calls = 0;
session.handleTool('get_local_time', () => {
  calls += 1;
  return new Promise((resolve) =>
    session.addEventListener('resumed', () => resolve({ time: '12:47' }), { once: true }));
});
globalThis.answered = new Promise((resolve) =>
  session.addEventListener('transcript', ({ detail: { side, text } }) => {
    if (side === 'agent' && text.includes('12:47')) resolve();
  }));
"""


@pytest.mark.parametrize(
    ("said", "typed", "cut_after"),
    [
        pytest.param(("ask-for-the-time",), "", 5.5, id="by voice"),
        pytest.param((), "What time is it?", 2.5, id="by text"),
    ],
)
def test_call_that_is_pending_at_a_cut_is_answered_after_it(
    begin: Callable[..., Talker],
    tmp_path: Path,
    said: tuple[str, ...],
    typed: str,
    cut_after: float,
) -> None:
    """With its old id, as was recorded; it is neither cancelled nor made again."""
    scenario = tmp_path / "scenario.toml"
    scenario.write_text(SCENARIO)
    sound = spoken(0.5, *said, 30.0)
    talker = begin(
        Talk(sound, sound),
        *("--scenario", str(scenario)),
        configuration=WITH_TOOL,
        fault={"on": "socket", "kind": "cut", "between": [cut_after, cut_after], "seconds": 0},
        prepare=PREPARE,
    )
    page = talker.visitor.page
    if typed:
        page.evaluate("(text) => session.sendText(text)", typed)
    talker.visitor.until("calls === 1")
    assert not talker.resumptions
    page.evaluate("answered")
    first, second = talker.hang_up()
    assert first["close"]["code"] == 1006
    assert second["resumed"] is True
    assert page.evaluate("calls") == 1
    assert [one["contextLost"] for one in talker.resumptions] == [False]
