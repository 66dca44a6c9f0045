"""The configuration file is edited under load, and clients only notice the new policy."""

from __future__ import annotations

import os
import signal
import threading

import psutil
import pytest

from system import clients, site
from system.configurations import configuration
from system.fleet import children

FIRST = configuration(default="", removed="")
SECOND = configuration(default='limits = ["1/hour"]', added='token_lifetime = "90s"\nmax_session = "10m"')
BROKEN = SECOND.replace("[profiles.added]", "[profiles.added]\nno_such_key = 1")


@pytest.fixture(name="fleet", scope="module")
def _fleet(start_fleet):
    return start_fleet(FIRST)


@pytest.fixture(name="edit")
def _edit(fleet):
    """Return a function that replaces the file and waits until every worker logs *message*."""

    def edit(content, message):
        logged = "".join(fleet.first.lines).count(message)
        written = fleet.config.with_suffix(".new")
        written.write_text(content, encoding="utf-8")
        written.rename(fleet.config)
        workers = len(fleet.workers())
        fleet.first.await_lines(message, logged + workers, timeout=60)

    return edit


_CLIENTS = 4
IN_FORCE, REJECTED = "configuration change in force", "configuration change rejected"


class _Load:
    """Requests “default” as one new user after another until the block ends; keeps all answers."""

    def __init__(self, url):
        self._url = url
        self._answered, self._stopping = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._send)
        self.replies = []

    def __enter__(self):
        self._thread.start()
        assert self._answered.wait(60)
        return self

    def __exit__(self, *_):
        self._stopping.set()
        self._thread.join(timeout=120)

    def _send(self):
        self.replies = clients.send_all(self._url, self._requests(), clients=_CLIENTS)

    def _requests(self):
        for number in range(20_000):
            if self._stopping.is_set():
                return
            if number == 2 * _CLIENTS:
                self._answered.set()
            yield "", clients.post(site.signed(f"visitor-{number}"))


def _status(fleet, subject, profile):
    return fleet.first.post("/token", {"profile": profile}, bearer=site.signed(subject)).status


def test_edit_under_load_reaches_every_worker_and_fails_no_request(fleet, edit):
    with _Load(fleet.first.url) as load:
        edit(SECOND, IN_FORCE)
    assert {reply.status for reply in load.replies} == {200}

    for worker in fleet.each_worker():
        assert _status(fleet, f"now-{worker}", "added") == 200
        assert _status(fleet, f"now-{worker}", "removed") == 403
        assert [_status(fleet, f"once-{worker}", "default") for _ in range(2)] == [200, 429]


def test_invalid_edit_is_rejected_and_the_last_valid_policy_stays_in_force(fleet, edit):
    """A worker that starts meanwhile serves that policy too."""
    edit(FIRST, IN_FORCE)
    with _Load(fleet.first.url) as load:
        edit(BROKEN, REJECTED)
    assert {reply.status for reply in load.replies} == {200}
    lines = [line for line in fleet.first.lines if REJECTED in line]
    assert len(lines) == 2
    assert all('"level": "error"' in line for line in lines)
    assert all("no_such_key" in line for line in lines)
    for worker in fleet.each_worker():
        assert _status(fleet, f"still-{worker}", "removed") == 200

    os.kill(children(fleet.first.child.pid)[0], signal.SIGKILL)
    fleet.first.await_lines(REJECTED, 3)
    for worker in fleet.each_worker():
        assert _status(fleet, f"survivor-{worker}", "removed") == 200

    edit(SECOND, IN_FORCE)
    assert _status(fleet, "after", "added") == 200
    assert fleet.first.child.poll() is None


def test_edit_that_needs_a_restart_is_logged_and_then_applied_by_sighup(fleet, edit):
    edit(FIRST, IN_FORCE)
    with_page = FIRST.replace("page = false", "page = true")
    edit(with_page, "reload needed to apply a configuration change section=http")
    assert fleet.first.get("/").status == 404

    before = [psutil.Process(pid) for pid in fleet.workers()]
    started = "".join(fleet.first.lines).count("worker started")
    fleet.first.child.send_signal(signal.SIGHUP)
    fleet.first.await_lines("worker started", started + len(before))
    assert not psutil.wait_procs(before, timeout=60)[1]
    for worker in fleet.each_worker():
        assert fleet.first.get("/").status == 200, worker
