"""Load while parts of a service are killed, and a check of all records afterwards."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from system import clients, site

if TYPE_CHECKING:
    from system.fleet import Fleet
    from system.upstream import Upstream

VISITORS = 12
_RENEWALS = 2  # of each conversation
_PAUSE = 0.05  # seconds after a failure, so that no client retries in a tight loop


@dataclass
class Crowd:
    """Visitors who start and renew conversations until the block ends.

    Each conversation has a new subject. A visitor continues after any failure.
    """

    url: str
    tokens: list[str] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    lost: int = 0
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=lambda: asyncio.run(self._all()))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(timeout=120)

    def await_more(self, count: int, *, timeout: float = 120) -> None:
        """Wait until *count* tokens more have been received."""
        with self._changed:
            enough = len(self.tokens) + count
            received = self._changed.wait_for(lambda: len(self.tokens) >= enough, timeout)
        assert received, f"no {count} tokens within {timeout} s: {self.statuses}, {self.lost} lost"

    async def _all(self) -> None:
        await asyncio.gather(*(self._visitor() for _ in range(VISITORS)))

    async def _visitor(self) -> None:
        connection = clients.Connection(self.url)
        while not self._stopping.is_set():
            subject = f"visitor-{next(self._numbers)}"
            lease = await self._request(connection, subject, {})
            for _ in range(_RENEWALS if lease else 0):
                renewal = {"lease": lease, "resumption_handle": "handle"}
                await self._request(connection, subject, renewal)
        connection.close()

    async def _request(self, connection: clients.Connection, subject: str, body: dict[str, str]) -> str | None:
        """Send a request; return its lease, or None if it failed."""
        try:
            reply = await connection.send(subject, clients.post(site.signed(subject), body))
        except (OSError, EOFError):
            with self._changed:
                self.lost += 1
            await asyncio.sleep(_PAUSE)
            return None
        with self._changed:
            self.statuses[reply.status] += 1
            if reply.status == 200:
                self.tokens.append(reply.json["token"])
            self._changed.notify_all()
        if reply.status != 200:
            await asyncio.sleep(_PAUSE)
            return None
        return reply.json["lease"]


def reconcile(fleet: Fleet, google: Upstream, crowd: Crowd) -> dict[str, int]:
    """Check that the visitors', the service's and Google's records agree; return their figures."""
    (counts,) = fleet.rows(
        "select sum(case kind when 'reserved' then 1 else 0 end) as reserved,"
        " sum(case kind when 'granted' then 1 else 0 end) as granted,"
        " sum(case kind when 'refunded' then 1 else 0 end) as refunded from events"
    )
    # Every received token has its event.
    granted = {row.fingerprint for row in fleet.rows("select fingerprint from events where kind = 'granted'")}
    assert {hashlib.sha256(token.encode()).hexdigest() for token in crowd.tokens} <= granted
    assert granted <= google.fingerprints
    assert len(granted) == counts.granted
    # Every minted token was charged …
    timed_out = fleet.one("select count(*) from events where code = 'upstream-timeout'")
    assert len(google.minted) <= counts.reserved - counts.refunded + timed_out
    # … until its end: no token outlives what its conversation has paid for.
    outliving = fleet.one(
        "select count(*) from events join leases on leases.id = events.lease_id"
        " where events.kind = 'granted' and events.expires_at > leases.charged_until"
    )
    assert outliving == 0
    # Every reservation was made once and settled at most once.
    unreserved = fleet.rows(
        "select reservation_id from events group by reservation_id"
        " having sum(case kind when 'reserved' then 1 else 0 end) <> 1 or count(*) > 2"
    )
    assert unreserved == []
    charged = fleet.one(
        "select sum(case kind when 'reserved' then seconds when 'refunded' then -seconds else 0 end) from events"
    )
    assert fleet.one("select sum(seconds) from spending") == 2 * charged  # own and shared
    if fleet.environment["DATABASE_URL"].startswith("sqlite"):
        assert fleet.one("pragma integrity_check") == "ok"
    return {
        "received": len(crowd.tokens),
        "granted": counts.granted,
        "minted": len(google.minted),
        "reserved": counts.reserved,
        "refunded": counts.refunded,
        "lost": crowd.lost,
        **{f"answered {status}": count for status, count in sorted(crowd.statuses.items())},
    }
