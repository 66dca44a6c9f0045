"""Counts what happens, and serves it at /metrics of an address of its own (Prometheus' text format).

Every worker counts in files of its own, so that any of them can answer for all, also for those that have ended
(prometheus-client's multiprocess mode). The library reads the name of their folder when it is imported: so import this
module only after `serving` has set it, and only if there are metrics.
"""

import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from prometheus_client import Counter, Gauge, Histogram, Metric, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from tokensvc import quota_keys
from tokensvc.authn.site_jwt.jwks_client import JwksClient
from tokensvc.config.addresses import is_loopback
from tokensvc.domain import Budget
from tokensvc.errors import TemporarilyUnavailable
from tokensvc.issuing import Policy
from tokensvc.web_api.headers import DEFAULTS
from tokensvc.web_api.observing import Facts
from tokensvc.web_api.origins import host_name

_FRESH = 1.0  # seconds for which what was looked up is repeated
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Lookups:
    """What is looked up when somebody asks: in the store, in this process, and in the last probe's result.

    *budgets_left* returns the seconds of each budget and how many are left, by name; *reported_seconds* are by profile.
    """

    policy: Callable[[], Policy]
    live_leases: Callable[[], int]
    budgets_left: Callable[[Sequence[Budget]], Mapping[str, tuple[int, int]]]
    reported_seconds: Callable[[], Mapping[str, int]]
    key_sets: Sequence[JwksClient]
    probe_file: Path

    def families(self) -> Iterator[Metric]:
        """Yield each figure; without those of the store if it cannot be read."""
        ages = {keys.url: keys.age for keys in self.key_sets if keys.age is not None}
        gauge = GaugeMetricFamily("tokensvc_jwks_age_seconds", "Since the keys were fetched.", labels=["url"])
        yield _filled(gauge, ages)
        with suppress(OSError, ValueError, TypeError, KeyError):  # there has been no probe
            probed = json.loads(self.probe_file.read_text(encoding="utf-8"))
            well, age = bool(probed["ok"]), time.time() - float(probed["at"])
            yield GaugeMetricFamily("tokensvc_probe_ok", "Whether “tokensvc probe” found all well.", value=well)
            yield GaugeMetricFamily("tokensvc_probe_age_seconds", "Since it ended.", value=age)
        try:
            stored = list(self._stored())
        except TemporarilyUnavailable as error:
            _log.warning("metrics without the store cause=%s", error.cause)
            stored = []
        yield from stored
        yield GaugeMetricFamily("tokensvc_store_up", "Whether the store could be read.", value=bool(stored))

    def _stored(self) -> Iterator[Metric]:
        policy = self.policy()
        profiles = [compiled.profile for compiled in policy.profiles.values()]
        budgets = self.budgets_left(quota_keys.shared_budgets(profiles, policy.limits))
        whole = GaugeMetricFamily("tokensvc_budget_seconds", "A day's budget.", labels=["budget"])
        yield _filled(whole, {name: seconds for name, (seconds, _) in budgets.items()})
        left = GaugeMetricFamily("tokensvc_budget_left_seconds", "Of today's budget.", labels=["budget"])
        yield _filled(left, {name: unspent for name, (_, unspent) in budgets.items()})
        reported = CounterMetricFamily("tokensvc_reported_seconds", "By clients, today.", labels=["profile"])
        yield _filled(reported, self.reported_seconds())
        live = self.live_leases()
        yield GaugeMetricFamily("tokensvc_live_leases", "Conversations with a token in use.", value=live)


