"""Instances that stop lose nothing they accepted, and clients that retry as documented notice no restart."""

from __future__ import annotations

import hashlib
import os
import signal
import threading
import time
from contextlib import ExitStack, contextmanager

import psutil
import pytest

from faults.load import visitor
from programs import API_KEY, SECRET_KEY, running
from system import fleet as fleets
from system import site
from system.configurations import configuration
from system.crashing import Crowd
from system.faults import answer
from system.launching import free_ports, launched
from system.nginx import in_front_of

CONFIGURATION = configuration(default="")
STOPPED_WITHIN = 20.0  # seconds: gunicorn's graceful_timeout
MINT = 0.3  # seconds, so that many are under way
NEW_SECRET = "signs-after-the-rotation-and-not-before-987654321"
NEW_KEY = "AIzaSy-the-key-after-the-rotation-00000"
SOAKED = 20  # rolling restarts


@pytest.fixture(name="slow_google")
def _slow_google(google):
    def mint(exchange, _received):
        time.sleep(MINT)
        exchange.send(answer(200, b'{"name": "%s"}' % google.mint().encode()))
        return True

    google.minted.clear()
    google.received.clear()
    google.fault = mint
    yield google
    google.fault, google.refused_keys = None, {}


@pytest.mark.parametrize("workers", [1, 2])
def test_sigterm_under_load_loses_nothing_that_was_accepted(tmp_path, slow_google, workers):
    fleet = fleets.prepared(tmp_path, CONFIGURATION, slow_google.url)
    with fleets.started(fleet, workers=workers), Crowd(fleet.first.url) as crowd:
        crowd.await_more(30)
        began = time.monotonic()
        fleet.first.stop()
        assert fleet.first.child.wait(STOPPED_WITHIN) == 0
        took = time.monotonic() - began
    granted = fleet.rows("select fingerprint from events where kind = 'granted'")
    reserved = fleet.one("select count(*) from events where kind = 'reserved'")
    received = {hashlib.sha256(token.encode()).hexdigest() for token in crowd.tokens}
    assert len(received) == len(granted) == reserved
    assert {row.fingerprint for row in granted} == received
    assert crowd.statuses.keys() == {200}
    print(f"stopped in {took:.1f} s; {reserved} accepted, all answered")  # noqa: T201 - shown by -s


def test_service_has_no_control_socket(tmp_path, google):
    """By default, gunicorn has one below the home folder."""
    with launched(tmp_path, CONFIGURATION, google.url, HOME=str(tmp_path), SHOP_SECRET=site.SECRET) as program:
        program.await_lines("worker started", 2)
        opened = psutil.Process(program.child.pid).net_connections(kind="unix")
        assert [each.laddr for each in opened if each.laddr] == []
        assert [*tmp_path.rglob("*.ctl")] == []


class Instances:
    """Two instances on ports that a restart keeps."""

    def __init__(self, fleet):
        self.fleet = fleet
        self.ports = free_ports(2)
        self.running = [None, None]

    @property
    def urls(self):
        return [f"http://127.0.0.1:{port}" for port in self.ports]

    def start(self, number):
        stack = ExitStack()
        command = fleets.command(self.ports[number], 1)
        program = stack.enter_context(running(command, fleets.LISTENS, environment=self.fleet.environment))
        program.await_ready(200)
        self.running[number] = stack

    def roll(self, **changed):
        """Restart one after the other, with *changed* variables."""
        self.fleet.environment |= changed
        for number in (0, 1):
            self.running[number].close()
            self.start(number)

    def close(self):
        for stack in self.running:
            if stack is not None:
                stack.close()


