"""Describes a locked setup to clients: what they can send, and what they will get."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tokensvc.gemini.models import rebuild_form

if TYPE_CHECKING:
    from tokensvc.config.profiles import Profile


def features_of(profile: Profile, setup: dict[str, Any]) -> dict[str, Any]:
    """Return the contract's `features`: modalities, video, text, activity, transcripts and tools.

    `greeting` (the text a client sends first) and `idle_stop` (seconds) are present if *profile*
    has them. `rebuild` says how a client may give a fresh session what was said before: as
    `content`, or as initial `history` with a token that was requested for it. It is absent if the
    profile rules it out, or if there are no transcripts.
    """
    features: dict[str, Any] = {
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
    if profile.rebuild and features["transcripts"]:
        # A profile may have asked for an initial history itself.
        form = "history" if "historyConfig" in setup else rebuild_form(profile.model)
        features["rebuild"] = form
    return features


def _detection_is_off(setup: dict[str, Any]) -> bool:
    # The SDK writes keys below the second level in snake case.
    detection = setup.get("realtimeInputConfig", {}).get("automatic_activity_detection", {})
    return bool(detection.get("disabled"))