class Metrics(Collector):
    """Counts requests, and answers GET /metrics, and nothing else, at *address*: a host and a port."""

    def __init__(self, address: tuple[str, str], lookups: Lookups) -> None:
        self._address = address
        self._lookups = lookups
        self._lock = threading.Lock()
        self._read: tuple[float, list[Metric]] = (-_FRESH, [])
        counter = partial(Counter, registry=None)
        gauge = partial(Gauge, registry=None)
        histogram = partial(Histogram, buckets=_BUCKETS, registry=None)
        self._tokens = counter("tokensvc_tokens", "Requests for a token.", ["outcome", "profile", "kind"])
        self._requests = counter("tokensvc_requests", "Requests, but for health checks.", ["route", "status"])
        self._granted = counter("tokensvc_granted_seconds", "Charged for tokens.", ["profile"])
        self._errors = counter("tokensvc_upstream_errors", "Refusals by Google, or none at all.", ["status", "word"])
        self._tools = counter("tokensvc_tool_calls", "Calls of server tools.", ["tool", "outcome"])
        self._mint = histogram("tokensvc_mint_seconds", "Time of Google for a token.")
        self._store = histogram("tokensvc_store_seconds", "Time of the store for a token.")
        self.ready = gauge("tokensvc_ready_tokens", "Kept minted ahead.", multiprocess_mode="livesum")
        self._breaker = gauge(
            "tokensvc_breaker_open",
            "1 if Google has not answered for a while.",
            multiprocess_mode="livemostrecent",  # what any worker learned last
        )
        self._breaker.set(0)

    def beside(self, app: WSGIApplication) -> WSGIApplication:
        """Return *app* as one that does not answer at the address of the metrics."""
        local = is_loopback(self._address[0])

        def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            # For a Unix socket, which has no REMOTE_ADDR, gunicorn takes both names from the request's Host.
            asked = environ.get("REMOTE_ADDR") and (environ["SERVER_NAME"], environ["SERVER_PORT"])
            if asked != self._address:
                return app(environ, start_response)
            # A page can give its own host's name another address, such as this machine's (DNS rebinding).
            ours = not local or is_loopback(host_name(environ.get("HTTP_HOST", "")))
            found = ours and environ["PATH_INFO"] == "/metrics" and environ["REQUEST_METHOD"] in {"GET", "HEAD"}
            content = generate_latest(self) if found else b"There is only GET /metrics here.\n"
            headers = [("Content-Type", "text/plain; version=0.0.4"), ("Content-Length", str(len(content))), *DEFAULTS]
            start_response("200 OK" if found else "404 Not Found", headers)
            return [content]

        return serve

    def count(self, facts: Facts) -> None:
        """Count a request by the facts of its log line."""
        self._requests.labels(facts["rule"], facts["status"]).inc()
        if facts["route"] == "POST /token":
            outcome = facts.get("code", "granted")
            self._tokens.labels(outcome, facts.get("profile", ""), facts.get("kind", "")).inc()
            if outcome == "granted":
                self._granted.labels(facts["profile"]).inc(facts["seconds"])
            for histogram, name in ((self._mint, "upstream_ms"), (self._store, "store_ms")):
                if name in facts:
                    histogram.observe(facts[name] / 1000)
        if "upstream_code" in facts:
            status = facts.get("upstream_status", facts["upstream_code"])
            self._errors.labels(status, facts.get("upstream_word", "")).inc()
        if "outcome" in facts:
            self._tools.labels(facts["tool"], facts["outcome"]).inc()

    def google_answers(self, answers: bool) -> None:  # noqa: FBT001 - all that there is to say
        """Learn whether Google answers at present."""
        self._breaker.set(not answers)

    def collect(self) -> Iterator[Metric]:
        """Yield what all workers have counted, and what is looked up, at most a second old."""
        if folder := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
            yield from MultiProcessCollector.merge(_written(Path(folder)))  # type: ignore[no-untyped-call]
        with self._lock:
            at, found = self._read
            if time.monotonic() >= at + _FRESH:
                found = list(self._lookups.families())
                self._read = time.monotonic(), found
        yield from found


def forget(pid: int) -> None:
    """Leave out the gauges of a process that has ended; what it counted stays."""
    mark_process_dead(pid)  # type: ignore[no-untyped-call]


def _written(folder: Path) -> Iterator[str]:
    """Yield the files of all workers, but for those that one which starts has created and not written yet."""
    for file in folder.glob("*.db"):
        with suppress(FileNotFoundError):  # its worker has ended
            if file.stat().st_size:
                yield str(file)


def _filled(family: GaugeMetricFamily | CounterMetricFamily, values: Mapping[str, float]) -> Metric:
    """Return *family* with *values*, by its only label."""
    for label, value in values.items():
        family.add_metric([label], value)
    return family
