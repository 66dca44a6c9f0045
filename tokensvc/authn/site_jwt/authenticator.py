"""Authenticates people by the JWTs of configured issuers (RFC 7519, RFC 8725)."""

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tokensvc.authn.site_jwt.jws import json_object, parse_jws
from tokensvc.authn.site_jwt.keys import Keys
from tokensvc.config.placeholders import LONGEST_VALUE
from tokensvc.domain import Credentials, Principal
from tokensvc.errors import ExpiredToken, InvalidToken
from tokensvc.plain_text import is_plain, is_subject

LONGEST_LIFE = 24 * 3600  # seconds from iat to exp
LEEWAY = 60  # seconds that clocks may differ
MOST_GROUPS = 200
_ACCESS_TYPES = frozenset({"jwt", "at+jwt"})
_KID = re.compile(r"[\x20-\x7e]{1,128}", re.ASCII)

# Takes verified claims and the time (seconds since the epoch); raises InvalidToken.
ClaimCheck = Callable[[Mapping[str, Any], float], None]


@dataclass(frozen=True)
class TrustedIssuer:
    """An issuer and what its JWTs must look like.

    If *audience* is None, a token must have none. *types* are the allowed values of `typ`, in lower
    case; *further_checks* are those of the issuer's preset.
    """

    issuer: str
    audience: str | None
    algorithms: tuple[str, ...]
    keys: Keys
    types: frozenset[str] = _ACCESS_TYPES
    groups_claim: str | None = None
    longest_life: int = LONGEST_LIFE  # seconds
    further_checks: tuple[ClaimCheck, ...] = ()
    claims: tuple[str, ...] = ()  # those that the Principal gets


class SiteJwtAuthenticator:
    """Finds the issuer by its exact `iss`; the keys are the issuer's, never the token's own."""

    def __init__(self, issuers: Sequence[TrustedIssuer], clock: Callable[[], float]) -> None:
        """*clock* returns seconds since the epoch."""
        self._issuers = {issuer.issuer: issuer for issuer in issuers}
        self._clock = clock

    def authenticate(self, credentials: Credentials) -> Principal | None:
        """Return the person that the JWT is about; None for another kind of credential.

        Raises:
            ExpiredToken: if the JWT has expired but is otherwise valid.
            InvalidToken: if it is not valid.
            TemporarilyUnavailable: if no key of its issuer is known yet.
        """
        unverified = credentials.unverified_bearer
        if unverified is None or unverified.count(".") != 2:  # noqa: PLR2004 - a JWS has three parts
            return None
        token = parse_jws(unverified)
        unverified_claims = json_object(token.unverified_payload)
        unverified_issuer = unverified_claims.get("iss")
        issuer = self._issuers.get(unverified_issuer) if isinstance(unverified_issuer, str) else None
        if issuer is None:
            raise InvalidToken(cause="issuer is not configured")
        algorithm, unverified_kid = _check_header(token.unverified_header, issuer)
        keys = issuer.keys(algorithm, unverified_kid)
        require(any(token.is_signed_by(key, algorithm) for key in keys), "not signed by a key of the issuer")
        claims = unverified_claims  # verified by the signature
        _check_claims(claims, issuer, self._clock())
        return Principal(
            kind="user",
            issuer=issuer.issuer,
            subject=claims["sub"],
            groups=_groups(claims, issuer.groups_claim),
            claims=_plain_claims(claims, issuer.claims),
        )


def require(condition: bool, cause: str) -> None:  # noqa: FBT001 - reads as a sentence
    """Raise InvalidToken for *cause*, unless *condition* is true."""
    if not condition:
        raise InvalidToken(cause=cause)


def claim_at(claims: Mapping[str, Any], name: str) -> object:
    """Return the claim named *name*, dots and all, or else the one at the dotted path *name*."""
    if name in claims:
        return claims[name]
    value: object = claims
    for step in name.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _check_header(header: dict[str, Any], issuer: TrustedIssuer) -> tuple[str, str | None]:
    """Check the header, which must not choose its own rules (RFC 8725, section 3); return `alg` and `kid`."""
    # So that a logout token or a lease is not accepted. Case and prefix do not matter (RFC 7515, 4.1.9).
    typ = header.get("typ", "JWT")
    is_of_type = isinstance(typ, str) and typ.lower().removeprefix("application/") in issuer.types
    require(is_of_type, "missing or wrong type")
    # These change how the token is read (RFC 7515, 4.1.11; RFC 7797).
    require(not {"crit", "b64"} & header.keys(), "critical extension")
    require(not {"zip", "enc"} & header.keys(), "compressed or encrypted")
    # Only compared, never a path or URL.
    kid = header.get("kid")
    is_text = isinstance(kid, str) and _KID.fullmatch(kid) is not None
    require(is_text or "kid" not in header, "kid is not plain text")
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in issuer.algorithms:
        raise InvalidToken(cause="algorithm is not the issuer's")
    return algorithm, kid


def _check_claims(claims: dict[str, Any], issuer: TrustedIssuer, now: float) -> None:
    audience = claims.get("aud")
    # Without an audience this is [None], which matches only an issuer without one.
    listed = audience if isinstance(audience, list) else [audience]
    require(audience is None or all(isinstance(name, str) for name in listed), "audience is not a string")
    require(issuer.audience in listed, "another audience")
    require(is_subject(claims.get("sub")), "subject is not a plain name")
    # We cannot verify that the sender has that key (RFC 7800).
    require("cnf" not in claims, "token is bound to a key")

    require("exp" in claims, "no expiry time")
    times = [claims[name] for name in ("exp", "nbf", "iat") if name in claims]
    require(all(map(_is_finite_number, times)), "time is not a number")
    # A token without `iat` counts as issued now.
    end, issued, begin = claims["exp"], claims.get("iat", now), claims.get("nbf", now)
    # A token cannot be revoked. The second test covers an `iat` in the future.
    is_short = end - issued <= issuer.longest_life and end - now <= issuer.longest_life + LEEWAY
    require(is_short, "lifetime too long")
    require(max(issued, begin) <= now + LEEWAY, "issued in the future, or not valid yet")
    for check in issuer.further_checks:
        check(claims, now)
    # Last: ExpiredToken means that everything else is valid.
    if end <= now - LEEWAY:
        raise ExpiredToken(cause="expired")


def _is_finite_number(value: object) -> bool:
    # JSON's true must not pass as the number 1, and an integer may be too large for a float.
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _plain_claims(claims: Mapping[str, Any], names: Sequence[str]) -> dict[str, str]:
    """Return those of *names* that there are; as they may be put into an instruction, only short text on one line."""
    found = {name: claims[name] for name in names if name in claims}
    require(all(is_plain(value, LONGEST_VALUE) for value in found.values()), "claim is not a short plain string")
    return found


def _groups(claims: Mapping[str, Any], name: str | None) -> frozenset[str]:
    """Return the groups in the claim *name*: an array, or space-separated like OAuth's `scope`."""
    value = claim_at(claims, name) if name else None
    if isinstance(value, str):
        value = value.split()
    if not isinstance(value, list):
        return frozenset()
    return frozenset(group for group in value[:MOST_GROUPS] if isinstance(group, str))
