"""The composition root: puts the parts together, and knows all of them."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flask import Flask

from tokensvc.authn.access_tokens import AccessTokens
from tokensvc.authn.api_keys import ApiKeyAuthenticator
from tokensvc.authn.chain import AuthenticatorChain
from tokensvc.authn.guests import GuestAuthenticator
from tokensvc.authn.passwords import PasswordVerifier
from tokensvc.authn.site_jwt.authenticator import SiteJwtAuthenticator
from tokensvc.authn.site_jwt.issuers import Trust, trust
from tokensvc.authn.site_jwt.jwks_client import JwksRefresher
from tokensvc.config import file as config_file
from tokensvc.config.environment import Paths, Settings, is_loopback
from tokensvc.errors import ConfigurationError
from tokensvc.gemini.compiler import compile_profiles
from tokensvc.gemini.minter import Minter
from tokensvc.http_client import BoundedHttpClient
from tokensvc.issuing import Policy, TokenService
from tokensvc.reloading import FollowedPolicy, stamp
from tokensvc.signing.leases import LeaseSigner
from tokensvc.signing_in import LoginService
from tokensvc.store import engine as stores
from tokensvc.store.accounts import Accounts
from tokensvc.store.api_keys import ApiKeys
from tokensvc.store.blocks import Blocks
from tokensvc.store.ledger import Ledger
from tokensvc.store.logins import Logins
from tokensvc.web_api import (
    assets,
    bodies,
    headers,
    health,
    logins,
    origins,
    pages,
    problems,
    tokens,
)
from tokensvc.web_api.releases import read_release, web_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tokensvc.config.file import Configuration
    from tokensvc.gemini.compiler import CompiledProfile


@dataclass(frozen=True)
class Deployment:
    """Everything that a start has to get right, checked whole before anything listens."""

    settings: Settings
    configuration: Configuration
    trust: Trust
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

    def check_bind_addresses(self, hosts: Iterable[str]) -> None:
        """Do nothing where requests that reach *hosts* are answered.

        Raises:
            ConfigurationError: where they would all be for a host that is not ours.
        """
        beyond = ", ".join(host for host in hosts if not is_loopback(host))
        if beyond and self.configuration.http.public_url is None:
            fault = f"is missing; without it only this machine is answered, and not {beyond}"
            source = str(self.settings.paths.config_file)
            raise ConfigurationError(source, [f"http.public_url: {fault}"])


def prepare(environment: Mapping[str, str]) -> Deployment:
    """Read the environment and the configuration, and compile the profiles.

    Raises:
        ConfigurationError: naming every fault that was found.
    """
    settings = Settings.read(environment)
    configured = config_file.load(settings.paths.config_file)
    return Deployment(
        settings=settings,
        configuration=configured,
        trust=trust(configured.issuers, settings),
        profiles=compile_profiles(
            configured.profiles.values(),
            api_version=configured.gemini.api_version,
            cache_dir=settings.paths.data_dir / "compiled",
            source=str(settings.paths.config_file),
        ),
    )


def create_app(environment: Mapping[str, str] = os.environ) -> Flask:
    """The WSGI application; gunicorn calls this in each worker, after the fork.

    The store has to be there: one that is lost while other workers serve is not to be replaced by
    an empty one, which knows of no block and no budget.

    Raises:
        ConfigurationError: naming every fault that was found.
        TemporarilyUnavailable: where the store cannot be used.
    """
    paths = Paths.read(environment)
    # First, because compiled profiles are kept in its folder, which may be gone for a moment.
    engine = stores.open_existing(paths.database_url)
    # Looked at before it is read: what changes meanwhile is a change.
    seen = stamp(paths.config_file)
    deployment = prepare(environment)
    settings, http = deployment.settings, deployment.configuration.http
    ledger = Ledger(engine, _now)
    access_tokens = AccessTokens(settings.secret_keys, time.time)
    policy = FollowedPolicy(
        settings.paths.config_file,
        deployment.policy,
        lambda: prepare(environment).policy,
        seen=seen,
    )
    policy.follow()
    service = TokenService(
        authenticator=AuthenticatorChain(
            [
                SiteJwtAuthenticator(
                    [*deployment.trust.issuers, access_tokens.issuer()], time.time
                ),
                ApiKeyAuthenticator(ApiKeys(engine)),
                GuestAuthenticator(),
            ]
        ),
        policy=policy,
        ledger=ledger,
        minter=Minter(
            BoundedHttpClient(settings.gemini_base_url),
            api_version=deployment.configuration.gemini.api_version,
            api_keys=settings.gemini_api_keys,
            clock=_now,
        ),
        leases=LeaseSigner(settings.secret_keys, _now),
        clock=_now,
    )
    login = LoginService(
        PasswordVerifier(Accounts(engine)), ledger, access_tokens, Logins(engine, _now)
    )
    JwksRefresher(deployment.trust.key_sets).start()

    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = bodies.MOST_READ
    problems.install(app)
    origins.install(app, http)
    headers.install(app, http)
    app.register_blueprint(health.blueprint(Blocks(engine, _now)))
    app.register_blueprint(tokens.blueprint(service, deployment.websocket_url))
    app.register_blueprint(logins.blueprint(login, http))
    release = read_release(web_folder())
    app.register_blueprint(assets.blueprint(release))
    if http.page:
        app.register_blueprint(pages.blueprint(release, http, deployment.websocket_url))
    return app


def _now() -> datetime:
    return datetime.now(UTC)
