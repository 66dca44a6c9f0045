"""Where there is never a pause, as in a noisy room, the demo's emulator answers nevertheless."""

from __future__ import annotations

from typing import TYPE_CHECKING

from browser.conftest import CONFIGURATION
from browser.flags import ALLOWED, FAKE_DEVICES
from browser.sound import SPEECH

if TYPE_CHECKING:
    from collections.abc import Callable

    from browser.visitor import Visitor
    from programs import Program


def test_recording_that_is_repeated_without_a_pause_is_answered_and_so_is_typed_text(
    visit: Callable[..., Visitor], start_emulator: Callable[..., Program], start_service: Callable[..., Program]
) -> None:
    """Chromium repeats the file of a fake microphone, so that no pause is as long as the end of a sentence."""
    emulator = start_emulator("--longest-utterance", "3")
    service = start_service(CONFIGURATION, emulator.url)
    microphone = f"--use-file-for-fake-audio-capture={SPEECH / 'ask-for-the-time.wav'}"
    visitor = visit(service.url, flags=[*FAKE_DEVICES, *ALLOWED, microphone])
    visitor.arrive()
    visitor.continue_as_guest()
    visitor.talk()
    visitor.reads("played back]")
    visitor.say("Is anybody there?")
    visitor.reads('you typed "Is anybody there?"')
    visitor.hang_up()
    session = emulator.get("/emulator/sessions/last").json
    assert session["counters"]["spoken_turns"] == 1
