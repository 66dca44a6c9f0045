"""The composition root: builds the application from its parts."""

import logging
import os
import time
import weakref
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from threading import Lock
from wsgiref.types import StartResponse, WSGIEnvironment

from flask import Blueprint, Flask, Request

from tokensvc.authn.access_tokens import AccessTokens
from tokensvc.authn.api_keys import authenticate_api_key
from tokensvc.authn.chain import AuthenticatorChain, LeaseHolders, authenticate_guest
from tokensvc.authn.passwords import PasswordVerifier
from tokensvc.authn.signed_in import authenticate_signed_in
from tokensvc.authn.site_jwt.authenticator import SiteJwtAuthenticator
from tokensvc.authn.site_jwt.issuers import Trust, trust
from tokensvc.authn.site_jwt.jwks_client import JwksRefresher
from tokensvc.config import file as config_file
from tokensvc.config.addresses import is_loopback
from tokensvc.config.environment import Paths, Settings
from tokensvc.config.file import Configuration
from tokensvc.config.lines import naming_lines
from tokensvc.domain import Principal
from tokensvc.errors import ConfigurationError
from tokensvc.gemini.compiler import CompiledProfile, compile_profiles
from tokensvc.gemini.gate import Gate
from tokensvc.gemini.minter import Minter
from tokensvc.gemini.ready import ReadyTokens
from tokensvc.http_client import BoundedHttpClient
from tokensvc.issuing import Policy, TokenService
from tokensvc.reloading import FollowedPolicy, Stamp, stamp
from tokensvc.signing.derived import derive_key, pseudonym
from tokensvc.signing.leases import LeaseSigner
from tokensvc.signing.tool_requests import ToolRequestSigner
from tokensvc.signing_in import LoginService
from tokensvc.store import engine as stores
from tokensvc.store.accounts import Accounts
from tokensvc.store.api_keys import ApiKeys
from tokensvc.store.blocks import Blocks
from tokensvc.store.ledger import Ledger
from tokensvc.store.logins import Logins
from tokensvc.store.refused import Refusals
from tokensvc.store.tool_calls import ToolCalls
from tokensvc.store.usage import Usage
from tokensvc.tooling import ToolService
from tokensvc.tools.runnables import runnables
from tokensvc.tools.running import Bulkhead
from tokensvc.web_api import assets, bodies, headers, health, logins, mounting, origins, pages, problems, tokens, tools
from tokensvc.web_api.observing import Observing
from tokensvc.web_api.releases import read_release, web_folder

_log = logging.getLogger(__name__)


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
        # Nothing, in place of a host, means every address.
        exposed = [host or "every address" for host in hosts if not is_loopback(host)]
        if exposed and self.configuration.http.public_url is None:
            fault = f"is missing; without it only this machine is answered, not {', '.join(exposed)}"
            raise ConfigurationError(str(self.settings.paths.config_file), [f"http.public_url: {fault}"])

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
        with naming_lines(self.settings.paths.config_file):
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
    with naming_lines(paths.config_file):
        trusted = trust(configured.issuers, paths, settings.egress, environ)
        profiles = _compiled(configured, configured.gemini.api_version, paths)
    return Deployment(settings, configured, config_stamp, trusted, profiles)


# What `create_app` serves by default, in this process and in those that it forks: set by gunicorn's master, so that its
# workers need not load everything again.
handed_over: Deployment | None = None


