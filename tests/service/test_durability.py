"""What a client has received is on record, whatever happens to the process that answered."""

from __future__ import annotations

import hashlib
import http.client
import os
import signal
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from service import site
from service.launching import rows

KILLS = 4
TOKENS_BETWEEN = 25
VISITORS = 6


def _workers(program) -> list[int]:
    master = program.child.pid
    text = Path(f"/proc/{master}/task/{master}/children").read_text(encoding="ascii")
    return [int(pid) for pid in text.split()]


class _Crowd:
    """Visitors who request tokens, each time as a new subject, until the block ends."""

    def __init__(self, program) -> None:
        self._program = program
        self._stop = False
        self._changed = threading.Condition()
        self._threads = [
            threading.Thread(target=self._visit, args=(number,)) for number in range(VISITORS)
        ]
        self.tokens: list[str] = []
        self.lost = 0
        self.unexpected: list[object] = []

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop = True
        for thread in self._threads:
            thread.join(timeout=60)

    def await_tokens(self, count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.tokens) >= count, timeout=60)

    def _visit(self, number: int) -> None:
        attempt = 0
        while not self._stop:
            attempt += 1
            bearer = site.signed(f"killed-{number}-{attempt}")
            try:
                answer = self._program.post("/token", bearer=bearer)
            except (OSError, http.client.HTTPException):
                answer = None
            with self._changed:
                if answer is None:
                    self.lost += 1
                elif answer.status == 200:
                    self.tokens.append(answer.json["token"])
                else:
                    self.unexpected.append(answer)
                self._changed.notify_all()


def test_every_received_token_is_recorded_although_workers_are_killed(counting, counting_google):
    minted_before = len(counting_google.minted)
    with _Crowd(counting) as crowd:
        for kill in range(1, KILLS + 1):
            crowd.await_tokens(kill * TOKENS_BETWEEN)
            os.kill(_workers(counting)[0], signal.SIGKILL)
        crowd.await_tokens((KILLS + 1) * TOKENS_BETWEEN)

    assert crowd.unexpected == []
    assert crowd.lost <= KILLS * VISITORS
    events = rows(
        counting,
        "select kind, reservation_id, fingerprint from events where subject like 'killed-%'",
    )
    granted = {fingerprint for kind, _, fingerprint in events if kind == "granted"}
    received = {hashlib.sha256(token.encode()).hexdigest() for token in crowd.tokens}
    assert received <= granted
    # A mint whose worker was killed has at least its reservation.
    reserved = {reservation for kind, reservation, _ in events if kind == "reserved"}
    assert len(counting_google.minted) - minted_before <= len(reserved)
    assert {reservation for _, reservation, _ in events} == reserved
    assert rows(counting, "pragma integrity_check") == [("ok",)]
    assert counting.post("/token", bearer=site.signed("killed-and-alive")).status == 200


def test_nothing_is_minted_while_the_store_is_locked(counting, counting_google):
    before = len(counting_google.received)
    path = counting.folder / "data" / "tokensvc.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("begin immediate")
        answer = counting.post("/token", bearer=site.signed("locked-out"))
        other.execute("rollback")
    assert (answer.status, answer.code) == (503, "temporarily-unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert len(counting_google.received) == before
    assert counting.post("/token", bearer=site.signed("locked-out")).status == 200


@pytest.mark.parametrize("statement", ["update events set kind = 'refunded'"])
def test_store_refuses_to_change_an_event(counting, statement):
    path = counting.folder / "data" / "tokensvc.db"
    with closing(sqlite3.connect(path)) as other:
        with pytest.raises(sqlite3.IntegrityError, match="never changed"):
            other.execute(statement)
        other.rollback()
