"""Runs a tool that is a Python function of the site."""

import asyncio
import dataclasses
import inspect
from collections.abc import Callable
from typing import Any

from tokensvc.config.tools import load_function
from tokensvc.tools.call import ToolCall


@dataclasses.dataclass(frozen=True)
class FunctionTool:
    """The function at *path*, such as `shop.tools:find_order`."""

    path: str

    def prepare(self, arguments: dict[str, Any], call: ToolCall) -> object:
        """Run the first of two steps, if the tool has two: an object with `prepare` and `commit`."""
        prepare = getattr(load_function(self.path), "prepare", None)
        return None if prepare is None else _result(prepare, arguments, call, {})

    def run(self, arguments: dict[str, Any], call: ToolCall, prepared: object = None) -> object:
        """Call the function, and return its result as JSON can hold it; raises what the function raises."""
        found = load_function(self.path)
        return _result(getattr(found, "commit", found), arguments, call, {"prepared": prepared})


def _result(
    function: Callable[..., Any], arguments: dict[str, Any], call: ToolCall, given: dict[str, object]
) -> object:
    wanted = inspect.signature(function).parameters
    given = {name: value for name, value in {**given, "call": call}.items() if name in wanted}
    result = function(**arguments, **given)
    if inspect.isawaitable(result):
        result = asyncio.run(_awaited(result, call))
    return _plain(result)


async def _awaited(result: Any, call: ToolCall) -> object:  # noqa: ANN401 - an awaitable of the site's
    async with asyncio.timeout(call.seconds_left):
        return await result


def _plain(result: Any) -> object:  # noqa: ANN401 - what a site's function returns
    if dataclasses.is_dataclass(result) and not isinstance(result, type):
        return dataclasses.asdict(result)
    # A pydantic model, without importing pydantic.
    return result.model_dump(mode="json") if hasattr(result, "model_dump") else result
