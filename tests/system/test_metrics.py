"""What an operator sees: one log line for each request, and figures that agree with the ledger."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from programs import (
    OPEN_PROFILE,
    Program,
    clean_environment,
    running,
    service_environment,
    serving,
    share_compiled_profiles,
)
from system import faults, site
from system.fleet import children
from system.launching import free_ports, rows
from system.raw import exchange, request
from system.upstream import Exchange, Received, Upstream

PROFILES = """
[profiles.default]
model = "gemini-3.8-live"
allow = ["user", "guest"]
budget = "100h/day"
[profiles.short]
model = "gemini-3.8-live"
allow = ["user"]
token_lifetime = "1m"
[limits]
user = ["100000/minute"]
guest = ["3/minute"]
concurrent = { user = 1000, guest = 1000 }
[limits.budget]
everyone = "200h/day"
"""


def figures(port: int) -> dict[str, float]:
    """Return every figure that a scrape gives, by its name and labels."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        text = answer.read().decode()
    return {
        name: float(value)
        for name, value in (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    }


@contextmanager
def watched(folder: Path, google: Upstream, port: int, *, workers: int = 4, more: str = "", http: str = ""):
    http = f'{site.ISSUER}\n[http]\nmetrics_bind = "127.0.0.1:{port}"\n{http}\n'
    environment = service_environment(folder, more + http + PROFILES, google.url, SHOP_SECRET=site.SECRET)
    if not (folder / "data").exists():
        share_compiled_profiles(folder)
    with serving(environment, workers=workers) as service:
        service.folder = folder
        service.await_lines("worker started", workers)
        yield service


@pytest.fixture(name="google", scope="module")
def _google():
    with Upstream() as google:
        yield google


def spread(service: Program, count: int) -> None:
    """Ask for tokens at the same time, so that every worker gets some."""
    asks = [("default", site.signed(f"person-{number}")) for number in range(count)]
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda ask: service.post("/token", {"profile": ask[0]}, bearer=ask[1]).status, asks))
    assert answers == [200] * count


def test_worker_that_is_just_starting_does_not_break_the_figures(tmp_path: Path, google: Upstream) -> None:
    """Its files are there before there is anything in them."""
    (port,) = free_ports(1)
    with watched(tmp_path, google, port, workers=1) as service:
        assert service.post("/token").status == 200
        for kind in ("counter", "histogram", "gauge_livesum"):
            (tmp_path / "data" / "metrics" / f"{kind}_1.db").touch()
        assert figures(port)["tokensvc_mint_seconds_count"] == 1


def test_figures_agree_with_the_ledger_over_four_workers_one_of_which_dies(tmp_path: Path, google: Upstream) -> None:
    (port,) = free_ports(1)
    with watched(tmp_path, google, port) as service:
        spread(service, 60)
        os.kill(children(service.child.pid)[0], signal.SIGKILL)
        service.await_lines("worker started", 5)
        spread(service, 20)
        assert service.post("/token", {"profile": "short"}, bearer=site.signed("ada")).status == 200
        assert [service.post("/token").status for _ in range(5)] == [200, 200, 200, 429, 429]
        assert service.post("/token", bearer="nonsense").status == 401
        found = figures(port)
        granted, seconds = rows(service, "select count(*), sum(seconds) from events where kind = 'granted'")[0]
        tokens = {name: value for name, value in found.items() if name.startswith("tokensvc_tokens_total")}
        assert tokens == {
            'tokensvc_tokens_total{kind="user",outcome="granted",profile="default"}': 80,
            'tokensvc_tokens_total{kind="user",outcome="granted",profile="short"}': 1,
            'tokensvc_tokens_total{kind="guest",outcome="granted",profile="default"}': 3,
            'tokensvc_tokens_total{kind="guest",outcome="rate-limited",profile="default"}': 2,
            'tokensvc_tokens_total{kind="",outcome="invalid-token",profile=""}': 1,
        }
        assert granted == 84
        assert sum(v for name, v in found.items() if name.startswith("tokensvc_granted_seconds_total")) == seconds
        assert found["tokensvc_live_leases"] == 84
        assert found['tokensvc_budget_left_seconds{budget="everyone"}'] == 200 * 3600 - seconds
        assert found['tokensvc_budget_left_seconds{budget="default"}'] == 100 * 3600 - seconds + 60
        assert found["tokensvc_mint_seconds_count"] == 84
        assert found["tokensvc_store_up"] == 1
        service.child.send_signal(signal.SIGHUP)
        service.await_lines("worker started", 9)
        assert service.get("/livez").status == 200
        assert figures(port).items() >= tokens.items()


