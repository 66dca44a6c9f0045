"""Believes the JWTs of configured issuers, and of nobody else (RFC 7519, RFC 8725)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tokensvc.authn.site_jwt import claim_checks, header_checks
from tokensvc.authn.site_jwt.jws import json_object, take_apart
from tokensvc.authn.subjects import is_plain
from tokensvc.config.placeholders import LONGEST_CLAIM
from tokensvc.domain import Principal
from tokensvc.errors import InvalidToken

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tokensvc.authn.site_jwt.jws import UnverifiedJws
    from tokensvc.authn.site_jwt.keys import Keys
    from tokensvc.domain import Credentials

LONGEST_LIFE = 24 * 3600  # seconds from iat to exp
MOST_GROUPS = 200
_ACCESS_TYPES = frozenset({"jwt", "at+jwt"})

# Checks signed claims at a time in seconds since the epoch, or raises InvalidToken.
ClaimCheck = Callable[[Mapping[str, Any], float], None]


@dataclass(frozen=True)
class TrustedIssuer:
    """Whose JWTs are believed: by which keys, for whom, and of which `typ`.

    *audience* None takes only tokens with none. *further_checks* are its preset's.
    """

    issuer: str
    audience: str | None
    algorithms: tuple[str, ...]
    keys: Keys
    types: frozenset[str] = _ACCESS_TYPES
    type_required: bool = False
    groups_claim: str | None = None
    longest_life: int = LONGEST_LIFE
    further_checks: tuple[ClaimCheck, ...] = ()
    claims: tuple[str, ...] = ()


class SiteJwtAuthenticator:
    """Chooses the issuer by its exact `iss`, then the key by the issuer, never by the token."""

    def __init__(self, issuers: Sequence[TrustedIssuer], clock: Callable[[], float]) -> None:
        """*clock* gives seconds since the epoch."""
        self._issuers = {issuer.issuer: issuer for issuer in issuers}
        self._clock = clock

    def authenticate(self, credentials: Credentials) -> Principal | None:
        """The person the JWT speaks of; None for a credential that is no JWT.

        Raises:
            ExpiredToken: for one that was good once.
            InvalidToken: for any other that is not good.
            TemporarilyUnavailable: where no key of its issuer is known yet.
        """
        unverified = credentials.unverified_bearer
        if unverified is None or unverified.count(".") != 2:  # noqa: PLR2004 - a JWS has three parts
            return None
        token = take_apart(unverified)
        unverified_claims = json_object(token.unverified_payload)
        issuer = self._issuer_of(unverified_claims)
        _check_signature(token, issuer)
        claims = unverified_claims  # signed, so they are the issuer's own words
        self._check_claims(claims, issuer)
        return Principal(
            kind="user",
            issuer=issuer.issuer,
            subject=claims["sub"],
            groups=_groups(claims, issuer.groups_claim),
            claims={name: _plain_claim(claims[name]) for name in issuer.claims if name in claims},
        )

    def _issuer_of(self, unverified_claims: dict[str, Any]) -> TrustedIssuer:
        unverified_issuer = unverified_claims.get("iss")
        issuer = (
            self._issuers.get(unverified_issuer) if isinstance(unverified_issuer, str) else None
        )
        if issuer is None:
            raise InvalidToken(cause="of an issuer that is not configured")
        return issuer

    def _check_claims(self, claims: dict[str, Any], issuer: TrustedIssuer) -> None:
        now = self._clock()
        claim_checks.check_audience(claims, issuer.audience)
        claim_checks.check_subject(claims)
        claim_checks.check_not_sender_constrained(claims)
        claim_checks.check_end_is_stated(claims)
        claim_checks.check_times_are_numbers(claims)
        claim_checks.check_life(claims, now, issuer.longest_life)
        claim_checks.check_begin(claims, now)
        for check in issuer.further_checks:
            check(claims, now)
        claim_checks.check_end(claims, now)


def _check_signature(token: UnverifiedJws, issuer: TrustedIssuer) -> None:
    header = token.unverified_header
    header_checks.check_type(header, issuer.types, required=issuer.type_required)
    header_checks.check_extensions(header)
    kid = header_checks.check_kid(header)
    algorithm = header_checks.check_algorithm(header, issuer.algorithms)
    keys = issuer.keys.for_token(algorithm, kid)
    if not any(token.is_signed_by(key, algorithm) for key in keys):
        raise InvalidToken(cause="signed by none of the issuer's keys")


def _plain_claim(value: object) -> str:
    """A claim that may be put before a model: text of one line, and not much of it."""
    if not is_plain(value) or len(value) > LONGEST_CLAIM:
        raise InvalidToken(cause="a claim that is no short plain text")
    return value


def _groups(claims: Mapping[str, Any], name: str | None) -> frozenset[str]:
    """The groups a claim lists, as an array or as words (OAuth's `scope`); other forms are none."""
    value = claim_at(claims, name) if name else None
    if isinstance(value, str):
        value = value.split()
    if not isinstance(value, list):
        return frozenset()
    return frozenset(group for group in value[:MOST_GROUPS] if isinstance(group, str))


def claim_at(claims: Mapping[str, Any], name: str) -> object:
    """The claim *name*; where none has that exact name, its dots lead into objects."""
    if name in claims:
        return claims[name]
    value: object = claims
    for step in name.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value
