"""Reads the environment once: secrets and addresses, with every fault reported together."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from tokensvc.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")
_SOURCE = "environment"

GOOGLE_BASE_URL = "https://generativelanguage.googleapis.com"
GOOGLE_WEBSOCKET_URL = "wss://generativelanguage.googleapis.com"
_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
SHORTEST_SECRET = 32  # bytes: what HMAC-SHA256 asks for (RFC 7518, section 3.2)


@dataclass(frozen=True)
class Paths:
    """Where files and the store are: all that a command without secrets needs."""

    config_file: Path
    data_dir: Path
    database_url: str = field(repr=False)

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Paths:
        """Read the paths from *environment*.

        Raises:
            ConfigurationError: if DATABASE_URL is of an unknown kind.
        """
        data_dir = Path(environment.get("TOKENSVC_DATA_DIR") or "data")
        database_url = environment.get("DATABASE_URL") or f"sqlite:///{data_dir / 'tokensvc.db'}"
        if not database_url.startswith(("sqlite:///", "postgres://", "postgresql")):
            raise ConfigurationError(
                _SOURCE, ["DATABASE_URL: write sqlite:///path or postgresql://user@host/name"]
            )
        config_file = Path(environment.get("TOKENSVC_CONFIG") or "tokensvc.toml")
        return cls(config_file, data_dir, database_url)


@dataclass(frozen=True)
class Settings:
    """What the environment sets; the secrets stay out of the repr."""

    paths: Paths
    gemini_api_keys: tuple[str, ...] = field(repr=False)
    secret_keys: tuple[bytes, ...] = field(repr=False)
    gemini_base_url: str
    gemini_websocket_url: str

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Settings:
        """Read all of *environment*.

        Raises:
            ConfigurationError: naming every variable that is missing or invalid.
        """
        faults: list[str] = []

        # The placeholder is never returned to the caller: any fault raises below.
        def collected(read: Callable[[], T], placeholder: T) -> T:
            try:
                return read()
            except ConfigurationError as error:
                faults.extend(error.faults)
                return placeholder

        settings = cls(
            paths=collected(lambda: Paths.read(environment), Paths(Path(), Path(), "")),
            gemini_api_keys=collected(lambda: _api_keys(environment), ()),
            secret_keys=collected(lambda: read_secret_keys(environment), ()),
            gemini_base_url=collected(
                lambda: _address(environment, "TOKENSVC_GEMINI_BASE_URL", GOOGLE_BASE_URL), ""
            ),
            gemini_websocket_url=collected(
                lambda: _address(
                    environment, "TOKENSVC_GEMINI_WEBSOCKET_URL", GOOGLE_WEBSOCKET_URL
                ),
                "",
            ),
        )
        collected(lambda: log_level(environment), "")  # only for its fault
        if faults:
            raise ConfigurationError(_SOURCE, faults)
        return settings


def log_level(environment: Mapping[str, str]) -> str:
    """Return the lowest level that is logged, by the logging module's name for it.

    Raises:
        ConfigurationError: if there is no such level.
    """
    level = (environment.get("TOKENSVC_LOG_LEVEL") or "info").upper()
    if level not in _LOG_LEVELS:
        levels = ", ".join(_LOG_LEVELS).lower()
        raise ConfigurationError(_SOURCE, [f"TOKENSVC_LOG_LEVEL must be one of: {levels}"])
    return level


def is_loopback(host: str) -> bool:
    """Return whether *host* can only be this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _api_keys(environment: Mapping[str, str]) -> tuple[str, ...]:
    keys = _listed(environment.get("GEMINI_API_KEY", ""))
    if not keys:
        raise ConfigurationError(
            _SOURCE,
            ["GEMINI_API_KEY is not set: make one in Google AI Studio, or try “tokensvc demo”"],
        )
    if not all(key.isascii() and key.isprintable() for key in keys):
        raise ConfigurationError(
            _SOURCE, ["GEMINI_API_KEY has characters that no API key contains"]
        )
    return keys


def read_secret_keys(environment: Mapping[str, str]) -> tuple[bytes, ...]:
    """Return the signing keys, newest first.

    Raises:
        ConfigurationError: if there is none, or one is too short.
    """
    keys = tuple(key.encode() for key in _listed(environment.get("TOKENSVC_SECRET_KEY", "")))
    if not keys:
        raise ConfigurationError(
            _SOURCE, ["TOKENSVC_SECRET_KEY is not set: make one with “openssl rand -base64 32”"]
        )
    if min(map(len, keys)) < SHORTEST_SECRET:
        raise ConfigurationError(
            _SOURCE, [f"TOKENSVC_SECRET_KEY is shorter than {SHORTEST_SECRET} bytes"]
        )
    return keys


def _address(environment: Mapping[str, str], variable: str, default: str) -> str:
    """Return the URL in *variable*, which must be as secure as *default* or on this machine."""
    text = environment.get(variable) or default
    secure = urlsplit(default).scheme  # https or wss
    plain = secure.removesuffix("s")
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port  # reading an invalid port raises
    except ValueError:
        raise ConfigurationError(_SOURCE, [f"{variable} is not a valid URL"]) from None
    if not host or parts.scheme not in {secure, plain} or parts.query or parts.fragment:
        fault = f"{variable} must look like {default}"
    elif parts.username or parts.password:
        fault = f"{variable} must not contain credentials"
    elif parts.scheme == plain and not is_loopback(host):
        fault = f"{variable} must be {secure}: {plain} is allowed on this machine only"
    else:
        return text.rstrip("/")
    raise ConfigurationError(_SOURCE, [fault])
