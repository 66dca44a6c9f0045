import pytest

from tokensvc.gemini.models import default_behavior, faults_of

FUNCTION = {"function_declarations": [{"name": "f", "behavior": "NON_BLOCKING"}]}
REFUSED = {
    "text from a native model": ("gemini-3.8-live", {"response_modalities": ["TEXT"]}),
    "two modalities": ("gemini-3.8-live", {"response_modalities": ["AUDIO", "TEXT"]}),
    "thinking where it is omitted": (
        "gemini-3.8-live",
        {"thinking_config": {"thinking_level": "LOW"}},
    ),
    "minimal thinking in depth": (
        "gemini-3.8-live-extended-thinking",
        {"thinking_config": {"thinking_level": "MINIMAL"}},
    ),
    "a budget instead of a level": (
        "gemini-3.1-flash-live-preview",
        {"thinking_config": {"thinking_budget": 0}},
    ),
    "proactivity switched off": (
        "gemini-3.8-live",
        {"proactivity": {"proactive_audio": False}},
    ),
    "proactivity at all": ("gemini-3.1-flash-live-preview", {"proactivity": {}}),
    "affective dialog": ("gemini-3.8-live", {"enable_affective_dialog": True}),
    "a function beside the talk": ("gemini-3.1-flash-live-preview", {"tools": [FUNCTION]}),
    "a blocking function": (
        "gemini-3.8-live-extended-thinking",
        {"tools": [{"function_declarations": [{"name": "f", "behavior": "BLOCKING"}]}]},
    ),
    "code execution": ("gemini-3.8-live", {"tools": [{"code_execution": {}}]}),
}


@pytest.mark.parametrize(("model", "config"), REFUSED.values(), ids=REFUSED)
def test_a_setup_that_a_model_refuses(model, config):
    """It is one fault, named by its key, at start."""
    (fault,) = faults_of(f"models/{model}", config)

    assert fault.startswith(next(iter(config)))


@pytest.mark.parametrize(
    ("model", "config"),
    [
        ("gemini-3.8-live", {"proactivity": {"proactive_audio": True}, "tools": [FUNCTION]}),
        ("gemini-3.8-live-extended-thinking", {"thinking_config": {"thinking_level": "HIGH"}}),
        ("gemini-3.1-flash-live-preview", {"thinking_config": {"thinking_level": "MINIMAL"}}),
        (
            "gemini-2.5-flash-native-audio-preview-12-2025",
            {"thinking_config": {"thinking_budget": 0}, "enable_affective_dialog": True},
        ),
        ("gemini-9-live", {"response_modalities": ["TEXT"], "thinking_config": {}}),
    ],
)
def test_a_setup_that_a_model_takes(model, config):
    """No rule is in its way; a model we do not know is Google's to judge."""
    assert list(faults_of(f"models/{model}", config)) == []


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("models/gemini-3.8-live", "BLOCKING"),
        ("models/gemini-3.8-live-extended-thinking", "NON_BLOCKING"),
        ("models/gemini-9-live", "BLOCKING"),
    ],
)
def test_a_function_that_does_not_say_how_it_is_called(model, expected):
    """The model's first legal behaviour is written for it."""
    assert default_behavior(model) == expected
