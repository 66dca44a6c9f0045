"""Records the calls of server tools: each runs once, within its limits, and on record before it runs."""

import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Engine, Integer, String, bindparam, func, insert, select, update

from tokensvc.domain import AuditEvent, EventKind, ToolAdmission, fingerprint
from tokensvc.errors import LeaseOver, RateLimited, ToolNotWaiting, ToolOutcomeUnknown, ToolRunning
from tokensvc.store import audit, counting
from tokensvc.store.blocks import blocks_query, refuse_blocked
from tokensvc.store.driver import Request, Row, Statement, Transaction, transaction
from tokensvc.store.schema import leases, tool_calls
from tokensvc.store.times import SECOND, microseconds

WAITS_FOR = 600  # seconds to confirm a call
_GIVEN_UP = json.dumps({"error": "Nothing was done: the call was made again."})
_GRACE = 2  # seconds after a call's deadline, to record its end


@dataclass(frozen=True)
class Begun:
    """What became of a call: its *answer*; or it is *waiting*; or, with neither, it is to run now."""

    answer: str | None = None  # JSON
    waiting: bool = False
    prepared: str | None = None  # JSON: what the first of its two steps returned


class _Call(NamedTuple):
    id: str
    tool: str
    answer: str | None
    ends_by: int
    pending: str | None
    prepared: str | None


