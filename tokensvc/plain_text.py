"""Reads, checks and shows text that people wrote elsewhere, and finds characters that nobody sees in it."""

import difflib
import json
import re
from collections.abc import Iterable
from typing import TypeGuard

LONGEST_SUBJECT = 255  # characters
PSEUDONYM = re.compile(r"erased:[0-9a-f]{32}", re.ASCII)  # the trigger on `events` accepts no other form
# No control characters, line or paragraph separators, or lone surrogates.
_PLAIN = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
# What `isprintable` accepts though nobody sees it (Unicode, Default_Ignorable_Code_Point).
_BLANK = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
_QUOTES = {'""', "''", "“”"}


def is_plain(value: object, longest: int | None = None) -> TypeGuard[str]:
    """Return whether *value* is a non-empty string of plain characters, at most *longest* of them."""
    if not isinstance(value, str) or (longest is not None and len(value) > longest):
        return False
    return _PLAIN.fullmatch(value) is not None


def is_subject(value: object) -> TypeGuard[str]:
    """Return whether *value* is a person's name to the service: 1 to 255 plain characters, not all blank.

    Nor may it be the pseudonym of somebody who was erased.
    """
    return is_plain(value, LONGEST_SUBJECT) and bool(value.strip()) and not PSEUDONYM.fullmatch(value)


def decode(content: bytes) -> str:
    """Return the text of a file as any editor saves it: UTF-8, UTF-16 or UTF-32, and any line end.

    Raises:
        ValueError: naming the first line that is in no such encoding.
    """
    try:
        text = content.decode(json.detect_encoding(content))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(f"line {line}: it is not UTF-8; save the file as UTF-8") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def tidy(text: str) -> str:
    """Return *text* without blanks and quotes around it, such as `docker --env-file` leaves.

    Raises:
        ValueError: if it has an invisible character inside.
    """
    text = _trimmed(text)
    while len(text) > 1 and text[0] + text[-1] in _QUOTES and text[0] not in text[1:-1]:
        text = _trimmed(text[1:-1])
    for character in text:
        if not _is_visible(character):
            code = f"U+{ord(character):04X}"
            raise ValueError(f"has an invisible character ({code}); type it again without")
    return text


def visible(text: str) -> str:
    """Return *text* without its invisible characters; every blank becomes a space."""
    spaced = (" " if character.isspace() else character for character in text)
    return "".join(filter(_is_visible, spaced))


def escaped(text: str) -> str:
    """Return *text* with each invisible character as its number, to be shown in a terminal."""
    return "".join(c if _is_visible(c) else f"\\u{{{ord(c):x}}}" for c in text)


def did_you_mean(typed: str, known: Iterable[str]) -> str:
    """Return the end of a sentence about *typed* that suggests the most similar of *known*."""
    by_lower = {name.lower(): name for name in known}
    similar = difflib.get_close_matches(typed.lower(), by_lower, n=1)
    return f"; did you mean “{by_lower[similar[0]]}”?" if similar else ""


def _is_visible(character: str) -> bool:
    return character.isprintable() and not _BLANK.match(character)


def _trimmed(text: str) -> str:
    seen = [i for i, c in enumerate(text) if _is_visible(c) and c != " "]
    return text[seen[0] : seen[-1] + 1] if seen else ""
