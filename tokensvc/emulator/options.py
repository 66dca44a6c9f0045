"""What can be set about the emulator, with the defaults of the real service and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal


def setting(default: Any, meaning: str) -> Any:  # noqa: ANN401 - of the field's own type
    """A field with what it means, which is also its help on the command line."""
    return field(default=default, metadata={"meaning": meaning})


@dataclass(frozen=True)
class Options:
    """The emulator's settings; times are in seconds.

    Where reports of the real service disagree, or there are none, the choice is an option, and
    docs/emulator.md says why its default is what it is.
    """

    api_keys: tuple[str, ...] = setting((), "API keys to take; none takes any plausible one.")
    frames: Literal["binary", "text"] = setting(
        "binary", "Kind of WebSocket frame that answers come in."
    )
    latency: float = setting(0.25, "Seconds from the end of a turn to the answer's first sound.")
    send_rate: float = setting(4.0, "How much faster than real time sound is sent.")
    playback_rate: float = setting(
        1.0, "How fast the client is taken to play; turnComplete is held until it has."
    )
    connection_life: float = setting(600.0, "Seconds until a connection is cut with 1011.")
    go_away_lead: float = setting(50.0, "Seconds from goAway to that cut.")
    silent_after_go_away: bool = setting(
        default=False, meaning="Send nothing more once goAway is out."
    )
    audio_session: float = setting(
        900.0, "Seconds of a conversation with sound, without context compression."
    )
    video_session: float = setting(120.0, "The same once it has had video.")
    update_interval: float = setting(1.2, "Seconds between sessionResumptionUpdates.")
    updates: Literal["requested", "always"] = setting(
        "requested", "Whether they come only if the setup has sessionResumption."
    )
    handle_life: float = setting(7200.0, "Seconds a handle lasts once its connection ended.")
    handle_state: Literal["snapshot", "at_close"] = setting(
        "snapshot", "Whether resuming restores the context as of the handle, or of the close."
    )
    client_handle: Literal["honoured", "ignored"] = setting(
        "honoured", "A handle in the client's own setup, under a full lock that has resumption."
    )
    odd_masks: Literal["refused", "accepted"] = setting(
        "refused", "Field masks with a path that is none, such as tools.0."
    )
    mid_session_content: Literal["accepted", "refused"] = setting(
        "accepted", "clientContent after the start, on 3.1."
    )
    default_modality: Literal["TEXT", "AUDIO"] = setting(
        "TEXT", "What a setup without responseModalities asks for."
    )
    default_behavior: Literal["by_model", "BLOCKING", "NON_BLOCKING"] = setting(
        "by_model", "What a function declared without behavior is."
    )
    native_fields: Literal["everywhere", "v1alpha"] = setting(
        "everywhere", "Versions on which 2.5 takes proactivity and affective dialog."
    )
    input_transcripts: Literal["fragments", "final", "cumulative"] = setting(
        "fragments", "How inputTranscription comes: in parts, whole, or each time from the start."
    )
    unknown_models: bool = setting(
        default=False, meaning="Take a model id not on the list as the newest one."
    )
    keep_audio: float = setting(600.0, "Seconds of sound kept on disk, a connection and direction.")
    keep_total: float = setting(1000.0, "Megabytes of sound kept on disk in all.")
    keep_sessions: int = setting(200, "Ended connections that can still be looked at.")
