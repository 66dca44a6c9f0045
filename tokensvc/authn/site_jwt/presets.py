"""Presets for common identity providers: where their keys are, and how to tell their tokens apart.

A provider signs several kinds of token with the same keys: people's access tokens, ID tokens and
machine tokens. Standard claims may not tell them apart; these checks do, as each provider
documents.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tokensvc.authn.site_jwt.authenticator import claim_at
from tokensvc.authn.site_jwt.claim_checks import LEEWAY
from tokensvc.errors import InvalidToken

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tokensvc.authn.site_jwt.authenticator import ClaimCheck
    from tokensvc.config.file import Issuer

_LONGEST_FIREBASE_UID = 128  # characters
_FIREBASE_KEYS = (
    "https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com"
)


@dataclass(frozen=True)
class Preset:
    """A provider's defaults and checks.

    *shape* is a regular expression for its issuers, and *checks* returns the checks of a token for
    an issuer. *jwks_url* and *audience* return defaults for an issuer, and *needs* lists the keys
    that it must configure.
    """

    shape: str
    jwks_url: Callable[[Issuer], str | None]
    checks: Callable[[Issuer], tuple[ClaimCheck, ...]]
    algorithms: tuple[str, ...] = ("RS256",)
    audience: Callable[[Issuer], str | None] = lambda _: None
    groups_claim: str | None = None
    needs: tuple[str, ...] = ("audience",)


def preset(name: str) -> Preset:
    """Return the preset with that name.

    Raises:
        KeyError: if there is none.
    """
    return {
        "auth0": Preset(
            shape=r"https://[^/]+/",
            jwks_url=_below(".well-known/jwks.json"),
            checks=lambda issuer: (_party(issuer, "azp"), refuse_auth0_machines),
            groups_claim="permissions",
        ),
        "clerk": Preset(
            shape=r"https://[^/]+(/[^/]+)*",
            jwks_url=_below("/.well-known/jwks.json"),
            checks=lambda issuer: (_party(issuer, "azp"), refuse_pending_clerk_sessions),
            needs=("clients",),
        ),
        "firebase": Preset(
            shape=r"https://securetoken\.google\.com/[a-z0-9:.-]+",
            jwks_url=lambda _: _FIREBASE_KEYS,
            audience=lambda issuer: issuer.issuer.rpartition("/")[2],
            checks=lambda issuer: (
                check_firebase_sign_in,
                *(() if issuer.anonymous else (refuse_anonymous_firebase_users,)),
            ),
            needs=(),
        ),
        "supabase": Preset(
            shape=r"https?://[^/]+/auth/v1",
            jwks_url=_below("/.well-known/jwks.json"),
            algorithms=("ES256",),
            audience=lambda _: "authenticated",
            checks=lambda issuer: (
                check_supabase_role,
                *(() if issuer.anonymous else (refuse_anonymous_supabase_users,)),
            ),
            needs=(),
        ),
        "cognito": Preset(
            shape=r"https://cognito-idp\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/[A-Za-z0-9_-]+",
            jwks_url=_below("/.well-known/jwks.json"),
            checks=lambda issuer: (
                check_cognito_use,
                _party(issuer, "client_id"),
                refuse_cognito_machines,
            ),
            groups_claim="cognito:groups",
            needs=("clients",),
        ),
        "keycloak": Preset(
            shape=r"https?://[^/]+(/[^/]+)*/realms/[^/]+",
            jwks_url=_below("/protocol/openid-connect/certs"),
            checks=lambda issuer: (check_keycloak_type, _party(issuer, "azp")),
            groups_claim="realm_access.roles",
        ),
        "entra": Preset(
            shape=r"https://login\.(microsoftonline\.(com|us)|partner\.microsoftonline\.cn)/[0-9a-f-]{36}/v2\.0",
            jwks_url=lambda issuer: issuer.issuer.removesuffix("/v2.0") + "/discovery/v2.0/keys",
            checks=lambda issuer: (_entra_tenant(issuer), check_entra_use, _party(issuer, "azp")),
            groups_claim="roles",
        ),
    }[name]


def fault_of(issuer: Issuer) -> str | None:
    """Return what *issuer*'s preset finds wrong with it, or None."""
    if issuer.preset is None:
        return None
    chosen = preset(issuer.preset)
    if not re.fullmatch(chosen.shape, issuer.issuer):
        return f"issuer is not of the form of {issuer.preset}; docs/identity.md shows it"
    missing = [name for name in chosen.needs if not getattr(issuer, name)]
    if missing:
        return f"{' and '.join(missing)} is missing: {issuer.preset} needs it"
    if issuer.anonymous and issuer.preset not in {"firebase", "supabase"}:
        return f"anonymous has no effect with {issuer.preset}: remove it"
    return None


