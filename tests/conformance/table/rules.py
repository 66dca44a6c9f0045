"""What a row of the conformance table is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tokensvc.emulator import Options

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from contextlib import AbstractAsyncContextManager

    import pytest

    from emulator.talking import Client

    Emulating = Callable[..., AbstractAsyncContextManager[Client]]

PYTHON, JAVASCRIPT, RAW = "Python SDK", "JavaScript SDK", "raw socket"
# Answers take the time they take, so that they can be met half way.
PACED = Options(latency=0.0, send_rate=8.0, playback_rate=4.0)


@dataclass(frozen=True)
class Rule:
    """A row: a fact about the Live API.

    Attributes:
        fact: What holds.
        source: Where it is known from.
        check: Exercises it by the peer whose `emulating` it is given; fails where it does not hold.
        take_out: Takes the rule out of the emulator; the check must fail then.
        unsaid: The SDKs that cannot say what the check says, and why.
    """

    fact: str
    source: str
    check: Callable[[Emulating], Awaitable[None]]
    take_out: Callable[[pytest.MonkeyPatch], None]
    unsaid: Mapping[str, str]

    @property
    def peers(self) -> list[str]:
        """Who exercises it: every SDK that can; a raw socket where one cannot."""
        able = [peer for peer in (PYTHON, JAVASCRIPT) if peer not in self.unsaid]
        return [*able, RAW] if self.unsaid else able


def rule(
    fact: str,
    source: str,
    without: Callable[[pytest.MonkeyPatch], None],
    *,
    unsaid: str | Mapping[str, str] = "",
) -> Callable[[Callable[[Emulating], Awaitable[None]]], Rule]:
    """Make a check a row of the table; *unsaid* by both SDKs, where it is one reason."""
    if isinstance(unsaid, str):
        unsaid = dict.fromkeys((PYTHON, JAVASCRIPT), unsaid) if unsaid else {}
    return lambda check: Rule(fact, source, check, without, unsaid)


def replaced(place: str, by: Any) -> Callable[[pytest.MonkeyPatch], None]:
    """The emulator with what is at *place* replaced."""
    return lambda patch: patch.setattr(f"tokensvc.emulator.{place}", by)


def entry(mapping: dict[Any, Any], key: Any, by: Any) -> Callable[[pytest.MonkeyPatch], None]:
    """The emulator with one entry of a table of its own replaced."""
    return lambda patch: patch.setitem(mapping, key, by)


def nothing(*_: Any, **__: Any) -> None:
    """Stands in for a check that has been taken out."""


async def idle(*_: Any, **__: Any) -> None:
    """The same for what is awaited."""
