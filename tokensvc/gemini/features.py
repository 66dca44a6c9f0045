"""What a client must know of a locked setup to fit itself to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokensvc.gemini.compiler import CompiledProfile


def features_of(compiled: CompiledProfile) -> dict[str, Any]:
    """The contract's `features`: modalities, video, text, activity, transcripts and tools.

    `greeting` (the text a client sends first) and `idle_stop` (seconds) are there where the
    profile has them.
    """
    profile = compiled.profile
    setup = compiled.body["bidiGenerateContentSetup"]
    features = {
        "modalities": setup["generationConfig"]["responseModalities"],
        "video": list(profile.video),
        "text": True,
        "activity": "manual" if _detection_is_off(setup) else "automatic",
        "transcripts": "inputAudioTranscription" in setup and "outputAudioTranscription" in setup,
        "tools": [
            {"name": function["name"], "behavior": function["behavior"]}
            for tool in setup.get("tools", ())
            for function in tool.get("functionDeclarations", ())
        ],
    }
    if profile.greeting is not None:
        features["greeting"] = profile.greeting
    if profile.idle_stop is not None:
        features["idle_stop"] = profile.idle_stop
    return features


def locked_part(setup: dict[str, Any]) -> dict[str, Any]:
    """*setup* as a visitor may see it: all but the text of the instruction."""
    return {key: value for key, value in setup.items() if key != "systemInstruction"}


def _detection_is_off(setup: dict[str, Any]) -> bool:
    # The SDK writes what lies below the second level in snake case.
    detection = setup.get("realtimeInputConfig", {}).get("automatic_activity_detection", {})
    return bool(detection.get("disabled"))
