"""Kills what a service stands on, while people ask, and compares what everybody has noted."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from scale import clients
from service import site

if TYPE_CHECKING:
    from scale.fleet import Fleet
    from service.upstream import Upstream

_VISITORS = 12
_RENEWALS = 2  # of each conversation
_PAUSE = 0.05  # seconds after a failure, so that nobody is asked in a tight loop


@dataclass
class Crowd:
    """Visitors who begin conversations and go on with them, until told to stop.

    Each is somebody new with each conversation. Whatever happens to a request, they ask on.
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
        await asyncio.gather(*(self._visitor() for _ in range(_VISITORS)))

    async def _visitor(self) -> None:
        connection = clients.Connection(self.url)
        while not self._stopping.is_set():
            subject = f"visitor-{next(self._numbers)}"
            lease = await self._asks(connection, subject, {})
            for _ in range(_RENEWALS if lease else 0):
                renewal = {"lease": lease, "resumption_handle": "handle"}
                await self._asks(connection, subject, renewal)
        connection.close()

    async def _asks(
        self, connection: clients.Connection, subject: str, body: dict[str, str]
    ) -> str | None:
        """Ask once; the lease, where there is an answer with one."""
        try:
            reply = await connection.ask(subject, clients.post(site.signed(subject), body))
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


def compare(fleet: Fleet, google: Upstream, crowd: Crowd) -> dict[str, int]:
    """Hold the three records against each other: the visitors', the service's and Google's.

    The figures, for a report.
    """
    (counted,) = fleet.rows(
        "select sum(case kind when 'reserved' then 1 else 0 end) as reserved,"
        " sum(case kind when 'granted' then 1 else 0 end) as granted,"
        " sum(case kind when 'refunded' then 1 else 0 end) as refunded from events"
    )
    # Every token that anybody received has its event.
    granted = {
        row.fingerprint
        for row in fleet.rows("select fingerprint from events where kind = 'granted'")
    }
    assert {hashlib.sha256(token.encode()).hexdigest() for token in crowd.tokens} <= granted
    assert granted <= google.fingerprints
    assert len(granted) == counted.granted
    # What was minted was charged, in count …
    timed_out = fleet.one("select count(*) from events where code = 'upstream-timeout'")
    assert len(google.minted) <= counted.reserved - counted.refunded + timed_out
    # … and in seconds: no token outlives what its conversation has paid for.
    outliving = fleet.one(
        "select count(*) from events join leases on leases.id = events.lease_id"
        " where events.kind = 'granted' and events.expires_at > leases.charged_until"
    )
    assert outliving == 0
    # Nothing was settled that was not reserved, nor twice.
    unreserved = fleet.rows(
        "select reservation_id from events group by reservation_id"
        " having sum(case kind when 'reserved' then 1 else 0 end) <> 1 or count(*) > 2"
    )
    assert unreserved == []
    charged = fleet.one(
        "select sum(case kind when 'reserved' then seconds when 'refunded' then -seconds else 0"
        " end) from events"
    )
    assert fleet.one("select sum(seconds) from spending") == 2 * charged  # a person's, everyone's
    if fleet.environment["DATABASE_URL"].startswith("sqlite"):
        assert fleet.one("pragma integrity_check") == "ok"
    return {
        "received": len(crowd.tokens),
        "granted": counted.granted,
        "minted": len(google.minted),
        "reserved": counted.reserved,
        "refunded": counted.refunded,
        "lost": crowd.lost,
        **{f"answered {status}": count for status, count in sorted(crowd.statuses.items())},
    }
