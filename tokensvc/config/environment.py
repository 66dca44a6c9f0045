"""Reads the environment once: secrets and addresses, with every fault reported together."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import quote

from tokensvc.config.addresses import web_address
from tokensvc.config.egress import Egress
from tokensvc.config.secrets import read_secret, weakness
from tokensvc.errors import ConfigurationError
from tokensvc.plain_text import did_you_mean, tidy

T = TypeVar("T")
_SOURCE = "environment"

GOOGLE_BASE_URL = "https://generativelanguage.googleapis.com"
GOOGLE_WEBSOCKET_URL = "wss://generativelanguage.googleapis.com"
PRIVATE = 0o077  # the umask of every process: no other user can read a file or folder of ours
HIGHEST_PORT = 65535
MOST_WORKERS = 512
_LOG_LEVELS = ("debug", "info", "warning", "error", "critical")
"""`TOKENSVC_LOG_LEVEL`: the lowest level that is logged: `debug`, `info`, `warning`, `error` or `critical`."""
# What a shell or a template would have replaced.
_UNFILLED = re.compile(r"\$\w+|\$[{(].*[})]|\{\{.*\}\}|<.*>|`.*`|%\w+%")
_HOST = r"(?:\[[0-9a-f:.]+\]|[^\s:@/?,\[\]]*)"
_DATABASE_URL = re.compile(  # a password may contain anything
    r"sqlite:///(?![:?]|file:).+|postgres(?:ql)?(?:\+\w+)?://(?:.*@)?"
    rf"(?:{_HOST}(?::[0-9]*)?,)*{_HOST}(?::(?P<port>[0-9]{{0,5}}))?(?:[/?].*)?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Paths:
    """Where files and the store are: all that a command without secrets needs."""

    config_file: Path
    """`TOKENSVC_CONFIG`: the configuration file."""
    data_dir: Path
    """`TOKENSVC_DATA_DIR`: the folder for SQLite and caches."""
    database_url: str = field(repr=False)
    """`DATABASE_URL`: `sqlite:///path` or `postgresql://…`, as a provider gives it (docs/deploying.md)."""

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        """Read the paths from *environment*; raise ConfigurationError if one is malformed."""
        data_dir = Path(_value(environment, "TOKENSVC_DATA_DIR") or "data").expanduser()
        config_file = Path(_value(environment, "TOKENSVC_CONFIG") or "tokensvc.toml").expanduser()
        return cls(config_file, data_dir, _database_url(environment, data_dir))


@dataclass(frozen=True)
class Settings:
    """What the environment sets; the secrets stay out of the repr."""

    paths: Paths
    gemini_api_keys: tuple[str, ...] = field(repr=False)
    """`GEMINI_API_KEY`: Google's API key. With several, separated by commas, the next is tried if Google refuses
    one."""
    secret_keys: tuple[bytes, ...] = field(repr=False)
    """`TOKENSVC_SECRET_KEY`: signs leases and logins; at least 32 random bytes (`openssl rand -base64 32`).
    `new,old` while you rotate it."""
    gemini_base_url: str
    """`TOKENSVC_GEMINI_BASE_URL`: the endpoint for minting, if not Google's; encrypted unless on this machine."""
    gemini_websocket_url: str
    """`TOKENSVC_GEMINI_WEBSOCKET_URL`: likewise, the endpoint to which browsers connect."""
    egress: Egress
    port: int
    """`PORT`: the port to listen on, as hosting platforms set it."""
    workers: int
    """`WEB_CONCURRENCY`: the number of workers, 1 to 512."""

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        """Read all of *environment*; raise ConfigurationError with every variable that is missing or invalid."""
        faults: list[str] = []

        # The placeholder is never returned to the caller: any fault raises below.
        def collected(read: Callable[..., T], *arguments: Any, otherwise: T) -> T:  # noqa: ANN401 - those of *read*
            try:
                return read(environment, *arguments)
            except ConfigurationError as error:
                faults.extend(error.faults)
                return otherwise

        base, websocket = "TOKENSVC_GEMINI_BASE_URL", "TOKENSVC_GEMINI_WEBSOCKET_URL"
        settings = cls(
            paths=collected(Paths.read, otherwise=Paths(Path(), Path(), "")),
            gemini_api_keys=collected(_api_keys, otherwise=()),
            secret_keys=collected(read_secret_keys, otherwise=()),
            gemini_base_url=collected(_address, base, GOOGLE_BASE_URL, otherwise=""),
            gemini_websocket_url=collected(_address, websocket, GOOGLE_WEBSOCKET_URL, otherwise=""),
            egress=collected(Egress.read, otherwise=Egress()),
            port=collected(_number, "PORT", 8080, 0, HIGHEST_PORT, otherwise=0),
            workers=collected(_number, "WEB_CONCURRENCY", 2, 1, MOST_WORKERS, otherwise=0),
        )
        collected(log_level, otherwise="")  # only for its fault
        if faults:
            raise ConfigurationError(_SOURCE, faults)
        return settings


