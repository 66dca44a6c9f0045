"""How long a user with a cached key waits while the key provider hangs and unknown keys arrive.

`PYTHONPATH=tests python -m bench.key_outage`; the baseline is the same load, measured just before,
with a provider that answers.
"""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import click
import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from authn.provider_for_tests import hanging, jwk, provider
from programs import Program, service_environment, serving
from system import site

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


def main() -> None:
    """Measure; print the medians, the 99th percentiles and the ratio."""
    key = rsa.generate_private_key(65537, 2048)
    with ExitStack() as running:
        keys = running.enter_context(provider(jwk(key, "known")))
        folder = Path(running.enter_context(tempfile.TemporaryDirectory()))
        configuration = CONFIGURATION.format(url=keys.url)
        environment = service_environment(folder, configuration, "http://127.0.0.1:9")
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
    for name, waits in (("before", before), ("during", during)):
        click.echo(
            f"{name:8} median {statistics.median(waits):6.2f} ms   p99 {_p99(waits):6.2f} ms"
        )
    ratio = statistics.median(during) / statistics.median(before)
    click.echo(
        f"ratio of medians {ratio:.2f}, with {STRANGERS} clients with unknown keys in both runs"
    )
    click.echo(f"key fetches during the outage, both workers: {fetches}")


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
            threading.Thread(target=self._send, args=(service, key, number))
            for number in range(STRANGERS)
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


def _p99(waits: list[float]) -> float:
    return sorted(waits)[int(len(waits) * 0.99) - 1]


if __name__ == "__main__":
    main()
