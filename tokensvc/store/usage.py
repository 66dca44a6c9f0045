"""Keeps what clients report of their conversations, beside what was granted. Nothing decides by it."""

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, case, delete, func, insert, select, update

from tokensvc.domain import Lease
from tokensvc.store.engine import transaction
from tokensvc.store.schema import events, usage
from tokensvc.store.times import DAY, SECOND, instant, microseconds

SIDES = ("prompt", "response", "thoughts", "tools")
MODALITIES = ("TEXT", "AUDIO", "IMAGE", "VIDEO", "DOCUMENT")
_MOST_TOKENS = 10**9
_WORD = re.compile(r"[a-z][a-z0-9-]{0,31}", re.ASCII)
_SLACK = 60  # seconds that a client's clock may run fast
_RECORDED_WITHIN = 30 * SECOND  # of a conversation's start, the audit has its first event


@dataclass(frozen=True)
class Report:
    """What a client says; *tokens* are counts by “side.MODALITY”."""

    seconds: int = 0
    tokens: Mapping[str, int] = field(default_factory=dict)
    ended: str | None = None
    rating: str | None = None

    @classmethod
    def of(cls, unverified: object, longest: int) -> "Report":
        """Return what is credible of *unverified*, of a conversation of at most *longest* seconds.

        What is not is left out: a report never makes a request fail.
        """
        said = _object(unverified)
        by_side = _object(said.get("tokens"))
        counts = {
            f"{side}.{modality}": _number(_object(by_side.get(side)).get(modality), _MOST_TOKENS)
            for side in SIDES
            for modality in MODALITIES
        }
        ended, rating = said.get("ended"), said.get("rating")
        return cls(
            seconds=_number(said.get("seconds"), longest + _SLACK),
            tokens={name: count for name, count in counts.items() if count},
            ended=ended if isinstance(ended, str) and _WORD.fullmatch(ended) else None,
            rating=rating if isinstance(rating, str) and rating in {"good", "bad"} else None,
        )

    def since(self, earlier: "Report") -> "Report":
        """Return both together: no count ever falls, and a later word replaces an earlier one."""
        most = Counter(self.tokens) | Counter(earlier.tokens)
        return Report(
            max(self.seconds, earlier.seconds),
            dict(sorted(most.items())),
            self.ended or earlier.ended,
            self.rating or earlier.rating,
        )


@dataclass
class Spent:
    """What was granted and reported in one *group*: the day, profile and subject, as far as they were asked for."""

    group: tuple[str, ...]
    conversations: int = 0
    granted: int = 0  # seconds
    reported: int = 0
    tokens: dict[str, Counter[str]] = field(default_factory=dict)  # by model, then “side.MODALITY”
    ended: Counter[str] = field(default_factory=Counter)
    ratings: Counter[str] = field(default_factory=Counter)

    def add_report(self, model: str, said: Report) -> None:
        """Add what a client of *model* said."""
        self.reported += said.seconds
        self.tokens.setdefault(model, Counter()).update(said.tokens)
        self.ended.update([said.ended] if said.ended else [])
        self.ratings.update([said.rating] if said.rating else [])


class Usage:
    """The reports of a store; each method may raise TemporarilyUnavailable."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock

    def report(self, lease: Lease, model: str, unverified: object) -> None:
        """Keep what the holder of *lease* says of its conversation, if the audit has a record of it.

        The report is under the name that the audit has for them: a lease outlives the erasure of its person.
        """
        said = Report.of(unverified, int((self._clock() - lease.started_at).total_seconds()))
        began = microseconds(lease.started_at)
        recorded = select(events.c.issuer, events.c.subject).where(
            events.c.at.between(began - SECOND, began + _RECORDED_WITHIN), events.c.lease_id == lease.id
        )
        with transaction(self._engine, [lease.id]) as connection:
            row = connection.execute(select(usage).where(usage.c.lease_id == lease.id)).one_or_none()
            if row is None and (person := connection.execute(recorded.limit(1)).one_or_none()):
                about = {"lease_id": lease.id, "started_at": began, "profile": lease.profile, "model": model}
                about |= {"issuer": person.issuer, "subject": person.subject}
                connection.execute(insert(usage).values(**about, **_columns(said)))
            elif row is not None:
                both = said.since(_report(row))
                connection.execute(update(usage).where(usage.c.lease_id == lease.id).values(**_columns(both)))

    def reported_today(self) -> dict[str, int]:
        """Return the seconds that were reported of conversations that began today (UTC), by profile."""
        today = microseconds(self._clock()) // DAY * DAY
        query = select(usage.c.profile, func.sum(usage.c.seconds)).where(usage.c.started_at >= today)
        with transaction(self._engine) as connection:
            return {name: int(total) for name, total in connection.execute(query.group_by(usage.c.profile)).all()}

    def remove_before(self, at: datetime) -> int:
        """Remove the reports of conversations that began before *at*, and return how many there were."""
        with transaction(self._engine) as connection:
            return connection.execute(delete(usage).where(usage.c.started_at < microseconds(at))).rowcount

    def spent(self, since: datetime, until: datetime, by: tuple[str, ...]) -> list[Spent]:
        """Return what was spent on conversations that began from *since* until *until*, in groups of *by*.

        A conversation counts as a whole, with all its tokens, for the time of its first. *by* has some of `day`,
        `profile` and `subject`.
        """
        first, end = microseconds(since), microseconds(until)
        groups: dict[tuple[str, ...], Spent] = {}
        whose = (events.c.lease_id, events.c.profile, events.c.issuer, events.c.subject)
        conversation = (
            select(*whose, func.min(events.c.at).label("at"), func.sum(events.c.seconds).label("seconds"))
            .where(events.c.kind == "granted", events.c.at >= first)
            .group_by(*whose)
            # The first token is the one that renews nothing; there is none if the conversation began earlier.
            .having(func.min(case((events.c.renewal == 0, events.c.at))) < end)
        )
        reported = select(usage).where(usage.c.started_at >= first - DAY, usage.c.started_at < end)
        with transaction(self._engine) as connection:
            granted = connection.execute(conversation).all()
            reports = {row.lease_id: row for row in connection.execute(reported)}
        for row in granted:
            values = {"day": f"{instant(row.at):%Y-%m-%d}", "profile": row.profile, "subject": row.subject}
            name = tuple(values[each] for each in by)
            group = groups.setdefault(name, Spent(name))
            group.conversations += 1
            group.granted += int(row.seconds or 0)
            if (report := reports.get(row.lease_id)) is not None:
                group.add_report(report.model, _report(report))
        return [group for _, group in sorted(groups.items())]


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: object, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        return 0
    return min(int(value), most)


def _columns(said: Report) -> dict[str, Any]:
    return {"seconds": said.seconds, "tokens": json.dumps(said.tokens), "ended": said.ended, "rating": said.rating}


def _report(row: Any) -> Report:  # noqa: ANN401 - a row of `usage`
    return Report(row.seconds, json.loads(row.tokens), row.ended, row.rating)
