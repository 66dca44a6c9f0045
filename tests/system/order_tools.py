"""The tools of a shop, as a site would write them."""

import threading
import time
from dataclasses import dataclass

from tokensvc.tools import ToolCall

SECRET = "the-password-of-the-shop"
ORDERS = {("ada", "17"): "on its way"}


@dataclass
class Order:
    number: str
    state: str


def find_order(number: str, *, customer: str, call: ToolCall) -> Order:
    """Look up an order by its number."""
    assert call.principal.subject == customer
    assert call.seconds_left > 0
    return Order(number, ORDERS.get((customer, number), "not known"))


def count(file: str) -> str:
    """Write a line to a file, slowly."""
    time.sleep(0.5)
    with open(file, "a", encoding="utf-8") as lines:  # noqa: PTH123 - appended to by several processes
        lines.write("ran\n")
    return "counted"


def now(zone: str) -> str:
    """Tell the time."""
    return f"{zone} {time.time_ns()}"


async def later(seconds: float) -> str:
    """Wait, and then say so."""
    import asyncio  # noqa: PLC0415

    await asyncio.sleep(seconds)
    return "later"


def hang(call: ToolCall, file: str = "") -> str:
    """Wait until nobody wants the answer."""
    if call.cancelled.wait(10) and file:
        with open(file, "a", encoding="utf-8") as lines:  # noqa: PTH123
            lines.write("cancelled\n")
    return "too late"


def fail() -> str:
    """Fail with a secret."""
    raise RuntimeError(SECRET)


def leave() -> str:
    """Leave, as the main function of a program does."""
    raise SystemExit(3)


async def cancel() -> str:
    """Await what was cancelled."""
    import asyncio  # noqa: PLC0415

    raise asyncio.CancelledError


def not_json() -> object:
    """Return what JSON cannot hold."""
    return threading.Lock()


def not_a_number() -> float:
    """Return no number."""
    return float("nan")


def too_long() -> str:
    """Return too much."""
    return "x" * 70_000


class Refund:
    """A tool with two steps."""

    def prepare(self, number: str, amount: float, file: str) -> str:
        with open(file, "a", encoding="utf-8") as lines:  # noqa: PTH123
            lines.write("prepared\n")
        return f"refund of {amount} for {number}"

    def commit(self, number: str, amount: float, file: str, *, prepared: str) -> str:
        """Refund an order."""
        assert number
        assert amount
        with open(file, "a", encoding="utf-8") as lines:  # noqa: PTH123
            lines.write(f"{prepared}\n")
        return "refunded"


refund = Refund()


def book(day: str, file: str = "/dev/null") -> str:
    """Book a table."""
    with open(file, "a", encoding="utf-8") as lines:  # noqa: PTH123
        lines.write(f"{day}\n")
    return "booked"
