"""The whole chain: speech into Chromium's microphone, through everything, and out again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from browser.conftest import CONFIGURATION, CONVERSATION
from browser.sound import BLOCK_SECONDS, at_rate, from_pcm, match, spoken
from browser.talking import closed_sessions, heard_on, speaker_of
from browser.witness import assert_all_was_heard

if TYPE_CHECKING:
    from collections.abc import Callable

    from browser.sound import Match, Sound
    from browser.visitor import Visitor
    from browser.witness import Samples, Witnessed
    from programs import Program

SCENARIO = Path(__file__).parent / "conversation.toml"
ANSWER_RATE = 24_000
PCM_HEADER = 44
PLAYED = 0.95  # correlation of a block that was played as it was sent


@pytest.fixture(name="storyteller", scope="module")
def _storyteller(start_emulator: Callable[..., Program]) -> Program:
    """An emulator that tells a story, asks the page for the time, and says goodbye."""
    return start_emulator("--scenario", str(SCENARIO))


@dataclass(frozen=True)
class Held:
    """One finished conversation, as both ends saw it."""

    transcript: list[str]
    session: dict[str, Any]
    witnessed: Witnessed  # what the browser delivered to the page
    heard: Samples
    played: Sound
    played_rate: int
    said: bytes


@pytest.fixture(name="conversation")
def _conversation(
    visit: Callable[..., Visitor],
    storyteller: Program,
    start_service: Callable[..., Program],
    tmp_path: Path,
) -> Held:
    """Say our part, listen to the answers, and hang up."""
    service = start_service(CONFIGURATION, storyteller.url)
    visitor = speaker_of(visit, service, tmp_path / "microphone.wav", spoken(*CONVERSATION))
    visitor.talk()
    visitor.reads("Goodbye, and come back soon.")
    visitor.page.get_by_text("Listening", exact=True).wait_for()
    played = visitor.played()
    transcript = visitor.transcript
    visitor.hang_up_with_nothing_queued()
    visitor.becomes("closed")
    assert visitor.left_open == {"tracks": 0, "sockets": 0, "contexts": 0}
    assert visitor.page_errors == []
    session = closed_sessions(storyteller)[-1]
    heard = heard_on(storyteller, session)
    said = storyteller.get("/emulator/sessions/last/said.wav").body[PCM_HEADER:]
    return Held(transcript, session, visitor.witnessed(), heard, *played, said)


@pytest.mark.alone
def test_three_turns_with_an_interruption_and_a_tool_call(conversation: Held) -> None:
    """What was said arrives, what was answered is played, and an interrupted answer stops."""
    check_transcript(conversation)
    assert_all_was_heard(conversation.witnessed, conversation.heard)
    for answer in conversation.session["answers"]:
        check_played(conversation, answer)


def check_transcript(held: Held) -> None:
    """Both sides in speaking order, with the tool call between question and answer."""
    question, story, interruption, tool, time, *rest = held.transcript
    assert question == "Good morning. Please tell me a long story."
    assert story.startswith("Once upon a time")
    assert interruption == "Wait! What time is it here?"
    assert tool == "Used the clock"
    assert time.startswith("Your clock says")
    assert rest == ["Thank you. Goodbye.", "Goodbye, and come back soon."]
    counters = held.session["counters"]
    assert counters["spoken_turns"] == 3
    assert counters["interruptions"] == 1
    assert counters["tool_answers"] == 1


def check_played(held: Held, answer: dict[str, Any]) -> None:
    """What was played is what was sent; for an interrupted answer, its part before that."""
    rate = held.played_rate
    sent = from_pcm(held.said[answer["start"] : answer["start"] + answer["sent"]])
    sent = at_rate(sent, ANSWER_RATE, rate)
    playing = match(sent, held.played, rate, find_by=1.0)
    interrupted = answer is held.session["answers"][0]
    end = cut(playing) if interrupted else len(sent)
    assert (end < len(sent)) == interrupted
    good = playing.correlations[playing.starts < end] >= PLAYED
    # A busy browser may stutter at the start, which weighs more in a short part.
    assert np.mean(good) >= (0.85 if interrupted else 0.95)
    after = held.played[round(playing.lag) + end :][: rate // 2]
    # A block may contain the end. Then there is silence, until the next answer if there is one.
    assert not after[round(2 * BLOCK_SECONDS * rate) :].any()


def cut(playing: Match) -> int:
    """Where an interrupted answer stops: after the last block that was played, in samples."""
    played = np.flatnonzero(playing.correlations >= PLAYED)
    assert played.size, "nothing of the interrupted answer was played"
    end = played[-1] + 1
    assert end < len(playing.starts), "the interrupted answer was played to its end"
    return int(playing.starts[end])
