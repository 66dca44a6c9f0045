"""Presets for common identity providers: where their keys are, and how to tell their tokens apart.

A provider signs several kinds of token with the same keys: people's access tokens, ID tokens and
machine tokens. Standard claims may not tell them apart; these checks do, as each provider
documents.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tokensvc.authn.site_jwt.authenticator import ClaimCheck, claim_at
from tokensvc.authn.site_jwt.claim_checks import LEEWAY
from tokensvc.config.file import Issuer
from tokensvc.errors import InvalidToken

_LONGEST_FIREBASE_UID = 128  # characters
_FIREBASE_KEYS = "https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com"


@dataclass(frozen=True)
class Preset:
    """A provider's defaults and checks.

    *shape* is a regular expression for its issuers, and *checks* returns the checks of a token for
    an issuer. *anonymous* is one that refuses anonymous users, who could be any number, each with
    limits of their own. *jwks_url* and *audience* return defaults for an issuer, and *needs* lists
    the keys that it must configure.
    """

    shape: str
    jwks_url: Callable[[Issuer], str]
    checks: Callable[[Issuer], tuple[ClaimCheck, ...]]
    algorithms: tuple[str, ...] = ("RS256",)
    audience: Callable[[Issuer], str | None] = lambda _: None
    groups_claim: str | None = None
    needs: tuple[str, ...] = ("audience",)
    anonymous: ClaimCheck | None = None

    def checks_for(self, issuer: Issuer) -> tuple[ClaimCheck, ...]:
        """Return the checks of a token of *issuer*."""
        refused = () if self.anonymous is None or issuer.anonymous else (self.anonymous,)
        return self.checks(issuer) + refused

    def check(self, issuer: Issuer) -> None:
        """Check the configuration of *issuer*.

        Raises:
            ValueError: if it is not the provider's, lacks what the preset needs, or has what does nothing.
        """
        if not re.fullmatch(self.shape, issuer.issuer):
            raise ValueError(f"issuer is not of the form of {issuer.preset}; docs/identity.md shows it")
        missing = [name for name in self.needs if not getattr(issuer, name)]
        if missing:
            raise ValueError(f"{' and '.join(missing)} is missing: {issuer.preset} needs it")
        if issuer.anonymous and self.anonymous is None:
            raise ValueError(f"anonymous has no effect with {issuer.preset}: remove it")


def preset_of(issuer: Issuer) -> Preset:
    """Return the preset of *issuer*; without one, a preset without defaults or checks."""
    return PRESETS[issuer.preset] if issuer.preset else _NO_PRESET


def refuse_cognito_machines(claims: Mapping[str, Any], _now: float) -> None:
    """Refuse machine tokens: Cognito uses the client's id as their subject."""
    _require(claims.get("sub") != claims.get("client_id"), "token of a machine")


def refuse_auth0_machines(claims: Mapping[str, Any], _now: float) -> None:
    """Refuse tokens of the client credentials grant, marked by Auth0 in `gty` or the subject."""
    machine = claims.get("gty") == "client-credentials" or str(claims.get("sub")).endswith("@clients")
    _require(not machine, "token of a machine")


def check_firebase_sign_in(claims: Mapping[str, Any], now: float) -> None:
    """Require a sign-in time in the past, and a user id of at most Firebase's length."""
    at = claims.get("auth_time")
    # JSON's true must not pass as the number 1.
    is_past = isinstance(at, int) and not isinstance(at, bool) and 0 < at <= now + LEEWAY
    _require(is_past, "sign-in time is missing or in the future")
    _require(len(claims["sub"]) <= _LONGEST_FIREBASE_UID, "user id is too long")


def refuse_anonymous_firebase_users(claims: Mapping[str, Any], _now: float) -> None:
    """Refuse anonymous users."""
    provider = claim_at(claims, "firebase.sign_in_provider")
    _require(provider != "anonymous", "user is anonymous")


def check_entra_scope(claims: Mapping[str, Any], _now: float) -> None:
    """Require a person's access token: ID and machine tokens have no scope."""
    _require(isinstance(claims.get("scp"), str), "no scope, so not a person's access token")


