import numpy as np

from tokensvc.emulator.audio.pcm import IN_RATE
from tokensvc.emulator.audio.voice_activity import DetectionConfig, VoiceActivityDetector


def test_sound_without_a_pause_is_answered_once_and_then_noise_until_there_is_a_pause():
    detector = VoiceActivityDetector(DetectionConfig(longest_ms=2000))
    sound, pause = np.full(IN_RATE, 5000, np.int16), np.zeros(IN_RATE, np.int16)

    assert [edge.kind for edge in detector.feed(sound)] == ["start"]
    (end,) = detector.feed(np.tile(sound, 4))
    assert (end.kind, round(end.at / IN_RATE)) == ("end", 2)
    assert detector.feed(pause[: IN_RATE // 2]) == detector.feed(sound) == []
    assert detector.feed(pause) == []
    assert [edge.kind for edge in detector.feed(np.concatenate([sound, pause]))] == ["start", "end"]
