"""Conversations whose session the Live API loses: a fresh one is told what was said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from browser.flags import ALLOWED, FAKE_DEVICES
from browser.sound import spoken, write_wav
from browser.talking import PROFILE
from browser.visitor import PATIENCE_MS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from browser.visitor import Visitor
    from programs import Program

TOOL = """
[[profiles.default.config.tools]]
[[profiles.default.config.tools.function_declarations]]
name = "book_table"
description = "Books a table."
behavior = "BLOCKING"
[limits]
"""
WITH_TOOL = PROFILE.replace('"30s"', '"300s"', 1).replace("[limits]\n", TOOL, 1)
# The model calls the function, and again when it is told of the loss: real ones sometimes do.
CALLS_AGAIN = """
[[turn]]
when = "table for two"
steps = [{ call = "book_table", args = { seats = 2, at = { hour = 7 } } }]
[[turn]]
when = "connection lost system note"
[[turn.steps]]
call = "book_table"
args = { at = { hour = 7 }, seats = 2 }
then = "Booked: {result}"
"""
SPOKEN = """
[[turn]]
transcript = "My number is 4711."
"""
BEGIN = """
async (options) => {
  const { LiveSession } = await import('/live/session.js');
  globalThis.session = new LiveSession({ token: '/token' });
  globalThis.told = [];
  globalThis.runs = 0;
  for (const type of ['state', 'transcript', 'resumed', 'rebuilt']) {
    session.addEventListener(type, ({ detail }) => told.push({ type, at: performance.now(), ...detail }));
  }
  globalThis.agent = () => told.filter(({ type, side }) => type === 'transcript' && side === 'agent');
  session.handleTool('book_table', () => `BK-${(runs += 1)}`);
  await session.start(options);
}
"""
LONGEST_GAP = 5.0
TYPING = FAKE_DEVICES + ALLOWED


@dataclass
class Losing:
    """A visitor whose connection is lost without the Live API noticing."""

    visitor: Visitor
    emulator: Program

    def begin(self, **options: object) -> None:
        """Start on a page of the visitor's own."""
        self.visitor.arrive()
        self.visitor.page.evaluate(BEGIN, options)

    def say(self, text: str) -> None:
        """Type."""
        self.visitor.page.evaluate("(text) => session.sendText(text)", text)

    def reads(self, text: str) -> None:
        """Wait for an answer that contains *text*, after what has been read so far."""
        self.visitor.page.wait_for_function(
            "(text) => agent().some((one) => one.text.includes(text) && !one.read)"
            " && agent().every((one) => (one.read = true))",
            arg=text,
            timeout=PATIENCE_MS,
        )

    def told(self, kind: str) -> list[dict[str, Any]]:
        """The events of this type that the page received."""
        return self.visitor.page.evaluate("(kind) => told.filter(({type}) => type === kind)", kind)

    def assert_survived(self) -> None:
        """The page was told once, nothing ran twice, and the model spoke soon after the drop."""
        (rebuilt,) = self.told("rebuilt")
        assert self.told("resumed") == []
        assert not rebuilt["planned"]
        (dropped,) = [one["at"] for one in self.told("state") if one["state"] == "resuming"]
        answers = [one["at"] for one in self.told("transcript") if one["side"] == "agent"]
        gap = (next(at for at in answers if at > rebuilt["at"]) - dropped) / 1000
        print(  # noqa: T201 - the figure
            f"{gap:.2f} s from the drop to the model's voice, "
            f"{rebuilt['gap'] / 1000:.2f} s of them without a session; "
            f"told {rebuilt['turns']} turns"
        )
        assert gap <= LONGEST_GAP
        sessions = self.emulator.get("/emulator/sessions").json["sessions"]
        _, *refused, last = [one["close"] and one["close"]["code"] for one in sessions]
        assert (refused, last) == ([1011] * 3, None)


@pytest.fixture(name="lose")
def _lose(
    visit: Callable[..., Visitor],
    start_service: Callable[..., Program],
    start_emulator: Callable[..., Program],
    tmp_path: Path,
) -> Callable[..., Losing]:
    def lose(scenario: str, profile: str = WITH_TOOL, flags: list[str] = TYPING, **fault: object) -> Losing:
        file = tmp_path / "scenario.toml"
        file.write_text(scenario)
        emulator = start_emulator("--scenario", str(file))
        emulator.post("/emulator/faults", {"on": "socket", "kind": "vanish"} | fault)
        service = start_service(profile, emulator.url)
        return Losing(visit(service.url, flags=flags), emulator)

    return lose


@pytest.mark.parametrize(
    ("model", "run"),
    [
        ("gemini-3.8-live", 0),
        ("gemini-3.1-flash-live-preview", 0),
        *(pytest.param("gemini-3.8-live", run, marks=pytest.mark.soak) for run in range(1, 11)),
    ],
)
def test_lost_session_is_rebuilt_and_no_call_runs_twice(lose: Callable[..., Losing], model: str, run: int) -> None:
    """A number typed before the loss is in an answer after it, in ten runs of ten."""
    # Lost with the call's result, the fourth message.
    conversation = lose(CALLS_AGAIN, WITH_TOOL.replace("gemini-3.8-live", model), after=3)
    conversation.begin(microphone=False, speaker=False)
    conversation.say(f"My number is {4711 + run}.")
    conversation.reads(str(4711 + run))
    conversation.say("A table for two, please.")
    conversation.reads("Booked: ")
    conversation.assert_survived()
    assert conversation.visitor.page.evaluate("runs") == 1
    calls = conversation.emulator.get("/emulator/sessions/last").json["counters"]["tool_calls"]
    assert calls == 1, "it was issued again, and answered"
    conversation.say("And my number?")
    conversation.reads(str(4711 + run))
    conversation.visitor.page.evaluate("session.close()")


def test_lost_session_is_rebuilt_by_voice(lose: Callable[..., Losing], tmp_path: Path) -> None:
    """A number said before the loss is in the answer after it; the microphone stays open."""
    recording = tmp_path / "number.wav"
    write_wav(recording, np.concatenate([spoken(1.5), spoken("ask-for-the-time"), spoken(60.0)]))
    microphone = f"--use-file-for-fake-audio-capture={recording}%noloop"
    conversation = lose(SPOKEN, flags=[*FAKE_DEVICES, *ALLOWED, microphone], between=[5.5, 5.5])
    conversation.begin()
    conversation.reads("played back")
    conversation.reads("4711")
    conversation.assert_survived()
    conversation.visitor.page.evaluate("session.close()")
