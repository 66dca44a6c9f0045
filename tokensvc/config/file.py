"""Reads and checks the configuration file: what operators set outside the environment."""

import ipaddress
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, IPvAnyNetwork, ValidationError, model_validator

from tokensvc.config import placeholders
from tokensvc.config.addresses import web_address
from tokensvc.config.lines import naming_lines
from tokensvc.config.profiles import ModelName, Profile
from tokensvc.config.values import DailySeconds, LimitMode, Limits, Model, Name, Seconds, Text, written
from tokensvc.domain import Limit
from tokensvc.errors import ConfigurationError
from tokensvc.plain_text import decode, did_you_mean

LONGEST_SITE_JWT = 30 * 86400  # seconds
MOST_READY = 64  # tokens in a process; so many mints may take places in the gate at once
PresetName = Literal["auth0", "clerk", "firebase", "supabase", "cognito", "keycloak", "entra"]
_INSTRUCTION = frozenset({"system_instruction", "systemInstruction"})  # Google takes either
Algorithm = Literal["HS256", "RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"]


def _ancestor(value: str) -> str:
    if value.strip("'") in {"self", "none"}:
        return "'" + value.strip("'") + "'"
    return value if re.fullmatch(r"https?://\*\.[a-z0-9.-]+(:[0-9*]+)?", value) else web_address(value)


def _public_url(value: str) -> str:
    value = web_address(value, path=True)
    if not re.fullmatch(r"(/(?!\.\.?(/|$))[A-Za-z0-9._~-]+)*", urlsplit(value).path):
        raise ValueError("write its path in plain letters, as in “https://www.example.com/voice”")
    return value


def _proxy_network(value: IPvAnyNetwork) -> IPvAnyNetwork:
    if value.prefixlen == 0:
        raise ValueError("is every address, so anyone could forge X-Forwarded-For; list proxies")
    return value


_VARIABLE = "[A-Za-z_][A-Za-z0-9_]*"


def _variable(value: str) -> str:
    if not re.fullmatch(_VARIABLE, value):
        raise ValueError("write the name of the variable that holds the secret")
    return value


def _bind(value: str) -> str:
    host, _, port = value.rpartition(":")
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        raise ValueError("write an IP address of this machine and a port, such as “127.0.0.1:9102”") from None
    if not re.fullmatch(r"[1-9][0-9]{0,4}", port) or int(port) > 65535:  # noqa: PLR2004 - TCP's own
        raise ValueError("write a port from 1 to 65535, such as “127.0.0.1:9102”")
    return f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"  # noqa: PLR2004 - IP's own


def _origin(value: str) -> str:
    return value if re.fullmatch(r"http://(localhost|127\.0\.0\.1):\*", value) else web_address(value)


Origin = Annotated[str, AfterValidator(_origin)]  # “:*”: any port, on this machine only
Modality = Literal["TEXT", "AUDIO", "IMAGE", "VIDEO", "DOCUMENT"]
Price = Annotated[float, Field(ge=0)]
ClaimName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:/-]{1,100}$")]
PlaceCount = Annotated[int, Field(ge=1, le=1000, strict=True)]


class Http(Model):
    """How the service is reached from the web."""

    public_url: Annotated[str, AfterValidator(_public_url)] | None = None
    """The address that browsers use, such as `https://tokens.example.com`; it may have a path. Required if the
    service listens beyond this machine."""
    origins: tuple[Origin, ...] = ()
    """The sites whose pages may call the service, each exactly, such as `https://www.example.com`. For development
    also `http://localhost:*` and `http://127.0.0.1:*`, which is any port."""
    frame_ancestors: tuple[Annotated[str, AfterValidator(_ancestor)], ...] = ("'self'",)
    """The sites that may show our pages in a frame; `'none'` for no site."""
    trusted_proxies: tuple[Annotated[IPvAnyNetwork, AfterValidator(_proxy_network)], ...] = ()
    """The proxies whose `X-Forwarded-For` is trusted, as addresses or networks such as `10.0.0.0/8`."""
    page: bool = True
    """Whether to serve our own pages at `/` and `/embed`. Scripts are always served."""
    metrics_bind: Annotated[str, AfterValidator(_bind)] | None = None
    """Where `/metrics` is served, and nothing else: an address and port of this machine, such as `127.0.0.1:9102`."""

    @property
    def public_origin(self) -> str | None:
        """The origin of our own pages."""
        return self.public_url and "/".join(self.public_url.split("/")[:3])

    @property
    def prefix(self) -> str:
        """The path of `public_url`, below which everything is served: empty or such as `/voice`."""
        return (self.public_url or "").removeprefix(self.public_origin or "")

    @property
    def metrics_address(self) -> tuple[str, str] | None:
        """The host and port of *metrics_bind*."""
        host, _, port = (self.metrics_bind or "").rpartition(":")
        return (host.strip("[]"), port) if port else None

    @property
    def by_https(self) -> bool:
        """Whether browsers reach the service by https, such as through a proxy."""
        return self.public_url is not None and self.public_url.startswith("https:")


