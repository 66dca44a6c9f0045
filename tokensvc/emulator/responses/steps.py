"""The steps of an answer, and the protocol of the responders that decide on them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from tokensvc.emulator.audio.pcm import Samples
    from tokensvc.emulator.audio.utterances import Utterance
    from tokensvc.emulator.conversation.context import Conversation
    from tokensvc.emulator.conversation.plan import Plan
    from tokensvc.emulator.protocol.close_reasons import Close


@dataclass(frozen=True)
class Say:
    """Speak *text*: with the synthetic voice, or as *samples* at 16 kHz."""

    text: str
    samples: Samples | None = None


@dataclass(frozen=True)
class Think:
    """Send a thought, which is text outside the transcript."""

    text: str


@dataclass(frozen=True)
class Search:
    """Search the web for *query*: the answer is grounded in *sources*, (title, URL) pairs.

    Without sources, a made-up one is sent, and without *suggestions* made-up ones, as HTML.
    """

    query: str
    sources: tuple[tuple[str, str], ...] = ()
    suggestions: str = ""


@dataclass(frozen=True)
class Call:
    """Call a declared function.

    Attributes:
        then: The steps after its result has arrived; None leaves them to the `EchoResponder`.
        repeated: Send the same call a second time.
    """

    name: str
    args: dict[str, Any] = field(default_factory=dict)
    then: tuple[Step, ...] | None = None
    repeated: bool = False


@dataclass(frozen=True)
class Pause:
    """Send nothing for some seconds."""

    seconds: float


@dataclass(frozen=True)
class Latency:
    """As the first step only: wait this long before the others, not the usual latency."""

    seconds: float


@dataclass(frozen=True)
class Work:
    """Complete the turn, and continue with the following steps after some seconds.

    A model that reports its status says meanwhile that it works.
    """

    seconds: float


@dataclass(frozen=True)
class Stop:
    """End the answer for a reason, a ``TurnCompleteReason``; later steps are dropped."""

    reason: str


@dataclass(frozen=True)
class Send:
    """Send a message as it is, whatever it contains."""

    message: dict[str, Any]


@dataclass(frozen=True)
class GoAway:
    """Announce that the connection ends in some seconds, and end it then."""

    seconds: float


@dataclass(frozen=True)
class CloseSocket:
    """Close the WebSocket."""

    close: Close


Step: TypeAlias = "Say | Think | Search | Call | Pause | Latency | Work | Stop | Send | GoAway | CloseSocket"


@dataclass(frozen=True)
class Turn:
    """A user's turn: what was typed, what was spoken, or both.

    Attributes:
        number: Its number in the conversation, from 1, across connections.
    """

    number: int
    typed: str = ""
    spoken: Utterance | None = None


@dataclass(frozen=True)
class Result:
    """A function's result.

    Attributes:
        more: Whether further results of the same call will follow.
    """

    call_id: str
    name: str
    response: Any
    scheduling: str = "WHEN_IDLE"
    more: bool = False


class Responder(Protocol):
    """Decides what to answer."""

    def transcript(self, turn: Turn) -> str:
        """Return the transcript of a spoken turn."""

    def answer(self, turn: Turn, conversation: Conversation, plan: Plan) -> tuple[Step, ...]:
        """Return the answer to a turn."""

    def conclude(self, call: Call, result: Result) -> tuple[Step, ...]:
        """Return what follows the result of a function call."""
