"""Runs a tool that is an HTTP endpoint of the site."""

import ipaddress
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from tokensvc.http_client import BoundedHttpClient
from tokensvc.tools.call import ToolCall

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True)
class EndpointTool:
    """The endpoint at *url*, whose path may have `{argument}`s; the others are the JSON body of a POST.

    *sign* returns a short-lived JWT for a call and the origin that it goes to.
    """

    url: str
    client: BoundedHttpClient
    sign: Callable[[ToolCall, str], str]

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
        headers = {
            "Authorization": f"Bearer {self.sign(call, origin)}",
            "Content-Type": "application/json",
            "Idempotency-Key": f"{call.lease_id}-{call.id}",
        }
        body = json.dumps(rest).encode()
        response = self.client.post(path, body, headers, deadline=call.deadline)
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
        parsed = ipaddress.ip_address(address.partition("%")[0])
        parsed = getattr(parsed, "ipv4_mapped", None) or parsed
        if not parsed.is_global and not any(parsed in network for network in allowed):
            raise OSError(f"{address} is not a public address; list its network in private_networks")

    return check


def _segment(value: object) -> str:
    """Return *value* as one segment of a path (RFC 3986, 3.3)."""
    text = quote(value if isinstance(value, str) else json.dumps(value), safe="")
    if text.strip(".") == "" or "%2F" in text or "%5C" in text:  # some servers decode before they route
        raise ValueError("an argument in the URL's path must not be empty, have a slash, or consist of dots")
    return text
