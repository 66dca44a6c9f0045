"""Checks the names of people: a credential's subject, or the user a backend acts for."""

import re
from typing import TypeGuard

LONGEST_SUBJECT = 255  # characters
# No control characters, line or paragraph separators, or lone surrogates.
_PLAIN = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


def is_plain(value: object) -> TypeGuard[str]:
    """Return whether *value* is a non-empty string of plain characters."""
    return isinstance(value, str) and _PLAIN.fullmatch(value) is not None


def is_subject(value: object) -> TypeGuard[str]:
    """Return whether *value* is a string of 1 to 255 plain characters, not all blank."""
    return is_plain(value) and len(value) <= LONGEST_SUBJECT and bool(value.strip())