def check_cognito_use(claims: Mapping[str, Any], _now: float) -> None:
    """Require an access token: ID tokens are signed with the same keys."""
    _require(claims.get("token_use") == "access", "not an access token")


def refuse_cognito_machines(claims: Mapping[str, Any], _now: float) -> None:
    """Refuse machine tokens: Cognito uses the client's id as their subject."""
    _require(claims.get("sub") != claims.get("client_id"), "token of a machine")


def refuse_auth0_machines(claims: Mapping[str, Any], _now: float) -> None:
    """Refuse tokens of the client credentials grant, marked by Auth0 in `gty` or the subject."""
    machine = claims.get("gty") == "client-credentials" or str(claims.get("sub")).endswith(
        "@clients"
    )
    _require(not machine, "token of a machine")


def refuse_pending_clerk_sessions(claims: Mapping[str, Any], _now: float) -> None:
    """Refuse sessions whose sign-in is incomplete, such as those without a second factor."""
    _require(claims.get("sts", "active") == "active", "session is pending")


def check_firebase_sign_in(claims: Mapping[str, Any], now: float) -> None:
    """Require a sign-in time in the past, and a user id of at most Firebase's length."""
    at = claims.get("auth_time")
    # JSON's true must not pass as the number 1.
    is_past = isinstance(at, int) and not isinstance(at, bool) and 0 < at <= now + LEEWAY
    _require(is_past, "sign-in time is missing or in the future")
    _require(len(claims["sub"]) <= _LONGEST_FIREBASE_UID, "user id is too long")


def refuse_anonymous_firebase_users(claims: Mapping[str, Any], _now: float) -> None:
    """Refuse anonymous users: anyone can create any number, each with its own limits."""
    provider = claim_at(claims, "firebase.sign_in_provider")
    _require(provider != "anonymous", "user is anonymous")


def check_supabase_role(claims: Mapping[str, Any], _now: float) -> None:
    """Require a person's token: the `anon` and `service_role` API keys are JWTs too."""
    _require(claims.get("role") == "authenticated", "role is not a person's")


def refuse_anonymous_supabase_users(claims: Mapping[str, Any], _now: float) -> None:
    """Refuse anonymous users: anyone can create any number, each with its own limits."""
    _require(claims.get("is_anonymous", False) is False, "user is anonymous")


def check_keycloak_type(claims: Mapping[str, Any], _now: float) -> None:
    """Require an access token: ID, refresh and logout tokens have a different `typ`."""
    _require(claims.get("typ") == "Bearer", "not an access token")


def check_entra_use(claims: Mapping[str, Any], _now: float) -> None:
    """Require a person's access token, version 2: ID and machine tokens have no scope."""
    _require(claims.get("ver") == "2.0", "token of another version")
    _require(isinstance(claims.get("scp"), str), "no scope, so not a person's access token")
    _require(claims.get("idtyp", "user") == "user", "token of a machine")


def _entra_tenant(issuer: Issuer) -> ClaimCheck:
    tenant = urlsplit(issuer.issuer).path.split("/")[1]  # of /<tenant>/v2.0

    def check_entra_tenant(claims: Mapping[str, Any], _now: float) -> None:
        _require(claims.get("tid") == tenant, "another tenant")

    return check_entra_tenant


def _party(issuer: Issuer, claim: str) -> ClaimCheck:
    """Return a check that the token was issued to one of the `clients`, if any are listed."""
    clients = frozenset(issuer.clients)

    def check_party(claims: Mapping[str, Any], _now: float) -> None:
        party = claims.get(claim)
        allowed = not clients or (isinstance(party, str) and party in clients)
        _require(allowed, f"issued to another application ({claim})")

    return check_party


def _below(path: str) -> Callable[[Issuer], str | None]:
    """Return a function that appends *path* to the issuer's name, which is a URL."""
    return lambda issuer: issuer.issuer + path


def _require(condition: bool, fault: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not condition:
        raise InvalidToken(cause=fault)
