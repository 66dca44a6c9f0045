"""Voice activity detection: where speech starts and ends in a stream of samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from tokensvc.emulator.audio.pcm import IN_RATE

if TYPE_CHECKING:
    from tokensvc.emulator.audio.pcm import Samples

FRAME_MS = 20
FRAME = IN_RATE * FRAME_MS // 1000
FULL_SCALE = 32_768.0
# Level (RMS, relative to full scale) at which speech starts, for high and low start sensitivity.
START_LEVEL_HIGH, START_LEVEL_LOW = 0.008, 0.03
# Fraction of that level below which speech ends, for high and low end sensitivity.
END_RATIO_HIGH, END_RATIO_LOW = 0.7, 0.35
# Speech must exceed the noise floor by this factor. The estimate of the floor falls immediately and
# rises slowly, so that neither the first word nor a fan is misjudged for long.
SPEECH_TO_NOISE = 3.0
FLOOR_RISE = 10 ** (1.5 / 20 * FRAME_MS / 1000)  # factor per frame: 1.5 dB a second
LOWEST_FLOOR = 0.0005


@dataclass(frozen=True)
class DetectionConfig:
    """Settings of the voice activity detection; durations in milliseconds."""

    automatic: bool = True
    high_start_sensitivity: bool = True
    high_end_sensitivity: bool = True
    prefix_ms: int = 140
    silence_ms: int = 800
    longest_ms: int = 0  # without a pause, after which sound counts as noise until there is one; 0: never


@dataclass(frozen=True)
class Edge:
    """The start or end of speech, at sample *at* of the stream."""

    kind: Literal["start", "end"]
    at: int


class VoiceActivityDetector:
    """Detects speech in a 16 kHz stream, frame by frame; time is counted in samples."""

    def __init__(self, detection: DetectionConfig) -> None:
        self._start_level = START_LEVEL_HIGH if detection.high_start_sensitivity else START_LEVEL_LOW
        self._end_ratio = END_RATIO_HIGH if detection.high_end_sensitivity else END_RATIO_LOW
        self._frames_to_start = max(1, detection.prefix_ms // FRAME_MS)
        self._frames_to_end = max(1, detection.silence_ms // FRAME_MS)
        self._noise_floor = LOWEST_FLOOR
        self._remainder: Samples = np.zeros(0, np.int16)
        self._frames = 0
        self._loud_frames = 0
        self._start_frame = 0
        self._quiet_frames = 0
        self._most_frames = detection.longest_ms // FRAME_MS
        self._spoken_frames = 0
        self._ignoring = False
        self.speaking = False

    def feed(self, samples: Samples) -> list[Edge]:
        """Return the edges found in *samples*, in order."""
        joined = np.concatenate([self._remainder, samples]) if len(self._remainder) else samples
        count = len(joined) // FRAME
        self._remainder = joined[count * FRAME :]
        if not count:
            return []
        frames = joined[: count * FRAME].reshape(count, FRAME).astype(np.float32)
        levels = np.sqrt(np.einsum("ij,ij->i", frames, frames) / FRAME) / FULL_SCALE  # RMS
        edges = []
        for level in levels.tolist():
            edge = self._process_frame(level)
            if edge is not None:
                edges.append(edge)
        return edges

    def stop(self) -> Edge | None:
        """End the current speech, if any, because the stream pauses here."""
        self._loud_frames = 0
        return self._end() if self.speaking else None

    def _process_frame(self, level: float) -> Edge | None:
        self._frames += 1
        threshold = max(self._start_level, SPEECH_TO_NOISE * self._noise_floor)
        self._noise_floor = max(LOWEST_FLOOR, min(level, self._noise_floor * FLOOR_RISE))
        if self.speaking or self._ignoring:
            self._quiet_frames = 0 if level >= threshold * self._end_ratio else self._quiet_frames + 1
            self._spoken_frames += 1
            if self._ignoring:
                self._ignoring = self._quiet_frames < self._frames_to_end
                return None
            self._ignoring = 0 < self._most_frames <= self._spoken_frames
            return self._end() if self._ignoring or self._quiet_frames >= self._frames_to_end else None
        if level >= threshold:
            if not self._loud_frames:
                self._start_frame = self._frames - 1
            self._loud_frames += 1
        else:
            # Dips between syllables delay the start of speech instead of resetting it.
            self._loud_frames = max(0, self._loud_frames - 1)
        if self._loud_frames < self._frames_to_start:
            return None
        self.speaking = True
        self._quiet_frames = self._spoken_frames = 0
        return Edge("start", self._start_frame * FRAME)

    def _end(self) -> Edge:
        end = (self._frames - self._quiet_frames) * FRAME
        self.speaking = False
        self._loud_frames = self._quiet_frames = 0
        return Edge("end", end)
