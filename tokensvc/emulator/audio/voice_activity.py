"""Voice activity detection: where speech begins and ends in a stream of samples."""

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
# Loudness (RMS, of full scale) that counts as a voice, by sensitivity to its start.
EAGER, RELUCTANT = 0.008, 0.03
# ... and the part of it below which the voice has gone, by sensitivity to its end.
EAGER_END, RELUCTANT_END = 0.7, 0.35
# A voice stands out this much from the room; the room's floor is followed down at once and up
# slowly, so that neither a first word nor a fan is taken for the other for long.
ABOVE_FLOOR = 3.0
FLOOR_RISE = 10 ** (1.5 / 20 * FRAME_MS / 1000)
QUIETEST = 0.0005


@dataclass(frozen=True)
class Detection:
    """When speech begins and ends. Durations in milliseconds."""

    automatic: bool = True
    eager_start: bool = True
    eager_end: bool = True
    prefix_ms: int = 100
    silence_ms: int = 800


@dataclass(frozen=True)
class Edge:
    """Speech begins or ends at sample *at* of the stream."""

    kind: Literal["start", "end"]
    at: int


class Detector:
    """Follows a 16 kHz stream frame by frame, in the stream's own time."""

    def __init__(self, detection: Detection) -> None:
        self._loud = EAGER if detection.eager_start else RELUCTANT
        self._release = EAGER_END if detection.eager_end else RELUCTANT_END
        self._needed = max(1, detection.prefix_ms // FRAME_MS)
        self._patience = max(1, detection.silence_ms // FRAME_MS)
        self._floor = QUIETEST
        self._rest: Samples = np.zeros(0, np.int16)
        self._frames = 0
        self._run = 0
        self._began = 0
        self._quiet = 0
        self.speaking = False

    def feed(self, samples: Samples) -> list[Edge]:
        """The edges that *samples* bring to light, in order."""
        joined = np.concatenate([self._rest, samples]) if len(self._rest) else samples
        count = len(joined) // FRAME
        self._rest = joined[count * FRAME :]
        if not count:
            return []
        frames = joined[: count * FRAME].reshape(count, FRAME).astype(np.float32)
        power = np.sqrt(np.einsum("ij,ij->i", frames, frames) / FRAME) / FULL_SCALE
        edges = []
        for loudness in power.tolist():
            edge = self._frame(loudness)
            if edge is not None:
                edges.append(edge)
        return edges

    def stop(self) -> Edge | None:
        """End the speech that is going on, if any: the stream pauses here."""
        self._run = 0
        return self._end() if self.speaking else None

    def _frame(self, loudness: float) -> Edge | None:
        self._frames += 1
        threshold = max(self._loud, ABOVE_FLOOR * self._floor)
        self._floor = max(QUIETEST, min(loudness, self._floor * FLOOR_RISE))
        if self.speaking:
            self._quiet = 0 if loudness >= threshold * self._release else self._quiet + 1
            return self._end() if self._quiet >= self._patience else None
        if loudness >= threshold:
            self._began = self._began if self._run else self._frames - 1
            self._run += 1
        else:
            # A voice dips between syllables; that delays its start and does not undo it.
            self._run = max(0, self._run - 1)
        if self._run < self._needed:
            return None
        self.speaking = True
        self._quiet = 0
        return Edge("start", self._began * FRAME)

    def _end(self) -> Edge:
        at = (self._frames - self._quiet) * FRAME
        self.speaking = False
        self._run = self._quiet = 0
        return Edge("end", at)
