"""A conversation's context: who said what, and what it costs in tokens."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

AUDIO_TOKENS_PER_SECOND = 25
CHARACTERS_PER_TOKEN = 4

Modality: TypeAlias = Literal["TEXT", "AUDIO", "VIDEO"]
Kind: TypeAlias = Literal["typed", "spoken", "shown", "said", "called", "answered", "given"]


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing in the context.

    Attributes:
        kind: How it came: *typed*, *spoken* or *shown* by the person; *said* or *called* by the
            model; *answered* by a tool; *given* as history in the model's name.
        tokens: Its cost.
    """

    kind: Kind
    text: str
    modality: Modality
    tokens: int

    @property
    def by_person(self) -> bool:
        """Whether it is the person's, with whose remark a compressed context must begin."""
        return self.kind in {"typed", "spoken", "shown"}


def text_tokens(text: str) -> int:
    """A text's cost, near enough: four characters to a token."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def audio_tokens(seconds: float) -> int:
    """A sound's cost: 25 tokens a second."""
    return round(AUDIO_TOKENS_PER_SECOND * seconds)


@dataclass
class Conversation:
    """What the model knows, in order; survives a resume.

    Attributes:
        dropped: Remarks that compression has taken from the front.
        compressions: How often it did.
        turns: The person's turns so far, which is what a scenario goes by.
        began: When its first connection was set up, Unix seconds.
        video: Whether it ever had video.
    """

    instruction_tokens: int
    began: float
    remarks: list[Remark] = field(default_factory=list)
    dropped: int = 0
    compressions: int = 0
    turns: int = 0
    video: bool = False
    _held: int = 0

    def __post_init__(self) -> None:
        self._held = sum(remark.tokens for remark in self.remarks)

    @property
    def length(self) -> int:
        """Remarks ever made, dropped ones included."""
        return self.dropped + len(self.remarks)

    def add(self, kind: Kind, text: str, modality: Modality, tokens: int) -> None:
        """Put a remark at the end; none is free, so that the context's bound is one on memory."""
        remark = Remark(kind, text, modality, max(1, tokens))
        self.remarks.append(remark)
        self._held += remark.tokens

    def typed_since(self, length: int) -> str:
        """What was typed since the conversation was *length* remarks long."""
        since = self.remarks[max(0, length - self.dropped) :]
        return " ".join(remark.text for remark in since if remark.kind == "typed")

    def tokens(self) -> int:
        """What the whole context costs."""
        return self.instruction_tokens + self._held

    def by_modality(self) -> dict[Modality, int]:
        """The same, by modality."""
        return tokens_by_modality(self.remarks, self.instruction_tokens)

    def compress(self, trigger: int, target: int) -> None:
        """Past *trigger* tokens, drop the oldest until *target* holds and a person begins."""
        left = self.tokens()
        if left <= trigger:
            return
        for at in count():
            if at == len(self.remarks) or (left <= target and self.remarks[at].by_person):
                break
            left -= self.remarks[at].tokens
        del self.remarks[:at]
        self._held = left - self.instruction_tokens
        self.dropped += at
        self.compressions += 1

    def as_of(self, length: int) -> Conversation:
        """A copy that ends where the conversation was *length* remarks long."""
        return Conversation(
            instruction_tokens=self.instruction_tokens,
            began=self.began,
            remarks=self.remarks[: max(0, length - self.dropped)],
            dropped=min(self.dropped, length),
            compressions=self.compressions,
            turns=self.turns,
            video=self.video,
        )


def tokens_by_modality(remarks: Iterable[Remark], text: int = 0) -> dict[Modality, int]:
    """Tokens of *remarks* for each modality they use, beside *text* tokens."""
    out: dict[Modality, int] = {"TEXT": text} if text else {}
    for remark in remarks:
        out[remark.modality] = out.get(remark.modality, 0) + remark.tokens
    return out
