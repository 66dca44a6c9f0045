"""Reads and checks the configuration file: what operators set outside the environment."""

from __future__ import annotations

import ipaddress
import tomllib
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, IPvAnyNetwork, ValidationError, model_validator

from tokensvc.config import placeholders
from tokensvc.config.environment import is_loopback
from tokensvc.config.profiles import DailySeconds, Limits, Model, Name, Profile, Seconds
from tokensvc.domain import Limit
from tokensvc.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FAMILIES: dict[str, str] = {  # kinds of key, by algorithm
    "HS256": "secret",
    "RS256": "RSA",
    "RS384": "RSA",
    "RS512": "RSA",
    "PS256": "RSA",
    "ES256": "elliptic curve",
    "ES384": "elliptic curve",
    "EdDSA": "Edwards curve",
}
LONGEST_SITE_JWT = 30 * 86400  # seconds
MOST_READY = 64  # tokens in a process; so many mints may take places in the gate at once
PresetName = Literal["auth0", "clerk", "firebase", "supabase", "cognito", "keycloak", "entra"]
_INSTRUCTION = frozenset({"system_instruction", "systemInstruction"})  # Google takes either
Algorithm = Literal["HS256", "RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"]


def _origin(value: str) -> str:
    parts = urlsplit(value)
    exact = f"{parts.scheme}://{parts.netloc}"
    if value != exact or parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("write an origin such as “https://www.example.com”, with no path")
    if parts.username or "*" in value or value != value.lower():
        raise ValueError("write an origin in lower case, with no wildcard and no credentials")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError("write an https origin; http is allowed on this machine only")
    return value


def _proxy_network(value: Network) -> Network:
    if value.prefixlen == 0:
        raise ValueError("is every address, so anyone could forge X-Forwarded-For; list proxies")
    return value


Origin = Annotated[str, AfterValidator(_origin)]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

PlaceCount = Annotated[int, Field(ge=1, le=1000)]


class Http(Model):
    """How the service is reached from the web."""

    public_url: Origin | None = None
    origins: tuple[Origin, ...] = ()
    frame_ancestors: tuple[
        Annotated[str, Field(pattern=r"^('self'|'none'|https?://[^\s;,]+)$")], ...
    ] = ("'self'",)
    trusted_proxies: tuple[Annotated[IPvAnyNetwork, AfterValidator(_proxy_network)], ...] = ()
    page: bool = True  # whether to serve our own page at /

    @property
    def by_https(self) -> bool:
        """Whether browsers reach the service by https, such as through a proxy."""
        return self.public_url is not None and self.public_url.startswith("https:")


class Gemini(Model):
    """Which version of Google's API is used."""

    api_version: Literal["v1beta", "v1alpha"] = "v1beta"


class Issuer(Model):
    """An issuer whose JWTs are accepted, and its keys; a preset gives defaults."""

    name: Name
    issuer: Annotated[str, Field(min_length=1, max_length=255)]
    preset: PresetName | None = None
    audience: Annotated[str, Field(min_length=1, max_length=255)] | None = None
    clients: tuple[Annotated[str, Field(min_length=1, max_length=255)], ...] = ()
    algorithms: tuple[Algorithm, ...] = ()
    jwks_url: str | None = None
    public_key_file: str | None = None
    secret_env: str | None = None
    groups_claim: str | None = None
    claims: tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:/-]{1,100}$")], ...] = ()
    longest_life: Annotated[Seconds, Field(le=LONGEST_SITE_JWT)] = 86400
    anonymous: bool = False

    @model_validator(mode="after")
    def _one_key_family_and_source(self) -> Self:
        families = {_FAMILIES[a] for a in self.algorithms}
        sources = [self.jwks_url, self.public_key_file, self.secret_env]
        if len(families) > 1:
            raise ValueError("algorithms mixes key families; list those of one family")
        if len(sources) - sources.count(None) > 1:
            raise ValueError("write one of jwks_url, public_key_file and secret_env")
        if families and (families == {"secret"}) != (self.secret_env is not None):
            raise ValueError("HS256 needs secret_env, and other algorithms need public keys")
        return self

    @model_validator(mode="after")
    def _check_complete_without_preset(self) -> Self:
        if self.preset is not None:
            return self
        missing = [name for name in ("audience", "algorithms") if not getattr(self, name)]
        if missing:
            raise ValueError(f"missing: {', '.join(missing)} (only a preset has defaults)")
        if {self.jwks_url, self.public_key_file, self.secret_env} == {None}:
            raise ValueError("write one of jwks_url, public_key_file and secret_env")
        if self.clients or self.anonymous:
            raise ValueError("clients and anonymous have an effect only with a preset: remove them")
        return self


