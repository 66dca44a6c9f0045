"""Sound: PCM to numbers and back, other sample rates, a made-up voice, WAV files."""

from __future__ import annotations

import hashlib
import struct
from math import gcd
from typing import TypeAlias

import numpy as np
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
    return np.concatenate([resampler.feed(samples), resampler.feed(np.zeros(_TAPS, np.int16))])


class Resampler:
    """A stream at another rate: a windowed sinc, exact over chunk borders.

    Args:
        source: Rate of what is fed, in Hz.
        target: Rate of what comes out, in Hz.
    """

    def __init__(self, source: int, target: int) -> None:
        common = gcd(source, target)
        self._step = source // common
        self._parts = target // common
        self._cutoff = min(1.0, target / source) * 0.95
        self._held = np.zeros(_TAPS - 1, np.float32)
        self._next = 0  # where the next output stands, in parts of an input sample

    def feed(self, samples: Samples) -> Samples:
        """What can be said of the output now that *samples* are known."""
        held = np.concatenate([self._held, samples.astype(np.float32)])
        # An output at input position p is made of held[p .. p + 2 * _TAPS).
        room = (len(held) - 2 * _TAPS + 1) * self._parts - self._next
        count = max(0, -(-room // self._step))
        out = np.empty(count, np.float32)
        for phase in range(min(self._parts, count)):
            whole, part = divmod(self._next + self._step * phase, self._parts)
            windows = np.lib.stride_tricks.sliding_window_view(held[whole:], 2 * _TAPS)
            size = len(out[phase :: self._parts])
            out[phase :: self._parts] = windows[:: self._step][:size] @ self._kernel(part)
        end = self._next + self._step * count
        used = min(end // self._parts, len(held))
        self._held = held[used:]
        self._next = end - used * self._parts
        return np.clip(np.rint(out), -_LOUDEST, _LOUDEST).astype(np.int16)

    def _kernel(self, part: int) -> NDArray[np.float32]:
        distance = np.arange(2 * _TAPS) - (_TAPS - 1) - part / self._parts
        window = 0.5 + 0.5 * np.cos(np.pi * np.clip(distance / _TAPS, -1, 1))
        kernel = self._cutoff * np.sinc(self._cutoff * distance) * window
        return np.asarray(kernel, np.float32)


def seconds_of(text: str) -> float:
    """How long the made-up voice takes over *text*."""
    return max(0.3, SECONDS_PER_CHARACTER * len(text))


def voice(text: str, name: str) -> Samples:
    """Sound for *text* at 24 kHz in the made-up voice called *name*.

    Nobody could understand it; it has the length and rhythm of the text, differs for each text,
    and repeats nowhere, so that a recording can be held against what was sent.
    """
    size = int(seconds_of(text) * OUT_RATE)
    seed = hashlib.sha256(f"{name}\0{text}".encode()).digest()
    noise = np.random.default_rng(list(seed))
    codes = np.frombuffer(text.encode("utf-16-le") or b"\0\0", np.uint16).astype(np.float32)
    at = np.minimum(np.arange(size) * len(codes) // size, len(codes) - 1)
    place = (np.arange(size) * len(codes) / size) % 1
    base = 95 + 130 * seed[0] / 255
    pitch = base * (1 + (codes * 7 % 13) / 24 + noise.normal(0, 0.03, len(codes)))
    phase = 2 * np.pi * np.cumsum(pitch[at]) / OUT_RATE
    tone = np.sin(phase) + 0.6 * np.sin(2 * phase) + 0.4 * np.sin(5 * phase)
    hiss = noise.normal(0, 0.5, size)
    loud = np.where(codes[at] <= ord(" "), 0.02, 0.25 + 0.75 * np.sin(np.pi * place) ** 2)
    wave: Samples = (np.clip(loud * (tone + hiss) / 4, -1, 1) * 0.6 * _LOUDEST).astype(np.int16)
    return wave


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
