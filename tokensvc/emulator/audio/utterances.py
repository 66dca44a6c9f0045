"""Hearing: the sound a client sends, cut into utterances."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tokensvc.emulator.audio.pcm import IN_RATE, Resampler, from_pcm, to_pcm
from tokensvc.emulator.audio.voice_activity import Detection, Detector

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tokensvc.emulator.audio.pcm import Samples
    from tokensvc.emulator.audio.recordings import Recording

# What is kept from before the detected start, so that no first consonant is lost.
PREROLL = IN_RATE // 5
# An utterance is played back at most this long; its length is counted in full.
LONGEST = 60 * IN_RATE
RATES = range(4_000, 192_001)


@dataclass(frozen=True)
class Utterance:
    """What was said in one go: its length in seconds, and its sound at 16 kHz."""

    seconds: float
    sound: Samples


@dataclass(frozen=True)
class Began:
    """Somebody has begun to speak."""


class Ears:
    """One connection's hearing, over the recording of all that came in."""

    def __init__(self, detection: Detection, recording: Recording) -> None:
        self._detector = Detector(detection) if detection.automatic else None
        self._detection = detection
        self._recording = recording
        self._resampler: Resampler | None = None
        self._rate = IN_RATE
        self._kept: deque[Samples] = deque()
        self._kept_from = 0
        self._position = 0
        self._began: int | None = None

    @property
    def active(self) -> bool:
        """Whether somebody is speaking, as far as is known."""
        return self._began is not None

    @property
    def seconds(self) -> float:
        """Sound heard so far."""
        return self._position / IN_RATE

    def hear(self, pcm: bytes, rate: int) -> Iterator[Began | Utterance]:
        """Take in a chunk; what it brings to light, in order."""
        if rate != IN_RATE:
            pcm = self._at_our_rate(pcm, rate)
        self._recording.add(pcm)
        samples = from_pcm(pcm)
        self._position += len(samples)
        self._kept.append(samples)
        if self._detector is not None:
            for edge in self._detector.feed(samples):
                if edge.kind == "start":
                    self._began = edge.at
                    yield Began()
                else:
                    yield self._finish(edge.at)
        self._trim()

    def pause(self) -> Utterance | None:
        """The stream pauses (``audioStreamEnd``): what was being said ends here."""
        edge = self._detector.stop() if self._detector is not None else None
        return None if edge is None else self._finish(edge.at)

    def begin(self) -> None:
        """The client marks the start of speech (``activityStart``)."""
        self._began = self._position

    def finish(self) -> Utterance | None:
        """The client marks its end (``activityEnd``)."""
        return None if self._began is None else self._finish(self._position)

    def _at_our_rate(self, pcm: bytes, rate: int) -> bytes:
        if self._resampler is None or rate != self._rate:
            self._resampler, self._rate = Resampler(rate, IN_RATE), rate
        return to_pcm(self._resampler.feed(from_pcm(pcm)))

    def _finish(self, end: int) -> Utterance:
        began = self._position if self._began is None else self._began
        self._began = None
        kept = np.concatenate([np.zeros(0, np.int16), *self._kept])
        first = max(0, began - PREROLL - self._kept_from)
        sound = kept[first : max(first, end - self._kept_from)]
        return Utterance(max(0, end - began) / IN_RATE, sound[-LONGEST:])

    def _trim(self) -> None:
        reach = min(LONGEST, PREROLL + IN_RATE * self._detection.prefix_ms // 1000)
        keep = LONGEST if self._began is not None else reach
        while self._kept and self._kept_from + len(self._kept[0]) < self._position - keep:
            self._kept_from += len(self._kept.popleft())


def rate_of(mime_type: str) -> int | None:
    """The sample rate that a MIME type such as ``audio/pcm;rate=16000`` states.

    None for what is not raw PCM. Without a rate it is 16 kHz.
    """
    if not re.match(r"audio/(pcm|l16)\b", mime_type, re.IGNORECASE):
        return None
    found = re.search(r"rate=(\d{1,6})", mime_type)
    rate = int(found[1]) if found else IN_RATE
    return rate if rate in RATES else None
