"""Checks the header of a JWT, which must not choose its own rules (RFC 8725, section 3)."""

import re
from collections.abc import Collection, Mapping
from typing import Any

from tokensvc.errors import InvalidToken

_KID = re.compile(r"[\x20-\x7e]{1,128}", re.ASCII)


def check_algorithm(header: Mapping[str, Any], algorithms: Collection[str]) -> str:
    """Return the algorithm, which must be one of *algorithms* (RFC 8725, 3.1)."""
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in algorithms:
        raise InvalidToken(cause="algorithm is not the issuer's")
    return algorithm


def check_type(header: Mapping[str, Any], types: Collection[str], *, required: bool) -> None:
    """Check the type (RFC 8725, 3.11), so that a logout token or a lease is not accepted."""
    typ = header.get("typ")
    if "typ" not in header and not required:
        return
    # The prefix is optional, and case does not matter (RFC 7515, 4.1.9).
    if not isinstance(typ, str) or typ.lower().removeprefix("application/") not in types:
        raise InvalidToken(cause="missing or wrong type")


def check_extensions(header: Mapping[str, Any]) -> None:
    """Reject headers that change how the token is read (RFC 7515, 4.1.11; RFC 7797)."""
    if "crit" in header or "b64" in header:
        raise InvalidToken(cause="critical extension")
    if "zip" in header or "enc" in header:
        raise InvalidToken(cause="compressed or encrypted")


def check_kid(header: Mapping[str, Any]) -> str | None:
    """Return the key ID, or None without one; it is only compared, never a path or URL."""
    kid = header.get("kid")
    if "kid" in header and (not isinstance(kid, str) or not _KID.fullmatch(kid)):
        raise InvalidToken(cause="kid is not plain text")
    return kid
