"""Recordings: audio kept on disk within a limit."""

from __future__ import annotations

from tokensvc.emulator.audio.pcm import IN_RATE
from tokensvc.emulator.audio.recordings import DiskBudget, Recording


def test_recording_keeps_audio_up_to_its_limit(tmp_path):
    recording = Recording(tmp_path / "it", IN_RATE, 5, DiskBudget(10**6))
    sent = b"".join(bytes([number % 256]) * 3_000 for number in range(80))
    for at in range(0, len(sent), 3_000):
        recording.add(sent[at : at + 3_000])
    assert recording.size == len(sent)
    assert recording.kept == 160_000
    assert recording.pcm() == sent[:160_000]
    assert recording.pcm(10_000) == sent[:10_000]
    recording.discard()
    assert not list(tmp_path.iterdir())


def test_recordings_share_one_disk_budget(tmp_path):
    """A discarded recording releases its space; a recording with a gap is not continued."""
    budget = DiskBudget(100_000)
    first, second = (Recording(tmp_path / name, IN_RATE, 60, budget) for name in "ab")
    first.add(b"1" * 70_000)
    second.add(b"2" * 70_000)
    assert (first.kept, second.kept, second.size) == (70_000, 30_000, 70_000)
    first.discard()
    second.add(b"3" * 10_000)
    assert second.pcm() == b"2" * 30_000, "nothing is kept after a gap"
    third = Recording(tmp_path / "c", IN_RATE, 60, budget)
    third.add(b"4" * 80_000)
    assert third.kept == 70_000
