"""Whatever is killed, and whenever: what people have received is on record, and was paid for."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import signal
import threading

from scale import fleet as fleets
from scale.crashing import Crowd, compare
from scale.postgres import Postgres
from scale.shops import shop

CONFIGURATION = shop(limits='budget = { user = "20h/day", everyone = "9999h/day" }', default="")
KILLS, EVERY = 20, 0.5  # seconds


def test_workers_are_killed(start_fleet, google):
    """Twice a second one of four, under load: the rest go on, and a new one comes."""
    fleet = start_fleet(CONFIGURATION, workers=4)
    chance, pace = random.Random(7), threading.Event()  # noqa: S311 - which worker is no secret
    with Crowd(fleet.first.url) as crowd:
        crowd.await_more(20)
        for _ in range(KILLS):
            if workers := fleet.workers():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(chance.choice(workers), signal.SIGKILL)
            pace.wait(EVERY)
        crowd.await_more(50)

    assert crowd.statuses.keys() <= {200, 503, 504}
    compare(fleet, google, crowd)
    assert fleet.first.child.poll() is None


def test_the_master_is_killed(new_folder, google):
    """Its workers leave by themselves; started again by a supervisor, the service goes on."""
    fleet = fleets.prepared(new_folder(), CONFIGURATION, google.url)
    with fleets.standing(fleet, workers=2), Crowd(fleet.first.url) as crowd:
        crowd.await_more(20)
        fleet.first.child.kill()
        with fleets.supervised(fleet):
            crowd.await_more(50)

    assert crowd.statuses.keys() <= {200, 503, 504}
    compare(fleet, google, crowd)


def test_a_kept_connection_to_an_orphan(new_folder, google):
    """A worker without its master says that it leaves, and frees the port for the next one."""
    fleet = fleets.prepared(new_folder(), CONFIGURATION, google.url)
    with fleets.standing(fleet, workers=1):
        connection = http.client.HTTPConnection(fleet.first.url.removeprefix("http://"))
        for number in range(100_000):
            connection.request("GET", "/livez")
            answer = connection.getresponse()
            assert json.load(answer) == {"status": "ok"}
            if answer.headers["Connection"] == "close":
                break
            if number == 10:
                fleet.first.child.kill()
        assert number > 10
        connection.close()


def test_postgresql_is_gone_for_a_while(start_fleet, google):
    """Nothing is granted meanwhile; when it is back, so is the service, also a worker that died."""
    said = "worker cannot start, will be retried"
    postgres = Postgres()
    try:
        fleet = start_fleet(CONFIGURATION, database_url=postgres.url, instances=2)
        with Crowd(fleet.first.url) as crowd:
            for outage in (postgres.kill, postgres.stop):
                crowd.await_more(20)
                outage()
                _refused_for_now(fleet.instances[1])
                told = sum(said in line for line in fleet.first.lines)
                os.kill(fleet.workers()[0], signal.SIGKILL)
                fleet.first.await_lines(said, told + 1, timeout=120)
                minted = len(google.minted)
                postgres.start()
                crowd.await_more(20)
                assert minted < len(google.minted)

        assert crowd.statuses.keys() <= {200, 503, 504}
        assert crowd.statuses[503] > 0
        compare(fleet, google, crowd)
        assert [instance.child.poll() for instance in fleet.instances] == [None, None]
        assert [instance.get("/readyz").status for instance in fleet.instances] == [200, 200]
    finally:
        postgres.close()


def _refused_for_now(service):
    refused = service.post("/token")
    assert (refused.status, refused.code) == (503, "temporarily-unavailable")
    assert int(refused.headers["retry-after"]) > 0
    assert service.get("/livez").status == 200
    assert service.get("/readyz").status == 503