def test_figures_are_not_served_at_another_address_whatever_the_host(tmp_path: Path, google: Upstream) -> None:
    """Such as a Unix socket, of which a server knows no other name than the one in the request."""
    (port,), path = free_ports(1), tmp_path / "tokensvc.sock"
    configuration = f'[http]\nmetrics_bind = "127.0.0.1:{port}"\n{OPEN_PROFILE}'
    command = [sys.executable, "-m", "gunicorn", "--config", "python:tokensvc.serving"]
    command += ["--bind", f"unix:{path}", "--workers", "1", "tokensvc.app:create_app()"]
    environment = service_environment(tmp_path, configuration, google.url)
    with running(command, r"Listening at: (unix:.*?) ", environment=environment) as service:
        service.await_line("worker started")
        assert figures(port)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            client.sendall(f"GET /metrics HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
            assert client.recv(20).startswith(b"HTTP/1.0 404")


def refuse(answer: bytes, exchange: Exchange, _received: Received) -> bool:
    exchange.send(answer)
    return True


def test_errors_are_counted_by_googles_word_for_the_status(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    answers = [(429, "RESOURCE_EXHAUSTED"), (429, "RESOURCE_EXHAUSTED"), (500, "INTERNAL"), (500, "MADE_UP"), (500, "")]
    with Upstream() as google, watched(tmp_path, google, port, workers=2) as service:
        for status, word in answers:
            google.fault = partial(refuse, faults.refusal(status, "", word=word))
            assert service.post("/token", bearer=site.signed("ada")).code.startswith("upstream-")
        google.leave()
        assert service.post("/token", bearer=site.signed("ada")).code == "upstream-unavailable"
        google.listen(google.port)
        found = figures(port)
    assert {name: value for name, value in found.items() if "upstream_errors_total" in name} == {
        'tokensvc_upstream_errors_total{status="429",word="RESOURCE_EXHAUSTED"}': 2,
        'tokensvc_upstream_errors_total{status="500",word="INTERNAL"}': 1,
        'tokensvc_upstream_errors_total{status="500",word="other"}': 2,
        'tokensvc_upstream_errors_total{status="upstream-unavailable",word=""}': 1,
    }


def test_breaker_is_shown_as_it_is_although_most_workers_have_no_further_request(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    with Upstream() as google, watched(tmp_path, google, port) as service:
        assert figures(port)["tokensvc_breaker_open"] == 0
        google.fault = faults.FAULTS["503"]
        asks = [site.signed(f"person-{number}") for number in range(300)]
        with ThreadPoolExecutor(16) as pool:
            codes = {answer.code for answer in pool.map(lambda ask: service.post("/token", bearer=ask), asks)}
        assert codes == {"upstream-unavailable"}
        assert figures(port)["tokensvc_breaker_open"] == 1
        google.fault = None
        while service.post("/token", bearer=site.signed("ada")).status != 200:  # until one worker has tried
            pass
        assert figures(port)["tokensvc_breaker_open"] == 0


def test_ready_tokens_are_shown_as_they_are_without_a_further_request(tmp_path: Path, google: Upstream) -> None:
    (port,) = free_ports(1)
    eager = '[profiles.eager]\nmodel = "gemini-3.8-live"\nallow = ["guest"]\nready_tokens = 4\n'
    with watched(tmp_path, google, port, workers=1, more=eager) as service:
        assert service.post("/token", {"profile": "eager"}).status == 200
        service.await_line("token minted ahead profile=eager")
        assert figures(port)["tokensvc_ready_tokens"] == 1
        google.gate.clear()
        try:
            assert service.post("/token", {"profile": "eager"}).status == 200
            assert figures(port)["tokensvc_ready_tokens"] == 0
        finally:
            google.gate.set()
        service.await_lines("token minted ahead profile=eager", 2)
        assert figures(port)["tokensvc_ready_tokens"] == 1


def test_figures_have_the_last_probe(tmp_path: Path, google: Upstream) -> None:
    (port,) = free_ports(1)
    with watched(tmp_path, google, port, workers=1):
        assert "tokensvc_probe_ok" not in figures(port)
        (tmp_path / "data" / "probe.json").write_text(json.dumps({"at": time.time() - 100, "ok": False}))
        until = time.monotonic() + 5
        while "tokensvc_probe_ok" not in (found := figures(port)):
            assert time.monotonic() < until
        assert found["tokensvc_probe_ok"] == 0
        assert 99 < found["tokensvc_probe_age_seconds"] < 200


def test_metrics_are_at_an_address_of_their_own_and_nothing_else_is(tmp_path: Path, google: Upstream) -> None:
    (port,) = free_ports(1)
    with watched(tmp_path, google, port, workers=1) as service:
        assert service.get("/metrics").code == "not-found"
        beside = Program(service.child, url=f"http://127.0.0.1:{port}")
        for path in ("/", "/livez", "/token", "/metrics/", "/profiles"):
            assert beside.get(path).status == 404
            assert beside.post(path, {}).status == 404
        assert beside.get("/metrics").headers["content-type"].startswith("text/plain; version=")
        assert "person" not in beside.get("/metrics").body.decode()


@pytest.mark.parametrize("bind", ["9102", ":9102", "localhost:9102", "127.0.0.1:0", "127.0.0.1:70000", "10.0.0.0/8:1"])
def test_metrics_need_an_address_that_was_written_out(tmp_path: Path, run_check: Callable[..., str], bind: str) -> None:
    said = run_check(tmp_path, f'[http]\nmetrics_bind = "{bind}"\n{PROFILES}')
    assert "http.metrics_bind: write" in said


@pytest.fixture(name="run_check")
def _run_check():
    def run(folder: Path, configuration: str) -> str:
        environment = service_environment(folder, configuration, "http://127.0.0.1:9")
        command = [sys.executable, "-m", "tokensvc", "check"]
        checked = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert checked.returncode == 2
        return checked.stderr

    return run


def test_preflights_and_wrong_methods_are_no_requests_for_a_token(tmp_path: Path, google: Upstream) -> None:
    (port,) = free_ports(1)
    origin = {"Origin": "https://www.example.com", "Access-Control-Request-Method": "POST"}
    listed = 'origins = ["https://www.example.com"]'
    with watched(tmp_path, google, port, workers=1, http=listed) as service:
        for path in ("/token", "/tool", "/lease/end", "/profiles"):
            preflight = service.request("OPTIONS", path, headers=origin)
            assert preflight.status == 200
            assert preflight.headers["access-control-allow-origin"] == origin["Origin"]
        assert service.request("OPTIONS", "/token").status == 200
        assert service.get("/token").status == 405
        assert not [name for name in figures(port) if name.startswith("tokensvc_tokens_total")]


@pytest.mark.parametrize("host", ["evil.test", "evil.test:{port}", "127.0.0.1.evil.test", "", "[", "[::1"])
def test_name_that_somebody_gives_this_machine_does_not_get_the_figures(
    tmp_path: Path, google: Upstream, host: str
) -> None:
    (port,) = free_ports(1)
    with watched(tmp_path, google, port, workers=1):
        for name, status in ((host.format(port=port), 404), (f"localhost:{port}", 200)):
            answer = exchange(f"http://127.0.0.1:{port}", request("GET", "/metrics", host=name))
            assert answer.status == status
            assert answer.headers["x-content-type-options"] == "nosniff"


def lines_of(service: Program, request_id: str) -> list[dict[str, object]]:
    service.await_line(request_id)
    return [line for line in map(json.loads, service.lines) if line.get("request_id") == request_id]


def test_each_request_has_one_line_that_says_who_what_and_why(tmp_path: Path, google: Upstream) -> None:
    (port,) = free_ports(1)
    with watched(tmp_path, google, port, workers=1) as service:
        service.post("/token", bearer=site.signed("ada"), headers={"X-Request-Id": "granted-1"})
        service.post("/token", {"profile": "nothing"}, bearer=site.signed("ada"), headers={"X-Request-Id": "refused-1"})
        trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        service.get("/profiles", headers={"traceparent": trace, "X-Request-Id": "no good\t"})
        (granted,) = lines_of(service, "granted-1")
        (refused,) = lines_of(service, "refused-1")
        (served,) = lines_of(service, "4bf92f3577b34da6a3ce929d0e0e4736")
        service.get("/livez")
    lease = rows(service, "select lease_id from events where request_id = 'granted-1' and kind = 'granted'")[0][0]
    assert granted["message"] == "token granted"
    known = {"kind": "user", "subject": "ada", "issuer": "https://shop.test/", "address": "127.0.0.1"}
    assert granted.items() >= {**known, "profile": "default", "lease": lease, "status": 200, "seconds": 300}.items()
    assert 0 < granted["store_ms"] < 5000
    assert 0 < granted["upstream_ms"] < 5000
    assert refused["message"] == "request refused"
    assert refused.items() >= {**known, "code": "profile-not-allowed", "cause": "the profile is unknown"}.items()
    assert (served["message"], served["route"], served["status"]) == ("request served", "GET /profiles", 200)
    assert not any("/livez" in line for line in service.lines)


def test_subjects_may_be_hashed(tmp_path: Path, google: Upstream) -> None:
    """The same person has the same digest in every line; the audit keeps the name."""
    (port,) = free_ports(1)
    with watched(tmp_path, google, port, workers=2, more='log_subjects = "hashed"\n') as service:
        for number in range(4):
            service.post("/token", bearer=site.signed("ada"), headers={"X-Request-Id": f"id-{number}"})
        block = [sys.executable, "-m", "tokensvc", "block", "subject", "ada"]
        subprocess.run(block, env=clean_environment(TOKENSVC_DATA_DIR=f"{tmp_path}/data"), check=True)
        assert service.post("/token", bearer=site.signed("ada"), headers={"X-Request-Id": "id-4"}).code == "blocked"
        subjects = {line["subject"] for number in range(5) for line in lines_of(service, f"id-{number}")}
        assert lines_of(service, "id-4")[0]["cause"] == "subject"
    assert len(subjects) == 1
    assert re.fullmatch("[0-9a-f]{16}", subjects.pop())
    assert not any(re.search(r"\bada\b", line) for line in service.lines)
