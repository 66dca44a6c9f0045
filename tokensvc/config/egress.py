"""Reads which proxy outgoing requests go through: HTTPS_PROXY, and NO_PROXY for exceptions."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self
from urllib.parse import unquote, urlsplit
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]  # not in typeshed

from tokensvc.config.secrets import read_secret
from tokensvc.errors import ConfigurationError
from tokensvc.http_client import Proxy
from tokensvc.plain_text import tidy


@dataclass(frozen=True)
class Egress:
    """The proxy for https addresses, and the hosts that are reached without it."""

    proxy: Proxy | None = None
    """`HTTPS_PROXY`: the proxy for requests to Google and for key sets, `http://user:password@host:port`."""
    exceptions: tuple[str, ...] = ()
    """`NO_PROXY`: hosts, addresses and networks that are reached without it, by commas (docs/deploying.md)."""

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        """Read both variables, as with curl the name in lower case first; raise ConfigurationError for a fault."""
        proxy, exceptions = (
            environment.get(name) or environment.get(name.upper()) or "" for name in ("https_proxy", "no_proxy")
        )
        proxy = read_secret({**environment, "HTTPS_PROXY": proxy}, "HTTPS_PROXY")
        # Python has no rule for *.example.com: it is as .example.com.
        words = (word.removeprefix("*.").rstrip(".") for word in re.split(r"[,\s\"']+", exceptions))
        return cls(_proxy(proxy), tuple(words))

    def proxy_for(self, url: str) -> Proxy | None:
        """Return the proxy through which *url* is reached, or None."""
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".")
        authority = f"{f'[{host}]' if ':' in host else host}:{parts.port or 443}"
        exempt = (
            parts.scheme != "https"  # as only addresses on this machine are
            or proxy_bypass_environment(authority, {"no": ",".join(self.exceptions)})
            or any(_contains(network, host) for network in self.exceptions)
        )
        return None if exempt else self.proxy


def _proxy(text: str) -> Proxy | None:
    try:
        text = tidy(text)
        if not text:
            return None
        parts = urlsplit(text if "://" in text else f"http://{text}")
        host, port = parts.hostname or "", parts.port or 80
    except ValueError:
        host = ""
    if not re.fullmatch(r"[\w.:-]+", host) or parts.scheme != "http" or parts.path.strip("/"):
        raise ConfigurationError(
            "environment", ["HTTPS_PROXY: write http://host:port; https and SOCKS proxies are not supported"]
        )
    credentials = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    return Proxy(host, port, None if parts.username is None else credentials)


def _contains(network: str, host: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(network, strict=False)
    except ValueError:  # at least one is a name
        return False
