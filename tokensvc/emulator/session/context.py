"""What the parts of one session share, and the session's counters."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tokensvc.emulator.audio.recordings import Recording
    from tokensvc.emulator.clock import Clock
    from tokensvc.emulator.conversation.context import Conversation
    from tokensvc.emulator.conversation.plan import Plan
    from tokensvc.emulator.options import Options
    from tokensvc.emulator.protocol.close_reasons import Close
    from tokensvc.emulator.responses.steps import Responder
    from tokensvc.emulator.session.sender import MessageSender

KEPT_ANSWERS = 1_000
KEPT_DELAYS = 2_000


@dataclass
class Counters:
    """The counters of a session, as `GET /emulator/sessions` shows them."""

    messages: int = 0
    audio_chunks: int = 0
    video_frames: int = 0
    text_turns: int = 0
    spoken_turns: int = 0
    answers: int = 0
    interruptions: int = 0
    tool_calls: int = 0
    tool_answers: int = 0
    tool_cancellations: int = 0
    go_aways: int = 0
    resumption_updates: int = 0
    context_updates: int = 0


@dataclass(slots=True)
class AnswerRecord:
    """How much of one answer was sent; sizes are in bytes of PCM.

    Attributes:
        start: Its position in ``said.wav``.
        sent: How much was sent.
        planned: How much there was to send.
    """

    turn: int
    start: int
    sent: int = 0
    planned: int = 0
    text: str = ""
    interrupted: bool = False


@dataclass
class SessionContext:
    """What the parts of a session share.

    Attributes:
        said: The recording of the audio that is sent.
        end: Closes the connection.
        fail: Closes the connection because of an internal error.
        last_frame: Returns when a frame was last received or sent, in Unix seconds.
        go_away: Announces the connection's end in the given number of seconds, then ends it.
        delays: How late each burst of audio was sent, in seconds.
    """

    clock: Clock
    options: Options
    plan: Plan
    conversation: Conversation
    sender: MessageSender
    responder: Responder
    said: Recording
    end: Callable[[Close], None]
    fail: Callable[[BaseException | None], None]
    last_frame: Callable[[], float]
    go_away: Callable[[float], None]
    counters: Counters = field(default_factory=Counters)
    answers: deque[AnswerRecord] = field(default_factory=lambda: deque(maxlen=KEPT_ANSWERS))
    delays: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT_DELAYS))
