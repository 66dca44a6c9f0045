"""How long a user with a cached key waits while the key provider hangs and unknown keys arrive.

The baseline is the same load, measured just before, with a provider that answers.
"""

from __future__ import annotations

import statistics
import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from authn.provider_for_tests import hanging, jwk, provider
from bench.measuring import percentile, row, title
from programs import service_environment, serving
from system import site

if TYPE_CHECKING:
    from bench.measuring import Bench
    from programs import Program

REQUESTS = 200
STRANGERS = 4  # clients that keep sending tokens signed with unknown keys

CONFIGURATION = """
[[issuers]]
name = "shop"
issuer = "https://shop.test/"
audience = "https://tokens.test/"
algorithms = ["RS256"]
jwks_url = "{url}"
[profiles.default]
model = "gemini-3.8-live"
allow = ["user"]
"""


def key_outage(bench: Bench) -> dict[str, float]:
    """Time of a request with a cached key while the key provider hangs, beside that before."""
    key = rsa.generate_private_key(65537, 2048)
    with ExitStack() as running:
        keys = running.enter_context(provider(jwk(key, "known")))
        configuration = CONFIGURATION.format(url=keys.url)
        environment = service_environment(bench.new_folder(), configuration, "http://127.0.0.1:9")
        service = running.enter_context(serving(environment))
        known = _signed(key, "known")
        for _ in range(20):  # until both workers have cached the key
            _request(service, known)
        with _strangers(service, key):
            before = _waits(service, known)
        keys.answer = hanging
        asked_before = keys.asked
        with _strangers(service, key):
            during = _waits(service, known)
        fetches = keys.asked - asked_before
        keys.released.set()
    ratio = statistics.median(during) / statistics.median(before)
    title(f"the key provider hangs, {STRANGERS} clients send tokens with unknown keys")
    row("provider", "median ms", "p99 ms")
    for name, waits in (("answers", before), ("hangs", during)):
        row(name, statistics.median(waits), percentile(waits, 0.99))
    row("hangs / answers", ratio)
    row("fetches while it hangs", fetches)
    return {"key_outage.median_of_before": ratio}


def _signed(key: rsa.RSAPrivateKey, kid: str) -> str:
    return jwt.encode(site.claims("ada"), key, algorithm="RS256", headers={"kid": kid})


def _request(service: Program, bearer: str) -> int:
    return service.get("/profiles", bearer=bearer).status


def _waits(service: Program, bearer: str) -> list[float]:
    """Return the milliseconds of each request."""
    waits = []
    for _ in range(REQUESTS):
        began = time.perf_counter()
        assert _request(service, bearer) == 200
        waits.append((time.perf_counter() - began) * 1000)
    return waits


class _strangers:  # noqa: N801 - used as a with statement
    """Sends tokens signed with unknown keys, from several threads, until the block ends."""

    def __init__(self, service: Program, key: rsa.RSAPrivateKey) -> None:
        self._ended = threading.Event()
        self._threads = [
            threading.Thread(target=self._send, args=(service, key, number)) for number in range(STRANGERS)
        ]

    def _send(self, service: Program, key: rsa.RSAPrivateKey, number: int) -> None:
        while not self._ended.is_set():
            _request(service, _signed(key, f"unknown-{number}"))

    def __enter__(self) -> None:
        for thread in self._threads:
            thread.start()

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()
