"""PCM audio: conversion to and from arrays, resampling, a synthetic voice, WAV files.

The resampler is our own because soxr's stream resampler held back 6 to 30 ms and gave different
samples for different chunk sizes, so that a recording could not be compared with what was sent.
"""

from __future__ import annotations

import hashlib
import io
import wave
from math import gcd
from typing import Protocol, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Samples: TypeAlias = NDArray[np.int16]

IN_RATE = 16_000  # Hz, of the audio that the Live API receives
OUT_RATE = 24_000  # Hz, of the audio that it sends
SAMPLE_BYTES = 2
SECONDS_PER_CHARACTER = 0.055  # of the synthetic voice
_TAPS = 16  # input samples on each side of an output that contribute to it
_PEAK = 32_767  # of a 16-bit sample


def from_pcm(pcm: bytes) -> Samples:
    """Read 16-bit little-endian mono PCM; half a sample at the end is dropped."""
    return np.frombuffer(pcm, dtype="<i2", count=len(pcm) // SAMPLE_BYTES)


def to_pcm(samples: Samples) -> bytes:
    """Write samples as 16-bit little-endian PCM."""
    return samples.astype("<i2").tobytes()


def resample(samples: Samples, source: int, target: int) -> Samples:
    """Convert a whole recording to another sample rate."""
    if source == target:
        return samples
    resampler = Resampler(source, target)
    padded = np.concatenate([samples, np.zeros(_TAPS, np.int16)])  # to flush the resampler
    parts = [resampler.feed(padded[at : at + source]) for at in range(0, len(padded), source)]
    return np.concatenate(parts)


class Resampler:
    """Converts a stream to another sample rate with a windowed sinc.

    The result does not depend on how the stream is divided into chunks, and at most 1 ms is held
    back.

    Args:
        source: Input rate in Hz.
        target: Output rate in Hz.
    """

    def __init__(self, source: int, target: int) -> None:
        # Positions in the input are counted in ticks, so that they are whole numbers: an input
        # sample lasts _input_ticks, an output sample _output_ticks.
        divisor = gcd(source, target)
        self._input_ticks = target // divisor
        self._output_ticks = source // divisor
        # The cutoff is 5% below half the lower rate, because the filter is not infinitely steep.
        self._kernels = self._build_kernels(min(1.0, target / source) * 0.95)
        self._held = np.zeros(_TAPS - 1, np.float32)  # input that later outputs still need
        self._next = 0  # where in _held the next output is, in ticks

    def feed(self, samples: Samples) -> Samples:
        """Return the output samples that can be computed once *samples* are known."""
        held = np.concatenate([self._held, samples.astype(np.float32)])
        # The output at input sample p is computed from held[p .. p + 2 * _TAPS).
        end = (len(held) - 2 * _TAPS + 1) * self._input_ticks
        positions = range(self._next, end, self._output_ticks)
        out = np.empty(len(positions), np.float32)
        # NumPy rejects windows longer than *held*; there are no outputs then.
        windows = sliding_window_view(held, 2 * _TAPS) if positions else held
        # Outputs that are _input_ticks apart lie at the same phase between two input samples, and
        # so have the same kernel.
        for first, position in enumerate(positions[: self._input_ticks]):
            sample, phase = divmod(position, self._input_ticks)
            outputs = out[first :: self._input_ticks]
            inputs = windows[sample :: self._output_ticks][: len(outputs)]
            np.einsum("ij,j->i", inputs, self._kernels[phase], out=outputs)
        self._next += len(positions) * self._output_ticks
        used = min(self._next // self._input_ticks, len(held))
        self._held = held[used:]
        self._next -= used * self._input_ticks
        clipped: Samples = np.clip(np.rint(out), -_PEAK, _PEAK).astype(np.int16)
        return clipped

    def _build_kernels(self, cutoff: float) -> NDArray[np.float32]:
        """Compute one kernel for each phase that an output can have between two inputs."""
        phase = np.arange(self._input_ticks)[:, None] / self._input_ticks
        distance = np.arange(2 * _TAPS)[None, :] - (_TAPS - 1) - phase
        window = 0.5 + 0.5 * np.cos(np.pi * np.clip(distance / _TAPS, -1, 1))  # Hann
        return np.asarray(cutoff * np.sinc(cutoff * distance) * window, np.float32)


class SampleSource(Protocol):
    """Audio at 24 kHz that is produced on demand.

    Attributes:
        size: Number of samples in total.
    """

    size: int

    def read(self, count: int) -> Samples:
        """Return the next *count* samples, fewer at the end."""


class SyntheticVoice(SampleSource):
    """A synthetic voice called *name* that speaks *text*.

    It is not intelligible, but it has the length and rhythm of the text, differs for each text and
    never repeats, so that a recording can be compared sample by sample with what was sent.
    """

    def __init__(self, text: str, name: str) -> None:
        self.size = int(max(0.3, SECONDS_PER_CHARACTER * len(text)) * OUT_RATE)
        seed = hashlib.sha256(f"{name}\0{text}".encode(errors="surrogatepass")).digest()
        self._noise = np.random.default_rng(list(seed))
        codes = np.array([ord(character) for character in text or " "], np.float64)
        self._audible = codes > ord(" ")
        jitter = self._noise.normal(0, 0.03, len(codes))
        # In Hz: a base for the whole text, and up to half as much again for each character.
        self._pitch = (95 + 130 * seed[0] / 255) * (1 + codes * 7 % 13 / 24 + jitter)
        cycles = self._pitch * self.size / len(codes) / OUT_RATE
        self._phase = np.concatenate([[0.0], np.cumsum(cycles)])
        self._taken = 0

    def read(self, count: int) -> Samples:
        """Synthesize the next *count* samples, fewer at the end."""
        end = min(self.size, self._taken + count)
        position = np.arange(self._taken, end) * (len(self._audible) / self.size)  # in characters
        self._taken = end
        character = np.minimum(position.astype(int), len(self._audible) - 1)
        fraction = position - character  # of the character, from 0 to 1
        elapsed = fraction * (self.size / len(self._audible) / OUT_RATE)  # in seconds
        phase = 2 * np.pi * (self._phase[character] + self._pitch[character] * elapsed)
        tone = np.sin(phase) + 0.6 * np.sin(2 * phase) + 0.4 * np.sin(5 * phase)
        hiss = self._noise.normal(0, 0.5, len(phase))
        # Each audible character swells and fades; a space is nearly silent.
        swell = 0.25 + 0.75 * np.sin(np.pi * fraction) ** 2
        gain = np.where(self._audible[character], swell, 0.02)
        samples: Samples = (np.clip(gain * (tone + hiss) / 4, -1, 1) * 0.6 * _PEAK).astype(np.int16)
        return samples


class Playback(SampleSource):
    """Plays back a recording at 16 kHz."""

    def __init__(self, recording: Samples) -> None:
        self.size = len(recording) * OUT_RATE // IN_RATE
        self._resampler = Resampler(IN_RATE, OUT_RATE)
        self._recording = recording
        self._fed = 0  # samples at 16 kHz
        self._ready: Samples = np.zeros(0, np.int16)
        self._taken = 0  # samples at 24 kHz

    def read(self, count: int) -> Samples:
        """Return the next *count* samples, fewer at the end."""
        count = min(count, self.size - self._taken)
        while len(self._ready) < count:
            fresh = self._recording[self._fed : self._fed + count + _TAPS]
            self._fed += len(fresh)
            # After its end the recording is padded with silence, to flush the resampler.
            resampled = self._resampler.feed(fresh if len(fresh) else np.zeros(_TAPS, np.int16))
            self._ready = np.concatenate([self._ready, resampled])
        taken, self._ready = self._ready[:count], self._ready[count:]
        self._taken += count
        return taken


def wav(pcm: bytes, rate: int) -> bytes:
    """Return mono 16-bit PCM as a WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(SAMPLE_BYTES)
        writer.setframerate(rate)
        writer.writeframes(pcm)
    return file.getvalue()
