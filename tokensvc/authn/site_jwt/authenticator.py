"""Authenticates people by the JWTs of configured issuers (RFC 7519, RFC 8725)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tokensvc.authn.site_jwt import claim_checks, header_checks
from tokensvc.authn.site_jwt.jws import UnverifiedJws, json_object, parse_jws
from tokensvc.authn.site_jwt.keys import Keys
from tokensvc.authn.subjects import is_plain
from tokensvc.config.placeholders import LONGEST_VALUE
from tokensvc.domain import Credentials, Principal
from tokensvc.errors import InvalidToken

LONGEST_LIFE = 24 * 3600  # seconds from iat to exp
MOST_GROUPS = 200
_ACCESS_TYPES = frozenset({"jwt", "at+jwt"})  # values of `typ`, in lower case

# Takes verified claims and the time (seconds since the epoch); raises InvalidToken.
ClaimCheck = Callable[[Mapping[str, Any], float], None]


@dataclass(frozen=True)
class TrustedIssuer:
    """An issuer and what its JWTs must look like.

    If *audience* is None, a token must have none. *types* are the allowed values of `typ`;
    *further_checks* are those of the issuer's preset.
    """

    issuer: str
    audience: str | None
    algorithms: tuple[str, ...]
    keys: Keys
    types: frozenset[str] = _ACCESS_TYPES
    type_required: bool = False
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
        issuer = self._issuer_of(unverified_claims)
        _check_signature(token, issuer)
        claims = unverified_claims  # verified by the signature
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
        issuer = self._issuers.get(unverified_issuer) if isinstance(unverified_issuer, str) else None
        if issuer is None:
            raise InvalidToken(cause="issuer is not configured")
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
        # Last: ExpiredToken means that everything else is valid.
        claim_checks.check_end(claims, now)


def _check_signature(token: UnverifiedJws, issuer: TrustedIssuer) -> None:
    header = token.unverified_header
    header_checks.check_type(header, issuer.types, required=issuer.type_required)
    header_checks.check_extensions(header)
    kid = header_checks.check_kid(header)
    algorithm = header_checks.check_algorithm(header, issuer.algorithms)
    keys = issuer.keys.for_token(algorithm, kid)
    if not any(token.is_signed_by(key, algorithm) for key in keys):
        raise InvalidToken(cause="not signed by a key of the issuer")


def _plain_claim(value: object) -> str:
    """Return *value* if it may be put into an instruction: short text on one line."""
    if not is_plain(value) or len(value) > LONGEST_VALUE:
        raise InvalidToken(cause="claim is not a short plain string")
    return value


def _groups(claims: Mapping[str, Any], name: str | None) -> frozenset[str]:
    """Return the groups in the claim *name*: an array, or space-separated like OAuth's `scope`."""
    value = claim_at(claims, name) if name else None
    if isinstance(value, str):
        value = value.split()
    if not isinstance(value, list):
        return frozenset()
    return frozenset(group for group in value[:MOST_GROUPS] if isinstance(group, str))


def claim_at(claims: Mapping[str, Any], name: str) -> object:
    """Return the claim named *name*, dots and all, or else the one at the dotted path *name*."""
    if name in claims:
        return claims[name]
    value: object = claims
    for step in name.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value
