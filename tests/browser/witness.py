"""Compares what the Live API received with what was recorded in the page's audio graph.

On a busy machine the browser's own microphone drops out: Chromium's fake one inserts silence.
The record contains what it delivered, so that what our code did with it can be checked exactly on
any machine.
"""

from __future__ import annotations

import base64
import io
import wave
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from browser.sound import SPEECH_RATE, at_rate, earlier, from_pcm, lag_of

if TYPE_CHECKING:
    from browser.sound import Sound

Samples = NDArray[np.int16]

CHUNK = 320
# Frames that the recorder has not delivered when it ends: less than eight quanta of the device.
UNRECORDED = 8 * 128


def read_pcm(content: bytes) -> Samples:
    """A mono, 16-bit WAV file as integers."""
    with wave.open(io.BytesIO(content)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")


@dataclass(frozen=True)
class Witnessed:
    """A microphone's recorded sound.

    Attributes:
        pcm: The record, resampled once by our resampler.
        raw: The record itself, at `rate`.
        first: How many chunks the page was given before the first that it sent.
        delivered: How many it was given in total.
    """

    pcm: Samples
    raw: Sound
    rate: int
    first: int
    delivered: int

    @classmethod
    def read(cls, told: dict[str, Any]) -> Witnessed:
        """Read what taps.js recorded."""
        pcm = np.frombuffer(base64.b64decode(told["pcm"]), dtype="<i2")
        raw = from_pcm(base64.b64decode(told["raw"]))
        return cls(pcm, raw, told["rate"], told["firstSent"], told["delivered"])

    @property
    def sent(self) -> Samples:
        """The record from the first chunk sent to the last one delivered."""
        return self.pcm[self.first * CHUNK : self.delivered * CHUNK]

    @property
    def unchanged(self) -> Sound:
        """The same stretch at 16 kHz by one whole Fourier transform, which cannot shift time."""
        return at_rate(self.raw, self.rate, SPEECH_RATE)[self.first * CHUNK :]

    def place_of(self, heard: Samples, since: int = 0) -> int | None:
        """Where in `pcm` *heard* begins, sample for sample; the end may be missing in `pcm`.

        It is sought from *since* on: a short part may be silence, which occurs before as well.
        """
        for at in range(since, len(self.pcm) + UNRECORDED - len(heard), CHUNK):
            there = self.pcm[at : at + len(heard)]
            if len(there) and np.array_equal(there, heard[: len(there)]):
                return at
        return None


def assert_all_was_heard(witnessed: Witnessed, heard: Samples) -> None:
    """Assert that every delivered chunk was heard once, in order, sample for sample.

    The length counts to the last chunk. The last few milliseconds may be missing in the record
    (`UNRECORDED` frames at most), and these are not compared.
    """
    assert len(heard) == (witnessed.delivered - witnessed.first) * CHUNK
    sent = witnessed.sent
    assert len(sent) >= len(heard) - UNRECORDED
    differing = np.flatnonzero(sent != heard[: len(sent)])
    assert not differing.size, f"differs from the capture from sample {differing[0]} of {len(heard)}"


@dataclass(frozen=True)
class Steadiness:
    """How the lag of a marker moves, in blocks of 20 ms.

    Attributes:
        blocks: How many contain the marker.
        moved: The largest movement caused by our code, in samples; infinite if a block cannot be
            found.
        browser: How often the lag moved in what the browser delivered.
    """

    blocks: int
    moved: float
    browser: int


def steadiness(reference: Sound, marked: Sound, witnessed: Witnessed, heard: Samples) -> Steadiness:
    """Follow the *marked* parts of *reference* (not 0) through everything that was heard.

    The lag in what was heard is the lag in what was captured plus what our code added. The first
    half second is left out, because browsers are starting up.
    """
    captured = witnessed.unchanged
    by_browser = _marker_lags(reference, marked, captured)[: len(captured) // CHUNK - 1]
    by_browser[: SPEECH_RATE // 2 // CHUNK] = np.nan
    found = np.flatnonzero(np.isfinite(by_browser))
    # Removes the resampler's delay of about half a sample, for sharper peaks.
    sound = earlier(heard / 32768, lag_of(captured, heard / 32768))
    lags = [_added_lag(captured, sound, block * CHUNK) for block in found]
    moves = np.abs(np.diff(by_browser[found])) > 0.5
    return Steadiness(len(found), float(np.ptp(lags)), int(moves.sum()))


def _added_lag(captured: Sound, heard: Sound, at: int) -> float:
    found = _best_match(captured, heard[at : at + CHUNK], max(0, at - 8), at + 8)
    return np.inf if found is None else at - found


def _marker_lags(reference: Sound, marked: Sound, recording: Sound) -> Sound:
    """How many samples each block of *recording* is late; NaN if it contains no marker."""
    lag = lag_of(reference, recording)
    lags = np.full(len(recording) // CHUNK, np.nan)
    for block in range(len(lags)):
        at = block * CHUNK
        whole = round(at - lag)
        if whole < 0 or not marked[whole : whole + CHUNK].all():
            continue
        sound = recording[at : at + CHUNK]
        for reach in (8, SPEECH_RATE):
            found = _best_match(reference, sound, max(0, whole - reach), whole + reach)
            if found is not None:
                lag = lags[block] = at - found
                break
    return lags


def _best_match(reference: Sound, sound: Sound, start: int, end: int) -> float | None:
    """Where *sound* begins in *reference*, between *start* and *end*, if it is there."""
    window = reference[start : end + len(sound)]
    if len(window) < len(sound) + 2:
        return None
    products = np.correlate(window, sound, "valid")
    sums = np.concatenate([[0.0], np.cumsum(window**2)])
    energies = sums[len(sound) :] - sums[: -len(sound)]
    likeness = products / np.sqrt(energies * (sound @ sound) + 1e-12)
    best = int(np.argmax(likeness))
    if likeness[best] < 0.5 or not 0 < best < len(likeness) - 1:
        return None
    before, peak, after = likeness[best - 1 : best + 2]
    return start + best + (before - after) / (2 * (before - 2 * peak + after))
