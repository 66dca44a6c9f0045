"""What may name a person: a subject in a credential, or the user a backend speaks for."""

from __future__ import annotations

import re
from typing import TypeGuard

LONGEST_SUBJECT = 255  # characters
# No control character, no line or paragraph separator, no half of a surrogate pair.
_PLAIN = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


def is_plain(value: object) -> TypeGuard[str]:
    """Whether *value* is text of plain characters, and not empty."""
    return isinstance(value, str) and _PLAIN.fullmatch(value) is not None


def is_subject(value: object) -> TypeGuard[str]:
    """Whether *value* is text of 1 to 255 plain characters that are not all blank."""
    return is_plain(value) and len(value) <= LONGEST_SUBJECT and bool(value.strip())
