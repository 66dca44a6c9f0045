"""Undoes reservations: of mints that failed, and of mints that a killed process left behind.

What it takes is kept with the token until its mint has ended.
"""

import json
import logging
from dataclasses import fields, replace
from typing import Any

from sqlalchemy import Engine, bindparam, delete, select, update

from tokensvc.domain import Admission, AuditEvent, Budget, EventKind, LeaseState
from tokensvc.store import audit, budgets, counting
from tokensvc.store.driver import Request, Statement, Transaction, Values, transaction
from tokensvc.store.schema import leases, tokens
from tokensvc.store.times import instant

STATE_FIELDS = [field.name for field in fields(LeaseState)]
COUNTED = ["expires_at", "place_of", "counted_for", "counted_until"]
_BATCH = 200  # interrupted mints, of which there are few
_log = logging.getLogger(__name__)


def counted(state: LeaseState) -> Values:
    """Return the columns of a lease's last token that *state* determines."""
    return dict(zip(COUNTED, (state.token_end, state.holder, state.holder, state.charged_until), strict=True))


def recipe(at: int, seconds: int, admission: Admission, previous: LeaseState | None) -> str:
    """Return what undoes a reservation of *seconds* at *at*, as text for its token's row."""
    return json.dumps(
        {
            "at": at,
            "seconds": seconds,
            "budgets": [budget.key for budget in admission.budgets],
            "windows": counting.charged_keys(admission.windows),
            "previous": previous and vars(previous),
        }
    )


def settled(reservation_id: str) -> Request:
    """Return the statement that records that a mint has ended; it changes a row only once."""
    return _SETTLE, {"token": reservation_id, "opens_until": None, "undo": None}


def undo(opened: Transaction, event: AuditEvent) -> None:
    """Return the charge of a reservation, unless it was returned before, and record *event*."""
    token = {"token": event.reservation_id}
    (stored,) = opened.read((_RECIPE, token))
    if not stored:
        return
    kept: dict[str, Any] = json.loads(stored[0][0])  # before 0005 it named no windows
    which = token | {"lease": event.lease_id}
    previous = LeaseState(**kept["previous"]) if kept["previous"] else None
    *_, undone = opened.write(
        settled(str(event.reservation_id)),
        *counting.uncharge(kept.get("windows", []), str(event.reservation_id), kept["at"]),
        (_UNDO_FIRST, which) if previous is None else (_UNDO, vars(previous) | which),
    )
    # Unless a later reservation has changed the lease.
    returned = kept["seconds"] if undone else 0
    restored = [(_DELETE_TOKEN, token)] if undone else []
    if undone and previous is not None:
        restored.append((_RESTORE_TOKEN, {"token": previous.token_id, **counted(previous)}))
    charged = [Budget("", key, 0) for key in kept["budgets"]]
    opened.commit(
        *restored,
        audit.record(replace(event, seconds=returned)),
        # On the day that was charged, even if it is past midnight now.
        *budgets.spend(charged, returned, kept["at"], refund=True),
    )


def undo_interrupted(engine: Engine, now: int) -> int:
    """Undo the reservations whose mint has not ended and whose token can no longer be opened; return how many."""
    with transaction(engine) as opened:
        (found,) = opened.read((_INTERRUPTED, {"now": now}))
    for token, lease, holder, stored in found:
        reserved = audit.reserved(engine, token, json.loads(stored)["at"])
        with transaction(engine, [lease, holder or ""]) as opened:
            if reserved is None:  # pruned
                opened.commit(settled(token))
                continue
            undo(opened, replace(reserved, id=None, at=instant(now), kind=EventKind.REFUNDED, code="interrupted"))
        _log.warning("returned the charge of an interrupted mint reservation=%s", token)
    return len(found)


_this_token = tokens.c.id == bindparam("token")
_last_token = (leases.c.id == bindparam("lease")) & (leases.c.token_id == bindparam("token"))
_UNDO = Statement(update(leases).where(_last_token), STATE_FIELDS)
_UNDO_FIRST = Statement(delete(leases).where(_last_token))
_RESTORE_TOKEN = Statement(update(tokens).where(_this_token), COUNTED)
_DELETE_TOKEN = Statement(delete(tokens).where(_this_token))
_SETTLE = Statement(update(tokens).where(_this_token), ["opens_until", "undo"])
_RECIPE = Statement(select(tokens.c.undo).where(_this_token, tokens.c.undo.is_not(None)).with_for_update())
_INTERRUPTED = Statement(
    select(tokens.c.id, tokens.c.lease_id, tokens.c.counted_for, tokens.c.undo)
    .where(tokens.c.opens_until <= bindparam("now"))
    .order_by(tokens.c.opens_until)
    .limit(_BATCH)
)
