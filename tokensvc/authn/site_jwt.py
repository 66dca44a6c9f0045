"""Believes the JWTs of configured issuers, and of nobody else (RFC 7519, RFC 8725)."""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import jwt

from tokensvc.domain import Principal
from tokensvc.errors import ExpiredToken, InvalidToken
from tokensvc.placeholders import LONGEST_CLAIM

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tokensvc.authn.key_files import PublicKey
    from tokensvc.domain import Credentials

LEEWAY = 60  # seconds that clocks may differ
LONGEST_TOKEN = 8000  # bytes
LONGEST_LIFE = 24 * 3600  # seconds from iat to exp
_NEVER = 2**53  # seconds since the epoch
LONGEST_SUBJECT = 255  # characters
MOST_GROUPS = 200
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
_PLAIN = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


@dataclass(frozen=True)
class TrustedIssuer:
    """Whose JWTs are believed: by which keys, for whom, and of which `typ`.

    Several *keys* are one key family while it rotates, newest first.
    """

    issuer: str
    audience: str
    algorithms: tuple[str, ...]
    keys: tuple[PublicKey | bytes, ...] = field(repr=False)
    types: frozenset[str] = frozenset({"jwt", "at+jwt"})
    type_required: bool = False
    groups_claim: str | None = None
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
        """
        unverified = credentials.unverified_bearer
        if unverified is None or unverified.count(".") != 2:  # noqa: PLR2004 - a JWS has three parts
            return None
        if len(unverified) > LONGEST_TOKEN or not _COMPACT.fullmatch(unverified):
            raise InvalidToken(cause="not in compact form, or too long")
        unverified_header, unverified_claims = (
            _unverified_object(part) for part in unverified.split(".")[:2]
        )
        issuer = self._issuer_of(unverified_claims)
        _check_header(unverified_header, issuer)
        return self._principal(self._verify(unverified, issuer), issuer)

    def _issuer_of(self, unverified_claims: dict[str, Any]) -> TrustedIssuer:
        unverified_issuer = unverified_claims.get("iss")
        issuer = (
            self._issuers.get(unverified_issuer) if isinstance(unverified_issuer, str) else None
        )
        if issuer is None:
            raise InvalidToken(cause="of an issuer that is not configured")
        return issuer

    def _verify(self, unverified: str, issuer: TrustedIssuer) -> dict[str, Any]:
        for key in issuer.keys:
            try:
                claims = _decode(unverified, issuer, key)
            except jwt.InvalidSignatureError:
                continue
            except Exception as error:  # noqa: BLE001 - whatever the library says, the answer is no
                raise InvalidToken(cause=type(error).__name__) from None
            self._check_times(claims)
            return claims
        raise InvalidToken(cause="signed by none of the issuer's keys")

    def _check_times(self, claims: dict[str, Any]) -> None:
        now = self._clock()
        exp, nbf, iat = (claims.get(name) for name in ("exp", "nbf", "iat"))
        for value in (exp, nbf, iat):
            if value is not None and not _is_time(value):
                raise InvalidToken(cause="a time that is no number")
        assert exp is not None  # noqa: S101 - required above
        if iat is not None and (iat > now + LEEWAY or exp - iat > LONGEST_LIFE):
            raise InvalidToken(cause="issued in the future, or for too long")
        if iat is None and exp - now > LONGEST_LIFE:
            raise InvalidToken(cause="lives too long")
        if nbf is not None and nbf > now + LEEWAY:
            raise InvalidToken(cause="not valid yet")
        if exp <= now - LEEWAY:
            raise ExpiredToken(cause="expired")

    def _principal(self, claims: dict[str, Any], issuer: TrustedIssuer) -> Principal:
        subject, audience = claims["sub"], claims["aud"]
        if (
            not isinstance(subject, str)
            or not 0 < len(subject) <= LONGEST_SUBJECT
            or not subject.strip()
            or not _PLAIN.fullmatch(subject)
        ):
            raise InvalidToken(cause="a subject that is no plain name")
        if not all(
            isinstance(a, str) for a in (audience if isinstance(audience, list) else [audience])
        ):
            raise InvalidToken(cause="an audience that is no text")
        return Principal(
            kind="user",
            issuer=issuer.issuer,
            subject=subject,
            groups=_groups(claims, issuer),
            claims={name: _plain_claim(claims[name]) for name in issuer.claims if name in claims},
        )


def _decode(unverified: str, issuer: TrustedIssuer, key: PublicKey | bytes) -> dict[str, Any]:
    # Times are checked against our own clock; all else is asked for by name, so that no default
    # of the library decides.
    claims: dict[str, Any] = jwt.decode(
        unverified,
        key,
        algorithms=list(issuer.algorithms),
        audience=issuer.audience,
        issuer=issuer.issuer,
        options={
            "require": ["exp", "sub", "iss", "aud"],
            "verify_signature": True,
            "verify_aud": True,
            "verify_iss": True,
            "verify_exp": False,
            "verify_nbf": False,
            "verify_iat": False,
            "enforce_minimum_key_length": True,
        },
    )
    return claims


def _unverified_object(part: str) -> dict[str, Any]:
    """The JSON object in a base64url *part*; a name twice is refused (RFC 8725, 2.4)."""

    def no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError
        return found

    try:
        raw = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
        value = json.loads(raw.decode("utf-8"), object_pairs_hook=no_twins)
    except (ValueError, binascii.Error, RecursionError):
        raise InvalidToken(cause="a part that is no JSON") from None
    if not isinstance(value, dict):
        raise InvalidToken(cause="a part that is no JSON object")
    return value


def _check_header(unverified_header: dict[str, Any], issuer: TrustedIssuer) -> None:
    """What PyJWT leaves open: `typ` (RFC 8725, 3.11), and extensions that we do not know."""
    if unverified_header.get("alg") not in issuer.algorithms:
        raise InvalidToken(cause="an algorithm that is not the issuer's")
    typ = unverified_header.get("typ")
    if typ is None and issuer.type_required:
        raise InvalidToken(cause="no type")
    if typ is not None and (
        not isinstance(typ, str) or typ.lower().removeprefix("application/") not in issuer.types
    ):
        raise InvalidToken(cause="a token of another type")
    if "crit" in unverified_header or "b64" in unverified_header:
        raise InvalidToken(cause="a critical extension")


def _is_time(value: object) -> bool:
    """Whether *value* is a number that can be reckoned with: neither NaN nor past all bounds."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _NEVER


def _plain_claim(value: object) -> str:
    """A claim that may be put before a model: text of one line, and not much of it."""
    if not isinstance(value, str) or len(value) > LONGEST_CLAIM or not _PLAIN.fullmatch(value):
        raise InvalidToken(cause="a claim that is no short plain text")
    return value


def _groups(claims: dict[str, Any], issuer: TrustedIssuer) -> frozenset[str]:
    """The groups a claim lists, as an array or as words (OAuth's `scope`); other forms are none."""
    value = claims.get(issuer.groups_claim) if issuer.groups_claim else None
    if isinstance(value, str):
        value = value.split()
    if not isinstance(value, list):
        return frozenset()
    return frozenset(group for group in value[:MOST_GROUPS] if isinstance(group, str))
