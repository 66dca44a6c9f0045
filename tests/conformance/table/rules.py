"""A row of the conformance table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Literal

from emulator.live_client import QUICK
from mutants.mutant import Mutant

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from contextlib import AbstractAsyncContextManager

    from emulator.live_client import Client

    Emulating = Callable[..., AbstractAsyncContextManager[Client]]

# Public repositories with records of the real service.
STOP_TEST = "frontier-on-cloud/gemini-live-stop-test, 2026-09"
RESUME_TEST = "frontier-on-cloud/gemini-live-resume-test, 2026-10"
FINDINGS = "frontier-on-cloud/gemini-live-resume-test, FINDINGS.md"
SMOKE_31 = "zeikar/charivo, 2026-08 (3.1)"
LOGS_25 = "googleapis/js-genai, 2025-07 (2.5)"
PYTHON, JAVASCRIPT, RAW = "Python SDK", "JavaScript SDK", "raw socket"
# Answers take some time, so that a test can act while one is in progress.
PACED = replace(QUICK, send_rate=8.0, playback_rate=4.0)


@dataclass(frozen=True)
class Source:
    """How a fact is known.

    Attributes:
        kind: ``recorded``: somebody saw it of the real service, and published it; ``documented``:
            Google's pages, reference or SDKs say so; ``ours``: neither.
        where: The repository, issue or page; for ours, why it was chosen.
    """

    kind: Literal["recorded", "documented", "ours"]
    where: str


recorded = partial(Source, "recorded")
documented = partial(Source, "documented")
ours = partial(Source, "ours")


@dataclass(frozen=True)
class Rule:
    """A row: a fact about the Live API.

    Attributes:
        fact: The fact, as a sentence.
        source: How it is known.
        check: Checks the fact with the client whose `emulating` it is given.
        mutants: Changes of the emulator that remove the rule, after which the check must fail
            (`make mutants`).
        unsupported: The SDKs that cannot do what the check does, and why.
    """

    fact: str
    source: Source
    check: Callable[[Emulating], Awaitable[None]]
    mutants: tuple[Mutant, ...]
    unsupported: Mapping[str, str]

    @property
    def peers(self) -> list[str]:
        """The clients that run the check: every SDK that can, and a raw socket if one cannot."""
        able = [peer for peer in (PYTHON, JAVASCRIPT) if peer not in self.unsupported]
        return [*able, RAW] if self.unsupported else able

    def ids(self, section: str) -> dict[str, str]:
        """Return the ID of the test with each peer."""
        return {peer: f"{section}: {self.fact} ({peer})" for peer in self.peers}


def rule(
    fact: str,
    source: Source,
    *mutants: Mutant,
    unsupported: str | Mapping[str, str] = "",
) -> Callable[[Callable[[Emulating], Awaitable[None]]], Rule]:
    """Make a row of a check; a single reason in *unsupported* applies to both SDKs."""
    if isinstance(unsupported, str):
        unsupported = dict.fromkeys((PYTHON, JAVASCRIPT), unsupported) if unsupported else {}
    return lambda check: Rule(fact, source, check, mutants, unsupported)


def without_updates(messages: list[dict[str, object]]) -> list[dict[str, object]]:
    """Return *messages* without resumption updates, which may come at any time."""
    return [message for message in messages if "sessionResumptionUpdate" not in message]


def without(file: str, old: str, new: str) -> Mutant:
    """Return a mutant of a file of the emulator."""
    return Mutant(f"tokensvc/emulator/{file}", old, new)
