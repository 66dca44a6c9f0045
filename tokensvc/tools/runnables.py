"""Finds what runs a tool of the configuration: a Python function of the site, or its endpoint."""

import asyncio
import dataclasses
import inspect
from collections.abc import Callable
from typing import Any

from tokensvc.config.egress import Egress
from tokensvc.config.tools import ServerTool, load_function
from tokensvc.http_client import BoundedHttpClient
from tokensvc.signing.tool_requests import ToolRequestSigner
from tokensvc.tools import ToolCall
from tokensvc.tools.endpoints import EndpointTool, refuse_private, split_url
from tokensvc.tools.running import Runnable


def runnables(egress: Egress, signer: ToolRequestSigner) -> Callable[[ServerTool], Runnable]:
    """Return a function that returns what runs a tool; it keeps the connections to each origin."""
    clients: dict[object, BoundedHttpClient] = {}

    def runnable(tool: ServerTool) -> Runnable:
        if tool.url is None:
            return _FunctionTool(str(tool.python))
        origin, _ = split_url(tool.url)
        key = origin, tool.private_networks
        if key not in clients:
            proxy = egress.proxy_for(origin)
            check = None if proxy else refuse_private(tool.private_networks)
            clients[key] = BoundedHttpClient(origin, proxy=proxy, check_address=check)
        return EndpointTool(tool.url, clients[key], signer)

    return runnable


@dataclasses.dataclass(frozen=True)
class _FunctionTool:
    """The function at *path*, such as `shop.tools:find_order`; or two, `prepare` and `commit`, of an object."""

    path: str

    def prepare(self, arguments: dict[str, Any], call: ToolCall) -> object:
        prepare = getattr(load_function(self.path), "prepare", None)
        return None if prepare is None else _result(prepare, arguments, {"call": call})

    def run(self, arguments: dict[str, Any], call: ToolCall, prepared: object = None) -> object:
        found = load_function(self.path)
        return _result(getattr(found, "commit", found), arguments, {"call": call, "prepared": prepared})


def _result(function: Callable[..., Any], arguments: dict[str, Any], given: dict[str, Any]) -> object:
    """Return what *function* returns, as JSON can hold it; it gets of *given* what it has parameters for."""
    wanted = inspect.signature(function).parameters
    result = function(**arguments, **{name: value for name, value in given.items() if name in wanted})
    if inspect.isawaitable(result):
        result = asyncio.run(_awaited(result, given["call"].seconds_left))
    if dataclasses.is_dataclass(result) and not isinstance(result, type):
        return dataclasses.asdict(result)
    # A pydantic model, without importing pydantic.
    return result.model_dump(mode="json") if hasattr(result, "model_dump") else result


async def _awaited(result: Any, seconds: float) -> object:  # noqa: ANN401 - an awaitable of the site's
    async with asyncio.timeout(seconds):
        return await result
