"""Checks the configured issuers and loads their keys."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from tokensvc.authn.site_jwt.authenticator import TrustedIssuer
from tokensvc.authn.site_jwt.jwks_cache import JwksCache
from tokensvc.authn.site_jwt.jwks_client import JwksClient
from tokensvc.authn.site_jwt.key_files import load_public_keys
from tokensvc.authn.site_jwt.keys import Keys, ListedKeys
from tokensvc.authn.site_jwt.presets import preset_of
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
    trusted, key_sets, faults = [], [], []
    for index, issuer in enumerate(configured):
        try:
            _check_issuer(issuer)
            keys = _keys(issuer, paths, egress, environ)
            trusted.append(_trusted(issuer, keys))
        except ValueError as error:
            faults.append(f"issuers.{index} ({issuer.name}): {error}")
        except ConfigurationError as error:  # of a variable
            faults += [f"issuers.{index} ({issuer.name}): {fault}" for fault in error.faults]
        else:
            key_sets += [keys] if isinstance(keys, JwksClient) else []
    if faults:
        raise ConfigurationError(str(paths.config_file), faults)
    return Trust(tuple(trusted), tuple(key_sets))


def _check_issuer(issuer: Issuer) -> None:
    name = issuer.issuer
    if name in {ACCOUNT_ISSUER, GUEST_ISSUER, SITE_ISSUER} or name.startswith(KEY_ISSUER_PREFIX):
        raise ValueError(f"issuer “{name}” is reserved for the service itself")
    preset_of(issuer).check(issuer)


def _trusted(issuer: Issuer, keys: Keys) -> TrustedIssuer:
    preset = preset_of(issuer)
    return TrustedIssuer(
        issuer=issuer.issuer,
        audience=issuer.audience or preset.audience(issuer),
        algorithms=_algorithms(issuer),
        keys=keys,
        groups_claim=issuer.groups_claim or preset.groups_claim,
        claims=issuer.claims,
        longest_life=issuer.longest_life,
        further_checks=preset.checks_for(issuer),
    )


def _algorithms(issuer: Issuer) -> tuple[str, ...]:
    return issuer.algorithms or (("HS256",) if issuer.secret_env else preset_of(issuer).algorithms)


def _keys(issuer: Issuer, paths: Paths, egress: Egress, environ: Mapping[str, str]) -> Keys:
    if issuer.secret_env:
        return ListedKeys(_secrets(issuer, issuer.secret_env, environ))
    if issuer.public_key_file:
        path = paths.config_file.parent / issuer.public_key_file
        return ListedKeys(load_public_keys(path, _algorithms(issuer)))
    try:
        url = web_address(issuer.jwks_url or preset_of(issuer).jwks_url(issuer), path=True, query=True)
    except ValueError as error:
        raise ValueError(f"jwks_url {error}") from None
    cache = JwksCache(paths.data_dir / "key_sets", url)
    return JwksClient(url, _algorithms(issuer), cache, proxy=egress.proxy_for(url))


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
