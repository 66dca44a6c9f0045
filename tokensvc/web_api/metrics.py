"""Counts what happens, and serves it at /metrics of an address of its own (Prometheus' text format).

Every worker counts in files of its own, so that any of them can answer for all, also for those that
have ended (prometheus-client's multiprocess mode).
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from tokensvc.errors import TemporarilyUnavailable
from tokensvc.web_api.observing import Facts

FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # prometheus-client's own variable
_FRESH = 1.0  # seconds for which what was read from the store is repeated
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Gauges:
    """What is looked up: in this process when it counts a request, or when somebody asks.

    *live_leases* and *budgets_left* read the store, the latter as (seconds, of these left) by name;
    *jwks_ages* are seconds by URL.
    """

    ready_tokens: Callable[[], int]
    live_leases: Callable[[], int]
    budgets_left: Callable[[], Mapping[str, tuple[int, int]]]
    jwks_ages: Callable[[], Mapping[str, float]]
    reported_seconds: Callable[[], Mapping[str, int]] = dict
    # When (seconds since the epoch), and whether all was well.
    last_probe: Callable[[], tuple[float, bool] | None] = lambda: None


def prepare(folder: Path) -> None:
    """Empty *folder* for the processes that are about to start, and have prometheus-client use it."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.glob("*.db"):
        file.unlink()
    os.environ[FOLDER] = str(folder)


def forget(pid: int) -> None:
    """Leave out the gauges of a process that has ended; what it counted stays."""
    if FOLDER in os.environ:
        from prometheus_client import multiprocess  # noqa: PLC0415 - reads the variable when it is imported

        multiprocess.mark_process_dead(pid)  # type: ignore[no-untyped-call]


