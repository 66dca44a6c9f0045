"""Faults: what goes wrong with the next mints or sockets, on demand."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from random import Random
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from aiohttp import web

from tokensvc.emulator.protocol.errors import RefusedError, closes_with

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
                "out_of_order",
            }
        ),
    }
)
# What strikes a socket once, so that it can be at a moment instead of after so many messages.
TIMED = frozenset({"black_hole", "close", "cut"})
LONGEST = 10**6
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
    """Raised for a fault that makes no sense; its text says why."""


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong.

    Attributes:
        on: ``mint`` or ``socket``.
        kind: What; see docs/emulator.md.
        times: For how many mints or sockets; 0 is until it is cleared.
        after: On a socket, how many messages go well first: the client's for ``cut`` and
            ``black_hole``, the emulator's for the others.
        seconds: How long: the latency, the whole drip, the deafness before a cut.
        status: The HTTP status of ``status``.
        code: The close code of ``close``.
        text: The error's message, the close's reason, or the redirect's target.
        between: For ``cut``, ``black_hole`` and ``close``: the seconds from a socket's opening
            between which it happens, drawn for each socket, instead of *after* so many messages.
        seed: What the draws begin with, so that they can be had again.
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
        """The same as the *number*-th to meet a fault meets it: its moment drawn."""
        if self.between is None:
            return self
        chance = Random(f"{self.seed}/{number}")  # noqa: S311 - to be had again
        moment = chance.uniform(*self.between)
        return replace(self, between=(moment, moment))


def read(content: Any) -> Fault:  # noqa: ANN401 - not checked yet
    """A fault from JSON or TOML.

    Raises:
        FaultError: naming the fault in it.
    """
    if not isinstance(content, dict):
        raise FaultError('A fault is an object such as {"on": "mint", "kind": "latency"}.')
    for key, value in content.items():
        if key not in _TYPES:
            raise FaultError(f"Unknown key {key!r}; known are {', '.join(_TYPES)}.")
        if not isinstance(value, _TYPES[key]) or isinstance(value, bool):
            raise FaultError(f"{key} is of the wrong type.")
    on, kind = content.get("on", ""), content.get("kind", "")
    if kind not in KINDS.get(on, ()):
        raise FaultError(
            f"on must be mint or socket, and kind one of {', '.join(sorted(KINDS.get(on, KINDS)))}."
        )
    fault = Fault(**{**content, "between": _between(content)})
    if not all(0 <= each < LONGEST for each in (fault.times, fault.after, fault.seconds)):
        raise FaultError("times, after and seconds must be from 0 to a million.")
    if not HTTPStatus.BAD_REQUEST <= fault.status < 600:  # noqa: PLR2004 - the last of the 5xx
        raise FaultError("status must be from 400 to 599.")
    if not closes_with(fault.code):
        raise FaultError("code must be a WebSocket close code such as 1011.")
    if not fault.text.isprintable():
        raise FaultError("text must be one line.")
    return fault


def _between(content: dict[str, Any]) -> tuple[float, float] | None:
    if "between" not in content:
        return None
    if content["on"] != "socket" or content["kind"] not in TIMED:
        raise FaultError(f"between goes with {', '.join(sorted(TIMED))} on a socket.")
    match content["between"]:
        case [int() | float() as first, int() | float() as last] if 0 <= first <= last < LONGEST:
            return first, last
    raise FaultError("between must be two numbers of seconds, the earlier first.")


@dataclass
class FaultBook:
    """The faults to come, in order."""

    waiting: deque[Fault] = field(default_factory=deque)
    met: int = 0

    def add(self, fault: Fault) -> None:
        """Let *fault* happen when its turn comes."""
        self.waiting.append(fault)

    def clear(self) -> None:
        """Let nothing go wrong any more."""
        self.waiting.clear()

    def take(self, on: str) -> Fault | None:
        """The fault that the next mint or socket meets."""
        for at, fault in enumerate(self.waiting):
            if fault.on != on:
                continue
            self.met += 1
            if fault.times == 1:
                del self.waiting[at]
            elif fault.times:
                self.waiting[at] = replace(fault, times=fault.times - 1)
            return fault.drawn(self.met)
        return None


def refusal(fault: Fault) -> RefusedError:
    """The error of a ``status`` fault."""
    status = STATUSES.get(fault.status, "UNKNOWN")
    return RefusedError(HTTPStatus(fault.status), status, fault.text or f"A made-up {status}.")


def redirect(fault: Fault, request: web.Request) -> web.Response:
    """The answer of a ``redirect``, to where its text says or to itself."""
    return web.Response(status=307, headers={"Location": fault.text or str(request.url)})


async def answer(
    fault: Fault, answered: web.Response, request: web.Request, clock: Clock
) -> web.StreamResponse:
    """What becomes of a mint's answer under *fault*."""
    whole = answered.body if isinstance(answered.body, bytes) else b""
    match fault.kind:
        case "latency":
            await clock.sleep(fault.seconds)
        case "status":
            error = refusal(fault)
            return web.json_response(error.body(), status=error.http)
        case "broken_json":
            return web.Response(body=whole[: len(whole) // 2], content_type="application/json")
        case "empty":
            return web.json_response({})
        case "redirect":
            return redirect(fault, request)
        case "drip":
            return await _drip(fault, whole, request, clock)
        case "black_hole":
            await asyncio.Event().wait()
        case "cut":
            if request.transport is not None:
                request.transport.abort()
    return answered


async def _drip(
    fault: Fault, whole: bytes, request: web.Request, clock: Clock
) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.content_length = len(whole)
    await response.prepare(request)
    for at in range(len(whole)):
        await response.write(whole[at : at + 1])
        await clock.sleep(fault.seconds / len(whole))
    return response
