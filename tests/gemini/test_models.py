import pytest

from tokensvc.emulator.protocol import models as emulated
from tokensvc.emulator.protocol.close_reasons import CloseError
from tokensvc.gemini.models import KNOWN_MODELS, faults_of, rules_of

NATIVE_25 = "gemini-2.5-flash-native-audio-preview-12-2025"
EXTENDED = "gemini-3.8-live-extended-thinking"
LOW = {"thinking_config": {"thinking_level": "LOW"}}
FUNCTION = {"function_declarations": [{"name": "f", "behavior": "NON_BLOCKING"}]}
REFUSED = {
    "text from a native audio model": ("gemini-3.8-live", {"response_modalities": ["TEXT"]}),
    "two modalities": ("gemini-3.8-live", {"response_modalities": ["AUDIO", "TEXT"]}),
    "thinking without support": (
        "gemini-3.8-live",
        {"thinking_config": {"thinking_level": "LOW"}},
    ),
    "minimal level for extended thinking": (
        EXTENDED,
        {"thinking_config": {"thinking_level": "MINIMAL"}},
    ),
    "extended thinking without a level": (EXTENDED, {"thinking_config": {}}),
    "a level instead of a budget": (NATIVE_25, LOW),
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
        EXTENDED,
        {"tools": [{"function_declarations": [{"name": "f", "behavior": "BLOCKING"}]}]} | LOW,
    ),
    "code execution without support": ("gemini-3.8-live", {"tools": [{"code_execution": {}}]}),
}


@pytest.mark.parametrize(("model", "config"), REFUSED.values(), ids=REFUSED)
def test_setup_the_model_refuses_is_one_fault_naming_its_key(model, config):
    (fault,) = faults_of(f"models/{model}", config, "v1alpha")

    assert fault.startswith(next(iter(config)))


def test_extended_thinking_without_a_level_is_told_which_to_write():
    (fault,) = faults_of(f"models/{EXTENDED}", {}, "v1beta")

    assert fault == "thinking_config.thinking_level: is missing; write LOW or MEDIUM or HIGH"


@pytest.mark.parametrize(
    ("model", "config"),
    [
        (NATIVE_25, {"enable_affective_dialog": True}),
        (NATIVE_25, {"enable_affective_dialog": False}),
        (NATIVE_25, {"proactivity": {"proactive_audio": True}}),
        ("gemini-3.8-live", {"proactivity": {"proactive_audio": True}}),
    ],
)
def test_field_that_only_v1alpha_has_is_refused_on_v1beta(model, config):
    """pydantic-ai measured it on 2026-10-22, with each of the models."""
    assert list(faults_of(f"models/{model}", config, "v1alpha")) == []
    (fault,) = faults_of(f"models/{model}", config, "v1beta")

    assert fault.startswith(next(iter(config)))
    assert fault.endswith('remove it, or set gemini.api_version = "v1alpha"')


@pytest.mark.parametrize(
    ("model", "config"),
    [
        ("gemini-3.8-live", {"tools": [FUNCTION]}),
        (EXTENDED, {"thinking_config": {"thinking_level": "HIGH"}}),
        ("gemini-3.1-flash-live-preview", {"thinking_config": {"thinking_level": "MINIMAL"}}),
        (NATIVE_25, {"thinking_config": {"thinking_budget": 0}}),
        ("gemini-9-live", {"response_modalities": ["TEXT"], "thinking_config": {}}),
    ],
)
def test_setup_the_model_accepts_has_no_faults(model, config):
    """A model we do not know has no rules: Google decides."""
    assert list(faults_of(f"models/{model}", config, "v1beta")) == []


@pytest.mark.parametrize("model", emulated.MODELS)
@pytest.mark.parametrize(
    ("config", "setup"),
    [
        ({}, {}),
        (
            {"enable_affective_dialog": True},
            {"generationConfig": {"enableAffectiveDialog": True}},
        ),
        *(({"proactivity": {"proactive_audio": on}}, {"proactivity": {"proactiveAudio": on}}) for on in (True, False)),
        *(
            (
                {"thinking_config": {"thinking_level": level}},
                {"generationConfig": {"thinkingConfig": {"thinkingLevel": level}}},
            )
            for level in ("MINIMAL", "HIGH")
        ),
        (
            {"thinking_config": {"thinking_budget": 0}},
            {"generationConfig": {"thinkingConfig": {"thinkingBudget": 0}}},
        ),
        *(
            (
                {"tools": [{"function_declarations": [{"name": "f", "behavior": behavior}]}]},
                {"tools": [{"functionDeclarations": [{"name": "f", "behavior": behavior}]}]},
            )
            for behavior in ("BLOCKING", "NON_BLOCKING")
        ),
    ],
)
def test_service_refuses_what_the_emulator_refuses(model, config, setup):
    """Two tables describe the models, because the service must not import the emulator."""
    if model == f"models/{EXTENDED}" and "thinking_config" not in config:
        config = config | LOW
        thinking = {"thinkingConfig": {"thinkingLevel": "LOW"}}
        setup = setup | {"generationConfig": setup.get("generationConfig", {}) | thinking}
    try:
        emulated.check(setup, emulated.MODELS[model], modality="AUDIO")
    except CloseError:
        accepted = False
    else:
        accepted = True

    assert model in KNOWN_MODELS
    assert (not list(faults_of(model, config, "v1alpha"))) == accepted


@pytest.mark.parametrize(
    ("parameters", "at"),
    [
        ({"properties": {"n": {"type": "INTEGER", "enum": ["1"]}}}, ".properties.n"),
        ({"items": {"type": "INTEGER", "enum": ["1"]}}, ".items"),
        ({"any_of": [{"type": "STRING"}, {"type": "NUMBER", "enum": ["1"]}]}, ".any_of.1"),
        ({"properties": {"n": {"type": "STRING", "enum": ["1"]}}}, None),
    ],
)
def test_enum_is_refused_in_a_schema_that_is_not_a_string(parameters, at):
    """Google's words for it are “only allowed for STRING type” (livekit issue 4159)."""
    function = {"name": "f", "behavior": "BLOCKING", "parameters": parameters}
    config = {"tools": [{"function_declarations": [function]}]}
    faults = list(faults_of("models/gemini-3.8-live", config, "v1beta"))

    key = f"tools.0.function_declarations.0.parameters{at}.enum"
    assert [fault.partition(":")[0] for fault in faults] == ([key] if at else [])


def test_alias_of_the_latest_2_5_has_its_rules():
    alias = "models/gemini-2.5-flash-native-audio-latest"

    assert alias in KNOWN_MODELS
    assert list(faults_of(alias, LOW, "v1beta")) != []


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("models/gemini-3.8-live", "BLOCKING"),
        (f"models/{EXTENDED}", "NON_BLOCKING"),
        ("models/gemini-9-live", "BLOCKING"),
    ],
)
def test_default_behavior_is_the_first_the_model_allows(model, expected):
    assert rules_of(model).behaviors[0] == expected
