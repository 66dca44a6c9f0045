"""The whole chain: speech into Chromium's microphone, through everything, and out again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from browser.conftest import ALLOWED, CONFIGURATION, CONVERSATION, FAKE_DEVICES
from browser.sound import (
    BLOCK_SECONDS,
    SPEECH_RATE,
    at_rate,
    from_pcm,
    match,
    read_wav,
    spoken,
    write_wav,
)
from browser.visitor import RAW_MICROPHONE

if TYPE_CHECKING:
    from collections.abc import Callable

    from browser.sound import Match
    from browser.visitor import Visitor
    from programs import Program

SCENARIO = Path(__file__).parent / "conversation.toml"
ANSWER_RATE = 24_000
PCM_HEADER = 44


@pytest.fixture(name="storyteller", scope="module")
def _storyteller(start_emulator: Callable[..., Program]) -> Program:
    """An emulator that tells a story, asks the page for the time, and says goodbye."""
    return start_emulator("--scenario", str(SCENARIO))


@pytest.fixture(name="held", scope="module")
def _held(
    storyteller: Program,
    start_service: Callable[..., Program],
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Program, str]:
    """The service in front of the storyteller, and a microphone that says our part once."""
    microphone = tmp_path_factory.mktemp("speech") / "microphone.wav"
    write_wav(microphone, spoken(*CONVERSATION))
    service = start_service(CONFIGURATION, storyteller.url)
    return service, f"--use-file-for-fake-audio-capture={microphone}%noloop"


def test_three_spoken_turns_with_an_interruption_and_a_tool(
    visit: Callable[..., Visitor], storyteller: Program, held: tuple[Program, str]
) -> None:
    """What was said is heard, what was answered is played, and what was interrupted stops."""
    service, microphone = held
    visitor = visit(service.url, flags=[*FAKE_DEVICES, *ALLOWED, microphone])
    visitor.page.add_init_script(RAW_MICROPHONE)
    visitor.listen()
    visitor.arrive()
    visitor.go_on_as_a_guest()
    visitor.talk()
    visitor.reads("Goodbye, and come back soon.")
    visitor.page.get_by_text("Listening", exact=True).wait_for()
    played, rate = visitor.played()
    transcript = visitor.transcript
    visitor.hang_up()

    session = storyteller.get("/emulator/sessions/last").json
    heard = read_wav(storyteller.get("/emulator/sessions/last/heard.wav").body)
    said = storyteller.get("/emulator/sessions/last/said.wav").body[PCM_HEADER:]

    # Both sides, in the order in which they spoke, and the tool between question and answer.
    assert transcript[0] == "Good morning. Please tell me a long story."
    assert transcript[1].startswith("Once upon a time")
    assert transcript[2] == "Wait! What time is it here?"
    assert transcript[3] == "Used get_local_time"
    assert transcript[4].startswith("Your clock says")
    assert transcript[5:] == ["Thank you. Goodbye.", "Goodbye, and come back soon."]
    assert session["counters"]["spoken_turns"] == 3
    assert session["counters"]["interruptions"] == 1
    assert session["counters"]["tool_answers"] == 1

    # What the emulator heard is what was said, at one lag from the first word to the last.
    hearing = match(spoken(*CONVERSATION[:-1]), heard, SPEECH_RATE)
    assert hearing.share >= 0.95, f"at a lag of {hearing.lag:.2f} samples"

    # What the page played is what was sent; of the first answer, the part before the interruption.
    for answer in session["answers"]:
        sent = from_pcm(said[answer["start"] : answer["start"] + answer["sent"]])
        sent = at_rate(sent, ANSWER_RATE, rate)
        playing = match(sent, played, rate, find_by=1.0)
        interrupted = answer is session["answers"][0]
        end = cut(playing) if interrupted else len(sent)
        whole = playing.correlations[playing.starts < end]
        share = float(np.mean(whole >= 0.95))
        assert share >= 0.95, f"of the first {end / rate:.2f} s"
        assert (end < len(sent)) == interrupted
        after = played[round(playing.lag) + end :][: rate // 2]
        # A block may hold the end; past it there is nothing, until somebody answers again.
        assert np.abs(after[round(2 * BLOCK_SECONDS * rate) :]).max() == 0, "silent after its end"

    assert visitor.left_open == {"tracks": 0, "sockets": 0, "contexts": 0}
    assert visitor.complaints == []
    assert visitor.violations == []


def cut(playing: Match) -> int:
    """Where an interrupted answer stops: at the first block that was not played, in samples."""
    return int(playing.starts[np.flatnonzero(playing.correlations < 0.5)[0]])
