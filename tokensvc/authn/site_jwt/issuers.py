"""Checks the configured issuers and loads their keys."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from tokensvc.authn.site_jwt.authenticator import TrustedIssuer
from tokensvc.authn.site_jwt.jwks_client import JwksClient
from tokensvc.authn.site_jwt.keys import Keys, listed_keys, load_public_keys
from tokensvc.authn.site_jwt.presets import NO_PRESET, PRESETS
from tokensvc.config.addresses import is_loopback, web_address
from tokensvc.config.egress import Egress
from tokensvc.config.environment import Paths, read_list
from tokensvc.config.file import Issuer
from tokensvc.config.secrets import EXAMPLE, read_secret, weakness
from tokensvc.domain import ACCOUNT_ISSUER, GUEST_ISSUER, KEY_ISSUER_PREFIX, SITE_ISSUER
from tokensvc.errors import ConfigurationError


@dataclass(frozen=True)
class Trust:
    """The trusted issuers, and the clients that fetch the key sets of some of them."""

    issuers: tuple[TrustedIssuer, ...]
    key_sets: tuple[JwksClient, ...]


def trust(configured: tuple[Issuer, ...], paths: Paths, egress: Egress, environ: Mapping[str, str]) -> Trust:
    """Check the *configured* issuers and load their keys, with secrets from *environ*.

    Fetches nothing: that is left to `JwksRefresher`.

    Raises:
        ConfigurationError: naming every fault found.
    """
    trusted: list[TrustedIssuer] = []
    faults: list[str] = []
    for index, issuer in enumerate(configured):
        try:
            trusted.append(_trusted(issuer, paths, egress, environ))
        except (ValueError, ConfigurationError) as error:
            found = error.faults if isinstance(error, ConfigurationError) else [str(error)]
            faults += [f"issuers.{index} ({issuer.name}): {fault}" for fault in found]
    if faults:
        raise ConfigurationError(str(paths.config_file), faults)
    key_sets = [issuer.keys for issuer in trusted if isinstance(issuer.keys, JwksClient)]
    return Trust(tuple(trusted), tuple(key_sets))


def _trusted(issuer: Issuer, paths: Paths, egress: Egress, environ: Mapping[str, str]) -> TrustedIssuer:
    name = issuer.issuer
    if name in {ACCOUNT_ISSUER, GUEST_ISSUER, SITE_ISSUER} or name.startswith(KEY_ISSUER_PREFIX):
        raise ValueError(f"issuer “{name}” is reserved for the service itself")
    preset = PRESETS[issuer.preset] if issuer.preset else NO_PRESET
    match = preset.match(issuer)
    algorithms = issuer.algorithms or (("HS256",) if issuer.secret_env else preset.algorithms)
    keys: Keys
    if issuer.secret_env:
        keys = listed_keys(_secrets(issuer, issuer.secret_env, environ))
    elif issuer.public_key_file:
        keys = listed_keys(load_public_keys(paths.config_file.parent / issuer.public_key_file, algorithms))
    else:
        keys = _published(issuer.jwks_url or match.expand(preset.jwks_url), algorithms, paths, egress)
    return TrustedIssuer(
        issuer=name,
        audience=issuer.audience or match.expand(preset.audience) or None,
        algorithms=algorithms,
        keys=keys,
        groups_claim=issuer.groups_claim or preset.groups_claim,
        claims=issuer.claims,
        longest_life=issuer.longest_life,
        further_checks=preset.checks_for(issuer),
    )


def _published(url: str, algorithms: tuple[str, ...], paths: Paths, egress: Egress) -> JwksClient:
    try:
        url = web_address(url, path=True, query=True)
    except ValueError as error:
        raise ValueError(f"jwks_url {error}") from None
    return JwksClient(url, algorithms, paths.data_dir / "key_sets", proxy=egress.proxy_for(url))


def _secrets(issuer: Issuer, variable: str, environ: Mapping[str, str]) -> tuple[bytes, ...]:
    """Return the secrets in *variable* or its file, newest first: `new,old` while they rotate."""
    if read_secret(environ, variable).strip(" \n\r\"'").startswith(("-----BEGIN", "{", "ssh-")):
        raise ValueError(f"{variable} is a private or public key, not a shared secret")
    secrets = read_list(environ, variable)
    if not secrets:
        raise ValueError(f"{variable} is not set: it must hold the issuer's secret")
    for secret in secrets:
        weak = weakness(secret)
        # On a developer's machine, Supabase itself uses its example secret.
        if weak and not (weak == EXAMPLE and is_loopback(urlsplit(issuer.issuer).hostname or "")):
            raise ValueError(f"{variable} {weak}: generate your own")
    return tuple(secret.encode() for secret in secrets)
