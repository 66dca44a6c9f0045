"""A session's plan: the parts of the effective setup that the emulator acts on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tokensvc.emulator.audio.voice_activity import DetectionConfig

if TYPE_CHECKING:
    from tokensvc.emulator.options import Options
    from tokensvc.emulator.protocol.models import Model


@dataclass(frozen=True)
class Tool:
    """A function declared in the setup."""

    name: str
    blocking: bool
    parameters: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """The settings of a session.

    Attributes:
        compress: Trigger and target of context compression, in tokens; None without compression.
        updates: When resumption updates are sent; see `Model`.
        handle_state: What a handle stands for; see `Model`.
        cancellations: Whether ``toolCallCancellation`` is ``sent``, or ``never``.
        input_transcripts: Their form; see `Options`.
        frame_tokens: Cost of one video frame.
    """

    model: Model
    model_name: str
    voice: str
    detection: DetectionConfig
    interruptible: bool
    coverage: str
    tools: tuple[Tool, ...]
    search: bool
    transcribe_input: bool
    transcribe_output: bool
    resumable: bool
    updates: str
    handle_state: str
    cancellations: str
    input_transcripts: str
    compress: tuple[int, int] | None
    initial_history: bool
    thoughts: bool
    frame_tokens: int
    instruction: str

    @staticmethod
    def of(setup: dict[str, Any], model: Model, options: Options) -> Plan:
        """Read a setup that has passed `models.check`."""
        generation = setup.get("generationConfig", {})
        realtime = setup.get("realtimeInputConfig", {})
        voice = generation.get("speechConfig", {}).get("voiceConfig", {})
        history = setup.get("historyConfig", {})
        return Plan(
            model=model,
            model_name=setup["model"],
            voice=voice.get("prebuiltVoiceConfig", {}).get("voiceName", "Zephyr"),
            detection=_detection(realtime.get("automaticActivityDetection", {}), options.longest_utterance),
            interruptible=realtime.get("activityHandling") != "NO_INTERRUPTION",
            coverage=realtime.get("turnCoverage", model.coverage),
            tools=_tools(setup.get("tools", []), model, options.default_behavior),
            search=any("googleSearch" in tool for tool in setup.get("tools", [])),
            transcribe_input="inputAudioTranscription" in setup,
            transcribe_output="outputAudioTranscription" in setup,
            resumable="sessionResumption" in setup,
            updates=_chosen(options.updates, model.updates),
            handle_state=_chosen(options.handle_state, model.handle_state),
            cancellations=_chosen(options.cancellations, model.cancellations),
            input_transcripts=_chosen(options.input_transcripts, model.input_transcripts),
            compress=_compression(setup.get("contextWindowCompression"), model),
            initial_history=history.get("initialHistoryInClientContent", False)
            and not (model.ignores_history_config and options.history_config == "ignored"),
            thoughts=generation.get("thinkingConfig", {}).get("includeThoughts", False),
            frame_tokens=_FRAME_TOKENS.get(generation.get("mediaResolution", ""), 258),
            instruction=" ".join(part["text"] for part in setup.get("systemInstruction", {}).get("parts", [])),
        )

    def with_tools(self, tools: list[dict[str, Any]], default_behavior: str) -> Plan:
        """Return the plan with other tools, which have passed `models.check_tools`."""
        return replace(
            self,
            tools=_tools(tools, self.model, default_behavior),
            search=any("googleSearch" in tool for tool in tools),
        )


_FRAME_TOKENS = {  # 258 for a setup that does not name one of these
    "MEDIA_RESOLUTION_LOW": 64,
    "MEDIA_RESOLUTION_MEDIUM": 256,
    "MEDIA_RESOLUTION_HIGH": 256,
}


def _chosen(option: str, by_model: str) -> str:
    return by_model if option == "by_model" else option


def _detection(config: dict[str, Any], longest: float) -> DetectionConfig:
    return DetectionConfig(
        automatic=not config.get("disabled", False),
        high_start_sensitivity=config.get("startOfSpeechSensitivity") != "START_SENSITIVITY_LOW",
        high_end_sensitivity=config.get("endOfSpeechSensitivity") != "END_SENSITIVITY_LOW",
        prefix_ms=config.get("prefixPaddingMs", DetectionConfig.prefix_ms),
        silence_ms=config.get("silenceDurationMs", DetectionConfig.silence_ms),
        longest_ms=round(longest * 1000),
    )


def _tools(tools: list[dict[str, Any]], model: Model, default: str) -> tuple[Tool, ...]:
    return tuple(
        Tool(
            name=declared["name"],
            blocking=_behavior(declared, model, default) == "BLOCKING",
            parameters=declared.get("parameters") or declared.get("parametersJsonSchema") or {},
        )
        for tool in tools
        for declared in tool.get("functionDeclarations", [])
    )


def _behavior(declared: dict[str, Any], model: Model, default: str) -> str:
    behavior: str = declared.get("behavior", "UNSPECIFIED")
    if behavior != "UNSPECIFIED":
        return behavior
    return default if default in model.behaviors else model.behaviors[0]


def _compression(config: dict[str, Any] | None, model: Model) -> tuple[int, int] | None:
    if config is None:
        return None
    # Google's defaults: 80 % of the context window, and half of the trigger.
    trigger = config.get("triggerTokens", model.window * 8 // 10)
    return trigger, config.get("slidingWindow", {}).get("targetTokens", trigger // 2)
