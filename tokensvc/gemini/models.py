"""The rules of each Live model, so that an invalid profile fails at start, not in a call.

Sources: the model pages and migration lists of ai.google.dev/gemini-api/docs/live-api, 2026-09-15;
what the API refused in other projects, 2025-06 to 2026-10.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

_BUILT_IN_TOOLS = (  # of Google's tools, a Live session takes only search
    *("code_execution", "computer_use", "file_search", "google_maps"),
    *("google_search_retrieval", "mcp_servers", "url_context"),
)


@dataclass(frozen=True)
class ModelRules:
    """The setup that a model accepts.

    *thinking* is the key of `thinking_config` that it accepts, if any; with *level_required*, a
    setup must have it. *behaviors* are those that a function may have; we write the first for a
    function that declares none, because Google's documentation of the default is inconsistent.
    *affective_dialog* and *proactivity* exist on v1alpha only. *rebuild* is how a fresh session
    takes what was said before: as `clientContent` at any time, or only as its initial history,
    which the setup has to announce. *coverage* is its default turn coverage, if that is special.
    """

    thinking: Literal["thinking_budget", "thinking_level"] | None
    levels: tuple[str, ...] = ()
    level_required: bool = False
    behaviors: tuple[Literal["BLOCKING", "NON_BLOCKING"], ...] = ("BLOCKING", "NON_BLOCKING")
    proactivity: Literal["optional", "always", "never"] = "never"
    affective_dialog: bool = False
    rebuild: Literal["content", "history"] = "content"
    coverage: str | None = None


_NATIVE_AUDIO_25 = ModelRules(
    thinking="thinking_budget", proactivity="optional", affective_dialog=True, coverage="TURN_INCLUDES_ONLY_ACTIVITY"
)
_RULES = {
    "models/gemini-2.5-flash-native-audio-preview-09-2025": _NATIVE_AUDIO_25,
    "models/gemini-2.5-flash-native-audio-preview-12-2025": _NATIVE_AUDIO_25,
    "models/gemini-2.5-flash-native-audio-latest": _NATIVE_AUDIO_25,
    "models/gemini-3.1-flash-live-preview": ModelRules(
        thinking="thinking_level",
        levels=("MINIMAL", "LOW", "MEDIUM", "HIGH"),
        behaviors=("BLOCKING",),
        rebuild="history",
    ),
    "models/gemini-3.8-live": ModelRules(thinking=None, proactivity="always"),
    "models/gemini-3.8-live-extended-thinking": ModelRules(
        thinking="thinking_level",
        levels=("LOW", "MEDIUM", "HIGH"),
        level_required=True,
        behaviors=("NON_BLOCKING",),
        proactivity="always",
    ),
}
KNOWN_MODELS = frozenset(_RULES)
_VOICES = (
    "Achernar Achird Algenib Algieba Alnilam Aoede Autonoe Callirrhoe Charon Despina Enceladus "
    "Erinome Fenrir Gacrux Iapetus Kore Laomedeia Leda Orus Puck Pulcherrima Rasalgethi Sadachbia "
    "Sadaltager Schedar Sulafat Umbriel Vindemiatrix Zephyr Zubenelgenubi"
)
KNOWN_VOICES = frozenset(_VOICES.split())
_UNKNOWN = ModelRules(thinking=None)


def rules_of(model: str) -> ModelRules:
    """Return the rules of *model*; those of an unknown one forbid as little as possible."""
    return _RULES.get(model, _UNKNOWN)


def faults_of(model: str, config: dict[str, Any], api_version: str) -> Iterator[str]:
    """Yield why *model* would reject *config*, a `LiveConnectConfig` with snake-case keys.

    Yields nothing for an unknown model: Google decides.
    """
    rules = _RULES.get(model)
    if rules is None:
        return
    if config.get("response_modalities", ["AUDIO"]) != ["AUDIO"]:
        yield "response_modalities: this model answers in AUDIO only; use transcripts for text"
    yield from _thinking_faults(rules, config.get("thinking_config"))
    yield from _native_audio_faults(rules, config, api_version)
    for index, tool in enumerate(config.get("tools") or ()):
        yield from _tool_faults(rules, f"tools.{index}", tool)


def _thinking_faults(rules: ModelRules, thinking: dict[str, Any] | None) -> Iterator[str]:
    if thinking is not None and rules.thinking is None:
        yield "thinking_config: this model rejects the key; remove it"
        return
    thinking = thinking or {}
    for key in ("thinking_budget", "thinking_level"):
        if thinking.get(key) is not None and key != rules.thinking:
            yield f"thinking_config.{key}: this model takes {rules.thinking} instead"
    if rules.thinking == "thinking_level":
        level = thinking.get("thinking_level")
        if level is None and rules.level_required:
            yield f"thinking_config.thinking_level: is missing; write {' or '.join(rules.levels)}"
        elif level is not None and level not in rules.levels:
            yield f"thinking_config.thinking_level: this model takes {', '.join(rules.levels)}"


def _native_audio_faults(rules: ModelRules, config: dict[str, Any], api_version: str) -> Iterator[str]:
    only_alpha = 'exists on v1alpha only; remove it, or set gemini.api_version = "v1alpha"'
    if config.get("enable_affective_dialog") is not None:
        if not rules.affective_dialog:
            yield "enable_affective_dialog: this model rejects the key; remove it"
        elif api_version != "v1alpha":
            yield f"enable_affective_dialog: {only_alpha}"
    proactivity = config.get("proactivity")
    if proactivity is None:
        return
    if rules.proactivity == "never":
        yield "proactivity: this model rejects the key; remove it"
    elif api_version != "v1alpha":
        yield f"proactivity: {only_alpha}"
    elif rules.proactivity == "always" and proactivity.get("proactive_audio") is False:
        yield "proactivity.proactive_audio: this model has it always on; remove false"


def _tool_faults(rules: ModelRules, key: str, tool: dict[str, Any]) -> Iterator[str]:
    for name in _BUILT_IN_TOOLS:
        if tool.get(name) is not None:
            yield f"{key}.{name}: a Live session does not take this tool; remove it"
    for index, function in enumerate(tool.get("function_declarations") or ()):
        of_function = f"{key}.function_declarations.{index}"
        behavior = function.get("behavior")
        if behavior is not None and behavior not in rules.behaviors:
            yield f"{of_function}.behavior: this model takes {' or '.join(rules.behaviors)}"
        yield from _schema_faults(f"{of_function}.parameters", function.get("parameters") or {})


def _schema_faults(key: str, schema: dict[str, Any]) -> Iterator[str]:
    if schema.get("enum") and schema.get("type") != "STRING":
        yield f'{key}.enum: only a schema of type "STRING" may have one'
    for name, inner in (schema.get("properties") or {}).items():
        yield from _schema_faults(f"{key}.properties.{name}", inner)
    if schema.get("items"):
        yield from _schema_faults(f"{key}.items", schema["items"])
    for index, inner in enumerate(schema.get("any_of") or ()):
        yield from _schema_faults(f"{key}.any_of.{index}", inner)
