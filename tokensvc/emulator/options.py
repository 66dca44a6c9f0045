"""What can be set about the emulator, with the defaults of the real service and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Options:
    """The emulator's settings; times are in seconds.

    Where reports of the real service disagree, or there are none, the choice is an option and
    docs/emulator.md says why its default is what it is.

    Attributes:
        api_keys: Keys that are taken; empty takes any plausible one.
        frames: Whether answers go out as binary frames (as Google's do) or as text.
        connection_life: A connection's length before it is cut with 1011.
        go_away_lead: How long before the cut `goAway` announces it.
        silent_after_go_away: Send nothing more once `goAway` is out.
        audio_session: A conversation's length with sound, without compression.
        video_session: The same once it has had video.
        update_interval: How often `sessionResumptionUpdate` comes.
        updates: Whether it comes only if the setup asked for it (the documented contract, and
            the stricter one) or always (as once measured).
        handle_life: How long a handle can be used after its connection ended.
        handle_state: Whether resuming restores the context as of the handle or as of the close.
        client_handle: Whether a handle in the client's own setup counts under a full lock.
        odd_masks: Whether a field mask with a path that is none (`tools.0`) is refused.
        mid_session_content: Whether 3.1 takes `clientContent` after the start (Google's own
            tests do it) or closes with 1007 (as its model page says).
        latency: From the end of what was said to the first sound of the answer.
        send_rate: How much faster than real time sound is sent.
        playback_rate: How fast the client is taken to play; `turnComplete` waits for it.
        default_modality: What a setup without `responseModalities` asks for: the SDKs' notes say
            AUDIO, the service was measured to say TEXT, which no native-audio model speaks.
        unknown_models: Take a model id not on the list as if it were the newest.
        keep_audio: Seconds of sound kept on disk for each connection and direction.
        keep_sessions: Ended connections that stay inspectable.
    """

    api_keys: tuple[str, ...] = ()
    frames: Literal["binary", "text"] = "binary"
    connection_life: float = 600.0
    go_away_lead: float = 50.0
    silent_after_go_away: bool = False
    audio_session: float = 15 * 60.0
    video_session: float = 2 * 60.0
    update_interval: float = 1.2
    updates: Literal["requested", "always"] = "requested"
    handle_life: float = 2 * 3600.0
    handle_state: Literal["snapshot", "at_close"] = "snapshot"
    client_handle: Literal["honoured", "ignored"] = "honoured"
    odd_masks: Literal["refused", "accepted"] = "refused"
    mid_session_content: Literal["accepted", "refused"] = "accepted"
    latency: float = 0.25
    send_rate: float = 4.0
    playback_rate: float = 1.0
    default_modality: Literal["TEXT", "AUDIO"] = "TEXT"
    unknown_models: bool = False
    keep_audio: float = 600.0
    keep_sessions: int = 200
