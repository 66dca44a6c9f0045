"""The composition root: builds the application from its parts."""

from __future__ import annotations

import logging
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
from tokensvc.config.environment import Settings, is_loopback
from tokensvc.errors import ConfigurationError
from tokensvc.gemini.compiler import compile_profiles
from tokensvc.gemini.gate import Gate
from tokensvc.gemini.minter import Minter
from tokensvc.gemini.ready import ReadyTokens
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

    from tokensvc.config.environment import Paths
    from tokensvc.config.file import Configuration
    from tokensvc.gemini.compiler import CompiledProfile
    from tokensvc.reloading import Stamp


_log = logging.getLogger(__name__)
_handed_over: Deployment | None = None


@dataclass(frozen=True)
class Deployment:
    """Everything that a start depends on, checked before anything listens."""

    settings: Settings
    configuration: Configuration
    config_stamp: Stamp  # of the file that *configuration* was read from
    trust: Trust
    profiles: Mapping[str, CompiledProfile]

    @property
    def policy(self) -> Policy:
        """The part that may change while the service runs."""
        return Policy(self.profiles, self.configuration.limits)

    @property
    def websocket_url(self) -> str:
        """The address that a browser opens with its token: the constrained Live endpoint."""
        version = self.configuration.gemini.api_version
        return (
            f"{self.settings.gemini_websocket_url}/ws/google.ai.generativelanguage.{version}"
            ".GenerativeService.BidiGenerateContentConstrained"
        )

    def check_bind_addresses(self, hosts: Iterable[str]) -> None:
        """Check that requests to *hosts*, the bind addresses, can be answered.

        Raises:
            ConfigurationError: if one is open to other machines, and there is no public_url.
        """
        exposed = ", ".join(host for host in hosts if not is_loopback(host))
        if exposed and self.configuration.http.public_url is None:
            fault = f"is missing; without it only this machine is answered, not {exposed}"
            source = str(self.settings.paths.config_file)
            raise ConfigurationError(source, [f"http.public_url: {fault}"])

    def reread_policy(self) -> Policy:
        """Read the policy from the changed file, and log which other changes need a reload.

        Raises:
            ConfigurationError: naming every fault found.
        """
        changed = config_file.load(self.settings.paths.config_file)
        in_force = self.configuration
        for section in ("http", "issuers", "gemini"):
            if getattr(changed, section) != getattr(in_force, section):
                _log.warning("reload needed to apply a configuration change section=%s", section)
        # A new api_version needs a reload, so compile for the one in force.
        profiles = _compiled(changed, in_force.gemini.api_version, self.settings.paths)
        return Policy(profiles, changed.limits)


def load_deployment(environ: Mapping[str, str]) -> Deployment:
    """Read the environment and the configuration, and compile the profiles.

    Raises:
        ConfigurationError: naming every fault found.
    """
    settings = Settings.read(environ)
    paths = settings.paths
    # Taken before the file is read, so that a change in between is noticed later.
    config_stamp = stamp(paths.config_file)
    configured = config_file.load(paths.config_file)
    return Deployment(
        settings=settings,
        configuration=configured,
        config_stamp=config_stamp,
        trust=trust(configured.issuers, paths, environ),
        profiles=_compiled(configured, configured.gemini.api_version, paths),
    )


def hand_over(deployment: Deployment) -> None:
    """Make *deployment* the default of `create_app` in this process and those that it forks.

    gunicorn's master calls this, so that its workers need not load everything again.
    """
    global _handed_over  # noqa: PLW0603 - only a process-wide value is inherited over a fork
    _handed_over = deployment


def create_app(environ: Mapping[str, str] | None = None) -> Flask:
    """Return the WSGI application for *environ*.

    Without *environ*, it uses the deployment that was handed over, or else os.environ. gunicorn
    calls this in each worker. The store must exist: if it is lost while other workers serve, it
    must not be replaced by an empty one, without blocks and budgets.

    Raises:
        ConfigurationError: naming every fault found.
        TemporarilyUnavailable: if the store cannot be used.
    """
    if environ is None and _handed_over is not None:
        return build_app(_handed_over)
    return build_app(load_deployment(os.environ if environ is None else environ))


def build_app(deployment: Deployment) -> Flask:
    """Return the WSGI application for *deployment*; each process must build its own.

    Raises:
        ConfigurationError: if the store's schema is not up to date.
        TemporarilyUnavailable: if the store cannot be used.
    """
    settings, http = deployment.settings, deployment.configuration.http
    engine = stores.open_existing(settings.paths.database_url)
    ledger = Ledger(engine, _now)
    access_tokens = AccessTokens(settings.secret_keys, time.time)
    policy = FollowedPolicy(
        settings.paths.config_file,
        deployment.policy,
        deployment.reread_policy,
        seen=deployment.config_stamp,
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
        minter=ReadyTokens(
            Minter(
                BoundedHttpClient(settings.gemini_base_url),
                api_version=deployment.configuration.gemini.api_version,
                api_keys=settings.gemini_api_keys,
                clock=_now,
                gate=Gate(),
            ),
            _now,
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


def _compiled(
    configured: Configuration, api_version: str, paths: Paths
) -> Mapping[str, CompiledProfile]:
    return compile_profiles(
        configured.profiles.values(),
        api_version=api_version,
        cache_dir=paths.data_dir / "compiled",
        source=str(paths.config_file),
    )


def _now() -> datetime:
    return datetime.now(UTC)
