"""The configuration file is edited under load: clients notice only by what they are granted."""

from __future__ import annotations

import os
import signal
import threading

import psutil
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
    """Replaces the file, as an editor does, and waits until every worker has logged *so*."""

    def edit(configuration, so):
        said = "".join(fleet.first.lines).count(so)
        written = fleet.config.with_suffix(".new")
        written.write_text(configuration, encoding="utf-8")
        written.rename(fleet.config)
        workers = len(fleet.workers())
        fleet.first.await_lines(so, said + workers, timeout=60)

    return edit


_CLIENTS = 4
IN_FORCE, REJECTED = "configuration change in force", "configuration change rejected"


class _Asking:
    """Requests “default” as one new user after the other until it is left; keeps all answers."""

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
    """It is in force in every worker, busy or idle, and no request fails."""
    with _Asking(fleet.first.url) as asking:
        edit(SECOND, IN_FORCE)
    assert {reply.status for reply in asking.replies} == {200}

    for worker in fleet.each_worker():
        assert _status(fleet, f"now-{worker}", "coming") == 200
        assert _status(fleet, f"now-{worker}", "going") == 403
        assert [_status(fleet, f"once-{worker}", "default") for _ in range(2)] == [200, 429]


def test_an_edit_that_breaks_the_file(fleet, edit):
    """The last valid policy stays in force, in a new worker too, until the file is fixed."""
    edit(FIRST, IN_FORCE)
    with _Asking(fleet.first.url) as asking:
        edit(BROKEN, REJECTED)
    assert {reply.status for reply in asking.replies} == {200}
    told = [line for line in fleet.first.lines if REJECTED in line]
    assert len(told) == 2
    assert all('"level": "error"' in line for line in told)
    assert all("no_such_key" in line for line in told)
    for worker in fleet.each_worker():
        assert _status(fleet, f"still-{worker}", "going") == 200

    # A worker that starts now serves what the others serve.
    os.kill(children(fleet.first.child.pid)[0], signal.SIGKILL)
    fleet.first.await_lines(REJECTED, 3)
    for worker in fleet.each_worker():
        assert _status(fleet, f"survivor-{worker}", "going") == 200

    edit(SECOND, IN_FORCE)
    assert _status(fleet, "after", "coming") == 200
    assert fleet.first.child.poll() is None


def test_an_edit_that_needs_a_restart_says_so_until_one_applies_it(fleet, edit):
    """SIGHUP is enough of a restart: new workers serve the new [http] and [[issuers]]."""
    edit(FIRST, IN_FORCE)
    with_page = FIRST.replace("page = false", "page = true")
    edit(with_page, "restart needed to apply a configuration change section=http")
    assert fleet.first.get("/").status == 404

    before = [psutil.Process(pid) for pid in fleet.workers()]
    started = "".join(fleet.first.lines).count("worker started")
    fleet.first.child.send_signal(signal.SIGHUP)
    fleet.first.await_lines("worker started", started + len(before))
    assert not psutil.wait_procs(before, timeout=60)[1]
    for worker in fleet.each_worker():
        assert fleet.first.get("/").status == 200, worker
