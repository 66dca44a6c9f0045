"""Presets for common identity providers: where their keys are, and how to tell their tokens apart.

A provider signs several kinds of token with the same keys: people's access tokens, ID tokens and
machine tokens. Standard claims may not tell them apart; these checks do, as each provider
documents.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tokensvc.authn.site_jwt.authenticator import LEEWAY, ClaimCheck, claim_at, require
from tokensvc.config.file import Issuer

_LONGEST_FIREBASE_UID = 128  # characters
_FIREBASE_KEYS = "https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com"


@dataclass(frozen=True)
class Preset:
    """A provider's defaults and checks.

    *shape* is a regular expression for its issuers; *jwks_url* and *audience* are templates of what
    it matches. *party* is the claim that names the application. *anonymous* refuses anonymous users,
    who could be any number, each with limits of their own. *needs* are keys that must be configured.
    """

    shape: str
    jwks_url: str
    checks: tuple[ClaimCheck, ...] = ()
    party: str | None = None
    algorithms: tuple[str, ...] = ("RS256",)
    audience: str = ""
    groups_claim: str | None = None
    needs: tuple[str, ...] = ("audience",)
    anonymous: ClaimCheck | None = None

    def checks_for(self, issuer: Issuer) -> tuple[ClaimCheck, ...]:
        """Return the checks of a token of *issuer*."""
        checks = list(self.checks)
        if self.party and issuer.clients:
            checks.append(_states(self.party, f"issued to another application ({self.party})", *issuer.clients))
        if self.anonymous and not issuer.anonymous:
            checks.append(self.anonymous)
        return tuple(checks)

    def match(self, issuer: Issuer) -> re.Match[str]:
        """Check the configuration of *issuer*, and return how its name matches *shape*.

        Raises:
            ValueError: if it is not the provider's, lacks what the preset needs, or has what does nothing.
        """
        match = re.fullmatch(self.shape, issuer.issuer)
        if match is None:
            raise ValueError(f"issuer is not of the form of {issuer.preset}; docs/identity.md shows it")
        missing = [name for name in self.needs if not getattr(issuer, name)]
        if missing:
            raise ValueError(f"{' and '.join(missing)} is missing: {issuer.preset} needs it")
        if issuer.anonymous and self.anonymous is None:
            raise ValueError(f"anonymous has no effect with {issuer.preset}: remove it")
        return match


def _refuse_cognito_machines(claims: Mapping[str, Any], _now: float) -> None:
    # Cognito uses the client's id as a machine's subject.
    require(claims.get("sub") != claims.get("client_id"), "token of a machine")


def _refuse_auth0_machines(claims: Mapping[str, Any], _now: float) -> None:
    # Auth0 marks tokens of the client credentials grant in `gty` or the subject.
    machine = claims.get("gty") == "client-credentials" or str(claims.get("sub")).endswith("@clients")
    require(not machine, "token of a machine")


def _check_firebase_sign_in(claims: Mapping[str, Any], now: float) -> None:
    at = claims.get("auth_time")
    # JSON's true must not pass as the number 1.
    is_past = isinstance(at, int) and not isinstance(at, bool) and 0 < at <= now + LEEWAY
    require(is_past, "sign-in time is missing or in the future")
    require(len(claims["sub"]) <= _LONGEST_FIREBASE_UID, "user id is too long")


def _refuse_anonymous_firebase_users(claims: Mapping[str, Any], _now: float) -> None:
    require(claim_at(claims, "firebase.sign_in_provider") != "anonymous", "user is anonymous")


def _check_entra_tenant_and_scope(claims: Mapping[str, Any], _now: float) -> None:
    require(claims.get("tid") == claims["iss"].split("/")[3], "another tenant")
    # ID and machine tokens have no scope.
    require(isinstance(claims.get("scp"), str), "no scope, so not a person's access token")


def _refuse_anonymous_supabase_users(claims: Mapping[str, Any], _now: float) -> None:
    require(claims.get("is_anonymous", False) is False, "user is anonymous")


def _states(claim: str, fault: str, *values: str, absent: str | None = None) -> ClaimCheck:
    """Return a check that *claim* has one of *values*; without the claim, it counts as *absent*."""

    def check_claim(claims: Mapping[str, Any], _now: float) -> None:
        require(claims.get(claim, absent) in values, fault)

    return check_claim


NO_PRESET = Preset(shape=".+", jwks_url="", algorithms=(), needs=())
PRESETS = {
    "auth0": Preset(
        shape=r"https://[^/]+/",
        jwks_url=r"\g<0>.well-known/jwks.json",
        checks=(_refuse_auth0_machines,),
        party="azp",
        groups_claim="permissions",
    ),
    "clerk": Preset(
        shape=r"https://[^/]+(/[^/]+)*",
        jwks_url=r"\g<0>/.well-known/jwks.json",
        # One whose sign-in lacks a second factor is pending.
        checks=(_states("sts", "session is pending", "active", absent="active"),),
        party="azp",
        needs=("clients",),
    ),
    "firebase": Preset(
        shape=r"https://securetoken\.google\.com/([a-z0-9:.-]+)",
        jwks_url=_FIREBASE_KEYS,
        audience=r"\1",
        checks=(_check_firebase_sign_in,),
        anonymous=_refuse_anonymous_firebase_users,
        needs=(),
    ),
    "supabase": Preset(
        shape=r"https?://[^/]+/auth/v1",
        jwks_url=r"\g<0>/.well-known/jwks.json",
        algorithms=("ES256",),
        audience="authenticated",
        # The API keys `anon` and `service_role` are JWTs too.
        checks=(_states("role", "role is not a person's", "authenticated"),),
        anonymous=_refuse_anonymous_supabase_users,
        needs=(),
    ),
    "cognito": Preset(
        shape=r"https://cognito-idp\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/[A-Za-z0-9_-]+",
        jwks_url=r"\g<0>/.well-known/jwks.json",
        checks=(_states("token_use", "not an access token", "access"), _refuse_cognito_machines),
        party="client_id",
        groups_claim="cognito:groups",
        needs=("clients",),
    ),
    "keycloak": Preset(
        shape=r"https?://[^/]+(/[^/]+)*/realms/[^/]+",
        jwks_url=r"\g<0>/protocol/openid-connect/certs",
        checks=(_states("typ", "not an access token", "Bearer"),),
        party="azp",
        groups_claim="realm_access.roles",
    ),
    "entra": Preset(
        shape=r"(https://login\.(microsoftonline\.(com|us)|partner\.microsoftonline\.cn)/[0-9a-f-]{36})/v2\.0",
        jwks_url=r"\1/discovery/v2.0/keys",
        checks=(
            _check_entra_tenant_and_scope,
            _states("ver", "token of another version", "2.0"),
            _states("idtyp", "token of a machine", "user", absent="user"),
        ),
        party="azp",
        groups_claim="roles",
    ),
}
