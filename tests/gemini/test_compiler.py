import copy
import json
import os

import pytest

from tokensvc.errors import ConfigurationError

VOICE = "speech_config.voice_config.prebuilt_voice_config.voice_name"
TOOL = {"function_declarations": [{"name": "get_local_time", "description": "The time."}]}


def test_minimal_profile_locks_audio_transcripts_and_resumption(compile_one):
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


def test_body_has_no_field_mask(compile_one):
    """Constraints without a field mask are Google's full lock."""
    assert "fieldMask" not in compile_one().body


@pytest.mark.parametrize("spelling", ["session_resumption", "sessionResumption"])
def test_part_set_to_false_is_left_out(compile_one, spelling):
    assert "sessionResumption" not in compile_one(config={spelling: False}).body_for({})["bidiGenerateContentSetup"]


def test_function_without_behavior_gets_one(compile_one):
    """Google's documentation is inconsistent about the default."""
    features = compile_one(config={"tools": [TOOL]}).features

    assert features["tools"] == [{"name": "get_local_time", "behavior": "BLOCKING"}]


def test_chosen_option_changes_only_its_own_field(compile_one):
    compiled = compile_one(
        config={"speech_config": {"language_code": "en-US"}},
        options={"voice": {"path": VOICE, "choices": ["Kore", "Puck"]}},
    )
    kore, puck = (
        copy.deepcopy(compiled.body_for({"voice": name})["bidiGenerateContentSetup"]) for name in ("Kore", "Puck")
    )

    assert compiled.body_for(compiled.profile.resolve({}))["bidiGenerateContentSetup"] == kore
    assert puck["generationConfig"].pop("speechConfig") == {
        "voice_config": {"prebuilt_voice_config": {"voice_name": "Puck"}},
        "language_code": "en-US",
    }
    assert kore["generationConfig"].pop("speechConfig") is not None
    assert kore == puck


def test_choosing_an_option_does_not_change_the_default_body(compile_one):
    compiled = compile_one(
        options={"voice": {"path": VOICE, "choices": ["Kore", "Puck"]}},
    )
    before = json.dumps(compiled.body)
    compiled.body_for({"voice": "Puck"})

    assert json.dumps(compiled.body) == before


def test_all_invalid_configs_are_reported_with_profile_and_key(compile_all):
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


def test_fault_of_all_choices_is_reported_once_and_of_one_names_it(compile_all):
    voice = {"path": VOICE, "choices": ["Kore", "Puck"]}
    size = {"path": "media_resolution.level", "choices": ["high"]}

    with pytest.raises(ConfigurationError) as caught:
        compile_all(
            {"config": {"temprature": 1}, "options": {"voice": voice}},
            {"options": {"late": {"path": "temperature", "choices": ["0.5", "warm"]}}},
            {"options": {"size": size}},
        )

    of_all_choices, of_one_choice, broken = caught.value.faults
    assert of_all_choices.startswith("profiles.p0.config.temprature")
    assert of_one_choice.startswith("profiles.p1.config.temperature")
    assert of_one_choice.endswith("(if late is warm)")
    assert broken.startswith("profiles.p2.config")


def test_cached_profile_is_not_compiled_again(compile_all, tmp_path, monkeypatch):
    (first,) = compile_all({}, cache_dir=tmp_path)
    monkeypatch.setattr("sys.executable", os.devnull)

    (second,) = compile_all({}, cache_dir=tmp_path)
    assert second.body == first.body
    with pytest.raises(OSError, match="null"):
        compile_all({"model": "gemini-3.1-flash-live-preview"}, cache_dir=tmp_path)


def test_invalid_cache_file_is_replaced(compile_all, tmp_path):
    (first,) = compile_all({}, cache_dir=tmp_path)
    for file in tmp_path.glob("*.json"):
        file.write_text('{"bo')

    (second,) = compile_all({}, cache_dir=tmp_path)
    assert second.body == first.body


