"""The configuration file is edited while everybody asks: nobody notices but by what they get."""

from __future__ import annotations

import os
import re
import signal
import threading

import pytest

from scale import clients
from scale.fleet import children
from scale.shops import shop
from service import site

FIRST = shop(default="", going="")
SECOND = shop(default='limits = ["1/hour"]', coming='token_lifetime = "90s"\nmax_session = "10m"')
BROKEN = SECOND.replace("[profiles.coming]", "[profiles.coming]\nno_such_key = 1")


@pytest.fixture(name="fleet", scope="module")
def _fleet(start_fleet):
    return start_fleet(FIRST)


@pytest.fixture(name="edit")
def _edit(fleet):
    """Writes the file anew, as an editor does; waits until every worker has said *so* of it."""

    def edit(configuration, so):
        said = "".join(fleet.first.lines).count(so)
        written = fleet.config.with_suffix(".new")
        written.write_text(configuration, encoding="utf-8")
        written.rename(fleet.config)
        workers = len(fleet.workers())
        fleet.first.await_lines(so, said + workers, timeout=60)

    return edit


_CLIENTS = 4


class _Asking:
    """Asks for “default” as somebody new all the time, until it is left; all the answers."""

    def __init__(self, url):
        self._url = url
        self._answered, self._leaving = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._ask)
        self.replies = []

    def __enter__(self):
        self._thread.start()
        assert self._answered.wait(60)
        return self

    def __exit__(self, *_):
        self._leaving.set()
        self._thread.join(timeout=120)

    def _ask(self):
        self.replies = clients.ask_all(self._url, self._asked(), clients=_CLIENTS)

    def _asked(self):
        for number in range(20_000):
            if self._leaving.is_set():
                return
            if number == 2 * _CLIENTS:
                self._answered.set()
            yield "", clients.post(site.signed(f"passer-by-{number}"))


def _status(fleet, subject, profile):
    return fleet.first.post("/token", {"profile": profile}, bearer=site.signed(subject)).status


def test_an_edit_under_load(fleet, edit):
    """It is in force in every worker, asked or not, and no request fails."""
    with _Asking(fleet.first.url) as asking:
        edit(SECOND, "changed and is in force")
    assert {reply.status for reply in asking.replies} == {200}

    for worker in fleet.each_worker():
        assert _status(fleet, f"now-{worker}", "coming") == 200
        assert _status(fleet, f"now-{worker}", "going") == 403
        assert [_status(fleet, f"once-{worker}", "default") for _ in range(2)] == [200, 429]


def test_an_edit_that_breaks_the_file(fleet, edit):
    """What was in force stays, loudly, also where a worker dies; the mended file is taken."""
    edit(FIRST, "changed and is in force")
    with _Asking(fleet.first.url) as asking:
        edit(BROKEN, "is NOT in force")
    assert {reply.status for reply in asking.replies} == {200}
    told = [line for line in fleet.first.lines if "NOT in force" in line]
    assert len(told) == 2
    assert all('"level": "error"' in line for line in told)
    assert all("no_such_key" in line for line in told)
    for worker in fleet.each_worker():
        assert _status(fleet, f"still-{worker}", "going") == 200

    # Who begins now has only the broken file, and must not take the others down.
    os.kill(children(fleet.first.child.pid)[0], signal.SIGKILL)
    fleet.first.await_line("worker cannot begin, will be tried again")
    assert _status(fleet, "survivor", "going") == 200

    told = len(re.findall("is in force", "".join(fleet.first.lines)))
    fleet.config.write_text(SECOND, encoding="utf-8")
    fleet.first.await_lines("changed and is in force", told + 1)
    assert _status(fleet, "after", "coming") == 200
    assert fleet.first.child.poll() is None
