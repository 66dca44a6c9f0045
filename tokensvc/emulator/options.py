"""The emulator's settings, with the real service's behaviour as their defaults."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal


def setting(default: Any, description: str) -> Any:  # noqa: ANN401 - of the field's own type
    """Declare a field; its description is also the command line's help text."""
    return field(default=default, metadata={"description": description})


@dataclass(frozen=True)
class Options:
    """The emulator's settings; times are in seconds.

    Where reports about the real service disagree, or there are none, the behaviour is an option,
    and docs/emulator.md explains its default.
    """

    api_keys: tuple[str, ...] = setting(
        (), "API key to accept; repeatable. Without any, every plausible key is accepted."
    )
    frames: Literal["binary", "text"] = setting("binary", "Type of WebSocket frame that the server sends.")
    latency: float = setting(0.25, "Seconds from the end of a turn to the answer's first audio.")
    send_rate: float = setting(4.0, "Speed at which audio is sent, as a multiple of real time.")
    playback_rate: float = setting(
        1.0,
        "Speed at which the client is assumed to play audio, as a multiple of real time; "
        "turnComplete is held back until playback has finished.",
    )
    connection_life: float = setting(590.0, "Seconds until a connection is closed with 1008.")
    go_away_lead: float = setting(50.0, "Seconds between goAway and that close.")
    idle_timeout: float = setting(480.0, "Seconds without a message in either direction until it is closed with 1011.")
    silent_after_go_away: bool = setting(default=False, description="Send nothing more after goAway.")
    audio_session: float = setting(900.0, "Maximum length in seconds of a conversation without context compression.")
    video_session: float = setting(120.0, "The same, once the conversation has included video.")
    updates: Literal["by_model", "requested", "always", "once"] = setting(
        "by_model",
        "Send resumption updates repeatedly, if the setup has sessionResumption or always; "
        "or once for each connection. By model: 2.5, 3.1 and 3.8, in this order.",
    )
    update_interval: float = setting(1.2, "Seconds between repeated updates.")
    update_delay: float = setting(
        0.115, "Seconds from setupComplete to the only update, unless the connection resumes."
    )
    handle_life: float = setting(7200.0, "Seconds for which a handle stays valid after its connection has ended.")
    handle_state: Literal["by_model", "snapshot", "at_close"] = setting(
        "by_model",
        "Resume with the context as of the handle, or as of the close. By model: the close on 3.8.",
    )
    resume_lock: float = setting(1.4, "Seconds after a close while the model is idle during which resuming is refused.")
    refusal_delay: float = setting(0.56, "Seconds until that refusal, or that of a session that is open elsewhere.")
    client_handle: Literal["own", "honoured", "ignored"] = setting(
        "own",
        "Handle in the client's own setup, under a full lock that has resumption: honoured if it is of a "
        "conversation that the token opened, whosever it is, or never.",
    )
    unknown_mask_paths: Literal["refused", "accepted"] = setting(
        "refused", "Field masks with a path that a setup does not have, such as tools.0."
    )
    mid_session_content: Literal["accepted", "refused"] = setting(
        "refused", "clientContent after the start of a session, on 3.1."
    )
    incomplete_content: Literal["joined", "awaited"] = setting(
        "joined",
        "Speech after a clientContent without turnComplete: answer it, or wait for turnComplete.",
    )
    history_config: Literal["honoured", "ignored"] = setting(
        "honoured",
        "historyConfig on 2.5: take the initial history silently, or answer it like any content.",
    )
    context_update: Literal["refused", "ignored", "honoured"] = setting(
        "refused", "contextUpdate in a session under a token's lock."
    )
    longest_utterance: float = setting(
        0.0,
        "Seconds of sound without a pause after which it is answered, and taken for noise until there is "
        "a pause; 0: never.",
    )
    default_modality: Literal["TEXT", "AUDIO"] = setting(
        "TEXT", "Response modality of a setup without responseModalities."
    )
    default_behavior: Literal["by_model", "BLOCKING", "NON_BLOCKING"] = setting(
        "by_model", "Behaviour of a function that is declared without one."
    )
    native_fields: Literal["everywhere", "v1alpha"] = setting(
        "everywhere", "API versions on which proactivity and affective dialog are accepted."
    )
    input_transcripts: Literal["by_model", "fragments", "final", "cumulative"] = setting(
        "by_model",
        "Form of inputTranscription: in fragments, once at the end, or growing from the start.",
    )
    interim_transcripts: bool = setting(
        default=False,
        description="Send interimInputTranscription, with one more word each, before a transcript.",
    )
    parts: Literal["one", "several"] = setting(
        "one", "Parts of sound in a message, on models that are documented to send several."
    )
    cancellations: Literal["by_model", "sent", "never"] = setting(
        "by_model", "toolCallCancellation when an interruption drops a blocking call."
    )
    unknown_models: bool = setting(default=False, description="Treat an unknown model id as the newest model.")
    keep_audio: float = setting(600.0, "Seconds of audio kept on disk per connection and direction.")
    keep_total: float = setting(1000.0, "Megabytes of audio kept on disk in total.")
    keep_sessions: int = setting(200, "Number of closed connections that can still be inspected.")
