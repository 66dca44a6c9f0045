"""A visitor who talks for a while, and what the Live API received of it."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from browser.flags import ALLOWED, FAKE_DEVICES
from browser.sound import AUDIBLE, SPEECH_RATE, Sound, marker, spoken, write_wav
from browser.visitor import PATIENCE_MS, RAW_MICROPHONE
from browser.witness import CHUNK, assert_all_was_heard, read_pcm, steadiness

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from browser.visitor import Visitor
    from browser.witness import Samples
    from programs import Program

MARKER_SECONDS = 1.5
# These send one handle for each connection, which stands for the session as it is at its end; and
# handles all the time, each for what was said when it was sent.
ONE_HANDLE, MANY_HANDLES = "gemini-3.8-live", "gemini-3.1-flash-live-preview"
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
# An emulator whose connections last five seconds, announced after a little more than two.
FIVE_SECONDS = ("--connection-life", "5", "--go-away-lead", "2.8")
# For many renewals: eight unexpired tokens of 30 seconds are all that a lease may have, and after
# nine attempts in a row whose connections lived less than five seconds the client gives up.
EIGHT_SECONDS = ("--connection-life", "8", "--go-away-lead", "2.8")
HANDLE_INTERVAL = 1.2
# One round: sentences, pauses in which they are answered, and a marker (None).
WITH_ANSWERS = ("ask-for-a-story", 3.5, "ask-for-the-time", 0.4, None, 0.8, "say-goodbye", 1.6)
# A sentence that never ends, so that it is not answered.
WITHOUT_END = ("ask-for-a-story", None, "ask-for-the-time", "say-goodbye")


def profile(model: str = ONE_HANDLE, lifetime: str = "30s") -> str:
    """Return `PROFILE` with another model, or tokens of another length."""
    expires = 'token_lifetime = "{}"'
    changed = PROFILE.replace(ONE_HANDLE, model)
    return changed.replace(expires.format("30s"), expires.format(lifetime))


@dataclass(frozen=True)
class Talk:
    """What a microphone plays: all of it, and its markers alone (0 elsewhere)."""

    sound: Sound
    marked: Sound

    @classmethod
    def of(cls, rounds: int, parts: tuple[str | float | None, ...] = WITH_ANSWERS) -> Talk:
        """A pause to become live in, then that many rounds."""
        length = round(MARKER_SECONDS * SPEECH_RATE)
        markers = iter(marker(rounds * MARKER_SECONDS).reshape(rounds, length))
        sounds, marked = [spoken(1.5)], [spoken(1.5)]
        for part in parts * rounds:
            sounds.append(next(markers) if part is None else spoken(part))
            marked.append(sounds[-1] if part is None else np.zeros(len(sounds[-1])))
        return cls(np.concatenate(sounds), np.concatenate(marked))


def speaker_of(visit: Callable[..., Visitor], service: Program, recording: Path, sound: Sound) -> Visitor:
    """A guest at the service's page whose microphone plays *sound* once."""
    visitor = _with_microphone(visit, service, recording, sound)
    visitor.continue_as_guest()
    return visitor


def _with_microphone(visit: Callable[..., Visitor], service: Program, recording: Path, sound: Sound) -> Visitor:
    write_wav(recording, np.concatenate([sound, spoken(120.0)]))
    microphone = f"--use-file-for-fake-audio-capture={recording}%noloop"
    visitor = visit(service.url, flags=[*FAKE_DEVICES, *ALLOWED, microphone], bypass_csp=True)
    visitor.page.add_init_script(RAW_MICROPHONE)
    visitor.record()
    visitor.arrive()
    return visitor


@dataclass(frozen=True)
class Talker:
    """A visitor in a conversation on their own page, who speaks a talk."""

    visitor: Visitor
    emulator: Program
    talk: Talk

    @classmethod
    def begin(
        cls,
        visit: Callable[..., Visitor],
        service: Program,
        emulator: Program,
        recording: Path,
        talk: Talk,
        *,
        prepare: str = "",
    ) -> Talker:
        """Start and become live; *prepare* is run before, in JavaScript, and has the `session`."""
        visitor = _with_microphone(visit, service, recording, talk.sound)
        visitor.page.evaluate(
            f"""async () => {{
              const {{ LiveSession }} = await import('/live/session.js');
              globalThis.session = new LiveSession({{ token: '/token' }});
              globalThis.resumptions = [];
              for (const way of ['resumed', 'rebuilt']) {{
                const note = ({{ detail }}) => resumptions.push({{ way, ...detail }});
                session.addEventListener(way, note);
              }}
              session.addEventListener('state', ({{ detail }}) => {{
                globalThis.failure = detail.error;
              }});
              {prepare}
              await session.start();
            }}"""
        )
        return cls(visitor, emulator, talk)

    def resumes(self, times: int) -> None:
        """Wait until it has switched connections that many times in total."""
        self._until(f"resumptions.length >= {times}")

    def _until(self, condition: str) -> None:
        self.visitor.until(f"{condition} || session.state === 'closed'")
        ended = self.visitor.page.evaluate("session.state === 'closed' ? String(failure) : null")
        assert ended is None, f"{ended} after {self.resumptions}"

    @property
    def resumptions(self) -> list[dict[str, Any]]:
        """The `resumed` and `rebuilt` events that the page received, and which (`way`)."""
        return self.visitor.page.evaluate("resumptions")

    def hang_up(self, *, dead: int = 0) -> list[dict[str, Any]]:
        """Hang up while nothing is queued; returns every accepted connection, oldest first.

        The first *dead* ones cannot be closed.
        """
        self.visitor.hang_up_with_nothing_queued("session.close()")
        assert self.visitor.left_open == {"tracks": 0, "sockets": 0, "contexts": 0}
        # The browser itself logs an error if the service is down.
        wrong = [each for each in self.visitor.page_errors if "Failed to load" not in each]
        assert not wrong, wrong
        return accepted(closed_sessions(self.emulator, dead=dead))

    @property
    def joins(self) -> list[Join]:
        """Where one connection follows another, and what speaker and answers were doing."""
        joins = self.visitor.page.evaluate("taps.joins")[1:]
        pcm = self.visitor.witnessed().pcm
        return [Join.at(pcm, join["delivered"], answering=join["answering"]) for join in joins]