def test_locked_part_omits_the_instruction(compile_one):
    compiled = compile_one(config={"system_instruction": "Secret recipe."})

    assert "systemInstruction" in compiled.body["bidiGenerateContentSetup"]
    assert "Secret recipe." not in str(compiled.locked_for({}))
    assert compiled.locked_for({})["model"] == "models/gemini-3.8-live"


@pytest.mark.parametrize(
    ("fields", "form"),
    [
        ({"model": "gemini-3.8-live"}, "content"),
        ({"model": "gemini-2.5-flash-native-audio-latest"}, "content"),
        ({"model": "gemini-9.9-unknown"}, "content"),
        ({"model": "gemini-3.1-flash-live-preview"}, "history"),
        ({"config": {"history_config": {"initial_history_in_client_content": True}}}, "history"),
        ({"rebuild": False}, None),
        ({"config": {"output_audio_transcription": False}}, None),
    ],
)
def test_features_report_how_a_context_can_be_rebuilt(compile_one, fields, form):
    assert compile_one(**fields).features.get("rebuild") == form


def test_body_for_a_rebuilt_context_announces_it_only_to_a_model_that_needs_it(compile_one):
    newest = compile_one()
    older = compile_one(model="gemini-3.1-flash-live-preview")
    plain, rebuilt = older.body_for({}), older.body_for({}, rebuild=True)

    assert newest.body_for({}, rebuild=True) == newest.body_for({})
    assert "historyConfig" not in plain["bidiGenerateContentSetup"]
    assert rebuilt["bidiGenerateContentSetup"] == plain["bidiGenerateContentSetup"] | {
        "historyConfig": {"initialHistoryInClientContent": True}
    }


def test_features_report_manual_activity_and_other_settings(compile_one):
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
        "context": "content",
        "image": "video",
        "greeting": "Greet the caller.",
        "idle_stop": 60,
    }


@pytest.mark.parametrize("spelling", ["function_declarations", "functionDeclarations"])
def test_function_that_ends_the_conversation_is_named_to_clients_and_not_to_google(compile_one, spelling):
    functions = [{"name": "hang_up", "ends": True}, {"name": "look_up", "ends": False}]
    compiled = compile_one(config={"tools": [{spelling: functions}]})

    assert compiled.features["tools"] == [
        {"name": "hang_up", "behavior": "BLOCKING", "ends": True},
        {"name": "look_up", "behavior": "BLOCKING"},
    ]
    assert "ends" not in json.dumps(compiled.body)


@pytest.mark.parametrize("ends", ["yes", 1, [], {}])
def test_ends_that_is_not_a_boolean_is_refused(compile_one, ends):
    function = {"name": "hang_up", "ends": ends}
    with pytest.raises(ValueError, match="ends of function “hang_up” must be true or false"):
        compile_one(config={"tools": [{"function_declarations": [function]}]})


@pytest.mark.parametrize("tools", ["hang_up", 1, [{"function_declarations": "hang_up"}]])
def test_tools_that_are_malformed_are_reported_as_googles_sdk_does(compile_one, tools):
    with pytest.raises(ConfigurationError, match="tools"):
        compile_one(config={"tools": tools})


@pytest.mark.parametrize(
    ("model", "coverage", "context", "image"),
    [
        ("gemini-3.8-live", None, "content", "video"),
        ("gemini-3.8-live", "TURN_INCLUDES_ONLY_ACTIVITY", "content", "content"),
        ("gemini-2.5-flash-native-audio-latest", None, "content", "content"),
        ("gemini-2.5-flash-native-audio-latest", "TURN_INCLUDES_ALL_INPUT", "content", "video"),
        ("gemini-3.1-flash-live-preview", None, "turn", "video"),
        ("gemini-3.1-flash-live-preview", "TURN_INCLUDES_ONLY_ACTIVITY", "turn", "turn"),
    ],
)
def test_features_say_how_a_model_learns_what_it_does_not_answer(compile_one, model, coverage, context, image):
    config = {"realtime_input_config": {"turn_coverage": coverage}} if coverage else {}
    features = compile_one(model=model, config=config).features

    assert (features["context"], features["image"]) == (context, image)
