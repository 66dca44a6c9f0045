"""Compares recordings with a reference at one constant lag."""

from __future__ import annotations

import io
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Sound = NDArray[np.float64]

SPEECH = Path(__file__).parents[1] / "speech"
SPEECH_RATE = 16_000
BLOCK_SECONDS = 0.02
AUDIBLE = 0.01  # RMS; a block below it is silence, and correlating noise is meaningless


def read_wav(content: bytes) -> Sound:
    """A mono, 16-bit WAV file as samples from -1 to 1."""
    with wave.open(io.BytesIO(content)) as file:
        return from_pcm(file.readframes(file.getnframes()))


def from_pcm(pcm: bytes) -> Sound:
    return np.frombuffer(pcm, dtype="<i2").astype(np.float64) / 32768


def spoken(*parts: str | float) -> Sound:
    """Concatenate recordings, by name, and silences, in seconds."""
    return np.concatenate(
        [
            read_wav((SPEECH / f"{part}.wav").read_bytes())
            if isinstance(part, str)
            else np.zeros(round(part * SPEECH_RATE))
            for part in parts
        ]
    )


def marker(seconds: float) -> Sound:
    """Noise that correlates with itself at no other time, below 6.5 kHz; the same at each call."""
    count = round(seconds * SPEECH_RATE)
    noise = np.fft.rfft(np.random.default_rng(15_485_863).standard_normal(count))
    noise[np.fft.rfftfreq(count, 1 / SPEECH_RATE) > 6500] = 0
    sound = np.fft.irfft(noise, count)
    return 0.5 * sound / np.abs(sound).max()


def write_wav(path: Path, sound: Sound) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SPEECH_RATE)
        file.writeframes(np.round(sound * 32767).astype("<i2").tobytes())


def at_rate(sound: Sound, source: int, target: int) -> Sound:
    """Resample a whole recording, exactly for what both rates can represent."""
    length = round(len(sound) * target / source)
    return np.fft.irfft(np.fft.rfft(sound), length) * target / source


@dataclass(frozen=True)
class Match:
    """How well a recording holds a reference, block by block, at one lag.

    Attributes:
        lag: Samples by which the recording is late, with a fraction.
        correlations: Of each audible block of the reference, -1 to 1.
        starts: Where these blocks start in the reference, in samples.
    """

    lag: float
    correlations: Sound
    starts: NDArray[np.int64]

    @property
    def share(self) -> float:
        """The share of blocks that match at 0.95 or better."""
        return float(np.mean(self.correlations >= 0.95))


def match(reference: Sound, recording: Sound, rate: int, *, find_by: float | None = None) -> Match:
    """Compare *recording* with *reference*; its first *find_by* seconds give the lag."""
    size = len(reference) + len(recording)
    landmark = reference if find_by is None else reference[: round(find_by * rate)]
    lag = lag_of(landmark, recording)
    moved = earlier(_padded(recording, size), lag)
    block = round(BLOCK_SECONDS * rate)
    starts = np.arange(0, len(reference) - block, block)
    audible = [at for at in starts if _level(reference[at : at + block]) > AUDIBLE]
    correlations = [_likeness(reference[at : at + block], moved[at : at + block]) for at in audible]
    return Match(lag, np.array(correlations), np.array(audible))


def _padded(sound: Sound, size: int) -> Sound:
    return np.pad(sound, (0, size - len(sound)))


def _level(sound: Sound) -> float:
    return float(np.sqrt(np.mean(sound**2)))


def _likeness(one: Sound, other: Sound) -> float:
    return float(one @ other / (np.sqrt((one @ one) * (other @ other)) + 1e-12))


def lag_of(reference: Sound, recording: Sound) -> float:
    """How many samples *recording* is behind where it is most like *reference*.

    To a hundredth of a sample, because the phase of high notes changes fast.
    """
    size = len(reference) + len(recording)
    spectrum = np.fft.rfft(recording, size) * np.conj(np.fft.rfft(reference, size))
    correlation = np.fft.irfft(spectrum, size)
    whole = int(np.argmax(correlation))
    near = np.arange(-64, 65)
    values = np.take(correlation, whole + near, mode="wrap")
    fractions = np.arange(-0.6, 0.61, 0.01)
    between = [values @ np.sinc(fraction - near) for fraction in fractions]
    lag = whole + float(fractions[int(np.argmax(between))])
    return lag if lag < len(recording) else lag - size


def earlier(sound: Sound, samples: float) -> Sound:
    """The recording, rotated by *samples*, which may be a fraction."""
    turns = 2j * np.pi * np.fft.rfftfreq(len(sound))
    return np.fft.irfft(np.fft.rfft(sound) * np.exp(turns * samples), len(sound))
