"""PCM audio: resampling, the synthetic voice, playback, WAV files."""

from __future__ import annotations

import io
import wave

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokensvc.emulator.audio.pcm import (
    IN_RATE,
    OUT_RATE,
    Playback,
    Resampler,
    SyntheticVoice,
    from_pcm,
    resample,
    to_pcm,
    wav,
)


def tone(rate, hertz=440.0, seconds=0.5):
    return (10_000 * np.sin(2 * np.pi * hertz * np.arange(int(rate * seconds)) / rate)).astype(np.int16)


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 24_000, 44_100, 48_000])
def test_resampled_tone_matches_the_tone_at_the_new_rate(rate):
    resampled = resample(tone(rate), rate, IN_RATE)
    expected = tone(IN_RATE)
    size = min(len(resampled), len(expected))
    assert abs(len(resampled) - len(expected)) <= 2
    assert np.abs(resampled[50 : size - 50].astype(int) - expected[50 : size - 50]).max() < 400


def test_frequencies_above_half_the_new_rate_are_removed():
    """Otherwise aliasing would turn them into other tones."""
    resampled = resample(tone(48_000, 11_000), 48_000, IN_RATE)
    assert np.abs(resampled[100:-100]).max() < 300


@given(st.lists(st.integers(1, 700), min_size=1, max_size=8))
@settings(max_examples=30, deadline=None)
def test_resampling_does_not_depend_on_chunk_sizes(sizes):
    source = tone(44_100, 300)
    pieces, position = [], 0
    resampler = Resampler(44_100, IN_RATE)
    for size in sizes:
        pieces.append(resampler.feed(source[position : position + size]))
        position += size
    whole = Resampler(44_100, IN_RATE).feed(source[:position])
    assert np.array_equal(np.concatenate(pieces), whole)


def test_voice_is_reproducible_and_differs_for_each_text_and_name():
    whole = SyntheticVoice("Good morning to you.", "Kore").read(10**6)
    source = SyntheticVoice("Good morning to you.", "Kore")
    pieces = np.concatenate([source.read(1_000) for _ in range(source.size // 1_000 + 1)])
    assert np.array_equal(whole, pieces)
    assert len(whole) == int(0.055 * 20 * OUT_RATE)
    assert len(source.read(10)) == 0
    for text, name in (("Good morning to you!", "Kore"), ("Good morning to you.", "Puck")):
        other = SyntheticVoice(text, name).read(10**6)
        assert abs(np.corrcoef(whole, other)[0, 1]) < 0.3


def test_voice_of_an_empty_text_is_audible():
    assert len(SyntheticVoice("", "Kore").read(10**6)) > OUT_RATE // 4


def test_playback_is_complete_however_it_is_read():
    recording = tone(IN_RATE)
    source = Playback(recording)
    pieces = [source.read(size) for size in (960, 1, 4_800, 10**6)]
    played = np.concatenate(pieces)
    assert len(played) == source.size == len(recording) * 3 // 2
    assert np.abs(played[60:-60].astype(int) - tone(OUT_RATE)[60:-60]).max() < 400


def test_wav_can_be_read_by_the_standard_library():
    with wave.open(io.BytesIO(wav(to_pcm(tone(IN_RATE)), IN_RATE))) as file:
        assert (file.getframerate(), file.getsampwidth(), file.getnframes()) == (16_000, 2, 8_000)


def test_half_a_sample_at_the_end_is_dropped():
    assert from_pcm(b"\x01\x00\x02").tolist() == [1]
