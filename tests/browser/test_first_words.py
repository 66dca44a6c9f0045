"""What a visitor says from the microphone's first frame on reaches the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from browser.sound import AUDIBLE, spoken
from browser.talking import Talk, Talker, heard_on, profile
from browser.witness import CHUNK, assert_all_was_heard

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from browser.visitor import Visitor
    from programs import Program

MINT_SECONDS, SETUP_SECONDS = 0.4, 0.3


def test_speech_from_the_first_frame_is_heard_whole(
    visit: Callable[..., Visitor],
    start_service: Callable[..., Program],
    start_emulator: Callable[..., Program],
    tmp_path: Path,
) -> None:
    """Sample for sample, over a slow mint and a slow setup; the page listens meanwhile."""
    emulator = start_emulator()
    slow = {"kind": "latency", "times": 0}
    emulator.post("/emulator/faults", {"on": "mint", "seconds": MINT_SECONDS, **slow})
    emulator.post("/emulator/faults", {"on": "socket", "seconds": SETUP_SECONDS, **slow})
    service = start_service(profile(), emulator.url)
    sentence = spoken("ask-for-the-time", 2.0)
    talk = Talk(sentence, np.zeros(len(sentence)))
    talker = Talker.begin(
        visit,
        service,
        emulator,
        tmp_path / "microphone.wav",
        talk,
        prepare="""
          session.addEventListener('transcript', ({ detail: { side } }) => {
            if (side === 'agent') globalThis.answered = true;
          });
          session.addEventListener('listening', () => {
            globalThis.listened ??= [session.state, session.listening, performance.now()];
          });
          session.addEventListener('state', ({ detail: { state } }) => {
            if (state === 'live') globalThis.liveAt = performance.now();
          });
        """,
    )
    talker.visitor.until("globalThis.answered")
    state, listening, listened_at = talker.visitor.page.evaluate("listened")
    assert (state, listening) == ("connecting", True)
    waited = talker.visitor.page.evaluate("liveAt") - listened_at
    (session,) = talker.hang_up()
    witnessed = talker.visitor.witnessed()
    kept = talker.visitor.page.evaluate("taps.counts.kept")
    print(f"live {waited:.0f} ms after the first sound; {kept} chunks were kept")  # noqa: T201
    assert witnessed.first == 0
    assert kept * 20 > 1000 * (MINT_SECONDS + SETUP_SECONDS) / 2
    before_live = witnessed.pcm[: kept * CHUNK] / 32768
    assert np.abs(before_live).max() > AUDIBLE, "the visitor spoke before the conversation was live"
    assert_all_was_heard(witnessed, heard_on(emulator, session))
