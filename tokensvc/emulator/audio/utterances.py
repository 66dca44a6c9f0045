"""Splits the client's audio stream into utterances: what was said without a pause."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tokensvc.emulator.audio.pcm import IN_RATE, Resampler, from_pcm, to_pcm
from tokensvc.emulator.audio.voice_activity import DetectionConfig, VoiceActivityDetector

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tokensvc.emulator.audio.pcm import Samples
    from tokensvc.emulator.audio.recordings import Recording

# Samples kept from before the detected start, so that the first consonant is not cut off.
PREROLL = IN_RATE // 5
# At most this many samples of an utterance are kept for playback; its full length is counted.
LONGEST = 60 * IN_RATE
RATES = range(4_000, 192_001)  # Hz that are accepted


@dataclass(frozen=True)
class Utterance:
    """A finished utterance: its length in seconds, and its audio at 16 kHz."""

    seconds: float
    samples: Samples


@dataclass(frozen=True)
class SpeechStarted:
    """The user has started to speak."""


class UtteranceDetector:
    """Records one connection's incoming audio and finds the utterances in it."""

    def __init__(self, detection: DetectionConfig, recording: Recording) -> None:
        self._detector = VoiceActivityDetector(detection) if detection.automatic else None
        self._detection = detection
        self._recording = recording
        self._resampler: Resampler | None = None
        self._rate = IN_RATE  # the input's, for which the resampler was made
        self._kept: deque[Samples] = deque()  # recent samples, from which an utterance is cut
        self._kept_from = 0  # position of the first kept sample
        self._position = 0  # samples received so far, at 16 kHz
        self._start: int | None = None  # position at which the current utterance began

    @property
    def active(self) -> bool:
        """Whether an utterance is in progress."""
        return self._start is not None

    @property
    def seconds(self) -> float:
        """Duration of all audio received so far."""
        return self._position / IN_RATE

    def feed(self, pcm: bytes, rate: int) -> Iterator[SpeechStarted | Utterance]:
        """Process a chunk; yield what it starts and finishes, in order."""
        if rate != IN_RATE:
            pcm = self._resample(pcm, rate)
        self._recording.add(pcm)
        samples = from_pcm(pcm)
        self._position += len(samples)
        self._kept.append(samples)
        if self._detector is not None:
            for edge in self._detector.feed(samples):
                if edge.kind == "start":
                    self._start = edge.at
                    yield SpeechStarted()
                else:
                    yield self._finish(edge.at)
        self._trim()

    def pause(self) -> Utterance | None:
        """Finish the utterance in progress because the stream pauses (``audioStreamEnd``)."""
        edge = self._detector.stop() if self._detector is not None else None
        return None if edge is None else self._finish(edge.at)

    def start(self) -> None:
        """Start an utterance, as marked by the client (``activityStart``)."""
        self._start = self._position

    def finish(self) -> Utterance | None:
        """Finish the utterance in progress, as marked by the client (``activityEnd``)."""
        return None if self._start is None else self._finish(self._position)

    def _resample(self, pcm: bytes, rate: int) -> bytes:
        if self._resampler is None or rate != self._rate:
            self._resampler, self._rate = Resampler(rate, IN_RATE), rate
        return to_pcm(self._resampler.feed(from_pcm(pcm)))

    def _finish(self, end: int) -> Utterance:
        start = self._position if self._start is None else self._start
        self._start = None
        kept = np.concatenate([np.zeros(0, np.int16), *self._kept])
        first = max(0, start - PREROLL - self._kept_from)
        samples = kept[first : max(first, end - self._kept_from)]
        return Utterance(max(0, end - start) / IN_RATE, samples[-LONGEST:])

    def _trim(self) -> None:
        # A start is detected up to prefix_ms late, and its audio begins PREROLL earlier.
        reach = min(LONGEST, PREROLL + IN_RATE * self._detection.prefix_ms // 1000)
        keep = LONGEST if self._start is not None else reach
        while self._kept and self._kept_from + len(self._kept[0]) < self._position - keep:
            self._kept_from += len(self._kept.popleft())


def sample_rate(mime_type: str) -> int | None:
    """Return the sample rate in a MIME type such as ``audio/pcm;rate=16000``, by default 16 kHz.

    Returns None for anything but raw PCM at a plausible rate.
    """
    if not re.match(r"audio/(pcm|l16)\b", mime_type, re.IGNORECASE):
        return None
    found = re.search(r"rate=(\d{1,6})", mime_type)
    rate = int(found[1]) if found else IN_RATE
    return rate if rate in RATES else None