@dataclass(frozen=True)
class Join:
    """The moment between two connections, and what was in progress."""

    speaking: bool
    answering: bool

    @classmethod
    def at(cls, pcm: Samples, chunk: int, *, answering: bool) -> Join:
        """Whether somebody is speaking: the surrounding fifth of a second is loud."""
        around = pcm[max(0, chunk - 5) * CHUNK : (chunk + 5) * CHUNK] / 32768
        return cls(bool(np.sqrt(np.mean(around**2)) > AUDIBLE), answering)


def connects(visitor: Visitor, times: int) -> None:
    """Wait until the page has opened that many sockets and is live on the last one."""
    visitor.until(f"opened.sockets.length >= {times}")
    visitor.becomes("live")


def closed_sessions(emulator: Program, *, dead: int = 0) -> list[dict[str, Any]]:
    """All connections, oldest first, once all but the first *dead* ones are read to their end."""
    end = time.monotonic() + PATIENCE_MS / 1000
    while True:
        sessions = emulator.get("/emulator/sessions").json["sessions"]
        if all(session["state"] == "closed" for session in sessions[dead:]):
            return sessions
        assert time.monotonic() < end, "a connection is still open"
        threading.Event().wait(0.02)


def ended_session(emulator: Program) -> dict[str, Any]:
    """The last connection, once it is read to its end: the emulator learns of that after the page."""
    end = time.monotonic() + PATIENCE_MS / 1000
    while (session := emulator.get("/emulator/sessions/last").json)["state"] != "closed":
        assert time.monotonic() < end, "the connection is still open"
        threading.Event().wait(0.02)
    return session


def accepted(sessions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that could resume: soon after a close while the model is idle, none can."""
    return [session for session in sessions if session["effective_setup"]]


def heard_on(emulator: Program, session: dict[str, Any]) -> Samples:
    """The audio that arrived on one connection."""
    return read_pcm(emulator.get(f"/emulator/sessions/{session['id']}/heard.wav").body)


def said_on(emulator: Program, session: dict[str, Any]) -> Samples:
    """The audio that one connection sent, at 24 kHz."""
    return read_pcm(emulator.get(f"/emulator/sessions/{session['id']}/said.wav").body)


def heard_by(emulator: Program) -> Samples:
    """The audio that arrived on all connections, joined."""
    return np.concatenate([heard_on(emulator, session) for session in closed_sessions(emulator)])


def assert_nothing_was_lost(visitor: Visitor, emulator: Program, talk: Talk) -> Samples:
    """After a hang-up: assert the same samples at the same times. Returns what was heard."""
    heard = heard_by(emulator)
    witnessed = visitor.witnessed()
    assert_all_was_heard(witnessed, heard)
    steady = steadiness(talk.sound, talk.marked, witnessed, heard)
    sessions = closed_sessions(emulator)
    refused = len(sessions) - len(accepted(sessions))
    print(  # noqa: T201 - the figures that the tests are about
        f"{len(sessions) - refused} connections and {refused} refused, "
        f"{len(heard) / SPEECH_RATE:.1f} s heard, "
        f"each sample as captured; the lag of {steady.blocks} marked blocks moves by "
        f"{steady.moved:.3f} samples at most, and in the browser {steady.browser} times"
    )
    assert steady.blocks > 0
    assert steady.moved < 0.5
    return heard


def context_of(emulator: Program) -> Samples:
    """The audio in the last connection's context."""
    return read_pcm(emulator.get("/emulator/sessions/last/context.wav").body)


def assert_renewed_without_loss(talker: Talker) -> list[Join]:
    """After a hang-up of a conversation whose connections were all renewed: assert no loss."""
    heard = assert_nothing_was_lost(talker.visitor, talker.emulator, talker.talk)
    sessions = accepted(closed_sessions(talker.emulator))
    assert [session["resumed"] for session in sessions] == [False] + [True] * (len(sessions) - 1)
    assert {session["close"]["code"] for session in sessions} == {1000}, "no connection was dropped"
    assert all(one["planned"] and not one["contextLost"] for one in talker.resumptions)
    joins = talker.joins
    answering = sum(join.answering for join in joins)
    speaking = sum(join.speaking for join in joins)
    gaps = sorted(one["gap"] for one in talker.resumptions)
    context = context_of(talker.emulator)
    missing = len(heard) - len(context)
    print(  # noqa: T201 - figures
        f"of {len(joins)} renewals {speaking} in a sentence and {answering} in an answer; gaps of "
        f"{gaps[len(gaps) // 2]:.0f} ms, the longest {gaps[-1]:.0f}; "
        f"{missing / SPEECH_RATE:.2f} s not in the context"
    )
    # About two seconds after an idle close, as recorded; twice as much, for a busy machine.
    assert gaps[len(gaps) // 2] <= 4000
    # Where handles are snapshots, there is none during an answer, and a busy page may miss one: a
    # renewal knows all but the last.
    snapshots = not sessions[0]["effective_setup"]["model"].endswith(ONE_HANDLE)
    assert 0 <= missing <= snapshots * (1 + answering) * 1.5 * HANDLE_INTERVAL * SPEECH_RATE
    if not missing:
        assert np.array_equal(context, heard)
    return joins
