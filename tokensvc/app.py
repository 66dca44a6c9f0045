"""The composition root: puts the parts together, and knows all of them."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flask import Flask, Response, request

from tokensvc import configuration
from tokensvc.authn.access_tokens import ISSUER, AccessTokens
from tokensvc.authn.chain import AuthenticatorChain
from tokensvc.authn.guests import GUEST_ISSUER, GuestAuthenticator
from tokensvc.authn.key_files import load_public_key
from tokensvc.authn.leases import LeaseSigner
from tokensvc.authn.passwords import PasswordVerifier
from tokensvc.authn.site_jwt import SiteJwtAuthenticator, TrustedIssuer
from tokensvc.errors import ConfigurationError
from tokensvc.gemini.compiler import compile_profiles
from tokensvc.gemini.deadline_http import DeadlineHttpClient
from tokensvc.gemini.minter import Minter
from tokensvc.http import assets, bodies, health, logins, origins, problems, tokens
from tokensvc.issuing import Policy, TokenService
from tokensvc.reloading import FollowedPolicy, stamp
from tokensvc.settings import SHORTEST_SECRET, Places, Settings
from tokensvc.signing_in import LoginService
from tokensvc.store import engine as stores
from tokensvc.store.accounts import Accounts
from tokensvc.store.blocks import Blocks
from tokensvc.store.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tokensvc.authn.key_files import PublicKey
    from tokensvc.configuration import Configuration, Issuer
    from tokensvc.gemini.compiler import CompiledProfile


@dataclass(frozen=True)
class Deployment:
    """Everything that a start has to get right, checked whole before anything listens."""

    settings: Settings
    configuration: Configuration
    issuers: tuple[TrustedIssuer, ...]
    profiles: Mapping[str, CompiledProfile]

    @property
    def policy(self) -> Policy:
        """What of it may change while it is served."""
        return Policy(self.profiles, self.configuration.limits)

    @property
    def websocket_url(self) -> str:
        """Where a browser takes its token: the constrained Live endpoint."""
        version = self.configuration.gemini.api_version
        return (
            f"{self.settings.gemini_websocket_url}/ws/google.ai.generativelanguage.{version}"
            ".GenerativeService.BidiGenerateContentConstrained"
        )


def prepare(environment: Mapping[str, str]) -> Deployment:
    """Read the environment and the configuration, and compile the profiles.

    Raises:
        ConfigurationError: naming every fault that was found.
    """
    settings = Settings.read(environment)
    configured = configuration.load(settings.places.config_file)
    return Deployment(
        settings=settings,
        configuration=configured,
        issuers=_trusted(configured, settings),
        profiles=compile_profiles(
            configured.profiles.values(),
            api_version=configured.gemini.api_version,
            cache_dir=settings.places.data_dir / "compiled",
            source=str(settings.places.config_file),
        ),
    )


def create_app(environment: Mapping[str, str] = os.environ) -> Flask:
    """The WSGI application; gunicorn calls this in each worker, after the fork.

    Raises:
        ConfigurationError: naming every fault that was found.
    """
    # Looked at before it is read: what changes meanwhile is a change.
    seen = stamp(Places.read(environment).config_file)
    deployment = prepare(environment)
    settings, http = deployment.settings, deployment.configuration.http
    engine = stores.open_engine(settings.places.database_url)
    stores.prepare(engine)
    ledger = Ledger(engine, _now)
    access_tokens = AccessTokens(settings.secret_keys, time.time)
    policy = FollowedPolicy(
        settings.places.config_file,
        deployment.policy,
        lambda: prepare(environment).policy,
        seen=seen,
    )
    policy.follow()
    service = TokenService(
        authenticator=AuthenticatorChain(
            [
                SiteJwtAuthenticator([*deployment.issuers, access_tokens.issuer()], time.time),
                GuestAuthenticator(),
            ]
        ),
        policy=policy,
        ledger=ledger,
        minter=Minter(
            DeadlineHttpClient(settings.gemini_base_url),
            api_version=deployment.configuration.gemini.api_version,
            api_keys=settings.gemini_api_keys,
            clock=_now,
        ),
        leases=LeaseSigner(settings.secret_keys, _now),
        clock=_now,
    )
    login = LoginService(PasswordVerifier(Accounts(engine)), ledger, access_tokens)

    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = bodies.MOST_READ
    problems.install(app)
    origins.install(app, http)
    app.after_request(_harden)
    app.register_blueprint(health.blueprint(Blocks(engine, _now)))
    app.register_blueprint(tokens.blueprint(service, deployment.websocket_url))
    app.register_blueprint(logins.blueprint(login))
    if http.page:
        files = assets.read_assets(assets.web_folder())
        app.register_blueprint(assets.blueprint(files, http, deployment.websocket_url))
    return app


def _now() -> datetime:
    return datetime.now(UTC)


def _trusted(configured: Configuration, settings: Settings) -> tuple[TrustedIssuer, ...]:
    trusted, faults = [], []
    for index, issuer in enumerate(configured.issuers):
        try:
            trusted.append(_trusted_issuer(issuer, settings))
        except ValueError as error:
            faults.append(f"issuers.{index} ({issuer.name}): {error}")
    if faults:
        raise ConfigurationError(str(settings.places.config_file), faults)
    return tuple(trusted)


def _trusted_issuer(issuer: Issuer, settings: Settings) -> TrustedIssuer:
    if issuer.issuer in {ISSUER, GUEST_ISSUER}:
        raise ValueError(f"issuer “{issuer.issuer}” is the service's own name")
    if issuer.secret_env:
        secret = (settings.secret(issuer.secret_env) or "").encode()
        if len(secret) < SHORTEST_SECRET:
            raise ValueError(f"{issuer.secret_env} is not set, or under {SHORTEST_SECRET} bytes")
        return _with_key(issuer, secret)
    path = settings.places.config_file.parent / (issuer.public_key_file or "")
    return _with_key(issuer, load_public_key(path, issuer.algorithms))


def _with_key(issuer: Issuer, key: PublicKey | bytes) -> TrustedIssuer:
    return TrustedIssuer(
        issuer=issuer.issuer,
        audience=issuer.audience,
        algorithms=issuer.algorithms,
        keys=(key,),
        groups_claim=issuer.groups_claim,
    )


def _harden(response: Response) -> Response:
    """What every answer says, unless its route has said it already (OWASP ASVS 5.0, V3.4)."""
    headers = response.headers
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "no-referrer")
    headers.setdefault("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
    headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    if request.is_secure:
        headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    return response
