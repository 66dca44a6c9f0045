"""Faults on demand: what goes wrong with the next token requests or WebSockets."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from random import Random
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from aiohttp import web

from tokensvc.emulator.protocol.close_reasons import is_sendable
from tokensvc.emulator.protocol.errors import RpcError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tokensvc.emulator.clock import Clock

KINDS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "mint": frozenset(
            {
                "latency",
                "drip",
                "black_hole",
                "status",
                "broken_json",
                "empty",
                "redirect",
                "cut",
            }
        ),
        "socket": frozenset(
            {
                "latency",
                "drip",
                "black_hole",
                "status",
                "broken_json",
                "redirect",
                "close",
                "cut",
                "vanish",
                "out_of_order",
            }
        ),
    }
)
# The kinds that affect a socket once, so that a time can be set instead of a message count.
TIMED = frozenset({"black_hole", "close", "cut", "vanish"})
LOCKOUT = 900.0  # seconds; the longest that anybody waited for the real service to unlock a session
LONGEST = 10**6  # counts and seconds must be below this
STATUSES: Mapping[int, str] = MappingProxyType(
    {
        400: "INVALID_ARGUMENT",
        401: "UNAUTHENTICATED",
        403: "PERMISSION_DENIED",
        404: "NOT_FOUND",
        409: "ABORTED",
        429: "RESOURCE_EXHAUSTED",
        500: "INTERNAL",
        501: "UNIMPLEMENTED",
        503: "UNAVAILABLE",
        504: "DEADLINE_EXCEEDED",
    }
)


_TYPES: Mapping[str, type | tuple[type, ...]] = MappingProxyType(
    {
        "on": str,
        "kind": str,
        "times": int,
        "after": int,
        "seconds": (int, float),
        "status": int,
        "code": int,
        "text": str,
        "between": list,
        "seed": int,
    }
)


class FaultError(ValueError):
    """Raised for an invalid fault; its text says what is wrong."""


@dataclass(frozen=True)
class Fault:
    """One fault; docs/emulator.md describes the kinds.

    Attributes:
        on: ``mint`` or ``socket``.
        times: Number of token requests or sockets it affects; 0 means until it is cleared.
        after: On a socket, the number of unaffected messages before it: the client's for ``cut``,
            ``vanish`` and ``black_hole``, the server's for the others.
        seconds: The latency, the duration of a drip, how long a ``cut`` reads nothing first, or
            how long the server does not notice a ``vanish``.
        status: The HTTP status of ``status``.
        code: The close code of ``close``.
        text: The error's message, the close's reason, or the redirect's target.
        between: For ``cut``, ``vanish``, ``black_hole`` and ``close``, instead of *after*: the
            earliest and latest time, in seconds after the socket has opened. The time is drawn per
            socket.
        seed: The seed of these draws, so that they can be repeated.
    """

    on: Literal["mint", "socket"]
    kind: str
    times: int = 1
    after: int = 0
    seconds: float = 0.0
    status: int = 503
    code: int = 1011
    text: str = ""
    between: tuple[float, float] | None = None
    seed: int = 0

    def drawn(self, number: int) -> Fault:
        """Return the fault for its *number*-th use, at one time drawn from *between*."""
        if self.between is None:
            return self
        random = Random(f"{self.seed}/{number}")  # noqa: S311 - must be repeatable
        time = random.uniform(*self.between)
        return replace(self, between=(time, time))


def read_fault(content: Any) -> Fault:  # noqa: ANN401 - not validated yet
    """Read a fault from parsed JSON or TOML.

    Raises:
        FaultError: if it is invalid.
    """
    if not isinstance(content, dict):
        raise FaultError('A fault must be an object such as {"on": "mint", "kind": "latency"}.')
    for key, value in content.items():
        if key not in _TYPES:
            raise FaultError(f"Unknown key {key!r}; the keys are {', '.join(_TYPES)}.")
        if not isinstance(value, _TYPES[key]) or isinstance(value, bool):
            raise FaultError(f"{key} has the wrong type.")
    on, kind = content.get("on", ""), content.get("kind", "")
    if kind not in KINDS.get(on, ()):
        raise FaultError(f"on must be mint or socket, and kind one of {', '.join(sorted(KINDS.get(on, KINDS)))}.")
    fault = Fault(**{**content, "between": _between(content)})
    if not all(0 <= each < LONGEST for each in (fault.times, fault.after, fault.seconds)):
        raise FaultError("times, after and seconds must be from 0 to a million.")
    if not HTTPStatus.BAD_REQUEST <= fault.status < 600:  # noqa: PLR2004 - the last of the 5xx
        raise FaultError("status must be from 400 to 599.")
    if not is_sendable(fault.code):
        raise FaultError("code must be a WebSocket close code such as 1011.")
    if not fault.text.isprintable():
        raise FaultError("text must be one line.")
    return fault


def _between(content: dict[str, Any]) -> tuple[float, float] | None:
    if "between" not in content:
        return None
    if content["on"] != "socket" or content["kind"] not in TIMED:
        raise FaultError(f"between is only for {', '.join(sorted(TIMED))} on a socket.")
    match content["between"]:
        case [int() | float() as first, int() | float() as last] if 0 <= first <= last < LONGEST:
            return first, last
    raise FaultError("between must be two numbers of seconds, in ascending order.")


@dataclass
class FaultQueue:
    """The pending faults, in order.

    Attributes:
        triggered: Number of token requests and sockets affected so far.
    """

    pending: deque[Fault] = field(default_factory=deque)
    triggered: int = 0

    def add(self, fault: Fault) -> None:
        """Queue *fault*."""
        self.pending.append(fault)

    def clear(self) -> None:
        """Remove all faults."""
        self.pending.clear()

    def take(self, on: str) -> Fault | None:
        """Return the fault for the next token request or socket, if there is one."""
        for index, fault in enumerate(self.pending):
            if fault.on != on:
                continue
            self.triggered += 1
            if fault.times == 1:
                del self.pending[index]
            elif fault.times:
                self.pending[index] = replace(fault, times=fault.times - 1)
            return fault.drawn(self.triggered)
        return None


def status_error(fault: Fault) -> RpcError:
    """Build the error of a ``status`` fault."""
    status = STATUSES.get(fault.status, "UNKNOWN")
    return RpcError(HTTPStatus(fault.status), status, fault.text or f"Simulated {status}.")


def redirect_response(fault: Fault, request: web.Request) -> web.Response:
    """Build the response of a ``redirect`` fault; without a target, to the same URL."""
    return web.Response(status=307, headers={"Location": fault.text or str(request.url)})


async def apply_to_mint(fault: Fault, response: web.Response, request: web.Request, clock: Clock) -> web.StreamResponse:
    """Apply *fault* to the response to a token request."""
    body = response.body if isinstance(response.body, bytes) else b""
    match fault.kind:
        case "latency":
            await clock.sleep(fault.seconds)
        case "status":
            error = status_error(fault)
            return web.json_response(error.body(), status=error.http)
        case "broken_json":
            return web.Response(body=body[: len(body) // 2], content_type="application/json")
        case "empty":
            return web.json_response({})
        case "redirect":
            return redirect_response(fault, request)
        case "drip":
            return await _drip(fault, body, request, clock)
        case "black_hole":
            await asyncio.Event().wait()  # never set
        case "cut":
            if request.transport is not None:
                request.transport.abort()
    return response


async def _drip(fault: Fault, body: bytes, request: web.Request, clock: Clock) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.content_length = len(body)
    await response.prepare(request)
    for index in range(len(body)):
        await response.write(body[index : index + 1])
        await clock.sleep(fault.seconds / len(body))
    return response