class Patient:
    """Visitors who start and renew, and retry as docs/api.md says; an error is what is left after that."""

    def __init__(self, program, count=6):
        self._program, self._stopping = program, threading.Event()
        self.served, self.retried, self.errors = 0, 0, []
        self._threads = [threading.Thread(target=self._converse) for _ in range(count)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stopping.set()
        for thread in self._threads:
            thread.join(60)

    def await_more(self, count):
        wanted, end = self.served + count, time.monotonic() + 60
        while self.served < wanted:
            assert time.monotonic() < end, f"{self.served} served, {self.errors}"
            time.sleep(0.05)

    def _converse(self):
        while not self._stopping.is_set():
            bearer, body = visitor(), None
            for _ in range(4):
                granted = self._ask(bearer, body)
                if granted is None:
                    break
                body = {"lease": granted["lease"], "resumption_handle": os.urandom(4).hex()}

    def _ask(self, bearer, body):
        """Try at most five times, after a second or the time that the answer gives."""
        for _ in range(5):
            try:
                reply = self._program.post("/token", body, bearer=bearer)
            except OSError:
                wait = 1.0
            else:
                if reply.status == 200:
                    self.served += 1
                    return reply.json
                problem = reply.headers["content-type"] == "application/problem+json"
                if problem and not reply.json["retryable"]:  # nginx's own 502 may be retried
                    break
                wait = float(reply.headers.get("retry-after", "1"))
            self.retried += 1
            time.sleep(wait)
        self.errors.append(reply.body)
        return None


@contextmanager
def rolling(tmp_path, postgres, google):
    """Run two instances over PostgreSQL, behind nginx, with visitors."""
    fleet = fleets.prepared(tmp_path, CONFIGURATION, google.url, database_url=postgres.url)
    instances = Instances(fleet)
    try:
        for number in (0, 1):
            instances.start(number)
        with in_front_of(tmp_path, instances.urls) as proxies, Patient(proxies[0]) as patient:
            patient.await_more(20)
            yield instances, patient
    finally:
        instances.close()


def test_reload_is_not_noticed_and_reads_secret_files_again(tmp_path, slow_google):
    fleet = fleets.prepared(tmp_path, CONFIGURATION, slow_google.url)
    secrets = {"GEMINI_API_KEY": (API_KEY, NEW_KEY), "TOKENSVC_SECRET_KEY": (SECRET_KEY, f"{NEW_SECRET},{SECRET_KEY}")}
    for name, (before, _) in secrets.items():
        (tmp_path / name).write_text(f"{before}\n", encoding="utf-8")
        del fleet.environment[name]
        fleet.environment[f"{name}_FILE"] = str(tmp_path / name)
    with fleets.started(fleet, workers=2), Patient(fleet.first) as patient:
        patient.await_more(20)
        for name, (_, after) in secrets.items():
            (tmp_path / name).write_text(f"{after}\n", encoding="utf-8")
        old = [psutil.Process(pid) for pid in fleet.workers()]
        fleet.first.child.send_signal(signal.SIGHUP)
        assert not psutil.wait_procs(old, timeout=60)[1]
        slow_google.refused_keys = {API_KEY: 403}
        patient.await_more(20)
    assert (patient.retried, patient.errors) == (0, [])


def test_rolling_restarts_and_rotated_secrets_are_not_noticed(tmp_path, postgres, slow_google):
    """First every instance learns the new secret, then it signs with it; conversations go on."""
    with rolling(tmp_path, postgres, slow_google) as (instances, patient):
        instances.roll(TOKENSVC_SECRET_KEY=f"{SECRET_KEY},{NEW_SECRET}", GEMINI_API_KEY=f"{NEW_KEY},{API_KEY}")
        patient.await_more(20)
        slow_google.refused_keys = {API_KEY: 403}
        instances.roll(TOKENSVC_SECRET_KEY=f"{NEW_SECRET},{SECRET_KEY}", GEMINI_API_KEY=NEW_KEY)
        patient.await_more(20)
    print(f"{patient.served} served, {patient.retried} retries")  # noqa: T201 - shown by -s
    assert patient.errors == []


@pytest.mark.soak
def test_many_rolling_restarts_are_not_noticed(tmp_path, postgres, slow_google):
    with rolling(tmp_path, postgres, slow_google) as (instances, patient):
        for _ in range(SOAKED):
            instances.roll()
            patient.await_more(20)
    print(f"{SOAKED} restarts of each, {patient.served} served, {patient.retried} retries")  # noqa: T201 - shown by -s
    assert patient.errors == []
