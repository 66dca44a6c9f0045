"""Runs a tool that is an HTTP endpoint of the site."""

import ipaddress
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from tokensvc.domain import fingerprint
from tokensvc.http_client import BoundedHttpClient
from tokensvc.signing.tool_requests import ToolRequestSigner
from tokensvc.tools import ToolCall

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
# NAT64 (RFC 6052), and the deprecated IPv4-compatible addresses.
_EMBEDDING = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("::/96"))
_LOCAL_NAT64 = ipaddress.IPv6Network("64:ff9b:1::/48")  # RFC 8215


@dataclass(frozen=True)
class EndpointTool:
    """The endpoint at *url*, whose path may have `{argument}`s; the others are the JSON body of a POST."""

    url: str
    client: BoundedHttpClient
    signer: ToolRequestSigner

    def prepare(self, arguments: dict[str, Any], call: ToolCall) -> object:
        """Do nothing: an endpoint has one step."""

    def run(self, arguments: dict[str, Any], call: ToolCall, prepared: object = None) -> object:  # noqa: ARG002
        """Post the arguments, and return the JSON that is answered.

        Raises:
            OSError: if the exchange fails, or the answer is not a success in JSON; redirects are not followed.
        """
        origin, path = split_url(self.url)
        rest = dict(arguments)
        for name, value in arguments.items():
            if f"{{{name}}}" in path:
                path = path.replace(f"{{{name}}}", _segment(value))
                del rest[name]
        claims = {
            "aud": origin,
            "sub": call.principal.subject,
            "sub_issuer": call.principal.issuer,
            "kind": call.principal.kind,
            "profile": call.profile,
            "lease": call.lease_id,
            "tool": call.tool,
            "jti": call.id,
            "args_sha256": call.arguments_hash,
        }
        headers = {
            "Authorization": f"Bearer {self.signer.sign(claims)}",
            "Content-Type": "application/json",
            # A hash, since an id of the visitor's own may have characters that no header can hold.
            "Idempotency-Key": fingerprint(f"{call.lease_id} {call.id}"),
        }
        response = self.client.post(path, json.dumps(rest).encode(), headers, deadline=call.deadline)
        if not 200 <= response.status < 300:  # noqa: PLR2004 - HTTP's own
            raise OSError(f"the endpoint answered {response.status}")
        return json.loads(response.body) if response.body else {}


def split_url(url: str) -> tuple[str, str]:
    """Return the origin of *url*, and its path."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}", parts.path or "/"


def refuse_private(allowed: Sequence[Network]) -> Callable[[str], None]:
    """Return a check that an address is public, or in one of *allowed*."""

    def check(address: str) -> None:
        named = ipaddress.ip_address(address.partition("%")[0])
        reached = _reached(named)
        if not _is_public(reached) and not any(each in network for network in allowed for each in (named, reached)):
            raise OSError(f"{address} is not a public address; list its network in private_networks")

    return check


def _reached(address: Address) -> Address:
    """Return the IPv4 address within an IPv6 address, to which a translator or tunnel may lead, or *address* itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    embedded = address.ipv4_mapped or address.sixtofour
    if embedded is None and any(address in network for network in _EMBEDDING):
        embedded = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return embedded or address


def _is_public(address: Address) -> bool:
    # Python 3.11 takes some that are not global for global.
    known = isinstance(address, ipaddress.IPv6Address) and (address.is_site_local or address in _LOCAL_NAT64)
    return address.is_global and not address.is_multicast and not known


def _segment(value: object) -> str:
    """Return *value* as one segment of a path (RFC 3986, 3.3)."""
    text = quote(value if isinstance(value, str) else json.dumps(value), safe="")
    # Some servers decode before they route, and ignore what follows a semicolon.
    if text.partition("%3B")[0].strip(".") == "" or "%2F" in text or "%5C" in text:
        raise ValueError("an argument in the URL's path must not be empty, have a slash, or consist of dots")
    return text
