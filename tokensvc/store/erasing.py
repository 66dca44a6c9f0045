"""Erases one person: puts a pseudonym in their place everywhere, and records that this was done."""

import json
import logging
import secrets
from collections.abc import Callable
from datetime import datetime

import sqlalchemy as sa

from tokensvc.domain import ACCOUNT_ISSUER, AuditEvent, EventKind
from tokensvc.store import audit
from tokensvc.store.engine import shorten_log, transaction
from tokensvc.store.logins import end_logins_of
from tokensvc.store.refunds import undo_interrupted
from tokensvc.store.schema import accounts, charges, events, leases, refusals, spending, tokens, tool_calls, usage
from tokensvc.store.sqlite import unavailable
from tokensvc.store.times import microseconds

_ADDRESS = "erased"  # the trigger on `events` accepts no other
_BATCH = 1000
_log = logging.getLogger(__name__)
_CALLS = (EventKind.ASKED, EventKind.CALLED, EventKind.RETURNED)


class Erasing:
    """Erases persons; each method may raise TemporarilyUnavailable."""

    def __init__(self, engine: sa.Engine, clock: Callable[[], datetime], *, batch: int = _BATCH) -> None:
        """*clock* returns the time in UTC; *batch* is how many events one transaction changes."""
        self._engine = engine
        self._clock = clock
        self._batch = batch

    def issuers_of(self, subject: str) -> list[str]:
        """Return the issuers at which the store knows *subject*, sorted."""
        named = [sa.select(table.c.issuer).where(table.c.subject == subject) for table in (events, usage, refusals)]
        with transaction(self._engine) as connection:
            found = set(connection.execute(sa.union(*named)).scalars())
            if connection.execute(sa.select(accounts).where(accounts.c.username == subject)).first():
                found.add(ACCOUNT_ISSUER)
        return sorted(found)

    def erase(self, issuer: str, subject: str, key: str, *, dry_run: bool = False) -> dict[str, int]:
        """Erase *subject* of *issuer*, whose spending is kept under *key*; return how much of each there was.

        Ends their conversations. The pseudonym is random, and nothing links it to the name. A *dry_run* only counts.

        Raises TemporarilyUnavailable also while a mint or a tool runs for them, whose end would be under their name.
        """
        if not dry_run:
            undo_interrupted(self._engine, microseconds(self._clock()))
        theirs = _about(events, issuer, subject)
        # Their events may have been pruned.
        conversations = sa.union(
            sa.select(events.c.lease_id).where(theirs), sa.select(leases.c.id).where(leases.c.holder == key)
        )
        with transaction(self._engine) as connection:
            known = connection.execute(sa.select(leases.c.id).where(leases.c.id.in_(conversations))).scalars().all()
        pseudonym = f"erased:{secrets.token_hex(16)}"
        with transaction(self._engine, [key, *known]) as connection:
            at = self._clock()
            _refuse_if_running(connection, conversations, microseconds(at))
            kind = connection.execute(sa.select(events.c.principal_kind).where(theirs).limit(1)).scalar()
            found = _replace_in_other_tables(connection, conversations, issuer, subject, key, pseudonym)
            if dry_run or not any(found.values()):
                connection.rollback()
                return found
            erased = AuditEvent(
                at=at,
                kind=EventKind.ERASED,
                lease_id="",
                request_id="",
                principal_kind=kind or "user",
                issuer=issuer,
                subject=pseudonym,
                address=_ADDRESS,
                profile="",
                details=json.dumps(found),
            )
            connection.execute(sa.insert(events).values(audit.as_row(erased)))
        self._replace_in_events(theirs, pseudonym)
        if not shorten_log(self._engine, 0, wait=5):
            _log.warning("the store's log is in use, and keeps what was erased for a while")
        return found

    def _replace_in_events(self, theirs: sa.ColumnElement[bool], pseudonym: str) -> None:
        """Replace a person in the audit, in batches, so that no mint waits long.

        If this is interrupted, erasing them again replaces the rest, by another pseudonym.
        """
        some = sa.select(events.c.id).where(theirs).limit(self._batch)
        replaced = sa.update(events).where(events.c.id.in_(some)).values(subject=pseudonym, **_CLEARED)
        changed = self._batch
        while changed == self._batch:
            with transaction(self._engine) as connection:
                changed = connection.execute(replaced).rowcount


def _about(table: sa.Table, issuer: str, subject: str) -> sa.ColumnElement[bool]:
    return (table.c.issuer == issuer) & (table.c.subject == subject)


def _refuse_if_running(connection: sa.Connection, conversations: sa.CompoundSelect[str], now: int) -> None:
    minting = sa.select(tokens.c.id).where(tokens.c.lease_id.in_(conversations), tokens.c.opens_until > now)
    calling = sa.select(tool_calls.c.id).where(
        tool_calls.c.lease_id.in_(conversations),
        tool_calls.c.answer.is_(None),
        tool_calls.c.pending.is_(None),
        tool_calls.c.ends_by > now,
    )
    if connection.execute(sa.union(minting, calling)).first():
        raise unavailable("a token is being minted, or a tool runs, for this person; try again in two minutes")


def _replace_in_other_tables(  # noqa: PLR0913, PLR0917 - whom, and by what
    connection: sa.Connection,
    conversations: sa.CompoundSelect[str],
    issuer: str,
    subject: str,
    key: str,
    pseudonym: str,
) -> dict[str, int]:
    """Remove or replace what is about a person, but for their events; return how much of each there is."""
    theirs = _about(events, issuer, subject)
    charged = sa.select(events.c.reservation_id).where(theirs, events.c.reservation_id.is_not(None))

    def changed(statement: sa.UpdateBase) -> int:
        return connection.execute(statement).rowcount

    changed(sa.update(tokens).where(tokens.c.lease_id.in_(conversations)).values(place_of=None, counted_for=None))
    changed(sa.delete(charges).where(charges.c.reservation_id.in_(charged)))
    changed(sa.delete(tool_calls).where(tool_calls.c.lease_id.in_(conversations)))
    found = {
        "events": connection.execute(sa.select(sa.func.count()).select_from(events).where(theirs)).scalar_one(),
        "conversations": changed(sa.delete(leases).where(leases.c.id.in_(conversations))),
        "days of spending": changed(sa.update(spending).where(spending.c.key == key).values(key=pseudonym)),
        "reports of usage": changed(sa.update(usage).where(_about(usage, issuer, subject)).values(subject=pseudonym)),
        "counts of refusals": changed(
            sa.update(refusals).where(_about(refusals, issuer, subject)).values(subject=pseudonym, address=_ADDRESS)
        ),
        "accounts": 0,
    }
    if issuer == ACCOUNT_ISSUER:
        found["accounts"] = changed(sa.delete(accounts).where(accounts.c.username == subject))
        end_logins_of(connection, subject)
    return found


# The SHA-256 of a call's arguments can be guessed; that of a token cannot.
_CLEARED = {
    "address": _ADDRESS,
    "details": None,
    "fingerprint": sa.case((events.c.kind.in_(_CALLS), None), else_=events.c.fingerprint),
}
