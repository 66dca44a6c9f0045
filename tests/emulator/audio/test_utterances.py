"""Utterances: the formats of audio that are accepted."""

from __future__ import annotations

import pytest

from tokensvc.emulator.audio.utterances import sample_rate


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
def test_sample_rate_is_read_from_the_mime_type(mime_type, rate):
    """The default is 16 kHz, and anything but raw PCM has no rate."""
    assert sample_rate(mime_type) == rate
