"""Holds what the Live API heard against what a witness in the page's audio graph recorded.

The browser's own microphone loses the thread on a busy machine: Chromium's fake one inserts
silence. What it gave is in the witness's record, and so what our code did with it can be told
exactly, on any machine.
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
# What the witness has not handed over when it ends: less than eight quanta of the device.
UNRECORDED = 8 * 128


def read_pcm(content: bytes) -> Samples:
    """A mono, 16-bit WAV file as the integers that it holds."""
    with wave.open(io.BytesIO(content)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")


@dataclass(frozen=True)
class Witnessed:
    """A microphone's sound.

    Attributes:
        pcm: What our resampler, run once, makes of the witness's record.
        raw: The record itself, at `rate`.
        first: How many chunks the page was given before the first that it sent.
        delivered: How many it was given in all.
    """

    pcm: Samples
    raw: Sound
    rate: int
    first: int
    delivered: int

    @classmethod
    def read(cls, told: dict[str, Any]) -> Witnessed:
        """As taps.js tells it."""
        pcm = np.frombuffer(base64.b64decode(told["pcm"]), dtype="<i2")
        raw = from_pcm(base64.b64decode(told["raw"]))
        return cls(pcm, raw, told["rate"], told["firstSent"], told["delivered"])

    @property
    def sent(self) -> Samples:
        """From the first chunk sent to the last one given, as far as the witness has it."""
        return self.pcm[self.first * CHUNK : self.delivered * CHUNK]

    @property
    def unchanged(self) -> Sound:
        """The same stretch at 16 kHz by a whole Fourier transform, in which time cannot move."""
        return at_rate(self.raw, self.rate, SPEECH_RATE)[self.first * CHUNK :]

    def place_of(self, heard: Samples) -> int | None:
        """Where in `pcm` *heard* begins, if it is there integer for integer; in samples.

        As far as the witness has it: its end may be missing.
        """
        for at in range(0, len(self.pcm) + UNRECORDED - len(heard), CHUNK):
            there = self.pcm[at : at + len(heard)]
            if len(there) and np.array_equal(there, heard[: len(there)]):
                return at
        return None


def assert_all_was_heard(witnessed: Witnessed, heard: Samples) -> None:
    """Every chunk that the page was given was heard once, in order, integer for integer.

    The length counts to the last chunk. Of the sound, the last few milliseconds may be missing in
    the witness's record (`UNRECORDED` frames at most), and these are not compared.
    """
    assert len(heard) == (witnessed.delivered - witnessed.first) * CHUNK
    sent = witnessed.sent
    assert len(sent) >= len(heard) - UNRECORDED
    differing = np.flatnonzero(sent != heard[: len(sent)])
    assert not differing.size, f"not as captured from sample {differing[0]} of {len(heard)} on"


@dataclass(frozen=True)
class Steadiness:
    """How the lag of a marker goes, in blocks of 20 ms.

    Attributes:
        blocks: How many hold the marker.
        moved: The most by which the lag moves for what our code did, in samples; infinite where
            a block cannot be found again.
        browser: How often it had moved in what the browser gave us.
    """

    blocks: int
    moved: float
    browser: int


def steadiness(reference: Sound, marked: Sound, witnessed: Witnessed, heard: Samples) -> Steadiness:
    """Follow the parts of *reference* that are *marked* (not 0), through all that was heard.

    The lag in what was heard is the lag in what was captured and what our code added to it. The
    first half second is left out: browsers start up in it.
    """
    captured = witnessed.unchanged
    by_browser = _marker_lags(reference, marked, captured)[: len(captured) // CHUNK - 1]
    by_browser[: SPEECH_RATE // 2 // CHUNK] = np.nan
    found = np.flatnonzero(np.isfinite(by_browser))
    # A resampler delays by some half a sample: without that the peaks are sharper.
    sound = earlier(heard / 32768, lag_of(captured, heard / 32768))
    lags = [_added_lag(captured, sound, block * CHUNK) for block in found]
    moves = np.abs(np.diff(by_browser[found])) > 0.5
    return Steadiness(len(found), float(np.ptp(lags)), int(moves.sum()))


def _added_lag(captured: Sound, heard: Sound, at: int) -> float:
    found = _likest(captured, heard[at : at + CHUNK], max(0, at - 8), at + 8)
    return np.inf if found is None else at - found


def _marker_lags(reference: Sound, marked: Sound, recording: Sound) -> Sound:
    """By how many samples each block of *recording* is late; NaN where no marker is found."""
    lag = lag_of(reference, recording)
    lags = np.full(len(recording) // CHUNK, np.nan)
    for block in range(len(lags)):
        at = block * CHUNK
        whole = round(at - lag)
        if whole < 0 or not marked[whole : whole + CHUNK].all():
            continue
        sound = recording[at : at + CHUNK]
        for reach in (8, SPEECH_RATE):
            found = _likest(reference, sound, max(0, whole - reach), whole + reach)
            if found is not None:
                lag = lags[block] = at - found
                break
    return lags


def _likest(reference: Sound, sound: Sound, start: int, end: int) -> float | None:
    """Where *sound* begins in *reference*, between *start* and *end*, if it is there at all."""
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