def _states(claim: str, fault: str, *, value: object, absent: object = None) -> ClaimCheck:
    """Return a check that *claim* has *value*; without the claim, it counts as *absent*."""

    def check_claim(claims: Mapping[str, Any], _now: float) -> None:
        stated = claims.get(claim, absent)
        _require(type(stated) is type(value) and stated == value, fault)

    return check_claim


def _party(issuer: Issuer, claim: str) -> ClaimCheck:
    """Return a check that the token was issued to one of the `clients`, if any are listed."""
    clients = frozenset(issuer.clients)

    def check_party(claims: Mapping[str, Any], _now: float) -> None:
        party = claims.get(claim)
        allowed = not clients or (isinstance(party, str) and party in clients)
        _require(allowed, f"issued to another application ({claim})")

    return check_party


def _below(path: str) -> Callable[[Issuer], str]:
    """Return a function that appends *path* to the issuer's name, which is a URL."""
    return lambda issuer: issuer.issuer + path


def _require(condition: bool, fault: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not condition:
        raise InvalidToken(cause=fault)


_NO_PRESET = Preset(shape=".+", jwks_url=lambda _: "", checks=lambda _: (), algorithms=(), needs=())
PRESETS = {
    "auth0": Preset(
        shape=r"https://[^/]+/",
        jwks_url=_below(".well-known/jwks.json"),
        checks=lambda issuer: (_party(issuer, "azp"), refuse_auth0_machines),
        groups_claim="permissions",
    ),
    "clerk": Preset(
        shape=r"https://[^/]+(/[^/]+)*",
        jwks_url=_below("/.well-known/jwks.json"),
        checks=lambda issuer: (
            _party(issuer, "azp"),
            # One whose sign-in lacks a second factor is pending.
            _states("sts", "session is pending", value="active", absent="active"),
        ),
        needs=("clients",),
    ),
    "firebase": Preset(
        shape=r"https://securetoken\.google\.com/[a-z0-9:.-]+",
        jwks_url=lambda _: _FIREBASE_KEYS,
        audience=lambda issuer: issuer.issuer.rpartition("/")[2],
        checks=lambda _: (check_firebase_sign_in,),
        anonymous=refuse_anonymous_firebase_users,
        needs=(),
    ),
    "supabase": Preset(
        shape=r"https?://[^/]+/auth/v1",
        jwks_url=_below("/.well-known/jwks.json"),
        algorithms=("ES256",),
        audience=lambda _: "authenticated",
        checks=lambda _: (
            # The API keys `anon` and `service_role` are JWTs too.
            _states("role", "role is not a person's", value="authenticated"),
        ),
        anonymous=_states("is_anonymous", "user is anonymous", value=False, absent=False),
        needs=(),
    ),
    "cognito": Preset(
        shape=r"https://cognito-idp\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/[A-Za-z0-9_-]+",
        jwks_url=_below("/.well-known/jwks.json"),
        checks=lambda issuer: (
            _states("token_use", "not an access token", value="access"),
            _party(issuer, "client_id"),
            refuse_cognito_machines,
        ),
        groups_claim="cognito:groups",
        needs=("clients",),
    ),
    "keycloak": Preset(
        shape=r"https?://[^/]+(/[^/]+)*/realms/[^/]+",
        jwks_url=_below("/protocol/openid-connect/certs"),
        checks=lambda issuer: (
            _states("typ", "not an access token", value="Bearer"),
            _party(issuer, "azp"),
        ),
        groups_claim="realm_access.roles",
    ),
    "entra": Preset(
        shape=r"https://login\.(microsoftonline\.(com|us)|partner\.microsoftonline\.cn)/[0-9a-f-]{36}/v2\.0",
        jwks_url=lambda issuer: issuer.issuer.removesuffix("/v2.0") + "/discovery/v2.0/keys",
        checks=lambda issuer: (
            _states("tid", "another tenant", value=urlsplit(issuer.issuer).path.split("/")[1]),
            _states("ver", "token of another version", value="2.0"),
            check_entra_scope,
            _states("idtyp", "token of a machine", value="user", absent="user"),
            _party(issuer, "azp"),
        ),
        groups_claim="roles",
    ),
}
