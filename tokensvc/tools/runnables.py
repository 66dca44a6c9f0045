"""Finds what runs a tool of the configuration."""

from collections.abc import Callable

from tokensvc.config.egress import Egress
from tokensvc.config.tools import ServerTool
from tokensvc.http_client import BoundedHttpClient
from tokensvc.signing.tool_requests import ToolRequestSigner
from tokensvc.tools.call import ToolCall
from tokensvc.tools.endpoints import EndpointTool, refuse_private, split_url
from tokensvc.tools.functions import FunctionTool
from tokensvc.tools.running import Runnable


def runnables(egress: Egress, signer: ToolRequestSigner) -> Callable[[ServerTool], Runnable]:
    """Return a function that returns what runs a tool; it keeps the connections to each origin."""
    clients: dict[object, BoundedHttpClient] = {}

    def sign(call: ToolCall, audience: str) -> str:
        return signer.sign(
            {
                "aud": audience,
                "sub": call.principal.subject,
                "sub_issuer": call.principal.issuer,
                "kind": call.principal.kind,
                "profile": call.profile,
                "lease": call.lease_id,
                "tool": call.tool,
                "jti": call.id,
                "args_sha256": call.arguments_hash,
            }
        )

    def runnable(tool: ServerTool) -> Runnable:
        if tool.url is None:
            return FunctionTool(str(tool.python))
        origin, _ = split_url(tool.url)
        key = origin, tool.private_networks
        if key not in clients:
            proxy = egress.proxy_for(origin)
            clients[key] = BoundedHttpClient(
                origin, proxy=proxy, check_address=None if proxy else refuse_private(tool.private_networks)
            )
        return EndpointTool(tool.url, clients[key], sign)

    return runnable