class Gemini(Model):
    """Which version of Google's API is used."""

    api_version: Literal["v1beta", "v1alpha"] = "v1beta"
    """The version of Google's API; some settings of a profile need `v1alpha`."""


class Issuer(Model):
    """An issuer whose JWTs are accepted, and its keys; a preset gives defaults."""

    name: Name
    """A name of your choice, for the log."""
    issuer: Text
    """Equals the tokens' `iss` exactly. A token is then checked with this issuer's keys and rules only."""
    preset: PresetName | None = None
    """An identity provider (docs/identity.md): fills in what you leave out, and adds the provider's own checks."""
    audience: Text | None = None
    """The service that the tokens are intended for: it must be in their `aud`. Required without a preset."""
    clients: tuple[Text, ...] = ()
    """With a preset: the applications whose tokens are accepted."""
    algorithms: tuple[Algorithm, ...] = ()
    """How the tokens are signed: algorithms of one family of keys (RS and PS: RSA, ES: elliptic curves, EdDSA:
    Ed25519). Required without a preset."""
    jwks_url: str | None = None
    """Where the issuer publishes its keys; https, except on this machine. Without a preset, one of this and the
    next two is required."""
    public_key_file: str | None = None
    """A PEM file with the public key, relative to the configuration file; several keys while you rotate them."""
    secret_env: Annotated[str, AfterValidator(_variable), written(_VARIABLE)] | None = None
    """For HS256: the environment variable with the shared secret, at least 32 bytes; `new,old` while you rotate it."""
    groups_claim: str | None = None
    """The claim that lists groups, as an array or as words separated by spaces. A dot descends into a nested object
    (`realm_access.roles`) unless a claim has that exact name."""
    claims: tuple[ClaimName, ...] = ()
    """The claims that an instruction or a tool's `bind` may use."""
    longest_life: Annotated[Seconds, Field(le=LONGEST_SITE_JWT)] = 86400
    """How long a token may be valid, at most `720h`. A JWT cannot be revoked, so shorter is better."""
    anonymous: bool = False
    """With the presets for Firebase and Supabase: whether anonymous users are accepted."""

    @model_validator(mode="after")
    def _is_complete_and_unambiguous(self) -> Self:
        families = {algorithm[:2].replace("PS", "RS") for algorithm in self.algorithms}  # PS256 has RSA keys too
        sources = [each for each in (self.jwks_url, self.public_key_file, self.secret_env) if each is not None]
        if len(families) > 1:
            raise ValueError("algorithms mixes key families; list those of one family")
        if len(sources) > 1:
            raise ValueError("write one of jwks_url, public_key_file and secret_env")
        if families and (families == {"HS"}) != (self.secret_env is not None):
            raise ValueError("HS256 needs secret_env, and other algorithms need public keys")
        if self.preset is not None:
            return self
        missing = [name for name in ("audience", "algorithms") if not getattr(self, name)]
        if missing:
            raise ValueError(f"missing: {', '.join(missing)} (only a preset has defaults)")
        if not sources:
            raise ValueError("write one of jwks_url, public_key_file and secret_env")
        if self.clients or self.anonymous:
            raise ValueError("clients and anonymous have an effect only with a preset: remove them")
        return self


class Site(Model):
    """The Flask application that mounts the service, and whose login says who is signed in."""

    claims: tuple[ClaimName, ...] = ()
    """What the application may tell of a person for an instruction or a tool's `bind`."""


class ConcurrencyLimits(Model):
    """How many conversations one person, or all guests at one address, may have at once."""

    mode: LimitMode = "refuse"
    """What happens to what is over these limits: it is refused, or only recorded in the log."""
    user: PlaceCount = 3
    """For each person; also twice as many unexpired tokens."""
    guest: PlaceCount = 20
    """For all guests at one address, because an office shares one."""


class Budgets(Model):
    """How much conversation a day (UTC) is granted; seconds here."""

    user: DailySeconds | None = None
    """For each person."""
    guest: DailySeconds | None = 1800
    """For all guests at one address (IPv6: a /64)."""
    everyone: DailySeconds | None = None
    """For everybody together."""
    mode: LimitMode = "refuse"
    """What happens to what is over these budgets: it is refused, or only recorded in the log."""


class GroupLimits(Model):
    """The limits of a group's members."""

    user: Limits = ()
    """Conversations that each member may start; replaces the general limits."""
    budget: DailySeconds | None = None
    """Of all members together."""
    mode: LimitMode = "refuse"
    """What happens to what is over these limits: it is refused, or only recorded in the log."""


