"""A JWS in compact form (RFC 7515, section 7.1): taken apart strictly, and held against a key."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import jwt

from tokensvc import strict_json
from tokensvc.errors import InvalidToken

if TYPE_CHECKING:
    from tokensvc.authn.site_jwt.keys import PublicKey

LONGEST_TOKEN = 8000  # bytes
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)


@dataclass(frozen=True)
class UnverifiedJws:
    """What a token says of itself, true or not."""

    unverified_text: str = field(repr=False)
    unverified_header: dict[str, Any] = field(repr=False)
    unverified_payload: bytes = field(repr=False)

    def is_signed_by(self, key: PublicKey | bytes, algorithm: str) -> bool:
        """Whether *key* signed it by *algorithm*, whatever else its header says."""
        try:
            jwt.PyJWS(algorithms=[algorithm]).decode_complete(
                self.unverified_text,
                key,
                algorithms=[algorithm],
                options={"verify_signature": True, "enforce_minimum_key_length": True},
            )
        except Exception:  # noqa: BLE001 - whatever the library says, the answer is no
            return False
        return True


def take_apart(unverified: str) -> UnverifiedJws:
    """The parts of a token.

    Raises:
        InvalidToken: for what is not in compact form, or too long, or has no JSON header.
    """
    _check_form(unverified)
    header, payload, _ = unverified.split(".")
    return UnverifiedJws(unverified, json_object(_bytes_of(header)), _bytes_of(payload))


def json_object(content: bytes) -> dict[str, Any]:
    """The JSON object in *content*; a name that stands twice is refused (RFC 8725, section 2.4).

    Raises:
        InvalidToken: for anything else.
    """
    try:
        value = strict_json.loads(content)
    except ValueError:
        raise InvalidToken(cause="a part that is no JSON") from None
    if not isinstance(value, dict):
        raise InvalidToken(cause="a part that is no JSON object")
    return value


def _check_form(unverified: str) -> None:
    if len(unverified) > LONGEST_TOKEN or not _COMPACT.fullmatch(unverified):
        raise InvalidToken(cause="not in compact form, or too long")


def _bytes_of(part: str) -> bytes:
    try:
        content = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except (ValueError, binascii.Error):
        raise InvalidToken(cause="a part that is no base64url") from None
    _check_one_spelling(part, content)
    return content


def _check_one_spelling(part: str, content: bytes) -> None:
    # The last letter has bits to spare, by which one token could be written in several ways.
    if base64.urlsafe_b64encode(content).rstrip(b"=") != part.encode():
        raise InvalidToken(cause="a part in another spelling")
