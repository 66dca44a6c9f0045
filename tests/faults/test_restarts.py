"""Instances that stop lose nothing they accepted, and clients that retry as documented notice no restart."""

from __future__ import annotations

import hashlib
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing, contextmanager

import psutil
import pytest

from faults.rolling import Patient, rolling
from programs import API_KEY, SECRET_KEY, Program
from system import fleet as fleets
from system import site
from system.configurations import configuration
from system.crashing import Crowd
from system.launching import launched
from system.nginx import in_front_of
from wheels import CLONE

CONFIGURATION = configuration(default="")
STOPPED_WITHIN = 20.0  # seconds: gunicorn's graceful_timeout
NEW_SECRET = "signs-after-the-rotation-and-not-before-987654321"
NEW_SITE_SECRET = f"of-the-site-{NEW_SECRET}"
NEW_KEY = "AIzaSy-the-key-after-the-rotation-00000"
SOAKED = 20  # rolling restarts


@pytest.mark.parametrize(("workers", "upstream", "tokens"), [(1, "slow_google", 30), (2, "google", 300)], ids=[1, 2])
def test_sigterm_under_load_loses_nothing_that_was_accepted(tmp_path, request, workers, upstream, tokens):
    fleet = fleets.prepared(tmp_path, CONFIGURATION, request.getfixturevalue(upstream).url)
    with fleets.started(fleet, workers=workers), Crowd(fleet.first.url) as crowd:
        since = time.monotonic()
        crowd.await_more(tokens)
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
    rate = tokens / (began - since)
    print(f"{rate:.0f} a second; stopped in {took:.1f} s; {reserved} accepted, all answered")  # noqa: T201 - figures


def test_service_has_no_control_socket(tmp_path, google):
    """By default, gunicorn has one below the home folder."""
    with launched(tmp_path, CONFIGURATION, google.url, HOME=str(tmp_path), SHOP_SECRET=site.SECRET) as program:
        program.await_lines("worker started", 2)
        opened = psutil.Process(program.child.pid).net_connections(kind="unix")
        assert [each.laddr for each in opened if each.laddr] == []
        assert [*tmp_path.rglob("*.ctl")] == []


def reload(fleet):
    """Have the first instance read its environment's files again, and wait for the old workers' end."""
    before = [psutil.Process(pid) for pid in fleet.workers()]
    fleet.first.child.send_signal(signal.SIGHUP)
    assert not psutil.wait_procs(before, timeout=60)[1]


def test_reload_is_not_noticed_and_reads_secret_files_again(tmp_path, slow_google):
    fleet = fleets.prepared(tmp_path, CONFIGURATION, slow_google.url)
    secrets = {
        "GEMINI_API_KEY": (API_KEY, NEW_KEY),
        "TOKENSVC_SECRET_KEY": (SECRET_KEY, f"{NEW_SECRET},{SECRET_KEY}"),
        "SHOP_SECRET": (site.SECRET, f"{NEW_SITE_SECRET},{site.SECRET}"),
    }
    for name, (before, _) in secrets.items():
        (tmp_path / name).write_text(f"{before}\n", encoding="utf-8")
        del fleet.environment[name]
        fleet.environment[f"{name}_FILE"] = str(tmp_path / name)
    with fleets.started(fleet, workers=2), Patient(fleet.first) as patient:
        patient.await_more(20)
        for name, (_, after) in secrets.items():
            (tmp_path / name).write_text(f"{after}\n", encoding="utf-8")
        reload(fleet)
        slow_google.refused_keys = {API_KEY: 403}
        patient.await_more(20)
    assert (patient.retried, patient.errors) == (0, [])


