"""What the parts of one session share, and what it counts."""

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
    from tokensvc.emulator.protocol.errors import Close
    from tokensvc.emulator.responses.steps import Mind
    from tokensvc.emulator.session.sender import Outlet

LATENESSES = 2_000


@dataclass
class Counters:
    """What a session counts, as `GET /emulator/sessions` shows it."""

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


@dataclass(slots=True)
class Span:
    """One answer's part of what was said; sizes in bytes of PCM.

    Attributes:
        start: Where it begins in ``said.wav``.
        sent: How much of it went out.
        planned: How much there was to say.
    """

    turn: int
    start: int
    sent: int = 0
    planned: int = 0
    text: str = ""
    interrupted: bool = False


@dataclass
class Scene:
    """A session's surroundings."""

    clock: Clock
    options: Options
    plan: Plan
    conversation: Conversation
    outlet: Outlet
    mind: Mind
    said: Recording
    end: Callable[[Close], None]
    fail: Callable[[BaseException | None], None]
    leave: Callable[[float], None]
    counters: Counters = field(default_factory=Counters)
    spans: deque[Span] = field(default_factory=lambda: deque(maxlen=1_000))
    lateness: deque[float] = field(default_factory=lambda: deque(maxlen=LATENESSES))
