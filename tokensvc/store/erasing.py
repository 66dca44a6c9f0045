"""Erases one person: puts a pseudonym in their place everywhere, and records that this was done."""

import json
import re
import secrets
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Engine, Select, case, delete, func, insert, select, union, update
from sqlalchemy.sql.dml import UpdateBase

from tokensvc.domain import ACCOUNT_ISSUER, AuditEvent, EventKind
from tokensvc.store import audit
from tokensvc.store.engine import transaction
from tokensvc.store.logins import end_logins_of
from tokensvc.store.refunds import undo_interrupted
from tokensvc.store.schema import accounts, charges, events, leases, refusals, spending, tokens, tool_calls, usage
from tokensvc.store.sqlite import unavailable
from tokensvc.store.times import microseconds

PSEUDONYM = re.compile(r"erased:[0-9a-f]{32}", re.ASCII)  # the trigger on `events` accepts no other form
_ADDRESS = "erased"  # likewise
_BATCH = 1000
_CALLS = (EventKind.ASKED, EventKind.CALLED, EventKind.RETURNED)


class Erasing:
    """Erases persons; each method may raise TemporarilyUnavailable."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime], *, batch: int = _BATCH) -> None:
        """*clock* returns the time in UTC; *batch* is how many events one transaction changes."""
        self._engine = engine
        self._clock = clock
        self._batch = batch

    def issuers_of(self, subject: str) -> list[str]:
        """Return the issuers at which the store knows *subject*, sorted."""
        named = [select(table.c.issuer).where(table.c.subject == subject) for table in (events, usage, refusals)]
        with transaction(self._engine) as connection:
            found = set(connection.execute(union(*named)).scalars())
            if connection.execute(select(accounts).where(accounts.c.username == subject)).first():
                found.add(ACCOUNT_ISSUER)
        return sorted(found)

    def erase(self, issuer: str, subject: str, key: str, *, dry_run: bool = False) -> dict[str, int]:
        """Erase *subject* of *issuer*, whose spending is kept under *key*; return how much of each there was.

        Ends their conversations. The pseudonym is random, and nothing links it to the name. A *dry_run* only counts.

        Raises TemporarilyUnavailable also while a mint or a tool runs for them, whose end would be under their name.
        """
        if not dry_run:
            undo_interrupted(self._engine, microseconds(self._clock()))
        theirs = (events.c.issuer == issuer) & (events.c.subject == subject)
        conversations = select(events.c.lease_id).where(theirs)
        with transaction(self._engine) as connection:
            known = connection.execute(select(leases.c.id).where(leases.c.id.in_(conversations))).scalars().all()
        pseudonym = f"erased:{secrets.token_hex(16)}"
        with transaction(self._engine, [key, *known]) as connection:
            at = self._clock()
            _refuse_if_running(connection, conversations, microseconds(at))
            kind = connection.execute(select(events.c.principal_kind).where(theirs).limit(1)).scalar()
            found = _replace_in_other_tables(connection, issuer, subject, key, pseudonym)
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
            connection.execute(insert(events).values(audit.as_row(erased)))
        self._replace_in_events(theirs, pseudonym)
        return found

    def _replace_in_events(self, theirs: ColumnElement[bool], pseudonym: str) -> None:
        """Replace a person in the audit, in batches, so that no mint waits long.

        If this is interrupted, erasing them again replaces the rest, by another pseudonym.
        """
        some = select(events.c.id).where(theirs).limit(self._batch)
        replaced = update(events).where(events.c.id.in_(some)).values(subject=pseudonym, **_CLEARED)
        changed = self._batch
        while changed == self._batch:
            with transaction(self._engine) as connection:
                changed = connection.execute(replaced).rowcount


def _refuse_if_running(connection: Connection, conversations: Select[tuple[str]], now: int) -> None:
    minting = select(tokens.c.id).where(tokens.c.lease_id.in_(conversations), tokens.c.opens_until > now)
    calling = select(tool_calls.c.id).where(
        tool_calls.c.lease_id.in_(conversations),
        tool_calls.c.answer.is_(None),
        tool_calls.c.pending.is_(None),
        tool_calls.c.ends_by > now,
    )
    if connection.execute(union(minting, calling)).first():
        raise unavailable("a token is being minted, or a tool runs, for this person; try again in two minutes")


def _replace_in_other_tables(
    connection: Connection, issuer: str, subject: str, key: str, pseudonym: str
) -> dict[str, int]:
    """Remove or replace what is about a person, but for their events; return how much of each there is."""
    theirs = (events.c.issuer == issuer) & (events.c.subject == subject)
    conversations = select(events.c.lease_id).where(theirs)
    charged = select(events.c.reservation_id).where(theirs, events.c.reservation_id.is_not(None))

    def changed(statement: UpdateBase) -> int:
        return connection.execute(statement).rowcount

    changed(update(tokens).where(tokens.c.lease_id.in_(conversations)).values(place_of=None, counted_for=None))
    changed(delete(charges).where(charges.c.reservation_id.in_(charged)))
    changed(delete(tool_calls).where(tool_calls.c.lease_id.in_(conversations)))
    found = {
        "events": connection.execute(select(func.count()).select_from(events).where(theirs)).scalar_one(),
        "conversations": changed(delete(leases).where(leases.c.id.in_(conversations))),
        "days of spending": changed(update(spending).where(spending.c.key == key).values(key=pseudonym)),
        "reports of usage": changed(
            update(usage).where(usage.c.issuer == issuer, usage.c.subject == subject).values(subject=pseudonym)
        ),
        "counts of refusals": changed(
            update(refusals)
            .where(refusals.c.issuer == issuer, refusals.c.subject == subject)
            .values(subject=pseudonym, address=_ADDRESS)
        ),
        "accounts": 0,
    }
    if issuer == ACCOUNT_ISSUER:
        found["accounts"] = changed(delete(accounts).where(accounts.c.username == subject))
        end_logins_of(connection, subject)
    return found


# The SHA-256 of a call's arguments can be guessed; that of a token cannot.
_CLEARED = {
    "address": _ADDRESS,
    "details": None,
    "fingerprint": case((events.c.kind.in_(_CALLS), None), else_=events.c.fingerprint),
}
