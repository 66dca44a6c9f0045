"""Checks the claims of a JWT whose signature is verified (RFC 7519, RFC 8725)."""

import math
from collections.abc import Mapping
from typing import Any

from tokensvc.authn.subjects import is_subject
from tokensvc.errors import ExpiredToken, InvalidToken

LEEWAY = 60  # seconds that clocks may differ
_TIMES = ("exp", "nbf", "iat")


def check_audience(claims: Mapping[str, Any], audience: str | None) -> None:
    """Check that the token is for *audience*, or names no audience if that is None."""
    stated = claims.get("aud")
    # Without an audience this is [None], which matches only an *audience* of None.
    listed = stated if isinstance(stated, list) else [stated]
    if stated is not None and not all(isinstance(name, str) for name in listed):
        raise InvalidToken(cause="audience is not a string")
    if audience not in listed:
        raise InvalidToken(cause="another audience")


def check_subject(claims: Mapping[str, Any]) -> None:
    """Check that the subject is a plain name."""
    if not is_subject(claims.get("sub")):
        raise InvalidToken(cause="subject is not a plain name")


def check_not_sender_constrained(claims: Mapping[str, Any]) -> None:
    """Check that the token works without proof of possession (RFC 7800), which we cannot verify."""
    if "cnf" in claims:
        raise InvalidToken(cause="token is bound to a key")


def check_times_are_numbers(claims: Mapping[str, Any]) -> None:
    """Check that each time in the token is a finite number (RFC 7519, section 2)."""
    for name in _TIMES:
        if name in claims and not _is_finite_number(claims[name]):
            raise InvalidToken(cause="time is not a number")


def check_end_is_stated(claims: Mapping[str, Any]) -> None:
    """Check that the token has an expiry time."""
    if "exp" not in claims:
        raise InvalidToken(cause="no expiry time")


def check_life(claims: Mapping[str, Any], now: float, longest: int) -> None:
    """Check that the token lives *longest* seconds at most, since it cannot be revoked."""
    # A token without `iat` counts as issued now; the second test covers an `iat` in the future.
    end = claims.get("exp", now)
    if end - claims.get("iat", now) > longest or end - now > longest + LEEWAY:
        raise InvalidToken(cause="lifetime too long")


def check_begin(claims: Mapping[str, Any], now: float) -> None:
    """Check that the token's validity has begun."""
    if max(claims.get("iat", now), claims.get("nbf", now)) > now + LEEWAY:
        raise InvalidToken(cause="issued in the future, or not valid yet")


def check_end(claims: Mapping[str, Any], now: float) -> None:
    """Check that the token has not expired.

    This is the last check, so that a token is only called expired if nothing else is wrong with it.

    Raises:
        ExpiredToken: if it has expired.
    """
    if claims.get("exp", math.inf) <= now - LEEWAY:
        raise ExpiredToken(cause="expired")


def _is_finite_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer too large for a float
        return False