def test_what_a_removed_secret_has_signed_is_refused(tmp_path, slow_google):
    """Our own secret signs leases, and the site's its JWTs; both are valid while the secret is listed."""
    fleet = fleets.prepared(tmp_path, CONFIGURATION, slow_google.url)
    old = {"TOKENSVC_SECRET_KEY": SECRET_KEY, "SHOP_SECRET": site.SECRET}
    new = {"TOKENSVC_SECRET_KEY": NEW_SECRET, "SHOP_SECRET": NEW_SITE_SECRET}
    for name in old:
        del fleet.environment[name]
        fleet.environment[f"{name}_FILE"] = str(tmp_path / name)

    def write(*secrets):
        for name in old:
            (tmp_path / name).write_text(",".join(each[name] for each in secrets), encoding="utf-8")

    def bearer(secrets):
        return site.signed(secret=secrets["SHOP_SECRET"])

    def refusals(secrets, lease):
        """Return the code that refuses a JWT signed by *secrets*, and that which refuses *lease* with a valid JWT."""
        renewal = {"lease": lease, "resumption_handle": "a-handle"}
        asked = [(None, bearer(secrets)), (renewal, bearer(valid))]
        answers = [fleet.first.post("/token", body, bearer=credential) for body, credential in asked]
        return [None if answer.status == 200 else answer.code for answer in answers]

    write(old)
    with fleets.started(fleet, workers=2):
        valid = old
        old_lease = fleet.first.post("/token", bearer=bearer(old)).json["lease"]
        assert refusals(new, old_lease) == ["invalid-token", None]
        write(new, old)
        reload(fleet)
        valid = new
        new_lease = fleet.first.post("/token", bearer=bearer(new)).json["lease"]
        for each, lease in ((old, old_lease), (new, new_lease)):
            assert refusals(each, lease) == [None, None]
        write(new)
        reload(fleet)
        assert refusals(old, old_lease) == ["invalid-token", "lease-refused"]
        assert refusals(new, new_lease) == [None, None]


# What systemd does between the fork and the start of the program.
ACTIVATE = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"}
os.execv(sys.executable, [sys.executable, "-m", *sys.argv[2:]])
"""


@contextmanager
def activated(listener, fleet):
    """Start an instance with a socket that it inherits, by the command in deploy/tokensvc.service."""
    unit = (CLONE / "deploy" / "tokensvc.service").read_text(encoding="utf-8")
    command = shlex.split(re.search(r"^ExecStart=/opt/tokensvc/bin/(.*)$", unit, re.MULTILINE)[1])
    child = subprocess.Popen(
        [sys.executable, "-c", ACTIVATE, str(listener.fileno()), *command],
        env=fleet.environment,
        pass_fds=[listener.fileno()],
    )
    try:
        yield
    finally:
        child.terminate()
        assert child.wait(60) == 0


def test_restart_of_a_single_instance_is_not_noticed_if_systemd_holds_the_socket(tmp_path, slow_google):
    fleet = fleets.prepared(tmp_path, CONFIGURATION, slow_google.url)
    with closing(socket.create_server(("127.0.0.1", 0), backlog=128)) as listener:
        address = Program(None, url=f"http://127.0.0.1:{listener.getsockname()[1]}")
        with Patient(address) as patient:  # whose connections wait
            with activated(listener, fleet):
                patient.await_more(20)
            with activated(listener, fleet):
                patient.await_more(20)
                patient.stop()
    assert (patient.retried, patient.errors) == (0, [])


def test_rolling_restarts_and_rotated_secrets_are_not_noticed(tmp_path, postgres, slow_google):
    """First every instance learns the new secret, then it signs with it; conversations go on."""
    fleet = fleets.prepared(tmp_path, CONFIGURATION, slow_google.url, database_url=postgres.url)
    with rolling(fleet, in_front_of) as (instances, patient):
        instances.roll(
            TOKENSVC_SECRET_KEY=f"{SECRET_KEY},{NEW_SECRET}",
            GEMINI_API_KEY=f"{NEW_KEY},{API_KEY}",
            SHOP_SECRET=f"{NEW_SITE_SECRET},{site.SECRET}",
        )
        patient.await_more(20)
        slow_google.refused_keys = {API_KEY: 403}
        instances.roll(TOKENSVC_SECRET_KEY=f"{NEW_SECRET},{SECRET_KEY}", GEMINI_API_KEY=NEW_KEY)
        patient.await_more(20)
    print(f"{patient.served} served, {patient.retried} retries")  # noqa: T201 - shown by -s
    assert patient.errors == []


@pytest.mark.soak
def test_many_rolling_restarts_are_not_noticed(tmp_path, postgres, slow_google):
    fleet = fleets.prepared(tmp_path, CONFIGURATION, slow_google.url, database_url=postgres.url)
    with rolling(fleet, in_front_of) as (instances, patient):
        for _ in range(SOAKED):
            instances.roll()
            patient.await_more(20)
    print(f"{SOAKED} restarts of each, {patient.served} served, {patient.retried} retries")  # noqa: T201 - shown by -s
    assert patient.errors == []