class ConcurrencyLimits(Model):
    """How many live conversations one subject, or all guests at one address, may have."""

    user: PlaceCount = 3  # and twice as many unexpired tokens: six starts in a token's lifetime
    guest: PlaceCount = 20  # an office shares one address


class Budgets(Model):
    """Seconds of conversation a day (UTC) for one subject, for one address, and for everyone."""

    user: DailySeconds | None = None
    guest: DailySeconds | None = 1800
    everyone: DailySeconds | None = None


class GroupLimits(Model):
    """A group's limits: *user* replaces each member's general ones; members share *budget*."""

    user: Limits = ()
    budget: DailySeconds | None = None


class LimitTable(Model):
    """How many conversations one subject, or all guests at one address, may start and have open."""

    user: Limits = (Limit(10, 60), Limit(60, 3600))
    guest: Limits = (Limit(20, 60), Limit(200, 86400))
    concurrent: ConcurrencyLimits = ConcurrencyLimits()
    budget: Budgets = Budgets()
    groups: dict[str, GroupLimits] = Field(default_factory=dict)


class Configuration(Model):
    """The whole configuration file."""

    http: Http = Http()
    gemini: Gemini = Gemini()
    issuers: tuple[Issuer, ...] = ()
    profiles: Annotated[dict[Name, Profile], Field(min_length=1)]
    limits: LimitTable = LimitTable()

    @model_validator(mode="after")
    def _issuers_are_unique(self) -> Self:
        for key in ("name", "issuer"):
            seen = [getattr(issuer, key) for issuer in self.issuers]
            if len(seen) != len(set(seen)):
                raise ValueError(f"two issuers have the same {key}")
        return self

    @model_validator(mode="after")
    def _ready_tokens_are_few(self) -> Self:
        total = sum(profile.ready_tokens for profile in self.profiles.values())
        if total > MOST_READY:
            raise ValueError(f"ready_tokens add up to {total}; the most is {MOST_READY} in all")
        return self


def _placeholder_faults(configuration: Configuration) -> Iterator[str]:
    """Yield a fault for each placeholder where none may be, or that no issuer fills."""
    known = {claim for issuer in configuration.issuers for claim in issuer.claims}
    for name, profile in configuration.profiles.items():
        if profile.ready_tokens and any(placeholders.find(profile.config)):
            yield f"profiles.{name}.ready_tokens: needs an instruction without claims; remove one"
        others = {k: v for k, v in profile.config.items() if k not in _INSTRUCTION}
        for claim in placeholders.find(others):
            yield f"profiles.{name}.config: “{claim}” is allowed in system_instruction only"
        for key in _INSTRUCTION & profile.config.keys():
            for claim in placeholders.find(profile.config[key]):
                if claim not in known:
                    yield f"profiles.{name}.config.{key}: no issuer lists “{claim}” in its claims"


def load(path: Path) -> Configuration:
    """Return the configuration in the TOML file at *path*.

    Raises:
        ConfigurationError: naming every fault with its key, or the line that is not TOML.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigurationError(
            str(path),
            ["there is no such file: create it (docs/configuring.md) or set TOKENSVC_CONFIG"],
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            str(path), [f"cannot be read: {getattr(error, 'strerror', 'it is not UTF-8')}"]
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(str(path), [f"is not TOML: {error}"]) from None
    return parse(document, source=str(path))


def parse(document: dict[str, Any], *, source: str) -> Configuration:
    """Return the configuration in *document*, a TOML file's content; *source* names it in faults.

    Raises:
        ConfigurationError: naming every fault with its key.
    """
    profiles = document.get("profiles")
    if isinstance(profiles, dict):  # a profile's name is its key
        named = {
            name: {**profile, "name": name} if isinstance(profile, dict) else profile
            for name, profile in profiles.items()
        }
        document = {**document, "profiles": named}
    try:
        configuration = Configuration.model_validate(document)
    except ValidationError as error:
        raise ConfigurationError(source, [_fault(fault) for fault in error.errors()]) from None
    if faults := list(_placeholder_faults(configuration)):
        raise ConfigurationError(source, faults)
    return configuration


def _fault(fault: Any) -> str:  # noqa: ANN401 - pydantic's ErrorDetails is a TypedDict of Any
    key = ".".join(str(part) for part in fault["loc"]) or "the file"
    if fault["type"] == "extra_forbidden":
        return f"{key}: there is no such key; check the spelling"
    if fault["type"] == "missing":
        return f"{key}: is missing"
    return f"{key}: {fault['msg'].removeprefix('Value error, ')}"  # pydantic's prefix
