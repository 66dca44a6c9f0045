"""Sound: PCM to numbers and back, other sample rates, a made-up voice, WAV files."""

from __future__ import annotations

import hashlib
import struct
from math import gcd
from typing import Protocol, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Samples: TypeAlias = NDArray[np.int16]

IN_RATE = 16_000
OUT_RATE = 24_000
SAMPLE_BYTES = 2
SECONDS_PER_CHARACTER = 0.055
_TAPS = 16
_LOUDEST = 32_767


def from_pcm(pcm: bytes) -> Samples:
    """16-bit little-endian mono PCM as samples; half a sample at the end is dropped."""
    return np.frombuffer(pcm, dtype="<i2", count=len(pcm) // SAMPLE_BYTES)


def to_pcm(samples: Samples) -> bytes:
    """Samples as 16-bit little-endian PCM."""
    return samples.astype("<i2").tobytes()


def resample(samples: Samples, source: int, target: int) -> Samples:
    """A whole recording at another rate."""
    if source == target:
        return samples
    resampler = Resampler(source, target)
    padded = np.concatenate([samples, np.zeros(_TAPS, np.int16)])
    parts = [resampler.feed(padded[at : at + source]) for at in range(0, len(padded), source)]
    return np.concatenate(parts)


class Resampler:
    """A stream at another rate: a windowed sinc, exact over chunk borders.

    Args:
        source: Rate of what is fed, in Hz.
        target: Rate of what comes out, in Hz.
    """

    def __init__(self, source: int, target: int) -> None:
        divisor = gcd(source, target)
        self._step = source // divisor
        self._parts = target // divisor
        self._kernels = self._made(min(1.0, target / source) * 0.95)
        self._held = np.zeros(_TAPS - 1, np.float32)
        self._next = 0  # where the next output stands, in parts of an input sample

    def feed(self, samples: Samples) -> Samples:
        """What can be said of the output now that *samples* are known."""
        held = np.concatenate([self._held, samples.astype(np.float32)])
        # An output at input position p is made of held[p .. p + 2 * _TAPS).
        room = (len(held) - 2 * _TAPS + 1) * self._parts - self._next
        count = max(0, -(-room // self._step))
        out = np.empty(count, np.float32)
        windows = sliding_window_view(held, 2 * _TAPS) if count else held
        # Every so many outputs one stands alike between its inputs and has the same kernel.
        for first in range(min(count, self._parts)):
            whole, part = divmod(self._next + self._step * first, self._parts)
            alike = out[first :: self._parts]
            its_own = windows[whole :: self._step][: len(alike)]
            np.einsum("ij,j->i", its_own, self._kernels[part], out=alike)
        end = self._next + self._step * count
        used = min(end // self._parts, len(held))
        self._held = held[used:]
        self._next = end - used * self._parts
        fitting: Samples = np.clip(np.rint(out), -_LOUDEST, _LOUDEST).astype(np.int16)
        return fitting

    def _made(self, cutoff: float) -> NDArray[np.float32]:
        """One kernel for each place that an output can have between two inputs."""
        place = np.arange(self._parts)[:, None] / self._parts
        distance = np.arange(2 * _TAPS)[None, :] - (_TAPS - 1) - place
        window = 0.5 + 0.5 * np.cos(np.pi * np.clip(distance / _TAPS, -1, 1))
        return np.asarray(cutoff * np.sinc(cutoff * distance) * window, np.float32)


class Source(Protocol):
    """Sound at 24 kHz that is made as it is needed.

    Attributes:
        size: Samples in all.
    """

    size: int

    def take(self, count: int) -> Samples:
        """The next *count* samples, fewer at the end."""


class Voice(Source):
    """The made-up voice called *name*, saying *text*.

    Nobody could understand it; it has the length and rhythm of the text, differs for each text,
    and repeats nowhere, so that a recording can be held against what was sent.
    """

    def __init__(self, text: str, name: str) -> None:
        self.size = int(max(0.3, SECONDS_PER_CHARACTER * len(text)) * OUT_RATE)
        seed = hashlib.sha256(f"{name}\0{text}".encode(errors="surrogatepass")).digest()
        self._noise = np.random.default_rng(list(seed))
        codes = np.array([ord(character) for character in text or " "], np.float64)
        self._loud = codes > ord(" ")
        jitter = self._noise.normal(0, 0.03, len(codes))
        self._pitch = (95 + 130 * seed[0] / 255) * (1 + codes * 7 % 13 / 24 + jitter)
        turns = self._pitch * self.size / len(codes) / OUT_RATE
        self._phase = np.concatenate([[0.0], np.cumsum(turns)])
        self._taken = 0

    def take(self, count: int) -> Samples:
        """The next *count* samples, fewer at the end."""
        end = min(self.size, self._taken + count)
        place = np.arange(self._taken, end) * (len(self._loud) / self.size)
        self._taken = end
        at = np.minimum(place.astype(int), len(self._loud) - 1)
        within = place - at
        seconds = within * (self.size / len(self._loud) / OUT_RATE)
        phase = 2 * np.pi * (self._phase[at] + self._pitch[at] * seconds)
        tone = np.sin(phase) + 0.6 * np.sin(2 * phase) + 0.4 * np.sin(5 * phase)
        hiss = self._noise.normal(0, 0.5, len(phase))
        loud = np.where(self._loud[at], 0.25 + 0.75 * np.sin(np.pi * within) ** 2, 0.02)
        wave: Samples = (np.clip(loud * (tone + hiss) / 4, -1, 1) * 0.6 * _LOUDEST).astype(np.int16)
        return wave


class Playback(Source):
    """A recording at 16 kHz, played back."""

    def __init__(self, recording: Samples) -> None:
        self.size = len(recording) * OUT_RATE // IN_RATE
        self._resampler = Resampler(IN_RATE, OUT_RATE)
        self._recording = recording
        self._fed = 0
        self._ready: Samples = np.zeros(0, np.int16)
        self._taken = 0

    def take(self, count: int) -> Samples:
        """The next *count* samples, fewer at the end."""
        count = min(count, self.size - self._taken)
        while len(self._ready) < count:
            fresh = self._recording[self._fed : self._fed + count + _TAPS]
            self._fed += len(fresh)
            # Past its end the recording is silence, until the last sample has come through.
            fed = self._resampler.feed(fresh if len(fresh) else np.zeros(_TAPS, np.int16))
            self._ready = np.concatenate([self._ready, fed])
        taken, self._ready = self._ready[:count], self._ready[count:]
        self._taken += count
        return taken


def wav(pcm: bytes, rate: int) -> bytes:
    """A mono 16-bit WAV file."""
    head = struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF",
        36 + len(pcm),
        b"WAVE",
        b"fmt ",
        16,
        1,
        1,
        rate,
        rate * SAMPLE_BYTES,
        SAMPLE_BYTES,
        8 * SAMPLE_BYTES,
        b"data",
        len(pcm),
    )
    return head + pcm
