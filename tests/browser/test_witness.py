"""The measurements that the other tests rely on find what they should."""

from __future__ import annotations

import numpy as np
import pytest

from browser.sound import SPEECH_RATE, at_rate, marker
from browser.witness import CHUNK, Witnessed, assert_all_was_heard, steadiness

DEVICE_RATE = 48_000
MARKER = marker(4.0)
DELAYED = np.concatenate([np.zeros(23), MARKER])
HEARD = np.round(DELAYED[: len(MARKER)] * 32768).astype(np.int16)
WITNESSED = Witnessed(HEARD, at_rate(MARKER, SPEECH_RATE, DEVICE_RATE), DEVICE_RATE, 0, len(MARKER) // CHUNK)


def test_resampled_recording_matches() -> None:
    """The resampler's own delay does not count."""
    assert_all_was_heard(WITNESSED, HEARD)
    steady = steadiness(MARKER, MARKER, WITNESSED, HEARD)
    assert steady.blocks > 150
    assert steady.moved < 0.1
    assert steady.browser == 0


@pytest.mark.parametrize("samples", [1, 2, 16, 320])
def test_lost_and_repeated_samples_are_found(samples: int) -> None:
    """A single sample is enough, by either measure; so is a chunk."""
    middle = len(HEARD) // 2
    lost = np.delete(HEARD, slice(middle, middle + samples))
    doubled = np.insert(HEARD, middle, HEARD[middle : middle + samples])[: len(HEARD)]
    for wrong in (lost, doubled):
        assert steadiness(MARKER, MARKER, WITNESSED, wrong).moved > 0.5
        with pytest.raises(AssertionError):
            assert_all_was_heard(WITNESSED, wrong)
        assert WITNESSED.place_of(wrong) is None


def test_silence_inserted_by_the_browser_is_attributed_to_it() -> None:
    """It is reported, but not as our error."""
    middle = len(MARKER) // 2
    broken = np.insert(MARKER, middle, np.zeros(160))[: len(MARKER)]
    raw = at_rate(broken, SPEECH_RATE, DEVICE_RATE)
    heard = np.round(np.concatenate([np.zeros(23), broken[:-23]]) * 32768).astype(np.int16)
    witnessed = Witnessed(heard, raw, DEVICE_RATE, 0, len(heard) // CHUNK)
    steady = steadiness(MARKER, MARKER, witnessed, heard)
    assert steady.browser == 1
    assert steady.moved < 0.5
