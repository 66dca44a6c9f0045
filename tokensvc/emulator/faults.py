"""Faults: what goes wrong with the next mints or sockets, on demand."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import asdict, dataclass, field
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from aiohttp import web

from tokensvc.emulator.refusals import RefusedError

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
                "close",
                "cut",
                "out_of_order",
            }
        ),
    }
)
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
    """

    on: Literal["mint", "socket"]
    kind: str
    times: int = 1
    after: int = 0
    seconds: float = 0.0
    status: int = 503
    code: int = 1011
    text: str = ""


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
    fault = Fault(**content)
    if min(fault.times, fault.after, fault.seconds) < 0:
        raise FaultError("times, after and seconds must not be negative.")
    if not HTTPStatus.BAD_REQUEST <= fault.status < 600:  # noqa: PLR2004 - the last of the 5xx
        raise FaultError("status must be from 400 to 599.")
    return fault


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
                self.waiting[at] = Fault(**{**asdict(fault), "times": fault.times - 1})
            return fault
        return None


def refusal(fault: Fault) -> RefusedError:
    """The error of a ``status`` fault."""
    status = STATUSES.get(fault.status, "UNKNOWN")
    return RefusedError(HTTPStatus(fault.status), status, fault.text or f"A made-up {status}.")


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
            return web.Response(status=307, headers={"Location": fault.text or str(request.url)})
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
