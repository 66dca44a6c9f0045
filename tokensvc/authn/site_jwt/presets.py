"""What is known of the usual providers: where their keys are, and what marks a person's token.

A provider signs several kinds of token with the same keys: for a person's access, about who signed
in, for a machine, for nobody. Their standard claims may look alike; the checks here tell them
apart, each by what the provider documents. Each takes the issuer as it is configured.
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


def _nothing(_issuer: Issuer) -> str | None:
    return None


@dataclass(frozen=True)
class Preset:
    """What a provider's name in the configuration stands for.

    *shape* is the form of its issuers. *jwks_url* and *audience* are what an issuer that says
    nothing gets; *needs* are the keys of the configuration that it must say.
    """

    shape: str
    jwks_url: Callable[[Issuer], str | None]
    checks: Callable[[Issuer], tuple[ClaimCheck, ...]]
    algorithms: tuple[str, ...] = ("RS256",)
    audience: Callable[[Issuer], str | None] = _nothing
    groups_claim: str | None = None
    needs: tuple[str, ...] = ("audience",)


def preset(name: str) -> Preset:
    """The preset of that name.

    Raises:
        KeyError: where there is none.
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
    """What *issuer* lacks to be what its preset says, in words; None where nothing is."""
    if issuer.preset is None:
        return None
    chosen = preset(issuer.preset)
    if not re.fullmatch(chosen.shape, issuer.issuer):
        return f"issuer is not of the form that {issuer.preset} has; docs/identity.md shows it"
    missing = [name for name in chosen.needs if not getattr(issuer, name)]
    if missing:
        return f"{' and '.join(missing)} is missing: {issuer.preset} needs it"
    if issuer.anonymous and issuer.preset not in {"firebase", "supabase"}:
        return f"anonymous means nothing with {issuer.preset}"
    return None


def check_cognito_use(claims: Mapping[str, Any], _now: float) -> None:
    """An access token, no ID token: both are of the same pool and the same keys."""
    _require(claims.get("token_use") == "access", "no access token of Cognito")


def refuse_cognito_machines(claims: Mapping[str, Any], _now: float) -> None:
    """Cognito gives a client that speaks for itself its own name as the subject."""
    _require(claims.get("sub") != claims.get("client_id"), "a machine's token")


def refuse_auth0_machines(claims: Mapping[str, Any], _now: float) -> None:
    """Auth0 marks the client credentials grant by `gty`, and by the end of the subject."""
    machine = claims.get("gty") == "client-credentials" or str(claims.get("sub")).endswith(
        "@clients"
    )
    _require(not machine, "a machine's token")


def refuse_pending_clerk_sessions(claims: Mapping[str, Any], _now: float) -> None:
    """Somebody who has yet to finish signing in (a second factor, an organisation) is not in."""
    _require(claims.get("sts", "active") == "active", "a session that is pending")


def check_firebase_sign_in(claims: Mapping[str, Any], now: float) -> None:
    """Signed in at some time that is past, under a user id of Firebase's length."""
    at = claims.get("auth_time")
    is_past = isinstance(at, int) and not isinstance(at, bool) and 0 < at <= now + LEEWAY
    _require(is_past, "no time of signing in, or one to come")
    _require(len(claims["sub"]) <= _LONGEST_FIREBASE_UID, "a user id that is too long")


def refuse_anonymous_firebase_users(claims: Mapping[str, Any], _now: float) -> None:
    """Anybody gets any number of anonymous users, each with limits of its own."""
    provider = claim_at(claims, "firebase.sign_in_provider")
    _require(provider != "anonymous", "an anonymous user")


def check_supabase_role(claims: Mapping[str, Any], _now: float) -> None:
    """A person's token; `anon` and `service_role` keys are JWTs too, and public or worse."""
    _require(claims.get("role") == "authenticated", "the token of a role that is nobody")


def refuse_anonymous_supabase_users(claims: Mapping[str, Any], _now: float) -> None:
    """Anybody gets any number of anonymous users, each with limits of its own."""
    _require(claims.get("is_anonymous", False) is False, "an anonymous user")


def check_keycloak_type(claims: Mapping[str, Any], _now: float) -> None:
    """An access token: ID, refresh and logout tokens say so in the claim `typ`."""
    _require(claims.get("typ") == "Bearer", "no access token of Keycloak")


def check_entra_use(claims: Mapping[str, Any], _now: float) -> None:
    """A person's access token of version 2: an app's own has no scope, nor has an ID token."""
    _require(claims.get("ver") == "2.0", "a token of another version")
    _require(isinstance(claims.get("scp"), str), "a token that no person's consent stands behind")
    _require(claims.get("idtyp", "user") == "user", "a machine's token")


def _entra_tenant(issuer: Issuer) -> ClaimCheck:
    tenant = urlsplit(issuer.issuer).path.split("/")[1]

    def check_entra_tenant(claims: Mapping[str, Any], _now: float) -> None:
        _require(claims.get("tid") == tenant, "of another tenant")

    return check_entra_tenant


def _party(issuer: Issuer, claim: str) -> ClaimCheck:
    """The application that the token was given to is one of the `clients`, where any are listed."""
    clients = frozenset(issuer.clients)

    def check_party(claims: Mapping[str, Any], _now: float) -> None:
        party = claims.get(claim)
        allowed = not clients or (isinstance(party, str) and party in clients)
        _require(allowed, f"given to another application ({claim})")

    return check_party


def _below(path: str) -> Callable[[Issuer], str | None]:
    return lambda issuer: issuer.issuer + path


def _require(condition: bool, otherwise: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not condition:
        raise InvalidToken(cause=otherwise)
