"""Runs server tools: functions in Python, and endpoints. A site's function may import `ToolCall`."""

import threading
import time
from dataclasses import dataclass, field

from tokensvc.domain import Principal


@dataclass(frozen=True)
class ToolCall:
    """One call, for a function that has a parameter named `call`.

    *deadline* is of `time.monotonic`; *cancelled* is set when nobody waits for the result any more.
    """

    id: str
    tool: str
    profile: str
    lease_id: str
    principal: Principal
    arguments_hash: str  # SHA-256, hex
    deadline: float
    cancelled: threading.Event = field(default_factory=threading.Event, compare=False)

    @property
    def seconds_left(self) -> float:
        """Seconds until the deadline; negative after it."""
        return self.deadline - time.monotonic()
