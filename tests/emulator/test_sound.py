"""Sound: rates, the made-up voice, playback, recordings."""

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
    Voice,
    from_pcm,
    resample,
    to_pcm,
    wav,
)
from tokensvc.emulator.audio.recordings import Recording, Spool
from tokensvc.emulator.audio.utterances import rate_of


def tone(rate, hertz=440.0, seconds=0.5):
    return (10_000 * np.sin(2 * np.pi * hertz * np.arange(int(rate * seconds)) / rate)).astype(
        np.int16
    )


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 24_000, 44_100, 48_000])
def test_resampled_tone(rate):
    """It is the same tone at the same time, sample for sample, but at its edges."""
    made = resample(tone(rate), rate, IN_RATE)
    true = tone(IN_RATE)
    size = min(len(made), len(true))
    assert abs(len(made) - len(true)) <= 2
    assert np.abs(made[50 : size - 50].astype(int) - true[50 : size - 50]).max() < 400


def test_what_is_too_high_is_gone():
    """A tone over half the new rate does not come back as another."""
    made = resample(tone(48_000, 11_000), 48_000, IN_RATE)
    assert np.abs(made[100:-100]).max() < 300


@given(st.lists(st.integers(1, 700), min_size=1, max_size=8))
@settings(max_examples=30, deadline=None)
def test_chunks_make_no_difference(sizes):
    """A stream resampled piece by piece is the stream resampled whole."""
    source = tone(44_100, 300)
    pieces, taken = [], 0
    resampler = Resampler(44_100, IN_RATE)
    for size in sizes:
        pieces.append(resampler.feed(source[taken : taken + size]))
        taken += size
    whole = Resampler(44_100, IN_RATE).feed(source[:taken])
    assert np.array_equal(np.concatenate(pieces), whole)


def test_voice():
    """As long as the text, the same each time and in any pieces, another for another text."""
    whole = Voice("Good morning to you.", "Kore").take(10**6)
    source = Voice("Good morning to you.", "Kore")
    pieces = np.concatenate([source.take(1_000) for _ in range(source.size // 1_000 + 1)])
    assert np.array_equal(whole, pieces)
    assert len(whole) == int(0.055 * 20 * OUT_RATE)
    assert len(source.take(10)) == 0
    for text, name in (("Good morning to you!", "Kore"), ("Good morning to you.", "Puck")):
        other = Voice(text, name).take(10**6)
        alike = np.corrcoef(whole, other)[0, 1]
        assert abs(alike) < 0.3


def test_voice_of_nothing():
    """Even an empty answer is a sound."""
    assert len(Voice("", "Kore").take(10**6)) > OUT_RATE // 4


def test_playback_in_pieces():
    """It is the recording at the other rate, whole, however it is taken."""
    recording = tone(IN_RATE)
    source = Playback(recording)
    pieces = [source.take(size) for size in (960, 1, 4_800, 10**6)]
    played = np.concatenate(pieces)
    assert len(played) == source.size == len(recording) * 3 // 2
    assert np.abs(played[60:-60].astype(int) - tone(OUT_RATE)[60:-60]).max() < 400


def test_wav():
    """Python's own reader takes it."""
    with wave.open(io.BytesIO(wav(to_pcm(tone(IN_RATE)), IN_RATE))) as file:
        assert (file.getframerate(), file.getsampwidth(), file.getnframes()) == (16_000, 2, 8_000)


def test_half_a_sample():
    """A stray byte at the end is no sample."""
    assert from_pcm(b"\x01\x00\x02").tolist() == [1]


def test_recording(tmp_path):
    """What is kept is what came, up to the bound, on disk and in memory alike."""
    recording = Recording(tmp_path / "it", IN_RATE, 5, Spool(10**6))
    sent = b"".join(bytes([number % 256]) * 3_000 for number in range(80))
    for at in range(0, len(sent), 3_000):
        recording.add(sent[at : at + 3_000])
    assert recording.size == len(sent)
    assert recording.kept == 160_000
    assert recording.pcm() == sent[:160_000]
    assert recording.pcm(10_000) == sent[:10_000]
    recording.discard()
    assert not list(tmp_path.iterdir())


def test_recordings_that_share_their_room(tmp_path):
    """The disk is never fuller than said; what is discarded makes room again."""
    spool = Spool(100_000)
    first, second = (Recording(tmp_path / name, IN_RATE, 60, spool) for name in "ab")
    first.add(b"1" * 70_000)
    second.add(b"2" * 70_000)
    assert (first.kept, second.kept, second.size) == (70_000, 30_000, 70_000)
    first.discard()
    second.add(b"3" * 10_000)
    assert second.pcm() == b"2" * 30_000, "a gap is not papered over"
    third = Recording(tmp_path / "c", IN_RATE, 60, spool)
    third.add(b"4" * 80_000)
    assert third.kept == 70_000


@pytest.mark.parametrize(
    ("mime_type", "rate"),
    [
        ("audio/pcm", 16_000),
        ("audio/pcm;rate=24000", 24_000),
        ("Audio/PCM; channels=1; rate=8000", 8_000),
        ("audio/l16;rate=44100", 44_100),
        ("audio/pcm;rate=7", None),
        ("audio/wav", None),
        ("", None),
    ],
)
def test_rate_of(mime_type, rate):
    """The rate stated, 16 kHz if none is, None for what is no raw PCM."""
    assert rate_of(mime_type) == rate
