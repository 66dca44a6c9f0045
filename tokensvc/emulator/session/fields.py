"""Fields of messages that are made of several things: usage, ids of calls, grounding metadata."""

from __future__ import annotations

import html
import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from tokensvc.emulator.conversation.context import Modality
    from tokensvc.emulator.responses.steps import Search


def usage(prompt: int, details: dict[Modality, int], audio: int, calls: int, thoughts: int) -> dict[str, Any]:
    """Return a turn's token usage; every turn counts the whole context again.

    As recorded, neither the details nor the total add up to everything.
    """
    return {
        "promptTokenCount": prompt,
        "responseTokenCount": audio + calls,
        **({"thoughtsTokenCount": thoughts} if thoughts else {}),
        "totalTokenCount": prompt + audio + calls,
        "promptTokensDetails": [{"modality": modality, "tokenCount": tokens} for modality, tokens in details.items()],
        "responseTokensDetails": [{"modality": "AUDIO", "tokenCount": audio}],
    }


def new_call_id(*, blocking: bool, short: bool) -> str:
    """Return the id of a new function call."""
    if not short:
        return f"function-call-{secrets.randbits(63)}"
    if not blocking:
        return f"call_{100_000 + secrets.randbelow(900_000)}"
    return f"fc_{10**19 + secrets.randbelow(2**64 - 10**19)}"


def grounding(search: Search) -> dict[str, Any]:
    """Return the grounding metadata of *search*; what it does not say is made up."""
    found = search.sources or (("example.com", "https://example.com/"),)
    return {
        "webSearchQueries": [search.query],
        "searchEntryPoint": {"renderedContent": search.suggestions or _suggestions(search.query)},
        "groundingChunks": [{"web": {"uri": url, "title": title}} for title, url in found],
    }


def _suggestions(query: str) -> str:
    """Return Search Suggestions in the form of Google's: HTML with styles of its own."""
    address = f"https://www.google.com/search?q={quote(query)}"
    return (
        "<style>.container { align-items: center; display: flex; padding: 8px; } "
        ".chip { border: solid 1px; border-radius: 16px; padding: 5px 16px; }</style>\n"
        f'<div class="container"><a class="chip" href="{address}">{html.escape(query)}</a></div>\n'
    )
