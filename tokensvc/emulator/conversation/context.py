"""A conversation's context: who said what, and how many tokens it costs."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

AUDIO_TOKENS_PER_SECOND = 25
CHARACTERS_PER_TOKEN = 4

Modality: TypeAlias = Literal["TEXT", "AUDIO", "VIDEO"]
Kind: TypeAlias = Literal["typed", "spoken", "shown", "said", "called", "answered", "history"]


@dataclass(frozen=True, slots=True)
class ContextEntry:
    """One entry of the context.

    Attributes:
        kind: *typed*, *spoken* or *shown* by the user; *said* or *called* by the model; *answered*
            by a tool; *history* that the client supplied for the model.
        tokens: Its cost.
    """

    kind: Kind
    text: str
    modality: Modality
    tokens: int

    @property
    def from_user(self) -> bool:
        """Whether it is the user's; a compressed context must begin with such an entry."""
        return self.kind in {"typed", "spoken", "shown"}


def text_tokens(text: str) -> int:
    """Estimate the cost of a text: one token per four characters, rounded up."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def audio_tokens(seconds: float) -> int:
    """Return the cost of audio: 25 tokens a second."""
    return round(AUDIO_TOKENS_PER_SECOND * seconds)


@dataclass
class Conversation:
    """What the model knows, in order; it survives a resumption.

    Attributes:
        dropped: Number of entries that compression has removed from the front.
        compressions: Number of compressions.
        pending_calls: The session's function calls that have no result yet, by id.
        turns: Number of user turns so far, by which scenarios choose their turns.
        began: When its first connection was set up, in Unix seconds.
        video: Whether it has ever included video.
        heard: Seconds of audio received, on all its connections.
    """

    instruction_tokens: int
    began: float
    entries: list[ContextEntry] = field(default_factory=list)
    dropped: int = 0
    compressions: int = 0
    pending_calls: dict[str, Any] = field(default_factory=dict)
    turns: int = 0
    video: bool = False
    heard: float = 0.0
    _entry_tokens: int = 0

    def __post_init__(self) -> None:
        self._entry_tokens = sum(entry.tokens for entry in self.entries)

    @property
    def length(self) -> int:
        """Number of entries ever added, including the dropped ones."""
        return self.dropped + len(self.entries)

    def add(self, kind: Kind, text: str, modality: Modality, tokens: int) -> None:
        """Append an entry; each costs at least one token, so that memory is bounded too."""
        entry = ContextEntry(kind, text, modality, max(1, tokens))
        self.entries.append(entry)
        self._entry_tokens += entry.tokens

    def typed_since(self, length: int) -> str:
        """Return what was typed since the conversation was *length* entries long."""
        since = self.entries[max(0, length - self.dropped) :]
        return " ".join(entry.text for entry in since if entry.kind == "typed")

    def tokens(self) -> int:
        """Return the cost of the whole context."""
        return self.instruction_tokens + self._entry_tokens

    def by_modality(self) -> dict[Modality, int]:
        """Return the cost of the whole context by modality."""
        return tokens_by_modality(self.entries, self.instruction_tokens)

    def compress(self, trigger: int, target: int) -> None:
        """Above *trigger* tokens, drop the oldest entries.

        At most *target* tokens are left, and the first entry left is the user's.
        """
        left = self.tokens()
        if left <= trigger:
            return
        for index in count():  # until enough is dropped, or everything
            if index == len(self.entries) or (left <= target and self.entries[index].from_user):
                break
            left -= self.entries[index].tokens
        del self.entries[:index]
        self._entry_tokens = left - self.instruction_tokens
        self.dropped += index
        self.compressions += 1

    def as_of(self, length: int) -> Conversation:
        """Return a copy with the first *length* entries ever added, and with all other counts.

        Pending calls are kept only if nothing is left out: they came after a shorter length.
        """
        return Conversation(
            instruction_tokens=self.instruction_tokens,
            began=self.began,
            entries=self.entries[: max(0, length - self.dropped)],
            dropped=min(self.dropped, length),
            compressions=self.compressions,
            pending_calls=dict(self.pending_calls) if length == self.length else {},
            turns=self.turns,
            video=self.video,
            heard=self.heard,
        )


def tokens_by_modality(entries: Iterable[ContextEntry], instruction_tokens: int = 0) -> dict[Modality, int]:
    """Sum the tokens of *entries* by modality; the instruction's count as text."""
    out: dict[Modality, int] = {"TEXT": instruction_tokens} if instruction_tokens else {}
    for entry in entries:
        out[entry.modality] = out.get(entry.modality, 0) + entry.tokens
    return out
