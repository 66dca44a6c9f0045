"""A conversation that outlives its connections and its tokens."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from browser.conftest import ALLOWED, FAKE_DEVICES
from browser.sound import SPEECH_RATE, match, read_wav, spoken, write_wav
from browser.visitor import RAW_MICROPHONE
from programs import clean_environment

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from browser.sound import Sound
    from browser.visitor import Visitor
    from programs import Program

PROFILE = """
[profiles.default]
model = "gemini-3.8-live"
allow = ["guest"]
token_lifetime = "30s"
connect_within = "30s"
[profiles.default.config]
response_modalities = ["AUDIO"]
[limits]
guest = ["1000/minute"]
concurrent = { guest = 100 }
budget = { guest = "999h/day" }
"""
# Renewals fall into sentences, into pauses, and into the answers that the longer pauses bring.
TALK = (1.5, *("ask-for-a-story", 1.6, "ask-for-the-time", 0.4, "say-goodbye", 1.6) * 4)
ONCE = (1.5, "ask-for-a-story", 1.6, "ask-for-the-time", 0.4, "say-goodbye")
CONNECTIONS = 7


@pytest.fixture(name="hasty", scope="module")
def _hasty(start_emulator: Callable[..., Program]) -> Program:
    """An emulator that cuts every connection after six seconds, and says so three before."""
    return start_emulator("--connection-life", "6", "--go-away-lead", "3")


def heard_by(emulator: Program) -> Sound:
    """What came in on all connections, joined."""
    sessions = emulator.get("/emulator/sessions").json["sessions"]
    return np.concatenate([read_wav(sound_of(emulator, session)) for session in sessions])


def sound_of(emulator: Program, session: dict[str, Any]) -> bytes:
    """What came in on one connection, as a WAV file."""
    return emulator.get(f"/emulator/sessions/{session['id']}/heard.wav").body


def speaker_of(
    visit: Callable[..., Visitor], service: Program, recording: Path, *parts: str | float
) -> Visitor:
    """A guest with a microphone that says *parts* once, who is about to talk."""
    write_wav(recording, spoken(*parts, 120.0))
    microphone = f"--use-file-for-fake-audio-capture={recording}%noloop"
    visitor = visit(service.url, flags=[*FAKE_DEVICES, *ALLOWED, microphone])
    visitor.page.add_init_script(RAW_MICROPHONE)
    visitor.arrive()
    visitor.go_on_as_a_guest()
    return visitor


def connects(visitor: Visitor, times: int) -> None:
    """Wait until the page has opened its socket so many times, and is live by the last one."""
    visitor.until(f"opened.sockets.length >= {times}")
    visitor.becomes("live")


def test_a_spoken_conversation_over_many_connections(
    visit: Callable[..., Visitor],
    start_service: Callable[..., Program],
    hasty: Program,
    tmp_path: Path,
) -> None:
    """Nothing is lost or doubled at a renewal, and the context is kept."""
    service = start_service(PROFILE, hasty.url)
    visitor = speaker_of(visit, service, tmp_path / "talk.wav", *TALK)
    visitor.talk()
    connects(visitor, CONNECTIONS)
    visitor.hang_up()

    sessions = hasty.get("/emulator/sessions").json["sessions"]
    heard = heard_by(hasty)
    said = spoken(*TALK)[: len(heard) - SPEECH_RATE // 2]
    hearing = match(said, heard, SPEECH_RATE)
    print(  # noqa: T201 - the figure that the test is about
        f"{len(sessions)} connections, {len(heard) / SPEECH_RATE:.1f} s heard: "
        f"{hearing.share:.1%} of {len(hearing.correlations)} blocks at a lag of {hearing.lag:.2f}, "
        f"the least like {hearing.correlations.min():.3f}"
    )
    assert hearing.share >= 0.97
    assert [session["resumed"] for session in sessions] == [False] + [True] * (len(sessions) - 1)
    assert {session["close"]["code"] for session in sessions} == {1000}, "none was cut"
    assert all(session["closed_by"] == "client" for session in sessions)
    assert sum(session["counters"]["answers"] for session in sessions) > 0
    # The handles knew every sample: resuming by them has put all of it together again.
    context = hasty.get("/emulator/sessions/last/context.wav").body
    assert np.array_equal(read_wav(context), heard)
    assert visitor.left_open == {"tracks": 0, "sockets": 0, "contexts": 0}
    assert visitor.complaints == []


def test_a_connection_that_is_cut(
    visit: Callable[..., Visitor],
    start_service: Callable[..., Program],
    start_emulator: Callable[..., Program],
    tmp_path: Path,
) -> None:
    """The conversation goes on where it was, and nothing that was sent is sent again."""
    emulator = start_emulator()
    service = start_service(PROFILE, emulator.url)
    # The setup is the first message; then come three seconds of sound.
    emulator.post("/emulator/faults", {"on": "socket", "kind": "cut", "after": 150})
    visitor = speaker_of(visit, service, tmp_path / "talk.wav", *ONCE)
    visitor.talk()
    connects(visitor, 2)
    visitor.page.locator("#log li.final").first.wait_for()
    visitor.hang_up()

    cut, resumed = emulator.get("/emulator/sessions").json["sessions"]
    assert cut["close"]["code"] == 1006
    assert resumed["resumed"] is True
    said = spoken(*ONCE, 60.0)
    before, after = (read_wav(sound_of(emulator, session)) for session in (cut, resumed))
    first, second = (match(heard, said, SPEECH_RATE) for heard in (before, after))
    assert min(first.share, second.share) >= 0.97
    # What was on its way at the cut is gone, and is not said twice.
    lost = second.lag - (first.lag + len(before))
    print(f"{lost / SPEECH_RATE * 1000:.1f} ms lost")  # noqa: T201 - likewise
    assert -1 < lost <= 0.25 * SPEECH_RATE
    assert visitor.complaints == []


def test_a_token_that_will_end_soon(
    visit: Callable[..., Visitor], start_service: Callable[..., Program], emulator: Program
) -> None:
    """A new one is fetched in time, and the conversation goes on with what was said."""
    service = start_service(PROFILE, emulator.url)
    visitor = visit(service.url)
    visitor.page.clock.install()
    visitor.arrive()
    visitor.go_on_as_a_guest()
    visitor.type_only()
    remember(visitor)
    before = len(emulator.get("/emulator/sessions").json["sessions"])
    visitor.page.clock.fast_forward(20_000)
    connects(visitor, 2)
    recall(visitor)
    visitor.hang_up()
    *_, old, new = emulator.get("/emulator/sessions").json["sessions"]
    assert len(emulator.get("/emulator/sessions").json["sessions"]) == before + 1
    assert old["close"] == {"code": 1000, "reason": ""}
    assert new["resumed"] is True


def test_a_token_that_ends_in_the_middle(
    visit: Callable[..., Visitor],
    start_service: Callable[..., Program],
    start_emulator: Callable[..., Program],
    tmp_path: Path,
) -> None:
    """A new one is fetched, and what was said is still known."""
    scenario = tmp_path / "scenario.toml"
    scenario.write_text(
        """[[turn]]
        when = "expire"
        steps = [{ close = { code = 1011, reason = "auth token has expired" } }]"""
    )
    emulator = start_emulator("--scenario", str(scenario))
    service = start_service(PROFILE, emulator.url)
    visitor = visit(service.url)
    visitor.arrive()
    visitor.go_on_as_a_guest()
    visitor.type_only()
    remember(visitor)
    visitor.say("Expire!")
    connects(visitor, 2)
    recall(visitor)
    visitor.hang_up()
    assert [one["resumed"] for one in emulator.get("/emulator/sessions").json["sessions"]] == [
        False,
        True,
    ]


def remember(visitor: Visitor) -> None:
    """Say something that the model can be asked for later."""
    visitor.say("My dog is called Bello.")
    visitor.reads("I hold")
    visitor.page.get_by_text("Ready for your message", exact=True).wait_for()


def recall(visitor: Visitor) -> None:
    """Ask, and read the answer: the emulator recites all that it knows."""
    visitor.say("And now?")
    visitor.page.locator("#log li.final", has_text='"And now?"').filter(has_text="Bello").wait_for()


def test_a_person_who_is_blocked_while_talking(
    visit: Callable[..., Visitor],
    start_service: Callable[..., Program],
    emulator: Program,
    tmp_path: Path,
) -> None:
    """The conversation ends within the token's 30 seconds, with the service's own sentence."""
    service = start_service(PROFILE, emulator.url)
    visitor = speaker_of(visit, service, tmp_path / "talk.wav", *TALK)
    visitor.page.evaluate("globalThis.talkedAt = performance.now()")
    visitor.talk()
    block(service)
    visitor.becomes("closed")
    last = emulator.get("/emulator/sessions/last").json
    lasted = visitor.page.evaluate("performance.now() - talkedAt") / 1000
    print(f"ended {lasted:.1f} s after the token was asked for")  # noqa: T201 - likewise
    assert lasted < 30
    assert last["closed_by"] == "client"
    assert visitor.error == "This has been switched off for you by the site's operator."
    assert visitor.left_open == {"tracks": 0, "sockets": 0, "contexts": 0}


def block(service: Program) -> None:
    """Block all guests, as an operator does."""
    assert service.folder is not None
    environment = clean_environment(TOKENSVC_DATA_DIR=str(service.folder / "data"))
    command = [sys.executable, "-m", "tokensvc", "block", "guests"]
    subprocess.run(command, env=environment | {"PATH": os.environ["PATH"]}, check=True)
