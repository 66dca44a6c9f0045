"""Load test: `PYTHONPATH=tests python -m bench.emulator_load --sessions 200 --minutes 5`.

Starts an emulator and holds spoken sessions with it from this process: each sends 40 ms of audio
every 40 ms, speaks for 2 s in every 6, and is answered. Prints, for all sessions and for the worst
one, how late the end of an utterance was detected, how late the answer's first audio was, how far
its audio fell behind its playback, and what was dropped; and the emulator's CPU time and memory.
Exits with 1 if a time is over 200 ms at a session's 99th percentile, if anything was dropped, or if
memory grew by a tenth after the first minute.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import itertools
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from bench.emulator_fuzz import resident
from bench.measuring import percentile
from emulator.live_client import CHUNK, KEY, content, setup, sound, speech
from tokensvc.emulator.audio.utterances import Utterance, UtteranceDetector
from tokensvc.emulator.audio.voice_activity import DetectionConfig
from tokensvc.emulator.server.emulator import SERVICE

SPOKEN, SILENT = 2.0, 4.0
STEP = 0.04
ANSWERED = 4.0  # seconds after its end, an utterance has been answered
LATENCY = 0.25
ALLOWED = 0.2
GROWTH = 1.1
SAMPLING = 10.0


class NullRecording:
    """A recording that keeps nothing."""

    def add(self, pcm: bytes) -> None:
        """Drop *pcm*."""


@dataclass
class Measured:
    """The measurements of one session; times in seconds.

    Attributes:
        sent_late: How late this process sent each chunk; it limits the accuracy of the others.
        heard_late: From sending the end of an utterance to its transcript.
        first_late: From the transcript to the answer's first audio, less the configured latency.
        behind: How far each audio message was behind its playback in real time.
        played: The audio of each answer that was played to its end.
        utterances: Those whose end was sent while there was time for an answer.
    """

    sent_late: list[float] = field(default_factory=list)
    heard_late: list[float] = field(default_factory=list)
    first_late: list[float] = field(default_factory=list)
    behind: list[float] = field(default_factory=list)
    played: list[float] = field(default_factory=list)
    utterances: int = 0


class Caller:
    """One session, which speaks and listens."""

    def __init__(self, frames: list[str], end_chunk: int, measured: Measured) -> None:
        self._frames = frames
        self._end_chunk = end_chunk
        self._measured = measured
        self._ended = 0.0
        self._heard = 0.0
        self._first = 0.0
        self._received = 0.0

    async def call(self, http: aiohttp.ClientSession, url: str, start: float, end: float) -> None:
        """Hold the session from *start* to *end*, in the event loop's time."""
        loop = asyncio.get_running_loop()
        async with http.ws_connect(url, headers=KEY, max_msg_size=0) as socket:
            await socket.send_str(json.dumps({"setup": setup()}))
            await socket.receive()
            listening = asyncio.create_task(self._listen(socket))
            number, due = 0, start
            while due < end:
                await asyncio.sleep(max(0.0, due - loop.time()))
                chunk = number % len(self._frames)
                await socket.send_str(self._frames[chunk])
                self._measured.sent_late.append(loop.time() - due)
                if chunk == self._end_chunk:
                    self._ended = due
                    self._measured.utterances += due + ANSWERED < end
                number, due = number + 1, due + STEP
            await socket.close()
            await listening

    async def _listen(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        loop, measured = asyncio.get_running_loop(), self._measured
        async for frame in socket:
            message: dict[str, Any] = json.loads(frame.data)
            fields, now = content(message), loop.time()
            if "inputTranscription" in fields:
                self._heard = now
                measured.heard_late.append(now - self._ended)
                self._first = self._received = 0.0
            elif "modelTurn" in fields:
                if not self._first:
                    self._first = now
                    measured.first_late.append(now - self._heard - LATENCY)
                measured.behind.append(max(0.0, now - self._first - self._received))
                self._received += len(sound([message])) / 48_000
            elif "turnComplete" in fields:
                measured.played.append(self._received)


def period() -> tuple[list[str], int]:
    """Return the frames of one period, and the index of the one that ends the utterance."""
    pcm = speech(SPOKEN, SILENT)
    chunks = [pcm[at : at + CHUNK] for at in range(0, len(pcm), CHUNK)]
    detector = UtteranceDetector(DetectionConfig(), NullRecording())
    ends = [
        number
        for number, chunk in enumerate(chunks)
        if any(isinstance(event, Utterance) for event in detector.feed(chunk, 16_000))
    ]
    blobs = [{"data": base64.b64encode(chunk).decode(), "mimeType": "audio/pcm;rate=16000"} for chunk in chunks]
    return [json.dumps({"realtimeInput": {"audio": blob}}) for blob in blobs], ends[0]


async def load(url: str, pid: int, sessions: int, seconds: float) -> tuple[list[Measured], list[float]]:
    """Hold *sessions* sessions for *seconds*; sample the emulator's memory, in MB, every 10 s."""
    measured = [Measured() for _ in range(sessions)]
    memory = []
    frames, end_chunk = period()
    start = asyncio.get_running_loop().time() + 2.0
    method = f"/ws/{SERVICE}.v1beta.GenerativeService.BidiGenerateContent"
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as http, asyncio.TaskGroup() as calls:
        for number, one in enumerate(measured):
            first = start + number * (SPOKEN + SILENT) / sessions
            caller = Caller(frames, end_chunk, one)
            calls.create_task(caller.call(http, url + method, first, start + seconds))
        while asyncio.get_running_loop().time() < start + seconds:
            await asyncio.sleep(SAMPLING)
            memory.append(resident(pid))
    return measured, memory


def processor_seconds(pid: int) -> float:
    """Return the processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Figures:
    """What matters of all sessions; times in milliseconds.

    *dropped* is how many answers were missing or shorter than the others; every one plays the same
    utterance back. *latest* is the highest 99th percentile of a session, of any time but our own.
    """

    sessions: int
    utterances: int
    dropped: int
    latest: float
    cpu: float  # of one core
    grown: float  # memory at the end, of that after a minute

    @property
    def passed(self) -> bool:
        """Whether nothing was dropped, late or kept."""
        return not self.dropped and self.latest <= ALLOWED * 1000 and self.grown <= GROWTH


def dropped(measured: list[Measured]) -> int:
    """Count the answers that are missing, and those shorter than the others' of the same number.

    The first one is shorter than the next: there is no silence before the speech that it repeats.
    """
    missing = sum(max(0, one.utterances - len(one.played)) for one in measured)
    by_number = [
        [seconds for seconds in played if seconds is not None]
        for played in itertools.zip_longest(*(one.played for one in measured))
    ]
    return missing + sum(seconds < max(played) - STEP for played in by_number for seconds in played)


def report(measured: list[Measured], memory: list[float], busy: float) -> Figures:
    """Print the result and return it."""
    utterances = sum(one.utterances for one in measured)
    lost = dropped(measured)
    say = sys.stdout.write
    say(f"{len(measured)} sessions, {utterances} utterances, {lost} answers dropped or cut short\n")
    say(f"{'ms, over all sessions:':38}    p50    p99    max   p99 of the worst session\n")
    latest = 0.0
    for name, what in (
        ("sent_late", "chunk sent late by this process"),
        ("heard_late", "end of utterance detected"),
        ("first_late", "first audio after its latency"),
        ("behind", "audio behind its playback"),
    ):
        each = [getattr(one, name) for one in measured]
        every = [value for values in each for value in values]
        worst = max(percentile(values, 0.99) for values in each)
        shown = [*(percentile(every, part) for part in (0.5, 0.99, 1.0)), worst]
        say(f"  {what:36}" + "".join(f"{value * 1000:7.1f}" for value in shown) + "\n")
        latest = max(latest, 0.0 if name == "sent_late" else worst)
    after_a_minute = memory[min(len(memory), int(60 / SAMPLING)) - 1]
    say(f"emulator: {busy:.0%} of one core; {after_a_minute:.0f} MB after a minute, ")
    say(f"{memory[-1]:.0f} MB at the end; every {SAMPLING:.0f} s: ")
    say(" ".join(f"{each:.0f}" for each in memory) + "\n")
    grown = memory[-1] / after_a_minute
    return Figures(len(measured), utterances, lost, latest * 1000, busy, grown)


def run(sessions: int, minutes: float) -> Figures:
    """Hold *sessions* sessions with a new emulator, and print the result."""
    child = subprocess.Popen(
        [sys.executable, "-m", "tokensvc.emulator", "--port", "0", "--keep-audio", "20"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert child.stdout is not None
        url = child.stdout.readline().split()[-1]
        measured, memory = asyncio.run(load(url, child.pid, sessions, minutes * 60))
        busy = processor_seconds(child.pid) / (minutes * 60)
    finally:
        child.terminate()
        child.wait(20)
        child.stdout.close()
    return report(measured, memory, busy)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=5.0)
    arguments = parser.parse_args()
    # On SIGTERM, stop the emulator too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    return 0 if run(arguments.sessions, arguments.minutes).passed else 1


if __name__ == "__main__":
    sys.exit(main())
