"""Counts refusals for the audit, a minute at a time, so that a flood of them costs no transaction each."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, delete, insert, select

from tokensvc.errors import TemporarilyUnavailable
from tokensvc.store.engine import transaction
from tokensvc.store.schema import refusals
from tokensvc.store.times import SECOND, instant, microseconds
from tokensvc.threads import start_thread

EVERY = 10.0  # seconds until what was counted is written
_MOST = 500  # rows with a name at once; others are counted under OTHER, a row for each code
OTHER = "(others)"
_OTHERS = (OTHER, OTHER, OTHER, OTHER)
_MINUTE = 60 * SECOND
_log = logging.getLogger(__name__)

_WHO = ("issuer", "subject", "address", "profile")
_Key = tuple[int, str, str, str, str, str]


@dataclass(frozen=True)
class Refused:
    """So many refusals with *code* in the minute that began at *at*."""

    at: datetime
    code: str
    issuer: str
    subject: str
    address: str
    profile: str
    count: int


class Refusals:
    """Counts in this process, and writes in the background."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime], every: float = EVERY) -> None:
        self._engine = engine
        self._clock = clock
        self._every = every
        self._lock = threading.Lock()
        self._counted: Counter[_Key] = Counter()
        self._others: dict[str, _Key] = {}  # by code
        self._writing = False

    def count(self, facts: Mapping[str, Any]) -> None:
        """Count a request by the facts of its log line, if it was refused."""
        if "code" not in facts:
            return
        minute = microseconds(self._clock()) // _MINUTE * _MINUTE
        issuer, subject, address, profile = (str(facts.get(name, "")) for name in _WHO)
        if facts.get("kind") == "guest":
            subject = ""  # another one for each request
        with self._lock:
            self._add((minute, str(facts["code"]), issuer, subject, address, profile), 1)
            begins, self._writing = not self._writing, True
        if begins and not start_thread(self._write_later, name="refusals"):
            self._writing = False

    def write(self) -> None:
        """Write what was counted; it is kept, in as few rows, if the store cannot be written."""
        with self._lock:
            counted, self._counted = self._counted, Counter()
            others, self._others = self._others, {}
        if not counted:
            return
        names = ("minute", "code", *_WHO, "count")
        rows = [dict(zip(names, (*key, count), strict=True)) for key, count in counted.items()]
        try:
            with transaction(self._engine) as connection:
                connection.execute(insert(refusals), rows)
        except TemporarilyUnavailable as error:
            _log.warning("refusals not written yet cause=%s", error.cause)
            with self._lock:
                later, self._counted, self._others = self._counted, counted, others
                for key, count in later.items():
                    self._add(key, count)

    def listed(self, since: datetime) -> Iterator[Refused]:
        """Yield what was refused from *since* on, oldest first."""
        query = select(refusals).where(refusals.c.minute >= microseconds(since) // _MINUTE * _MINUTE)
        with transaction(self._engine) as connection:
            found = connection.execute(query.order_by(refusals.c.minute, refusals.c.id)).all()
        for _, minute, *about in found:
            yield Refused(instant(minute), *about)

    def remove_before(self, at: datetime) -> int:
        """Remove what was counted before *at*, and return how many rows that were."""
        with transaction(self._engine) as connection:
            return connection.execute(delete(refusals).where(refusals.c.minute < microseconds(at))).rowcount

    def _add(self, key: _Key, count: int) -> None:
        """Count under *key*, or if there are too many names, in one row for all others with this code."""
        full = len(self._counted) - len(self._others) >= _MOST
        if key[2:] == _OTHERS or (full and key not in self._counted):
            key = self._others.setdefault(key[1], (*key[:2], *_OTHERS))
        self._counted[key] += count

    def _write_later(self) -> None:
        while True:
            time.sleep(self._every)
            self.write()
            with self._lock:
                if not self._counted:
                    self._writing = False
                    return
