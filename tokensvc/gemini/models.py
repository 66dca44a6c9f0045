"""What each Live model is known to refuse, so that a profile fails at start and not mid-call.

Source: the model pages and migration lists of ai.google.dev/gemini-api/docs/live-api, 2026-09-15.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

_BUILT_IN_TOOLS = (  # of Google's own tools a Live session takes search alone
    "code_execution",
    "computer_use",
    "file_search",
    "google_maps",
    "google_search_retrieval",
    "mcp_servers",
    "url_context",
)


@dataclass(frozen=True)
class ModelRules:
    """The legal setup of one model.

    *thinking* names the one key of `thinking_config` that it takes, None where it takes none.
    *behaviors* are a function's legal ones, the first being what we write where none is declared.
    """

    thinking: Literal["thinking_budget", "thinking_level"] | None
    levels: tuple[str, ...] = ()
    behaviors: tuple[Literal["BLOCKING", "NON_BLOCKING"], ...] = ("BLOCKING", "NON_BLOCKING")
    proactivity: Literal["optional", "always", "never"] = "never"
    affective_dialog: bool = False


_RULES = {
    "models/gemini-2.5-flash-native-audio": ModelRules(
        thinking="thinking_budget", proactivity="optional", affective_dialog=True
    ),
    "models/gemini-3.1-flash-live": ModelRules(
        thinking="thinking_level",
        levels=("MINIMAL", "LOW", "MEDIUM", "HIGH"),
        behaviors=("BLOCKING",),
    ),
    "models/gemini-3.8-live-extended-thinking": ModelRules(
        thinking="thinking_level",
        levels=("LOW", "MEDIUM", "HIGH"),
        behaviors=("NON_BLOCKING",),
        proactivity="always",
    ),
    "models/gemini-3.8-live": ModelRules(thinking=None, proactivity="always"),
}
_UNKNOWN = ModelRules(thinking=None)


def default_behavior(model: str) -> str:
    """How a function of *model* is called where its declaration does not say.

    Google's pages disagree on its own default, so that we always write one.
    """
    return (_rules(model) or _UNKNOWN).behaviors[0]


def faults_of(model: str, config: dict[str, Any]) -> Iterator[str]:
    """Why *model* refuses *config*, a `LiveConnectConfig` with its keys in snake case.

    A model that is not known here is Google's to judge.
    """
    rules = _rules(model)
    if rules is None:
        return
    if config.get("response_modalities", ["AUDIO"]) != ["AUDIO"]:
        yield "response_modalities: this model answers in AUDIO alone; transcripts carry the text"
    yield from _thinking_faults(rules, config.get("thinking_config"))
    if config.get("enable_affective_dialog") is not None and not rules.affective_dialog:
        yield "enable_affective_dialog: this model refuses the key; remove it"
    proactive = (config.get("proactivity") or {}).get("proactive_audio")
    if rules.proactivity == "never" and config.get("proactivity") is not None:
        yield "proactivity: this model refuses the key; remove it"
    if rules.proactivity == "always" and proactive is False:
        yield "proactivity.proactive_audio: it is always on with this model, and false an error"
    for index, tool in enumerate(config.get("tools") or ()):
        yield from _tool_faults(rules, f"tools.{index}", tool)


def _rules(model: str) -> ModelRules | None:
    return next((rules for prefix, rules in _RULES.items() if model.startswith(prefix)), None)


def _thinking_faults(rules: ModelRules, thinking: dict[str, Any] | None) -> Iterator[str]:
    if thinking is None:
        return
    if rules.thinking is None:
        yield "thinking_config: this model refuses the key; remove it"
        return
    for key in ("thinking_budget", "thinking_level"):
        if thinking.get(key) is not None and key != rules.thinking:
            yield f"thinking_config.{key}: this model takes {rules.thinking} instead"
    level = thinking.get("thinking_level")
    if rules.thinking == "thinking_level" and level is not None and level not in rules.levels:
        yield f"thinking_config.thinking_level: this model takes {', '.join(rules.levels)}"


def _tool_faults(rules: ModelRules, key: str, tool: dict[str, Any]) -> Iterator[str]:
    for name in _BUILT_IN_TOOLS:
        if tool.get(name) is not None:
            yield f"{key}.{name}: a Live session does not take this tool"
    for index, function in enumerate(tool.get("function_declarations") or ()):
        behavior = function.get("behavior")
        if behavior is not None and behavior not in rules.behaviors:
            yield (
                f"{key}.function_declarations.{index}.behavior: this model takes "
                f"{' or '.join(rules.behaviors)}"
            )
