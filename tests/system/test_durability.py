"""Whatever is killed and when, every received token is on record and was paid for."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import signal

import pytest

from system import fleet as fleets
from system.configurations import configuration
from system.crashing import VISITORS, Crowd, reconcile
from system.postgres import Postgres

BUDGETS = 'budget = { user = "20h/day", everyone = "9999h/day" }'
CONFIGURATION = configuration(limits=BUDGETS, default="")
KILLS, BETWEEN = 10, 15  # tokens between two kills


def test_killing_workers_under_load_loses_no_record(start_fleet, fresh_google):
    """One of four workers is killed again and again, while requests wait for it."""
    fleet = start_fleet(CONFIGURATION, workers=4)
    chance = random.Random(7)  # noqa: S311 - the choice need not be secret
    with Crowd(fleet.first.url) as crowd:
        for _ in range(KILLS):
            crowd.await_more(BETWEEN)
            with contextlib.suppress(ProcessLookupError):
                os.kill(chance.choice(fleet.workers()), signal.SIGKILL)
        crowd.await_more(50)

    assert crowd.statuses.keys() <= {200, 503, 504}
    assert crowd.lost <= KILLS * VISITORS  # only what a killed worker was answering
    reconcile(fleet, fresh_google, crowd)
    assert fleet.first.child.poll() is None


def test_killing_the_master_loses_no_record_and_a_supervisor_restarts_it(new_folder, fresh_google):
    """The workers end when they notice that their master is gone."""
    fleet = fleets.prepared(new_folder(), CONFIGURATION, fresh_google.url)
    with fleets.started(fleet, workers=2), Crowd(fleet.first.url) as crowd:
        crowd.await_more(20)
        fleet.first.child.kill()
        with fleets.supervised(fleet):
            crowd.await_more(50)

    assert crowd.statuses.keys() <= {200, 503, 504}
    reconcile(fleet, fresh_google, crowd)


def test_worker_without_its_master_closes_its_kept_connections(new_folder, fresh_google):
    """Otherwise the worker would keep the port from the next service."""
    fleet = fleets.prepared(new_folder(), CONFIGURATION, fresh_google.url)
    with fleets.started(fleet, workers=1):
        connection = http.client.HTTPConnection(fleet.first.url.removeprefix("http://"))
        for number in range(100_000):
            connection.request("GET", "/livez")
            answer = connection.getresponse()
            assert json.load(answer) == {"status": "ok"}
            if answer.headers["Connection"] == "close":
                break
            if number == 10:
                fleet.first.child.kill()
        else:
            pytest.fail("the worker keeps the connection")
        assert number > 10
        connection.close()


def test_requests_are_refused_during_a_postgresql_outage_and_served_after_it(start_fleet, fresh_google):
    """A worker that is killed during the outage restarts after it."""
    message = "worker cannot start, will be retried"
    postgres = Postgres()
    try:
        fleet = start_fleet(CONFIGURATION, database_url=postgres.url, instances=2)
        for instance in fleet.instances:  # one whose first worker cannot start gives up
            instance.await_ready(200)
        with Crowd(fleet.first.url) as crowd:
            for outage in (postgres.kill, postgres.stop):
                crowd.await_more(20)
                outage()
                _assert_unavailable(fleet.instances[1])
                count = sum(message in line for line in fleet.first.lines)
                os.kill(fleet.workers()[0], signal.SIGKILL)
                fleet.first.await_lines(message, count + 1, timeout=120)
                minted = len(fresh_google.minted)
                postgres.start()
                crowd.await_more(20)
                assert minted < len(fresh_google.minted)

        assert crowd.statuses.keys() <= {200, 503, 504}
        assert crowd.statuses[503] > 0
        reconcile(fleet, fresh_google, crowd)
        assert [instance.child.poll() for instance in fleet.instances] == [None, None]
        for instance in fleet.instances:
            instance.await_ready(200)
    finally:
        postgres.close()


def _assert_unavailable(service):
    refused = service.post("/token")
    assert (refused.status, refused.code) == (503, "temporarily-unavailable")
    assert int(refused.headers["retry-after"]) > 0
    assert service.get("/livez").status == 200
    service.await_ready(503)