def log_level(environment: Mapping[str, str]) -> str:
    """Return the lowest level that is logged, by logging's name; raise ConfigurationError if there is none such."""
    level = (_value(environment, "TOKENSVC_LOG_LEVEL") or "info").lower()
    if level not in _LOG_LEVELS:
        similar = did_you_mean(level, _LOG_LEVELS)
        raise _invalid("TOKENSVC_LOG_LEVEL", f"must be one of: {', '.join(_LOG_LEVELS)}{similar}")
    return level.upper()


def read_list(environment: Mapping[str, str], variable: str) -> tuple[str, ...]:
    """Return the secrets in *variable* or its file, between commas; raise ConfigurationError if one is malformed."""
    parts = _secret(environment, variable).split(",")
    return tuple(filter(None, (_checked(variable, part) for part in parts)))  # each may be in quotes


def read_secret_keys(environment: Mapping[str, str]) -> tuple[bytes, ...]:
    """Return the signing keys, newest first; raise ConfigurationError if there is none, or one is too weak."""
    variable = "TOKENSVC_SECRET_KEY"
    keys = read_list(environment, variable)
    for fault in map(weakness, keys) if keys else ["is not set"]:
        if fault:
            raise _invalid(variable, f"{fault}: make one with “openssl rand -base64 32”")
    return tuple(key.encode() for key in keys)


def _invalid(variable: str, fault: object) -> ConfigurationError:
    return ConfigurationError(_SOURCE, [f"{variable} {fault}"])


def _checked(variable: str, text: str) -> str:
    try:
        text = tidy(text)
    except ValueError as error:
        raise _invalid(variable, error) from None
    if _UNFILLED.fullmatch(text):
        raise _invalid(variable, "holds a placeholder that nothing has filled in: write the value")
    return text


def _value(environment: Mapping[str, str], variable: str) -> str:
    """Return the value of *variable*, or nothing if it is not set."""
    return _checked(variable, environment.get(variable, ""))


def _secret(environment: Mapping[str, str], variable: str) -> str:
    """Return the value of *variable*, or of the file that *variable*_FILE names."""
    return _checked(variable, read_secret(environment, variable))


def _number(environment: Mapping[str, str], variable: str, default: int, least: int, most: int) -> int:
    text = _value(environment, variable) or str(default)
    if not re.fullmatch("[0-9]{1,9}", text) or not least <= int(text) <= most:
        raise _invalid(variable, f"must be a whole number from {least} to {most}, such as {default}")
    return int(text)


def _database_url(environment: Mapping[str, str], data_dir: Path) -> str:
    """Return the URL of the store; no fault of it quotes any part, which may be of a password."""
    text = _secret(environment, "DATABASE_URL")
    if not text:
        return f"sqlite:///{quote(str(data_dir / 'tokensvc.db'))}"
    match = _DATABASE_URL.fullmatch(text)
    if match is None or int(match["port"] or 1) not in range(1, HIGHEST_PORT + 1):
        raise _invalid("DATABASE_URL", "must be sqlite:///path, or postgresql://user:password@host:5432/name")
    scheme, colon, rest = text.partition(":")
    return scheme.lower() + colon + rest


def _api_keys(environment: Mapping[str, str]) -> tuple[str, ...]:
    variable = "GEMINI_API_KEY"
    keys = read_list(environment, variable)
    if not keys:
        raise _invalid(variable, "is not set: make one in Google AI Studio, or try “tokensvc demo”")
    if not all(key.isascii() and " " not in key for key in keys):
        raise _invalid(variable, "has characters that no API key contains; separate keys by commas")
    return keys


def _address(environment: Mapping[str, str], variable: str, default: str) -> str:
    """Return the URL in *variable*, which must be as secure as *default* or on this machine."""
    text = _value(environment, variable) or default
    try:
        address = web_address(text, default.partition(":")[0], path=True)
    except ValueError as error:
        raise _invalid(variable, error) from None
    if address.endswith(("/v1beta", "/v1alpha")):
        raise _invalid(variable, "must not name a version: that is gemini.api_version in the file")
    return address
