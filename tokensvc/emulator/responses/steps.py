"""What an answer is made of, whoever thought of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from tokensvc.emulator.audio.pcm import Samples
    from tokensvc.emulator.audio.utterances import Utterance
    from tokensvc.emulator.conversation.context import Conversation
    from tokensvc.emulator.conversation.plan import Plan
    from tokensvc.emulator.protocol.errors import Close


@dataclass(frozen=True)
class Say:
    """Speak *text*: by the made-up voice, or as *sound* at 16 kHz."""

    text: str
    sound: Samples | None = None


@dataclass(frozen=True)
class Think:
    """A thought, sent as text that is no caption."""

    text: str


@dataclass(frozen=True)
class Search:
    """Search the web for *query*: the answer is grounded in *sources*, each a title and a URL.

    Without any, made-up ones are found.
    """

    query: str
    sources: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Call:
    """Call a declared function; *then* says what to do with its result, None recites it."""

    name: str
    args: dict[str, Any] = field(default_factory=dict)
    then: tuple[Step, ...] | None = None
    repeated: bool = False


@dataclass(frozen=True)
class Pause:
    """Say nothing for some seconds."""

    seconds: float


@dataclass(frozen=True)
class Latency:
    """As the first step: how long until the others, instead of the usual time."""

    seconds: float


@dataclass(frozen=True)
class GoAway:
    """Announce the connection's end in some seconds, and end it."""

    seconds: float


@dataclass(frozen=True)
class Shut:
    """Close the socket."""

    close: Close


Step: TypeAlias = "Say | Think | Search | Call | Pause | Latency | GoAway | Shut"


@dataclass(frozen=True)
class Turn:
    """The person's turn: what was typed, what was spoken, or both.

    Attributes:
        number: Its place in the conversation, from 1, over all connections.
    """

    number: int
    typed: str = ""
    spoken: Utterance | None = None


@dataclass(frozen=True)
class Result:
    """What a tool answered."""

    call_id: str
    name: str
    response: Any
    scheduling: str = "WHEN_IDLE"
    more: bool = False


class Mind(Protocol):
    """Whoever decides what to answer."""

    def transcript(self, turn: Turn) -> str:
        """What the person is said to have said in a spoken turn."""

    def answer(self, turn: Turn, conversation: Conversation, plan: Plan) -> tuple[Step, ...]:
        """What to do about a turn of the person."""

    def conclude(self, call: Call, result: Result) -> tuple[Step, ...]:
        """What to do about a tool's result."""