class Application(Flask):
    """The WSGI application. It starts no thread and opens no store until it serves.

    So it may be created before a fork, as by gunicorn's --preload.
    """

    def __init__(
        self, check: Callable[[], None], starts: Iterable[Callable[[], None]], stops: Iterable[Callable[[], None]]
    ) -> None:
        """*check* checks the store; *starts* and *stops* are for what runs beside requests in each process."""
        super().__init__(__name__, static_folder=None)
        self._check = check
        self._starts = starts
        self._starting = Lock()
        self._started_in = 0  # process ID
        self.replace_worker: Callable[[], None] = lambda: None  # set by a server that has workers
        # Called by a server before a process ends, or else when the application is dropped or Python exits.
        self.close = weakref.finalize(self, _call_all, stops)

    def start(self) -> None:
        """Check the store, and start what runs beside requests, in a process that will serve.

        Raises:
            ConfigurationError: if the store's schema is not up to date.
            TemporarilyUnavailable: if the store cannot be used.
        """
        self._check()
        self._start_once()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve a request; before the first, start what runs beside them."""
        if self._started_in != os.getpid():
            self._start_once()
        return self.wsgi_app(environ, start_response)

    def _start_once(self) -> None:
        with self._starting:
            if self._started_in != os.getpid():
                _call_all(self._starts)
                self._started_in = os.getpid()


def _call_all(functions: Iterable[Callable[[], None]]) -> None:
    for function in functions:
        function()


def create_app(environ: Mapping[str, str] | None = None) -> Application:
    """Return the WSGI application for *environ*.

    Without *environ*, it uses the deployment that was handed over, or else os.environ. gunicorn calls this in each
    worker. The store must exist: if it is lost while other workers serve, it must not be replaced by an empty one,
    without blocks and budgets. Until it is there, requests are refused.

    Raises:
        ConfigurationError: naming every fault found.
    """
    if environ is None and handed_over is not None:
        return build_app(handed_over)
    return build_app(load_deployment(os.environ if environ is None else environ))


def blueprint(signed_in: Callable[[Request], Principal | None], environ: Mapping[str, str] | None = None) -> Blueprint:
    """Return the service as a Flask blueprint, for a site that has its own login.

    *signed_in* is called with a request of the site, and returns `tokensvc.person(…)`, or None if nobody is signed in.
    The store must exist: run `tokensvc db upgrade` before the site starts.

    Raises:
        ConfigurationError: naming every fault found in *environ*, by default os.environ, and in the file.
    """
    deployment = load_deployment(os.environ if environ is None else environ)
    if deployment.configuration.http.metrics_bind is not None:
        fault = "http.metrics_bind: only “tokensvc serve” listens there; remove it"
        raise ConfigurationError(str(deployment.settings.paths.config_file), [fault])
    return mounting.blueprint(build_app(deployment), signed_in)


def build_app(deployment: Deployment) -> Application:
    """Return the WSGI application for *deployment*.

    Raises:
        ConfigurationError: if DATABASE_URL is invalid.
    """
    settings, http = deployment.settings, deployment.configuration.http
    engine = stores.open_engine(settings.paths.database_url)
    ledger = Ledger(engine, _now)
    access_tokens = AccessTokens(settings.secret_keys, time.time)
    policy = FollowedPolicy(
        settings.paths.config_file, deployment.policy, deployment.reread_policy, seen=deployment.config_stamp
    )
    gate, usage, refusals = Gate(), Usage(engine, _now), Refusals(engine, _now)
    proxy = settings.egress.proxy_for(settings.gemini_base_url)
    minter = Minter(
        BoundedHttpClient(settings.gemini_base_url, proxy=proxy),
        api_version=deployment.configuration.gemini.api_version,
        api_keys=settings.gemini_api_keys,
        clock=_now,
        gate=gate,
        pseudonym=partial(pseudonym, derive_key(settings.secret_keys[0], "safety identifier")),
    )
    ready = ReadyTokens(minter, _now)
    authenticators = AuthenticatorChain(
        [
            SiteJwtAuthenticator([*deployment.trust.issuers, access_tokens.issuer()], time.time).authenticate,
            partial(authenticate_api_key, ApiKeys(engine)),
            partial(authenticate_signed_in, deployment.configuration.site.claims),
            authenticate_guest,
        ]
    )
    holders = LeaseHolders(authenticators, LeaseSigner(settings.secret_keys, _now))
    service = TokenService(holders=holders, policy=policy, ledger=ledger, minter=ready, usage=usage, clock=_now)
    login = LoginService(
        PasswordVerifier(Accounts(engine)),
        ledger,
        access_tokens,
        Logins(engine, _now),
        derive_key(settings.secret_keys[0], "login cookie"),
    )
    signer = ToolRequestSigner(settings.secret_keys, http.public_url or "http://localhost")
    tooling = ToolService(
        holders=holders,
        profiles=lambda: policy().profiles,
        calls=ToolCalls(engine, _now),
        runnable=runnables(settings.egress, signer),
        bulkhead=Bulkhead(lambda: app.replace_worker()),  # noqa: PLW0108 - set after this
    )
    refresher = JwksRefresher(deployment.trust.key_sets)

    app = Application(
        partial(stores.check, engine),
        starts=[policy.follow, refresher.start],
        stops=[policy.stop, refresher.stop, refusals.write, engine.dispose],
    )
    app.config["MAX_CONTENT_LENGTH"] = bodies.MOST_READ
    app.url_map.merge_slashes = False  # //login is not found: a redirect is not in the contract
    problems.install(app)
    origins.install(app, http)
    headers.install(app, http)
    app.register_blueprint(health.blueprint(Blocks(engine, _now), partial(stores.probe, engine)))
    app.register_blueprint(tokens.blueprint(service))
    app.register_blueprint(logins.blueprint(login, http))
    app.register_blueprint(tools.blueprint(tooling, signer))
    release = read_release(web_folder())
    app.register_blueprint(assets.blueprint(release))
    if http.page:
        app.register_blueprint(pages.blueprint(release, http, deployment.websocket_url))

    endpoint = tokens.TokenEndpoint(app.wsgi_app, service, http, deployment.websocket_url)
    hashed = deployment.configuration.log_subjects == "hashed"
    hashing_key = derive_key(settings.secret_keys[0], "log subjects") if hashed else None
    observing = Observing(endpoint, hashing_key, refusals.count)
    wsgi = mounting.mounted(observing, http)
    if http.metrics_address is not None:
        from tokensvc.web_api.metrics import Lookups, Metrics  # noqa: PLC0415 - as the module says

        lookups = Lookups(
            policy=policy,
            live_leases=ledger.live_leases,
            budgets_left=ledger.budgets_left,
            reported_seconds=usage.reported_today,
            key_sets=deployment.trust.key_sets,
            probe_file=settings.paths.data_dir / "probe.json",
        )
        metrics = Metrics(http.metrics_address, lookups)
        gate.tell, ready.tell = metrics.google_answers, metrics.ready.set
        observing.reports.append(metrics.count)
        wsgi = metrics.beside(wsgi)
    app.wsgi_app = wsgi  # type: ignore[assignment, method-assign]  # Flask's own way
    return app


def _compiled(configured: Configuration, api_version: str, paths: Paths) -> Mapping[str, CompiledProfile]:
    return compile_profiles(
        configured.profiles.values(),
        api_version=api_version,
        cache_dir=paths.data_dir / "compiled",
        source=str(paths.config_file),
    )


def _now() -> datetime:
    return datetime.now(UTC)
