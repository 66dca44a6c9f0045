import copy
import json
import os

import pytest

from tokensvc.errors import ConfigurationError

VOICE = "speech_config.voice_config.prebuilt_voice_config.voice_name"
TOOL = {"function_declarations": [{"name": "get_local_time", "description": "The time."}]}


def test_a_plain_profile(compile_one):
    """What a full lock would keep a client from adding is in it: sound, transcripts, resumption."""
    compiled = compile_one()

    assert compiled.body["uses"] == 1
    assert compiled.body_for({})["bidiGenerateContentSetup"] == {
        "model": "models/gemini-3.8-live",
        "generationConfig": {"responseModalities": ["AUDIO"]},
        "sessionResumption": {},
        "inputAudioTranscription": {},
        "outputAudioTranscription": {},
        "contextWindowCompression": {"sliding_window": {}},
    }


def test_no_mask(compile_one):
    """Constraints and no field mask are Google's full lock."""
    assert "fieldMask" not in compile_one().body


@pytest.mark.parametrize("spelling", ["session_resumption", "sessionResumption"])
def test_a_part_set_to_false(compile_one, spelling):
    """It is left out."""
    assert (
        "sessionResumption"
        not in compile_one(config={spelling: False}).body_for({})["bidiGenerateContentSetup"]
    )


def test_a_function_without_behaviour(compile_one):
    """One is written: Google's pages disagree on which it would be."""
    features = compile_one(config={"tools": [TOOL]}).features

    assert features["tools"] == [{"name": "get_local_time", "behavior": "BLOCKING"}]


def test_a_choice(compile_one):
    """It changes its own leaf of the body and nothing else."""
    compiled = compile_one(
        config={"speech_config": {"language_code": "en-US"}},
        options={"voice": {"path": VOICE, "choices": ["Kore", "Puck"]}},
    )
    kore, puck = (
        copy.deepcopy(compiled.body_for({"voice": name})["bidiGenerateContentSetup"])
        for name in ("Kore", "Puck")
    )

    assert compiled.body_for(compiled.profile.resolve({}))["bidiGenerateContentSetup"] == kore
    assert puck["generationConfig"].pop("speechConfig") == {
        "voice_config": {"prebuilt_voice_config": {"voice_name": "Puck"}},
        "language_code": "en-US",
    }
    assert kore["generationConfig"].pop("speechConfig") is not None
    assert kore == puck


def test_a_choice_leaves_the_default_body_unchanged(compile_one):
    compiled = compile_one(
        options={"voice": {"path": VOICE, "choices": ["Kore", "Puck"]}},
    )
    before = json.dumps(compiled.body)
    compiled.body_for({"voice": "Puck"})

    assert json.dumps(compiled.body) == before


def test_configs_that_would_be_refused(compile_all):
    """The start fails, and every fault is named by its profile and key, all at once."""
    refused = {
        "temprature": {"temprature": 1},
        "temperature": {"temperature": "hot"},
        "explicit_vad_signal": {"explicit_vad_signal": True},
        "http_options": {"http_options": {"base_url": "https://evil.example"}},
        "generation_config": {"generation_config": {"temperature": 1}},
        "session_resumption.handle": {"session_resumption": {"handle": "h"}},
        "response_modalities": {"response_modalities": ["TEXT"]},
    }

    with pytest.raises(ConfigurationError) as caught:
        compile_all(*({"config": config} for config in refused.values()))

    faults = caught.value.faults
    assert len(faults) == len(refused)
    for number, key in enumerate(refused):
        assert faults[number].startswith(f"profiles.p{number}.config.")
        assert key in faults[number]


def test_faults_and_choices(compile_all):
    """A fault that every choice shares is told once; one of a choice alone names the choice."""
    voice = {"path": VOICE, "choices": ["Kore", "Puck"]}
    size = {"path": "media_resolution.level", "choices": ["high"]}

    with pytest.raises(ConfigurationError) as caught:
        compile_all(
            {"config": {"temprature": 1}, "options": {"voice": voice}},
            {"options": {"late": {"path": "temperature", "choices": ["0.5", "warm"]}}},
            {"options": {"size": size}},
        )

    shared, alone, broken = caught.value.faults
    assert shared.startswith("profiles.p0.config.temprature")
    assert alone.startswith("profiles.p1.config.temperature")
    assert alone.endswith("(where late is warm)")
    assert broken.startswith("profiles.p2.config")


def test_a_second_start(compile_all, tmp_path, monkeypatch):
    """The SDK is not asked again for what the cache holds; another profile is asked for."""
    (first,) = compile_all({}, cache_dir=tmp_path)
    monkeypatch.setattr("sys.executable", os.devnull)

    (second,) = compile_all({}, cache_dir=tmp_path)
    assert second.body == first.body
    with pytest.raises(OSError, match="null"):
        compile_all({"model": "gemini-3.1-flash-live-preview"}, cache_dir=tmp_path)


def test_a_damaged_cache(compile_all, tmp_path):
    """It is made anew."""
    (first,) = compile_all({}, cache_dir=tmp_path)
    for file in tmp_path.glob("*.json"):
        file.write_text('{"bo')

    (second,) = compile_all({}, cache_dir=tmp_path)
    assert second.body == first.body


def test_the_locked_part_leaves_out_the_instruction(compile_one):
    compiled = compile_one(config={"system_instruction": "Secret recipe."})

    assert "systemInstruction" in compiled.body["bidiGenerateContentSetup"]
    assert "Secret recipe." not in str(compiled.locked_for({}))
    assert compiled.locked_for({})["model"] == "models/gemini-3.8-live"


def test_the_features_of_a_talk_held_by_a_button(compile_one):
    """Manual activity, a missing transcript, a greeting and a silence limit are told."""
    features = compile_one(
        config={
            "realtime_input_config": {"automatic_activity_detection": {"disabled": True}},
            "input_audio_transcription": False,
        },
        greeting="Greet the caller.",
        idle_stop="60s",
        video=["camera"],
    ).features

    assert features == {
        "modalities": ["AUDIO"],
        "video": ["camera"],
        "text": True,
        "activity": "manual",
        "transcripts": False,
        "tools": [],
        "greeting": "Greet the caller.",
        "idle_stop": 60,
    }