class Metrics:
    """WSGI middleware that answers at *address*, a host and a port, and nothing but GET /metrics there."""

    def __init__(self, address: tuple[str, str], gauges: Gauges) -> None:
        """Must be created in the process that serves, after `prepare` in its parent."""
        import prometheus_client as client  # noqa: PLC0415 - reads FOLDER, and is needed by few

        self._address = address
        self._gauges = gauges
        self._lock = threading.Lock()
        self._read: tuple[float, list[Any]] = (-_FRESH, [])
        own = client.CollectorRegistry()
        self._tokens = client.Counter(
            "tokensvc_tokens", "Requests for a token.", ["outcome", "profile", "kind"], registry=own
        )
        self._requests = client.Counter(
            "tokensvc_requests", "Requests, but for health checks.", ["route", "status"], registry=own
        )
        self._granted = client.Counter("tokensvc_granted_seconds", "Charged for tokens.", ["profile"], registry=own)
        self._errors = client.Counter(
            "tokensvc_upstream_errors", "Refusals by Google, or none at all.", ["status", "word"], registry=own
        )
        self._tools = client.Counter("tokensvc_tool_calls", "Calls of server tools.", ["tool", "outcome"], registry=own)
        self._mint = client.Histogram(
            "tokensvc_mint_seconds", "Time of Google for a token.", buckets=_BUCKETS, registry=own
        )
        self._store = client.Histogram(
            "tokensvc_store_seconds", "Time of the store for a token.", buckets=_BUCKETS, registry=own
        )
        self._ready = client.Gauge(
            "tokensvc_ready_tokens", "Kept minted ahead.", multiprocess_mode="livesum", registry=own
        )
        self._breaker = client.Gauge(
            "tokensvc_breaker_open",
            "1 if Google has not answered for a while.",
            multiprocess_mode="livemostrecent",  # what any worker learned last
            registry=own,
        )
        self._breaker.set(0)

    def beside(self, app: WSGIApplication) -> WSGIApplication:
        """Return *app* as one that does not answer at the address of the metrics."""

        def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            # For a Unix socket, which has no REMOTE_ADDR, gunicorn takes both names from the request's Host.
            asked = environ.get("REMOTE_ADDR") and (environ["SERVER_NAME"], environ["SERVER_PORT"])
            if asked != self._address:
                return app(environ, start_response)
            found = environ["PATH_INFO"] == "/metrics" and environ["REQUEST_METHOD"] in {"GET", "HEAD"}
            content = self._text() if found else b"There is only GET /metrics here.\n"
            headers = [("Content-Type", "text/plain; version=0.0.4"), ("Content-Length", str(len(content)))]
            start_response("200 OK" if found else "404 Not Found", headers)
            return [content]

        return serve

    def count(self, facts: Facts) -> None:
        """Count a request by the facts of its log line."""
        self._requests.labels(facts["rule"], facts["status"]).inc()
        if facts["rule"] == "/token":
            outcome = facts.get("code", "granted")
            self._tokens.labels(outcome, facts.get("profile", ""), facts.get("kind", "")).inc()
            if outcome == "granted":
                self._granted.labels(facts["profile"]).inc(facts["seconds"])
            for histogram, name in ((self._mint, "upstream_ms"), (self._store, "store_ms")):
                if name in facts:
                    histogram.observe(facts[name] / 1000)
            self._ready.set(self._gauges.ready_tokens())
        if "upstream_code" in facts:
            status = facts.get("upstream_status", facts["upstream_code"])
            self._errors.labels(status, facts.get("upstream_word", "")).inc()
        if "outcome" in facts:
            self._tools.labels(facts["tool"], facts["outcome"]).inc()

    def google_answers(self, answers: bool) -> None:  # noqa: FBT001 - all that there is to say
        """Learn whether Google answers at present."""
        self._breaker.set(not answers)

    def _text(self) -> bytes:
        import prometheus_client as client  # noqa: PLC0415 - as above
        from prometheus_client import multiprocess  # noqa: PLC0415

        registry, found = client.CollectorRegistry(), self._look()
        if FOLDER in os.environ:
            merge = multiprocess.MultiProcessCollector.merge
            found = [*merge(_written(Path(os.environ[FOLDER]))), *found]  # type: ignore[no-untyped-call]
        registry.register(_Looked(found))
        text: bytes = client.generate_latest(registry)
        return text

    def _look(self) -> list[Any]:
        """Return what is read from the store and of this process, at most a second old."""
        with self._lock:
            at, found = self._read
            if time.monotonic() >= at + _FRESH:
                found = list(self._families())
                self._read = time.monotonic(), found
            return found

    def _families(self) -> Iterator[Any]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily  # noqa: PLC0415 - as above

        ages = GaugeMetricFamily("tokensvc_jwks_age_seconds", "Since the keys were fetched.", labels=["url"])
        for url, age in self._gauges.jwks_ages().items():
            ages.add_metric([url], age)
        yield ages
        if (probed := self._gauges.last_probe()) is not None:
            at, well = probed
            yield GaugeMetricFamily("tokensvc_probe_ok", "Whether “tokensvc probe” found all well.", value=well)
            yield GaugeMetricFamily("tokensvc_probe_age_seconds", "Since it ended.", value=time.time() - at)
        try:
            left = GaugeMetricFamily("tokensvc_budget_left_seconds", "Of today's budget.", labels=["budget"])
            whole = GaugeMetricFamily("tokensvc_budget_seconds", "A day's budget.", labels=["budget"])
            for name, (seconds, unspent) in self._gauges.budgets_left().items():
                whole.add_metric([name], seconds)
                left.add_metric([name], unspent)
            reported = CounterMetricFamily("tokensvc_reported_seconds", "By clients, today.", labels=["profile"])
            for profile, seconds in self._gauges.reported_seconds().items():
                reported.add_metric([profile], seconds)
            live = self._gauges.live_leases()
            yield whole
            yield left
            yield reported
            yield GaugeMetricFamily("tokensvc_live_leases", "Conversations with a token in use.", value=live)
            yield GaugeMetricFamily("tokensvc_store_up", "Whether the store could be read.", value=1)
        except TemporarilyUnavailable as error:
            _log.warning("metrics without the store cause=%s", error.cause)
            yield GaugeMetricFamily("tokensvc_store_up", "Whether the store could be read.", value=0)


def _written(folder: Path) -> Iterator[str]:
    """Yield the files of all workers, but for those that one which starts has created and not written yet."""
    for file in folder.glob("*.db"):
        with suppress(FileNotFoundError):  # its worker has ended
            if file.stat().st_size:
                yield str(file)


@dataclass(frozen=True, eq=False)
class _Looked:
    """A collector, in prometheus-client's terms, of what was looked up."""

    families: list[Any]

    def collect(self) -> Iterable[Any]:
        return self.families
