"""Whatever befalls the upstream, the service answers as documented, stays up and recovers; prints a table."""

from __future__ import annotations

from collections import defaultdict

import psutil
import pytest

from faults.load import crowd, kinds, listed, p99, recovery, send, watched
from faults.upstream_faults import FAULTS, Certificates
from programs import API_KEY
from system import site
from system.configurations import configuration
from system.faults import GOOD, answer
from system.fleet import children
from system.launching import launched, rows
from system.upstream import Upstream

CONFIGURATION = configuration(default="")
REQUESTS = 50  # under each fault
LIVEZ_WITHIN = 0.1  # seconds
RECOVERED_WITHIN = 15.0  # seconds
GROWTH = 20 << 20  # bytes of memory
WORKERS, THREADS = 2, 200  # the default, and of each worker
SLOW = 4.5  # seconds, shorter than the deadline
ARRIVE, STAY = 3 * SLOW, 4 * SLOW  # seconds
CLIENTS = 10 * WORKERS * THREADS
REFUSED_WITHIN = 0.1  # seconds
ATTEMPTS = 3  # at the times, of which one must do: the clients, Google and the service share the machine

pytestmark = pytest.mark.alone  # it measures /livez


@pytest.fixture(name="certificates", scope="module")
def _certificates(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("authority") / "authority.pem")


@pytest.fixture(name="google", scope="module")
def _google(certificates):
    """Provide an upstream that speaks TLS, as Google does."""
    with Upstream() as google:
        google.greet = certificates.secure
        google.url = f"https://localhost:{google.port}"
        yield google


def environment(certificates):
    """Return the variables of a service that trusts the certificates."""
    return {"SSL_CERT_FILE": str(certificates.authority_file), "SHOP_SECRET": site.SECRET}


@pytest.fixture(name="program", scope="module")
def _program(tmp_path_factory, google, certificates):
    keys = f"{API_KEY},{API_KEY}-2"
    named = environment(certificates) | {"GEMINI_API_KEY": keys}
    with launched(tmp_path_factory.mktemp("faults"), CONFIGURATION, google.url, **named) as program:
        yield program


@pytest.fixture(name="table", scope="module")
def _table():
    """Collect a line for each fault, and print the table at the end (shown by -s)."""
    lines = []
    yield lines
    print("\n| fault | answers | slowest | /livez, worst | requests sent for one | recovered |")  # noqa: T201 - shown by -s
    print("|---|---|---|---|---|---|", *lines, sep="\n")  # noqa: T201 - likewise


def memory(program):
    """Return the resident bytes of the workers."""
    return sum(psutil.Process(pid).memory_info().rss for pid in children(program.child.pid))


def recorded(program, answers):
    """Return how many of *answers* have been recorded, each with what it says; nothing that is refunded counts."""
    events = defaultdict(list)
    for request, kind, code in rows(program, "select request_id, kind, code from events order by id"):
        events[request].append((kind, code))
    assert {len(each) for each in events.values()} == {2}  # reserved, and granted or refunded
    found = 0
    for timed in answers:
        granted = timed.reply.status == 200
        told = events.get(timed.reply.headers["x-request-id"])
        if granted or told:  # while the circuit breaker is open, nothing is reserved
            end = ("granted", None) if granted else ("refunded", timed.reply.code)
            assert told == [("reserved", None), end]
            found += 1
    for charged, of in (("charges", "reservation_id = counted.reservation_id"), ("leases", "lease_id = counted.id")):
        query = f"select count(*) from {charged} as counted, events where kind = 'refunded' and events.{of}"  # noqa: S608 - the words are above
        assert rows(program, query) == [(0,)], charged
    return found


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if fault.quick else pytest.mark.soak) for name, fault in FAULTS.items()]
)
def test_fault_is_answered_as_documented_and_is_over_when_it_ends(program, google, certificates, table, name):
    fault = FAULTS[name]
    for _ in range(ATTEMPTS):
        send(program.url, 2 * REQUESTS)  # so that connections are kept
        before, received, minted = memory(program), len(google.received), len(google.minted)
        with watched(program.url) as health:
            with fault.make(google, certificates):
                answers = send(program.url, REQUESTS)
            sent = (len(google.received) - received) / REQUESTS
            granted = sum(timed.reply.status == 200 for timed in answers)
            lost = len(google.minted) - minted - granted
            recovered = recovery(program, RECOVERED_WITHIN)

        slowest = max(timed.seconds for timed in answers)
        table.append(
            f"| {name} | {listed(answers)} | {slowest:.2f} s | {1000 * health.worst:.0f} ms |"
            f" {sent:.2g} | {recovered:.1f} s |"
        )
        assert kinds(answers).keys() <= fault.expected
        assert sent <= fault.sent
        assert lost <= REQUESTS  # at most one for each request
        assert memory(program) - before < GROWTH
        assert google.trap.connections == []
        assert recorded(program, answers) > 0
        if fault.retry_after is not None:
            assert {timed.reply.headers["retry-after"] for timed in answers} == {str(fault.retry_after)}
        if health.worst < LIVEZ_WITHIN and slowest < fault.seconds:
            break
    else:
        pytest.fail(f"/livez took {health.worst} s, an answer {slowest} s: is the machine quiet?")
    assert API_KEY not in "".join(program.lines)


@pytest.mark.soak
def test_only_those_who_fit_wait_for_a_slow_google_and_the_others_are_refused(tmp_path, google, certificates, table):
    """There are ten times as many clients as threads, and those who are refused come again when told to."""

    def slow(exchange, _received):
        if google.stopping.wait(SLOW):
            return False
        exchange.send(answer(200, GOOD))
        return True

    for attempt in range(ATTEMPTS):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        with launched(folder, CONFIGURATION, google.url, workers=WORKERS, **environment(certificates)) as program:
            google.fault = slow
            with watched(program.url) as health:
                answers = crowd(program.url, CLIENTS, arrive=ARRIVE, stay=STAY)
                google.fault = None
                recovered = recovery(program, RECOVERED_WITHIN)
        refused = p99([timed.seconds for timed in answers if timed.reply.status != 200])
        slowest = max(timed.seconds for timed in answers)
        table.append(
            f"| {SLOW} s, {CLIENTS} clients | {listed(answers)}; p99 of refusals {1000 * refused:.0f} ms |"
            f" {slowest:.2f} s | p99 {1000 * health.p99:.0f} ms | 1 | {recovered:.1f} s |"
        )
        assert kinds(answers).keys() == {"200", "503 upstream-busy"}
        assert all("retry-after" in timed.reply.headers for timed in answers if timed.reply.status != 200)
        if refused < REFUSED_WITHIN and health.p99 < LIVEZ_WITHIN:
            break
    else:
        pytest.fail(f"p99 of refusals {refused} s, of /livez {health.p99} s: is the machine quiet?")
