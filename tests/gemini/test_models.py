import pytest

from tokensvc.gemini.models import default_behavior, faults_of

FUNCTION = {"function_declarations": [{"name": "f", "behavior": "NON_BLOCKING"}]}
REFUSED = {
    "text from a native audio model": ("gemini-3.8-live", {"response_modalities": ["TEXT"]}),
    "two modalities": ("gemini-3.8-live", {"response_modalities": ["AUDIO", "TEXT"]}),
    "thinking without support": (
        "gemini-3.8-live",
        {"thinking_config": {"thinking_level": "LOW"}},
    ),
    "minimal level for extended thinking": (
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
    "proactivity without support": ("gemini-3.1-flash-live-preview", {"proactivity": {}}),
    "affective dialog without support": ("gemini-3.8-live", {"enable_affective_dialog": True}),
    "a non-blocking function without support": (
        "gemini-3.1-flash-live-preview",
        {"tools": [FUNCTION]},
    ),
    "a blocking function": (
        "gemini-3.8-live-extended-thinking",
        {"tools": [{"function_declarations": [{"name": "f", "behavior": "BLOCKING"}]}]},
    ),
    "code execution without support": ("gemini-3.8-live", {"tools": [{"code_execution": {}}]}),
}


@pytest.mark.parametrize(("model", "config"), REFUSED.values(), ids=REFUSED)
def test_setup_the_model_refuses_is_one_fault_naming_its_key(model, config):
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
def test_setup_the_model_accepts_has_no_faults(model, config):
    """A model we do not know has no rules: Google decides."""
    assert list(faults_of(f"models/{model}", config)) == []


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("models/gemini-3.8-live", "BLOCKING"),
        ("models/gemini-3.8-live-extended-thinking", "NON_BLOCKING"),
        ("models/gemini-9-live", "BLOCKING"),
    ],
)
def test_default_behavior_is_the_first_the_model_allows(model, expected):
    assert default_behavior(model) == expected
