"""The configuration file, whole: what is decided by people, not by the machine it runs on."""

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

_FAMILIES: dict[str, str] = {
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
PresetName = Literal["auth0", "clerk", "firebase", "supabase", "cognito", "keycloak", "entra"]
_INSTRUCTION = frozenset({"system_instruction", "systemInstruction"})
Algorithm = Literal["HS256", "RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"]


def _origin(value: str) -> str:
    parts = urlsplit(value)
    exact = f"{parts.scheme}://{parts.netloc}"
    if value != exact or parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("write an origin such as “https://www.example.com”, with no path")
    if parts.username or "*" in value or value != value.lower():
        raise ValueError("an origin is exact: lower case, no wildcard, no credentials")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError("an origin is https, except on this machine")
    return value


def _some(value: Network) -> Network:
    if value.prefixlen == 0:
        raise ValueError("that is everybody, and anybody could say where they come from")
    return value


Origin = Annotated[str, AfterValidator(_origin)]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

PlaceCount = Annotated[int, Field(ge=1, le=1000)]


class Http(Model):
    """How the service faces the web."""

    public_url: Origin | None = None
    origins: tuple[Origin, ...] = ()
    frame_ancestors: tuple[
        Annotated[str, Field(pattern=r"^('self'|'none'|https?://[^\s;,]+)$")], ...
    ] = ("'self'",)
    trusted_proxies: tuple[Annotated[IPvAnyNetwork, AfterValidator(_some)], ...] = ()
    page: bool = True

    @property
    def by_https(self) -> bool:
        """Whether browsers reach us by https, whoever speaks it for us."""
        return self.public_url is not None and self.public_url.startswith("https:")


class Gemini(Model):
    """Which of Google's API versions is spoken."""

    api_version: Literal["v1beta", "v1alpha"] = "v1beta"


class Issuer(Model):
    """Whose JWTs are believed, and by which keys; a preset fills in what is left out."""

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
    def _one_family_one_source_of_keys(self) -> Self:
        families = {_FAMILIES[a] for a in self.algorithms}
        sources = [self.jwks_url, self.public_key_file, self.secret_env]
        if len(families) > 1:
            raise ValueError("algorithms mixes key families; an issuer has one")
        if sources.count(None) < len(sources) - 1:
            raise ValueError("write one of jwks_url, public_key_file and secret_env")
        if families and (families == {"secret"}) != (self.secret_env is not None):
            raise ValueError("secret_env goes with HS256, and HS256 with nothing else")
        return self

    @model_validator(mode="after")
    def _whole_without_a_preset(self) -> Self:
        if self.preset is not None:
            return self
        missing = [name for name in ("audience", "algorithms") if not getattr(self, name)]
        if missing:
            raise ValueError(f"{' and '.join(missing)} is missing, and there is no preset")
        if self.jwks_url is self.public_key_file is self.secret_env is None:
            raise ValueError("write one of jwks_url, public_key_file and secret_env")
        if self.clients or self.anonymous:
            raise ValueError("clients and anonymous are words of presets")
        return self


class ConcurrencyLimits(Model):
    """How many live conversations one subject (a guest: one address) may have."""

    user: PlaceCount = 3  # as unexpired tokens count twice, six starts within a token's lifetime
    guest: PlaceCount = 20  # an office goes by one address


class Budgets(Model):
    """Seconds of granted conversation a day (UTC) of one subject, one address, and everyone."""

    user: DailySeconds | None = None
    guest: DailySeconds | None = 1800
    everyone: DailySeconds | None = None


class GroupLimits(Model):
    """What the members of a group have instead of the general limits, and all of them together."""

    user: Limits = ()
    budget: DailySeconds | None = None


class LimitTable(Model):
    """How many conversations one subject (a guest: one address) may start, and how long."""

    user: Limits = (Limit(10, 60), Limit(60, 3600))
    guest: Limits = (Limit(20, 60), Limit(200, 86400))
    concurrent: ConcurrencyLimits = ConcurrencyLimits()
    budget: Budgets = Budgets()
    groups: dict[str, GroupLimits] = Field(default_factory=dict)


class Configuration(Model):
    """All decisions of the operator."""

    http: Http = Http()
    gemini: Gemini = Gemini()
    issuers: tuple[Issuer, ...] = ()
    profiles: Annotated[dict[Name, Profile], Field(min_length=1)]
    limits: LimitTable = LimitTable()

    @model_validator(mode="after")
    def _issuers_differ(self) -> Self:
        for what in ("name", "issuer"):
            seen = [getattr(issuer, what) for issuer in self.issuers]
            if len(seen) != len(set(seen)):
                raise ValueError(f"two issuers have the same {what}")
        return self


def _unknown_claims(configuration: Configuration) -> Iterator[str]:
    """An instruction's placeholders that no issuer fills, or that stand elsewhere."""
    known = {claim for issuer in configuration.issuers for claim in issuer.claims}
    for name, profile in configuration.profiles.items():
        rest = {k: v for k, v in profile.config.items() if k not in _INSTRUCTION}
        for claim in placeholders.find(rest):
            yield f"profiles.{name}.config: “{claim}” may stand in system_instruction only"
        for key in _INSTRUCTION & profile.config.keys():
            for claim in placeholders.find(profile.config[key]):
                if claim not in known:
                    yield f"profiles.{name}.config.{key}: no issuer lists the claim “{claim}”"


def load(path: Path) -> Configuration:
    """Read and check the TOML file at *path*.

    Raises:
        ConfigurationError: naming every fault with its key, or the line that is no TOML.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigurationError(
            str(path),
            ["there is no such file; TOKENSVC_CONFIG names it, docs/configuring.md explains it"],
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            str(path), [f"cannot be read: {getattr(error, 'strerror', 'it is not UTF-8')}"]
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(str(path), [f"is not TOML: {error}"]) from None
    return parse(document, source=str(path))


def parse(document: dict[str, Any], *, source: str) -> Configuration:
    """Check *document*, a TOML file's content; *source* names it in faults.

    Raises:
        ConfigurationError: naming every fault with its key.
    """
    profiles = document.get("profiles")
    if isinstance(profiles, dict):
        named = {
            name: {**profile, "name": name} if isinstance(profile, dict) else profile
            for name, profile in profiles.items()
        }
        document = {**document, "profiles": named}
    try:
        configuration = Configuration.model_validate(document)
    except ValidationError as error:
        raise ConfigurationError(source, [_fault(fault) for fault in error.errors()]) from None
    if faults := list(_unknown_claims(configuration)):
        raise ConfigurationError(source, faults)
    return configuration


def _fault(fault: Any) -> str:  # noqa: ANN401 - pydantic's ErrorDetails is a TypedDict of Any
    key = ".".join(str(part) for part in fault["loc"]) or "the file"
    if fault["type"] == "extra_forbidden":
        return f"{key}: there is no such key"
    if fault["type"] == "missing":
        return f"{key}: is missing"
    return f"{key}: {fault['msg'].removeprefix('Value error, ')}"
