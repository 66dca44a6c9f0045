"""What the claims of a JWT must say, once its signature is good (RFC 7519, RFC 8725)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tokensvc.authn.subjects import is_subject
from tokensvc.errors import ExpiredToken, InvalidToken

if TYPE_CHECKING:
    from collections.abc import Mapping

LEEWAY = 60  # seconds that clocks may differ
_TIMES = ("exp", "nbf", "iat")


def check_audience(claims: Mapping[str, Any], audience: str | None) -> None:
    """The token is for *audience*; where there is none, for nobody in particular (4.1.3)."""
    stated = claims.get("aud")
    listed = stated if isinstance(stated, list) else [stated]
    if not all(isinstance(one, str) for one in listed if stated is not None):
        raise InvalidToken(cause="an audience that is no text")
    if audience not in listed:
        raise InvalidToken(cause="for another audience")


def check_subject(claims: Mapping[str, Any]) -> None:
    """The token speaks of somebody, by a plain name."""
    if not is_subject(claims.get("sub")):
        raise InvalidToken(cause="a subject that is no plain name")


def check_not_sender_constrained(claims: Mapping[str, Any]) -> None:
    """The token needs no proof that its bearer holds a key (RFC 7800): we could not ask for it."""
    if "cnf" in claims:
        raise InvalidToken(cause="bound to a key that its bearer has not shown")


def check_times_are_numbers(claims: Mapping[str, Any]) -> None:
    """Each time that is stated is a finite number (RFC 7519, section 2)."""
    for name in _TIMES:
        if name in claims and not _is_finite_number(claims[name]):
            raise InvalidToken(cause="a time that is no number")


def check_end_is_stated(claims: Mapping[str, Any]) -> None:
    """The token has an end."""
    if "exp" not in claims:
        raise InvalidToken(cause="no end")


def check_life(claims: Mapping[str, Any], now: float, longest: int) -> None:
    """The token was not made to live over *longest* seconds: nobody can call it back."""
    end = claims.get("exp", now)
    if end - claims.get("iat", now) > longest or end - now > longest + LEEWAY:
        raise InvalidToken(cause="lives too long")


def check_begin(claims: Mapping[str, Any], now: float) -> None:
    """The token was issued, and is valid already."""
    if max(claims.get("iat", now), claims.get("nbf", now)) > now + LEEWAY:
        raise InvalidToken(cause="issued in the future, or not valid yet")


def check_end(claims: Mapping[str, Any], now: float) -> None:
    """The token is not over.

    Raises:
        ExpiredToken: where it is; all else is good about it, if this check comes last.
    """
    if claims.get("exp", math.inf) <= now - LEEWAY:
        raise ExpiredToken(cause="expired")


def _is_finite_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond what a float holds
        return False
