"""Models: what each one accepts in a setup, and how it behaves in a conversation.

Source: the models' pages and docs/live-api/capabilities, as of 2026-10, and the records of the real
service that docs/conformance.md names.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from tokensvc.emulator.protocol.close_reasons import CloseError, CloseReasons

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Model:
    """A model's rules.

    Attributes:
        thinking: The accepted ``thinkingConfig`` fields; empty if thinking cannot be configured.
        levels: The accepted thinking levels.
        level_required: Whether a setup must have one of them.
        affective: Whether ``enableAffectiveDialog`` may be set.
        proactive: Whether ``proactivity`` may be set: freely, never, or only to true.
        updates: When resumption updates are sent: repeatedly if ``requested``, repeatedly
            ``always``, or ``once`` for each connection.
        handle_state: What a handle stands for: a ``snapshot``, or the session ``at_close``.
        behaviors: The function behaviors that may be declared; the first is the default.
        scheduling: Whether a tool response may have ``scheduling``.
        only_initial_content: Whether ``clientContent`` is documented for the start only.
        ignores_history_config: Whether it may answer the initial history, by option.
        coverage: The default turn coverage.
        cancellations: Whether a ``toolCallCancellation`` is ``sent`` for a blocking call that is
            interrupted, or ``never``.
        input_transcripts: Whether an input transcript is sent in ``fragments``, or once, ``final``.
        several_parts: Whether an event is documented to carry more than one part.
        names_role: Whether ``modelTurn`` has a ``role``.
        joins_calls: Whether calls that are made together come in one ``toolCall``.
        short_call_ids: Whether call ids have the short forms of 2026.
        overhead: Tokens of every prompt that no details list.
        thinks: Whether thoughts are counted without being requested.
        status: Whether ``turnComplete`` comes with ``interactionStatus``.
        window: Context window in tokens.
    """

    thinking: frozenset[str] = frozenset()
    levels: frozenset[str] = frozenset()
    level_required: bool = False
    affective: bool = False
    proactive: str = "never"
    updates: str = "requested"
    handle_state: str = "snapshot"
    behaviors: tuple[str, ...] = ("BLOCKING",)
    scheduling: bool = False
    only_initial_content: bool = False
    ignores_history_config: bool = False
    coverage: str = "TURN_INCLUDES_AUDIO_ACTIVITY_AND_ALL_VIDEO"
    cancellations: str = "sent"
    input_transcripts: str = "final"
    several_parts: bool = True
    names_role: bool = False
    joins_calls: bool = False
    short_call_ids: bool = False
    overhead: int = 0
    thinks: bool = False
    status: bool = False
    window: int = 131_072

    def model_turn(self, *parts: dict[str, Any]) -> dict[str, Any]:
        """Return a ``modelTurn`` of *parts*."""
        role = {"role": "model"} if self.names_role else {}
        return {**role, "parts": [*parts]}


_NATIVE_25 = Model(
    thinking=frozenset({"thinkingBudget", "includeThoughts"}),
    affective=True,
    proactive="freely",
    behaviors=("BLOCKING", "NON_BLOCKING"),
    scheduling=True,
    ignores_history_config=True,
    coverage="TURN_INCLUDES_ONLY_ACTIVITY",
    input_transcripts="fragments",
    several_parts=False,
)
_LIVE_38 = Model(
    proactive="only true",
    updates="once",
    handle_state="at_close",
    # The model page says that non-blocking is the default; the tools guide says that a declaration
    # without a behavior blocks. A client that declares the behavior is right under both.
    behaviors=("NON_BLOCKING", "BLOCKING"),
    scheduling=True,
    cancellations="never",
    names_role=True,
    joins_calls=True,
    short_call_ids=True,
    overhead=520,
    thinks=True,
)
MODELS: Mapping[str, Model] = MappingProxyType(
    {
        "models/gemini-2.5-flash-native-audio-preview-09-2025": _NATIVE_25,
        "models/gemini-2.5-flash-native-audio-preview-12-2025": _NATIVE_25,
        "models/gemini-2.5-flash-native-audio-latest": _NATIVE_25,
        "models/gemini-3.1-flash-live-preview": Model(
            thinking=frozenset({"thinkingLevel", "includeThoughts"}),
            levels=frozenset({"MINIMAL", "LOW", "MEDIUM", "HIGH"}),
            only_initial_content=True,
            updates="always",
        ),
        "models/gemini-3.8-live": _LIVE_38,
        "models/gemini-3.8-live-extended-thinking": replace(
            _LIVE_38,
            thinking=frozenset({"thinkingLevel", "includeThoughts"}),
            level_required=True,
            levels=frozenset({"LOW", "MEDIUM", "HIGH"}),
            behaviors=("NON_BLOCKING",),
            scheduling=False,
            status=True,
        ),
    }
)
NEWEST = "models/gemini-3.8-live"
RETIRED = frozenset(
    {
        "models/gemini-2.0-flash-live-001",
        "models/gemini-2.0-flash-live-preview-04-09",
        "models/gemini-live-2.5-flash-preview",
    }
)
_NEVER_IN_LIVE = (
    "responseLogprobs",
    "responseMimeType",
    "logprobs",
    "responseSchema",
    "responseJsonSchema",
    "stopSequences",
    "routingConfig",
    "audioTimestamp",
)
_TOOLS = frozenset({"functionDeclarations", "googleSearch"})
_FUNCTION_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:\-]{0,127}")
_LIMITS = (
    ("temperature", 0, 2),
    ("topP", 0, 1),
    ("topK", 0, 10**6),
    ("maxOutputTokens", 1, 65_536),
)


def find(name: str, *, version: str, constrained: bool, unknown: bool) -> Model:
    """Return the model that a setup names; if *unknown* ones are allowed, the newest for those.

    Raises:
        CloseError: 1008 if it does not exist; 1007 on the token method for a name that falls
            through to the lookup of tuned models (without ``models/``, or retired).
    """
    if name in MODELS:
        return MODELS[name]
    if constrained and (not name.startswith("models/") or name in RETIRED):
        raise CloseError(CloseReasons.project_scoped)
    if not name:
        raise CloseError(CloseReasons.no_model)
    if not name.startswith("models/"):
        raise CloseError(CloseReasons.no_resource(name))
    if unknown and name not in RETIRED:
        return MODELS[NEWEST]
    raise CloseError(CloseReasons.model_not_found(name[:60], version))


def check(setup: dict[str, Any], model: Model, *, modality: str = "TEXT") -> None:
    """Check a setup against its model; *modality* is the default response modality.

    Raises:
        CloseError: 1007 for the first field that the model does not accept.
    """
    generation = setup.get("generationConfig", {})
    _check_modalities(generation.get("responseModalities") or [modality])
    _check_generation(generation)
    _check_thinking(generation.get("thinkingConfig"), model)
    _check_affective(generation, model)
    _check_proactivity(setup.get("proactivity"), model)
    _check_compression(setup.get("contextWindowCompression"), model)
    _check_realtime(setup.get("realtimeInputConfig", {}))
    _check_instruction(setup.get("systemInstruction", {}))
    check_tools(setup.get("tools", []), model)


def check_version(setup: dict[str, Any]) -> None:
    """Check a setup on a version other than v1alpha, as reported in js-genai issue 696.

    Raises:
        CloseError: 1007 for a field that only v1alpha has.
    """
    if "proactivity" in setup:
        raise CloseError(CloseReasons.unknown_field("proactivity", "setup"))
    if "enableAffectiveDialog" in setup.get("generationConfig", {}):
        raise CloseError(CloseReasons.unknown_field("enableAffectiveDialog", "setup.generation_config"))


def check_tools(tools: list[dict[str, Any]], model: Model) -> None:
    """Check declared tools against their model.

    Raises:
        CloseError: 1007 for the first one that the model does not accept.
    """
    for tool in tools:
        if not tool.keys() <= _TOOLS:
            raise CloseError(CloseReasons.invalid_argument)
        for declared in tool.get("functionDeclarations", []):
            if not _FUNCTION_NAME.fullmatch(declared.get("name", "")):
                raise CloseError(CloseReasons.function_name)
            behavior = declared.get("behavior", "UNSPECIFIED")
            if behavior not in (*model.behaviors, "UNSPECIFIED"):
                raise CloseError(CloseReasons.behavior(behavior))
            _check_schema(declared.get("parameters", {}), "parameters")


def _check_modalities(asked: list[str]) -> None:
    if asked != ["AUDIO"]:
        raise CloseError(CloseReasons.modalities(", ".join(sorted(set(asked)))))


def _check_generation(generation: dict[str, Any]) -> None:
    if any(name in generation for name in _NEVER_IN_LIVE):
        raise CloseError(CloseReasons.invalid_argument)
    for name, lowest, highest in _LIMITS:
        if not lowest <= generation.get(name, lowest) <= highest:
            raise CloseError(CloseReasons.invalid_argument)


def _check_thinking(thinking: dict[str, Any] | None, model: Model) -> None:
    if model.level_required and "thinkingLevel" not in (thinking or {}):
        raise CloseError(CloseReasons.invalid_argument)
    if thinking is None:
        return
    if not model.thinking:
        raise CloseError(CloseReasons.thinking)
    for name in thinking:
        if name not in model.thinking:
            raise CloseError(CloseReasons.thinking_field(name))
    level = thinking.get("thinkingLevel")
    if level is not None and level not in model.levels:
        raise CloseError(CloseReasons.thinking_level(level))


def _check_affective(generation: dict[str, Any], model: Model) -> None:
    if "enableAffectiveDialog" in generation and not model.affective:
        raise CloseError(CloseReasons.invalid_argument)


def _check_proactivity(proactivity: dict[str, Any] | None, model: Model) -> None:
    if proactivity is None or model.proactive == "freely":
        return
    if model.proactive == "never":
        raise CloseError(CloseReasons.proactive)
    if proactivity.get("proactiveAudio") is False:
        raise CloseError(CloseReasons.not_proactive)


def _check_compression(compression: dict[str, Any] | None, model: Model) -> None:
    if compression is None:
        return
    # Google's defaults: 80 % of the window, and half of the trigger.
    trigger = compression.get("triggerTokens", model.window * 8 // 10)
    target = compression.get("slidingWindow", {}).get("targetTokens", trigger // 2)
    if not 0 < target <= trigger <= model.window:
        raise CloseError(CloseReasons.invalid_argument)


def _check_realtime(realtime: dict[str, Any]) -> None:
    detection = realtime.get("automaticActivityDetection", {})
    for name in ("prefixPaddingMs", "silenceDurationMs"):
        if detection.get(name, 0) < 0:
            raise CloseError(CloseReasons.invalid_argument)


def _check_instruction(instruction: dict[str, Any]) -> None:
    if any("text" not in part for part in instruction.get("parts", [])):
        raise CloseError(CloseReasons.invalid_argument)


def _check_schema(schema: dict[str, Any], path: str) -> None:
    if schema.get("enum") and schema.get("type") != "STRING":
        raise CloseError(CloseReasons.enum(path))
    for name, inner in schema.get("properties", {}).items():
        _check_schema(inner, f"{path}.properties[{name}]")
    if "items" in schema:
        _check_schema(schema["items"], f"{path}.items")
    for index, inner in enumerate(schema.get("anyOf", [])):
        _check_schema(inner, f"{path}.any_of[{index}]")