class ToolCalls:
    """The calls of every conversation; each method may raise TemporarilyUnavailable."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock

    def begin(self, call: ToolAdmission) -> Begun:
        """Record that *call* will run, or ask before it runs; or return what became of it before.

        Raises:
            Blocked, LeaseOver: if the conversation may not go on.
            RateLimited: if a limit is used up.
            ToolRunning: if it is running.
            ToolOutcomeUnknown: if it was begun, and its process has died.
            ToolNotWaiting: if its id is that of another tool's call, or of one that waits with other arguments.
        """
        lease = call.lease
        with transaction(self._engine, [lease.id, *(window.key for window in call.windows)]) as opened:
            at = self._clock()
            now = microseconds(at)
            alike = {"lease": lease.id, "tool": call.tool}
            known, same, ((count,),), *counts = self._read_live(
                opened,
                call,
                now,
                (_KNOWN, {"call": _id(call)}),
                (_SAME, alike | {"key": call.key or "", "after": now - call.same_for * SECOND}),
                (_COUNT, alike),
                *counting.window_queries(call.windows, now),
            )
            earlier = _Call(*(known or same)[0]) if known or same else None
            given_up = []
            if earlier and earlier.pending and not known:  # the model has called it again, in place of this one
                given_up = [(_FINISH, _finished(earlier.id, None, _GIVEN_UP))]
            elif earlier and (begun := _begun(earlier, call, now)):
                return begun
            if call.per_conversation is not None and count >= call.per_conversation:
                raise RateLimited("This conversation has used this tool as often as it may.", cause="per_conversation")
            counting.check_windows(call.windows, counts, now)
            kind = EventKind.ASKED if call.waits else EventKind.CALLED
            opened.commit(
                *given_up,
                (_RESTART if known else _INSERT, _row(call, now)),
                *counting.charges_of(call.windows, _id(call)[:32], now),
                audit.record(replace(_event(call, kind, at), code=call.tool, details=call.arguments)),
            )
        return Begun()

    def hold(self, call: ToolAdmission, confirmation: str, prepared: str, begun: Begun) -> None:
        """Record that *call* waits for *confirmation*, a one-time id, and what was *prepared* for it.

        Raises ToolRunning if it was confirmed, or given up, since it was *begun*; it would otherwise run twice.
        """
        waits = {
            "call": _id(call),
            "pending": _confirming(call, confirmation),
            "prepared": prepared,
            "ends_by": microseconds(self._clock()) + WAITS_FOR * SECOND,
        }
        with transaction(self._engine, [call.lease.id]) as opened:
            (found,) = opened.read((_KNOWN, {"call": _id(call)}))
            known = _Call(*found[0]) if found else None
            if known is None or known.answer is not None or (known.pending is not None) != begun.waiting:
                raise ToolRunning(retry_after=1)
            opened.commit((_HOLD, waits))

    def confirm(self, call: ToolAdmission, confirmation: str) -> Begun:
        """Record that *call*, which waited for *confirmation*, will run now; or what became of it before.

        Raises what `begin` does, and ToolNotWaiting if it does not wait for this, or has waited too long.
        """
        with transaction(self._engine, [call.lease.id]) as opened:
            at = self._clock()
            now = microseconds(at)
            (known,) = self._read_live(opened, call, now, (_KNOWN, {"call": _id(call)}))
            found = _Call(*known[0]) if known else None
            if found is None or (found.pending and found.ends_by <= now):
                raise ToolNotWaiting
            if found.pending is None:
                return _begun(found, replace(call, pure=False), now) or Begun()
            if not hmac.compare_digest(found.pending, _confirming(call, confirmation)):
                raise ToolNotWaiting(cause="another confirmation")
            ends_by = now + (call.timeout + _GRACE) * SECOND
            opened.commit(
                (_RUN, {"call": _id(call), "pending": None, "ends_by": ends_by}),
                audit.record(replace(_event(call, EventKind.CALLED, at), code=call.tool)),
            )
        return Begun(prepared=found.prepared)

    def finish(self, call: ToolAdmission, outcome: str, answer: str) -> None:
        """Record the answer of a call that was begun, and its *outcome* in a word."""
        at = self._clock()
        # Only a call that may have taken effect is the answer to others that are the same.
        key = call.key if outcome in {"done", "timed-out"} else None
        with transaction(self._engine) as opened:
            opened.commit(
                (_FINISH, _finished(_id(call), key, answer)),
                audit.record(replace(_event(call, EventKind.RETURNED, at), code=outcome)),
            )

    def cancel(self, lease_id: str, call: str) -> None:
        """Record that nobody waits for the answer of a call."""
        with transaction(self._engine) as opened:
            opened.commit((_CANCEL, {"call": _key(lease_id, call), "cancelled": 1}))

    def cancelled(self, call: ToolAdmission) -> bool:
        """Return whether nobody waits for the answer of *call*."""
        with transaction(self._engine) as opened:
            ((row,),) = opened.read((_CANCELLED, {"call": _id(call)}))
        return bool(row[0])

    def _read_live(self, opened: Transaction, call: ToolAdmission, now: int, *queries: Request) -> list[list[Row]]:
        """Return the answers of *queries* in a conversation that may go on."""
        blocked, live, *found = opened.read(blocks_query(call.blocks), (_LIVE, {"lease": call.lease.id}), *queries)
        refuse_blocked(blocked, now)
        if not live:
            raise LeaseOver(cause="ended, or so old that the store no longer knows it")
        return found


def _begun(found: "_Call", call: ToolAdmission, now: int) -> Begun | None:
    """Return what became of a call, or None if it may run again."""
    if found.tool != call.tool:
        raise ToolNotWaiting(cause="a call of another tool has this id")
    if found.answer is not None:
        return Begun(answer=found.answer)
    if found.pending is not None:
        # What was prepared, recorded and limited is a call with those arguments.
        if not found.pending.endswith(_asked(call)):
            raise ToolNotWaiting(cause="other arguments than it was asked with")
        return Begun(waiting=True, prepared=found.prepared)
    if now < found.ends_by:
        raise ToolRunning(retry_after=1)
    if not call.pure:
        raise ToolOutcomeUnknown(cause="no outcome was recorded")
    return None


def _row(call: ToolAdmission, now: int) -> dict[str, Any]:
    return {
        "id": _id(call),
        "call": _id(call),  # where it is a condition
        "lease_id": call.lease.id,
        "tool": call.tool,
        "key": call.key,
        "at": now,
        "ends_by": now + (call.timeout + _GRACE) * SECOND,
        "cancelled": 0,
        "pending": None,
        "prepared": None,
        "answer": None,
        "deadline": microseconds(call.lease.expires_at),
    }


def _finished(call: str, key: str | None, answer: str) -> dict[str, Any]:
    return {"call": call, "key": key, "answer": answer, "pending": None}


def _confirming(call: ToolAdmission, confirmation: str) -> str:
    """Return what confirms *call* with these arguments, and no other."""
    return fingerprint(confirmation)[:32] + _asked(call)


def _asked(call: ToolAdmission) -> str:
    return fingerprint(f"{call.tool} {call.arguments_hash}")[:32]


def _key(lease_id: str, call: str) -> str:
    return fingerprint(f"{lease_id} {call}")


def _id(call: ToolAdmission) -> str:
    return _key(call.lease.id, call.call)


def _event(call: ToolAdmission, kind: EventKind, at: datetime) -> AuditEvent:
    return AuditEvent.of_lease(
        call.lease,
        at=at,
        kind=kind,
        request_id=call.request_id,
        address=call.address,
        reservation_id=_id(call)[:32],
        fingerprint=call.arguments_hash,
    )


_COLUMNS = [column.name for column in tool_calls.c]
_of_tool = (
    tool_calls.c.lease_id == bindparam("lease", type_=String),
    tool_calls.c.tool == bindparam("tool", type_=String),
)
_this = tool_calls.c.id == bindparam("call")
_CALL = select(*(tool_calls.c[name] for name in _Call._fields))
_LIVE = Statement(select(leases.c.id).where(leases.c.id == bindparam("lease")))
_KNOWN = Statement(_CALL.where(_this))
_SAME = Statement(
    _CALL.where(
        *_of_tool,
        tool_calls.c.at > bindparam("after", type_=BigInteger),
        tool_calls.c.key == bindparam("key", type_=String),
    )
    .order_by(tool_calls.c.at)
    .limit(1)
)
_COUNT = Statement(select(func.count().cast(Integer)).where(*_of_tool))
_INSERT = Statement(insert(tool_calls), _COLUMNS)
_RESTART = Statement(update(tool_calls).where(_this), ["at", "ends_by", "cancelled"])
_HOLD = Statement(update(tool_calls).where(_this), ["pending", "prepared", "ends_by"])
_RUN = Statement(update(tool_calls).where(_this), ["pending", "ends_by"])
_FINISH = Statement(update(tool_calls).where(_this), ["key", "answer", "pending"])
_CANCEL = Statement(update(tool_calls).where(_this), ["cancelled"])
_CANCELLED = Statement(select(tool_calls.c.cancelled).where(_this))
