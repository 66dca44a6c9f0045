"""A person who talks for a while, and what the Live API heard of it."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from browser.conftest import ALLOWED, FAKE_DEVICES
from browser.sound import SPEECH_RATE, Sound, marker, spoken, write_wav
from browser.visitor import PATIENCE_MS, RAW_MICROPHONE
from browser.witness import assert_all_was_heard, read_pcm, steadiness

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from browser.visitor import Visitor
    from browser.witness import Samples
    from programs import Program

MARKER_SECONDS = 1.5
# What is said in one round: sentences, pauses in which they are answered, and a marker.
ROUND = ("ask-for-a-story", 1.6, "ask-for-the-time", 0.4, None, 0.8, "say-goodbye", 1.6)


@dataclass(frozen=True)
class Talk:
    """What a microphone says: all of it, and the markers in it alone (0 elsewhere)."""

    sound: Sound
    marked: Sound

    @classmethod
    def of(cls, rounds: int) -> Talk:
        """A pause to become live in, and then so many rounds of some 13 s."""
        length = round(MARKER_SECONDS * SPEECH_RATE)
        markers = iter(marker(rounds * MARKER_SECONDS).reshape(rounds, length))
        sounds, marked = [spoken(1.5)], [spoken(1.5)]
        for part in ROUND * rounds:
            sounds.append(next(markers) if part is None else spoken(part))
            marked.append(sounds[-1] if part is None else np.zeros(len(sounds[-1])))
        return cls(np.concatenate(sounds), np.concatenate(marked))


def speaker_of(
    visit: Callable[..., Visitor], service: Program, recording: Path, sound: Sound
) -> Visitor:
    """A guest with a microphone that says *sound* once, who is about to talk."""
    write_wav(recording, np.concatenate([sound, spoken(120.0)]))
    microphone = f"--use-file-for-fake-audio-capture={recording}%noloop"
    visitor = visit(service.url, flags=[*FAKE_DEVICES, *ALLOWED, microphone], bypass_csp=True)
    visitor.page.add_init_script(RAW_MICROPHONE)
    visitor.record()
    visitor.arrive()
    visitor.go_on_as_a_guest()
    return visitor


def connects(visitor: Visitor, times: int) -> None:
    """Wait until the page has opened its socket so many times, and is live by the last one."""
    visitor.until(f"opened.sockets.length >= {times}")
    visitor.becomes("live")


def closed_sessions(emulator: Program) -> list[dict[str, Any]]:
    """Every connection, oldest first, once the emulator has read the last one to its end."""
    end = time.monotonic() + PATIENCE_MS / 1000
    while True:
        sessions = emulator.get("/emulator/sessions").json["sessions"]
        if all(session["state"] == "closed" for session in sessions):
            return sessions
        assert time.monotonic() < end, "a connection is open that should be closed"
        threading.Event().wait(0.02)


def heard_on(emulator: Program, session: dict[str, Any]) -> Samples:
    """What came in on one connection."""
    return read_pcm(emulator.get(f"/emulator/sessions/{session['id']}/heard.wav").body)


def heard_by(emulator: Program) -> Samples:
    """What came in on all connections, joined."""
    return np.concatenate([heard_on(emulator, session) for session in closed_sessions(emulator)])


def assert_nothing_was_lost(visitor: Visitor, emulator: Program, talk: Talk) -> None:
    """After a hang-up: the same samples, at the same times, and all of them in the context."""
    heard = heard_by(emulator)
    witnessed = visitor.witnessed()
    assert_all_was_heard(witnessed, heard)
    steady = steadiness(talk.sound, talk.marked, witnessed, heard)
    print(  # noqa: T201 - the figures that the tests are about
        f"{len(closed_sessions(emulator))} connections, {len(heard) / SPEECH_RATE:.1f} s heard, "
        f"each sample as captured; the lag of {steady.blocks} marked blocks moves by "
        f"{steady.moved:.3f} samples at most, and in the browser {steady.browser} times"
    )
    assert steady.blocks > 0
    assert steady.moved < 0.5
    # The handles knew every sample: resuming by them has put all of it together again.
    context = emulator.get("/emulator/sessions/last/context.wav").body
    assert np.array_equal(read_pcm(context), heard)
