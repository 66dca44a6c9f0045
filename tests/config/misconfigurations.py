"""Misconfigurations, and what the line that reports each must name: the key, and how to fix it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from programs import service_environment, share_compiled_profiles

if TYPE_CHECKING:
    from pathlib import Path

PASSWORD = "hunter2-hunter2"
PROFILE = '[profiles.default]\nmodel = "gemini-3.8-live"\nallow = ["user"]\n'
ISSUER = '[[issuers]]\nname = "shop"\nissuer = "https://shop.test/"\naudience = "a"\n'


@dataclass(frozen=True)
class Wrong:
    """A file or an environment, and words that one line of the report has."""

    named: tuple[str, ...]
    file: str | bytes | None = PROFILE
    environment: dict[str, str] = field(default_factory=dict)

    def prepared(self, folder: Path) -> dict[str, str]:
        """Write the file to *folder* and return the environment."""
        environment = service_environment(folder, PROFILE, "http://127.0.0.1:9")
        share_compiled_profiles(folder)
        path = folder / "tokensvc.toml"
        if self.file is None:
            path.unlink()
        else:
            path.write_bytes(self.file if isinstance(self.file, bytes) else self.file.encode())
        return environment | self.environment

    def report_line(self, output: str) -> str:
        """Return the line of *output* that names all, after checking that it is a report."""
        assert "Traceback" not in output
        assert "hunter2" not in output
        assert "Fix these in " in output
        found = [line for line in output.splitlines() if all(word in line for word in self.named)]
        assert len(found) == 1, output
        return found[0]


def _variable(name: str, value: str, *named: str) -> Wrong:
    return Wrong((name, *named), environment={name: value})


def _http(line: str, *named: str) -> Wrong:
    return Wrong(("line 2: http.", *named), f"[http]\n{line}\n{PROFILE}")


def _profile(line: str, *named: str) -> Wrong:
    return Wrong(("line 4: profiles.default.", *named), f"{PROFILE}{line}\n")


def _issuer(lines: str, *named: str) -> Wrong:
    return Wrong(("issuers.0", *named), f"{ISSUER}{lines}\n{PROFILE}")


_SECRET, _KEY, _URL = "TOKENSVC_SECRET_KEY", "GEMINI_API_KEY", "TOKENSVC_GEMINI_BASE_URL"
_MAKE = "openssl rand -base64 32"

MISCONFIGURATIONS = {
    # The environment.
    "secret not set": _variable(_SECRET, "", "is not set", _MAKE),
    "secret of quotes alone": _variable(_SECRET, "''", "is not set", _MAKE),
    "secret too short": _variable(_SECRET, "'short-in-quotes-0123456789abcd'", "shorter", _MAKE),
    "secret of one letter": _variable(_SECRET, "k" * 64, "too few different", _MAKE),
    "secret repeated": _variable(_SECRET, "changeme-" * 5, "or a pattern", _MAKE),
    "secret of a placeholder": _variable(_SECRET, "changeme-before-production-7391", "is shorter", _MAKE),
    "secret that says to change it": _variable(
        _SECRET, "please-change-me-before-production-7391", "published example", _MAKE
    ),
    "secret of the alphabet": _variable(_SECRET, "abcdefghijklmnopqrstuvwxyz0123456789", "a pattern", _MAKE),
    "secret of a tutorial": _variable(
        _SECRET,
        "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
        "published example",
        _MAKE,
    ),
    "second secret weak": _variable(
        _SECRET, "zuKQmOIfuGxfbd1/cnDYwjD0MAW2yVp39cbGKa9ExZA=," + "b" * 40, "too few", _MAKE
    ),
    "secret that no shell filled in": _variable(
        _SECRET, "$(head -c 32 /dev/urandom | base64 -w0)", "placeholder", "write the value"
    ),
    "API key of a placeholder": _variable(_KEY, "<your key>", "placeholder", "write the value"),
    "API keys separated by a space": _variable(_KEY, "AIzaOne AIzaTwo", "by commas"),
    "API key of the documentation": _variable(_KEY, "AIza…", "no API key contains"),
    "port too high": _variable("PORT", "99999", "from 0 to 65535"),
    "port by name": _variable("PORT", "http", "such as 8080"),
    "port of a service link": _variable("PORT", "tcp://10.0.0.1:8080", "from 0 to 65535"),
    "no workers": _variable("WEB_CONCURRENCY", "0", "from 1 to"),
    "workers in quotes, and too few": _variable("WEB_CONCURRENCY", "'-1'", "such as 2"),
    "half a worker": _variable("WEB_CONCURRENCY", "2.5", "whole number"),
    "level nearly right": _variable("TOKENSVC_LOG_LEVEL", "warn", "did you mean “warning”?"),
    "upstream in the clear": _variable(_URL, "http://192.0.2.1", "must be https"),
    "upstream with a version": _variable(
        _URL, "https://generativelanguage.googleapis.com/v1beta", "gemini.api_version"
    ),
    "upstream with an invisible character": _variable(_URL, "https://exam\u200bple.com", "U+200B", "type it again"),
    "socket by https": _variable("TOKENSVC_GEMINI_WEBSOCKET_URL", "https://example.com", "must look like wss://"),
    "another database": _variable(
        "DATABASE_URL", f"mysql://u:{PASSWORD}@h/n", "must be sqlite:///path, or postgresql://"
    ),
    "database without a host": _variable(
        "DATABASE_URL", f"postgresql://user:{PASSWORD}", "postgresql://user:password@host"
    ),
    "database at an impossible port": _variable("DATABASE_URL", f"postgresql://u:{PASSWORD}@h:99999/n", "host:5432"),
    "SQLite with two slashes": _variable("DATABASE_URL", "sqlite://tokensvc.db", "sqlite:///path"),
    "SQLite in memory": _variable("DATABASE_URL", "sqlite:///:memory:", "sqlite:///path"),
    "configuration is a folder": _variable("TOKENSVC_CONFIG", "/tmp", "Is a directory"),  # noqa: S108 - only read
    # The file as a whole.
    "no file": Wrong(("there is no such file", "TOKENSVC_CONFIG"), None),
    "empty file": Wrong(("profiles: is missing",), ""),
    "file in Latin-1": Wrong(("line 4", "save the file as UTF-8"), f"{PROFILE}# ü".encode("latin1")),
    "text without quotes": Wrong(("line 2", "in straight quotes"), PROFILE.replace('"', "", 2)),
    "typographic quotes": Wrong(("line 2", "in straight quotes"), PROFILE.replace('"', "”")),
    "key twice": Wrong(("line 3", "each key once"), PROFILE.replace("allow", "model")),
    "section nearly right": Wrong(
        ("line 1: profile: ", "did you mean “profiles”?"), PROFILE.replace("profiles", "profile")
    ),
    # Addresses.
    "origin with a path": _http('origins = ["https://a.test/x"]', "origins.0", "write https://a.te"),
    "origin with a wildcard": _http('origins = ["https://*.a.test"]', "origins.0", "not valid"),
    "origin in the clear": _http('origins = ["http://a.test"]', "origins.0", "must be https"),
    "origin not in a list": _http('origins = "https://a.test"', "origins: write a list"),
    "origin that browsers write otherwise": _http('origins = ["https://straße.test"]', "origins.0", "with xn--"),
    "public URL without https": _http('public_url = "a.test"', "public_url", "must look like https"),
    "public URL with an impossible port": _http(
        'public_url = "https://a.test:99999"', "public_url", "must look like https"
    ),
    "frame ancestor with a path": _http('frame_ancestors = ["https://a.test/x"]', "ancestors.0", "end"),
    "proxy by name": _http('trusted_proxies = ["nginx"]', "proxies.0", "write an address"),
    "proxy of every address": _http('trusted_proxies = ["::/0"]', "proxies.0", "list proxies"),
    "network and address mixed up": _http('trusted_proxies = ["10.1.2.3/8"]', "proxies.0", "by its first address"),
    "key nearly right": _http('pubic_url = "https://a.test"', "did you mean “public_url”?"),
    "perhaps for true": _http('page = "perhaps"', "page", "true or false"),
    # Profiles and limits.
    "allow nearly right": Wrong(
        ("line 3: profiles.default.allow.0", "did you mean “user”?"),
        PROFILE.replace("user", "users"),
    ),
    "allow not in a list": Wrong(
        ("line 3: profiles.default.allow", 'write a list, such as ["user"]'),
        PROFILE.replace('["user"]', '"user"'),
    ),
    "no model": Wrong(("line 1: profiles.default.model: is missing",), '[profiles.default]\nallow = ["user"]\n'),
    "duration in words": _profile('token_lifetime = "5 minutes"', "token_lifetime", "“5m”"),
    "duration without a unit": _profile("max_session = 1800", "max_session", "“90s”"),
    "tokens longer than the session": Wrong(
        ("line 1: profiles.default: token_lifetime must not be longer",),
        PROFILE + 'token_lifetime = "2h"',
    ),
    "limit in words": _profile('limits = ["10 per minute"]', "limits.0", "“10/minute”"),
    "budget too short": _profile('budget = "10s/day"', "budget", "30s or more"),
    "video of a webcam": _profile('video = ["cam"]', "video.0", "'camera' or 'screen'"),
    "option nearly right": _profile('greting = "Hello"', "did you mean “greeting”?"),
    "temperature without a value": _profile("config.temperature = nan", "config", "finite number"),
    "date in the config": _profile("config.x = 2026-01-01", "config", "JSON"),
    "places for true": Wrong(
        ("line 2: limits.concurrent.user", "integer"),
        f"[limits]\nconcurrent = {{ user = true }}\n{PROFILE}",
    ),
    "version of the API": Wrong(
        ("line 2: gemini.api_version", "'v1beta' or 'v1alpha'"),
        f'[gemini]\napi_version = "v1"\n{PROFILE}',
    ),
    # Issuers.
    "issuer without an audience": Wrong(
        ("line 1: issuers.0: missing: audience",),
        f'{ISSUER}algorithms = ["RS256"]\njwks_url = "https://a.test/k"\n{PROFILE}'.replace('audience = "a"\n', ""),
    ),
    "algorithm nearly right": _issuer('algorithms = ["RSA256"]', "line 5", "“RS256”?"),
    "key set in the clear": _issuer('algorithms = ["RS256"]\njwks_url = "http://a.test/k"', "jwks_url must be https"),
    "secret of an issuer not set": _issuer(
        'algorithms = ["HS256"]\nsecret_env = "SHOP_SECRET"', "SHOP_SECRET is not set"
    ),
    "secret in place of its variable": _issuer(
        'algorithms = ["HS256"]\nsecret_env = "hunter2-hunter2"', "name of the variable"
    ),
    "key file missing": _issuer('algorithms = ["RS256"]\npublic_key_file = "no.pem"', "no.pem cannot be read"),
    "preset nearly right": _issuer('preset = "auth-0"', "preset", "did you mean “auth0”?"),
}
