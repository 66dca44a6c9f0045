"""Checks the configured issuers and loads their keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tokensvc.authn.site_jwt.authenticator import TrustedIssuer
from tokensvc.authn.site_jwt.jwks_cache import JwksCache
from tokensvc.authn.site_jwt.jwks_client import JwksClient
from tokensvc.authn.site_jwt.key_files import load_public_keys
from tokensvc.authn.site_jwt.keys import ListedKeys
from tokensvc.authn.site_jwt.presets import fault_of, preset
from tokensvc.config.environment import SHORTEST_SECRET, is_loopback
from tokensvc.domain import ACCOUNT_ISSUER, GUEST_ISSUER, KEY_ISSUER_PREFIX
from tokensvc.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tokensvc.authn.site_jwt.keys import Keys
    from tokensvc.config.environment import Paths
    from tokensvc.config.file import Issuer

_FEWEST_DISTINCT_BYTES = 8  # in a secret, so that “aaaa…” is rejected
# The example secrets of jwt.io and of Supabase.
_PUBLISHED_SECRETS = {
    b"a-string-secret-at-least-256-bits-long",
    b"super-secret-jwt-token-with-at-least-32-characters-long",
}


@dataclass(frozen=True)
class Trust:
    """The trusted issuers, and the clients that fetch the key sets of some of them."""

    issuers: tuple[TrustedIssuer, ...]
    key_sets: tuple[JwksClient, ...]


def trust(configured: tuple[Issuer, ...], paths: Paths, environ: Mapping[str, str]) -> Trust:
    """Check the *configured* issuers and load their keys, with secrets from *environ*.

    Fetches nothing: that is left to `JwksRefresher`.

    Raises:
        ConfigurationError: naming every fault found.
    """
    trusted, key_sets, faults = [], [], []
    for index, issuer in enumerate(configured):
        try:
            _check_issuer(issuer)
            keys = _keys(issuer, paths, environ)
            trusted.append(_trusted(issuer, keys))
        except ValueError as error:
            faults.append(f"issuers.{index} ({issuer.name}): {error}")
        else:
            key_sets += [keys] if isinstance(keys, JwksClient) else []
    if faults:
        raise ConfigurationError(str(paths.config_file), faults)
    return Trust(tuple(trusted), tuple(key_sets))


def _check_issuer(issuer: Issuer) -> None:
    name = issuer.issuer
    if name in {ACCOUNT_ISSUER, GUEST_ISSUER} or name.startswith(KEY_ISSUER_PREFIX):
        raise ValueError(f"issuer “{name}” is reserved for the service itself")
    if fault := fault_of(issuer):
        raise ValueError(fault)


def _trusted(issuer: Issuer, keys: Keys) -> TrustedIssuer:
    chosen = preset(issuer.preset) if issuer.preset else None
    return TrustedIssuer(
        issuer=issuer.issuer,
        audience=issuer.audience or (chosen.audience(issuer) if chosen else None),
        algorithms=_algorithms(issuer),
        keys=keys,
        groups_claim=issuer.groups_claim or (chosen.groups_claim if chosen else None),
        claims=issuer.claims,
        longest_life=issuer.longest_life,
        further_checks=chosen.checks(issuer) if chosen else (),
    )


def _algorithms(issuer: Issuer) -> tuple[str, ...]:
    if issuer.algorithms:
        return issuer.algorithms
    if issuer.secret_env:
        return ("HS256",)
    return preset(issuer.preset).algorithms if issuer.preset else ()


def _keys(issuer: Issuer, paths: Paths, environ: Mapping[str, str]) -> Keys:
    if issuer.secret_env:
        return ListedKeys(_secrets(issuer, issuer.secret_env, environ))
    if issuer.public_key_file:
        path = paths.config_file.parent / issuer.public_key_file
        return ListedKeys(load_public_keys(path, _algorithms(issuer)))
    url = issuer.jwks_url or (preset(issuer.preset).jwks_url(issuer) if issuer.preset else None)
    return _key_set(url or "", issuer, paths)  # an empty URL is rejected there


def _key_set(url: str, issuer: Issuer, paths: Paths) -> JwksClient:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if not host or parts.username or parts.fragment or not url.isascii() or not url.isprintable():
        raise ValueError("jwks_url must look like https://example.com/.well-known/jwks.json")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise ValueError("jwks_url must be https, except on this machine")
    cache = JwksCache(paths.data_dir / "key_sets", url)
    return JwksClient(url, _algorithms(issuer), cache)


def _secrets(issuer: Issuer, variable: str, environ: Mapping[str, str]) -> tuple[bytes, ...]:
    """Return the secrets in *variable*, newest first: `new,old` while they rotate."""
    listed = environ.get(variable, "").split(",")
    secrets = tuple(part.strip().encode() for part in listed if part.strip())
    if not secrets:
        raise ValueError(f"{variable} is not set: it must hold the issuer's secret")
    for secret in secrets:
        if len(secret) < SHORTEST_SECRET:
            raise ValueError(f"{variable} is shorter than {SHORTEST_SECRET} bytes")
        if secret.startswith((b"-----BEGIN", b"{", b"ssh-")):
            raise ValueError(f"{variable} is a private or public key, not a shared secret")
        if len(set(secret)) < _FEWEST_DISTINCT_BYTES:
            raise ValueError(f"{variable} has too few different characters: use a random one")
        # On a developer's machine, Supabase itself uses its example secret.
        if secret in _PUBLISHED_SECRETS and not is_loopback(urlsplit(issuer.issuer).hostname or ""):
            raise ValueError(f"{variable} is a published example secret: generate your own")
    return secrets