class LimitTable(Model):
    """How many conversations a person, a guest or everybody may have."""

    mode: LimitMode = "refuse"
    """What happens to what is over `user` and `guest`: it is refused, or only recorded in the log."""
    user: Limits = (Limit(10, 60), Limit(60, 3600))
    """Conversations that one person may start."""
    guest: Limits = (Limit(20, 60), Limit(200, 86400))
    """Conversations that all guests at one address (IPv6: a /64) may start."""
    concurrent: ConcurrencyLimits = ConcurrencyLimits()
    """Conversations at once."""
    budget: Budgets = Budgets()
    """Time granted in a day."""
    groups: dict[str, GroupLimits] = Field(default_factory=dict)
    """By the name of a group."""


class Prices(Model):
    """What a million tokens of one model cost, in any currency, by modality."""

    input: dict[Modality, Price] = Field(default_factory=dict)
    """By modality: of what the model is given, tools included."""
    output: dict[Modality, Price] = Field(default_factory=dict)
    """By modality: of what it answers."""

    def of(self, name: str) -> float:
        """Return the price of tokens such as “prompt.AUDIO”; what has none costs nothing."""
        side, _, modality = name.partition(".")
        prices = self.input if side in {"prompt", "tools"} else self.output
        return next((price for known, price in prices.items() if known == modality), 0.0)


class Configuration(Model):
    """The whole configuration file."""

    http: Http = Http()
    """How the service is reached from the web."""
    gemini: Gemini = Gemini()
    """Google's API."""
    issuers: tuple[Issuer, ...] = ()
    """Whose JWTs are accepted; `[[issuers]]` for each."""
    site: Site = Site()
    """The Flask application that mounts the service (docs/mounting.md)."""
    profiles: Annotated[dict[Name, Profile], Field(min_length=1)]
    """By name, at least one: what a conversation may be."""
    limits: LimitTable = LimitTable()
    """Limits on starts, conversations at once and time."""
    log_subjects: Literal["plain", "hashed"] = "plain"
    """How people are named in the log: as they are, or by a hash."""
    prices: dict[ModelName, Prices] = Field(default_factory=dict)
    """By model, for `tokensvc usage`."""

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
    known = {claim for issuer in configuration.issuers for claim in issuer.claims} | {*configuration.site.claims}
    for name, profile in configuration.profiles.items():
        others = {k: v for k, v in profile.config.items() if k not in _INSTRUCTION}
        for source in placeholders.SOURCES:
            if profile.ready_tokens and any(placeholders.find(profile.config, source)):
                yield f"profiles.{name}.ready_tokens: needs an instruction without {source}; remove one"
            for value_name in placeholders.find(others, source):
                yield f"profiles.{name}.config: “{value_name}” is allowed in system_instruction only"
        named = {f"config.{key}": profile.config[key] for key in _INSTRUCTION & profile.config.keys()}
        named |= {f"tools.{tool}.bind": dict(each.bind) for tool, each in profile.tools.items()}
        for key, value in named.items():
            for claim in placeholders.find(value):
                if claim not in known:
                    yield f"profiles.{name}.{key}: no issuer lists “{claim}” in its claims"


def load(path: Path) -> Configuration:
    """Return the configuration in the TOML file at *path*; raise ConfigurationError with every fault and its line."""
    try:
        document = tomllib.loads(decode(path.read_bytes()))
    except FileNotFoundError:
        fault = "there is no such file: create it (docs/configuring.md) or set TOKENSVC_CONFIG"
    except OSError as error:
        fault = f"cannot be read: {error.strerror}; TOKENSVC_CONFIG names the file"
    except tomllib.TOMLDecodeError as error:
        cause = re.sub(r" \((at .*)\)$", r", \1", str(error))
        fault = f"is not TOML: {cause}; write text in straight quotes, and each key once"
    except (ValueError, RecursionError) as error:
        fault = f"cannot be read: {error}"
    else:
        with naming_lines(path):
            return parse(document, source=str(path))
    raise ConfigurationError(str(path), [fault])


def parse(document: dict[str, Any], *, source: str) -> Configuration:
    """Return the configuration in *document*; raise ConfigurationError with every fault, of *source*."""
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
    written = fault["input"] if isinstance(fault["input"], str) else ""
    match fault["type"]:
        case "missing":
            fix = "is missing; write it"
        case "bool_parsing":
            fix = "write true or false"
        case "ip_any_network":
            fix = "write an address, or a network by its first address, such as 10.0.0.0/8"
        case "tuple_type":
            fix = f'write a list, such as ["{written or "one"}"]'
        case "literal_error":
            expected = fault["ctx"]["expected"]
            similar = did_you_mean(written, re.findall("'(.*?)'", expected))
            fix = f"write {expected}{similar}"
        case "extra_forbidden":
            known = {name for model in Model.__subclasses__() for name in model.model_fields}
            fix = f"there is no such key{did_you_mean(str(fault['loc'][-1]), known) or '; check the spelling'}"
        case _:
            fix = fault["msg"].removeprefix("Value error, ")  # pydantic's prefix
    return f"{'.'.join(map(str, fault['loc'])) or 'the file'}: {fix}"
