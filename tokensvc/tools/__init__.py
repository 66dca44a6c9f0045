"""Runs server tools: functions in Python, and endpoints. A site's function may import `ToolCall`."""

from tokensvc.tools.call import ToolCall

__all__ = ["ToolCall"]
