"""Describes a locked setup to clients: what they can send, and what they will get."""

from typing import Any

from tokensvc.config.profiles import Profile, functions_in
from tokensvc.gemini.models import rules_of


def features_of(profile: Profile, setup: dict[str, Any]) -> dict[str, Any]:
    """Return the contract's `features`: modalities, video, text, activity, transcripts and tools.

    `greeting` (the text a client sends first) and `idle_stop` (seconds) are present if *profile*
    has them. `rebuild` says how a client may give a fresh session what was said before: as
    `content`, or as initial `history` with a token that was requested for it. It is absent if the
    profile rules it out, or if there are no transcripts. `context` says how the model can be told
    what it does not answer: as `content`, or with the person's next `turn`; `image`, how it sees a
    single picture: in the `video` stream, or as `context` says.
    """
    rules = rules_of(profile.model)
    context = "content" if rules.rebuild == "content" else "turn"
    # The SDK writes keys below the second level in snake case.
    realtime = setup.get("realtimeInputConfig", {})
    kept = realtime.get("turn_coverage", rules.coverage) != "TURN_INCLUDES_ONLY_ACTIVITY"
    detection = realtime.get("automatic_activity_detection", {})
    ending = {each.get("name") for each in functions_in(profile.config) if each.get("ends")}
    features: dict[str, Any] = {
        "modalities": setup["generationConfig"]["responseModalities"],
        "video": list(profile.video),
        "text": True,
        "activity": "manual" if detection.get("disabled") else "automatic",
        "transcripts": "inputAudioTranscription" in setup and "outputAudioTranscription" in setup,
        "tools": [
            {key: function[key] for key in ("name", "behavior")}
            | ({"ends": True} if function["name"] in ending else {})
            | _on_server(profile, function["name"])
            for tool in setup.get("tools", ())
            for function in tool.get("functionDeclarations", ())
        ],
        "context": context,
        "image": "video" if kept else context,
    }
    if profile.greeting is not None:
        features["greeting"] = profile.greeting
    if profile.idle_stop is not None:
        features["idle_stop"] = profile.idle_stop
    if profile.rebuild and features["transcripts"]:
        # A profile may have asked for an initial history itself.
        features["rebuild"] = "history" if "historyConfig" in setup else rules.rebuild
    return features


def _on_server(profile: Profile, name: str) -> dict[str, Any]:
    """Return what a client is told of a tool that the service runs."""
    tool = profile.tools.get(name)
    if tool is None:
        return {}
    optional = {"label": tool.label, "refusals": list(tool.refusals)}
    return {"runs": "server", "timeout": tool.timeout, **{key: value for key, value in optional.items() if value}}
