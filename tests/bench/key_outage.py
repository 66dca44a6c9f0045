"""What a person with a known key waits while the provider of keys hangs and strangers come.

`PYTHONPATH=tests python -m bench.key_outage`; the baseline is the same service, and the same
strangers, a moment before: with a provider that answers.
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

REQUESTS = 200
STRANGERS = 4  # who come all the time with a key that nobody knows

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
    """Measure, and print both medians, the 99th percentiles and the ratios."""
    key = rsa.generate_private_key(65537, 2048)
    with ExitStack() as running:
        keys = running.enter_context(provider(jwk(key, "known")))
        folder = Path(running.enter_context(tempfile.TemporaryDirectory()))
        configuration = CONFIGURATION.format(url=keys.url)
        environment = service_environment(folder, configuration, "http://127.0.0.1:9")
        service = running.enter_context(serving(environment))
        known = _signed(key, "known")
        for _ in range(20):  # until both workers have the key
            _ask(service, known)
        with _strangers(service, key):
            before = _waits(service, known)
        keys.answer = hanging
        fetched = keys.asked
        with _strangers(service, key):
            during = _waits(service, known)
        asked = keys.asked - fetched
        keys.released.set()
    for name, waits in (("before", before), ("during", during)):
        click.echo(
            f"{name:8} median {statistics.median(waits):6.2f} ms   p99 {_p99(waits):6.2f} ms"
        )
    ratio = statistics.median(during) / statistics.median(before)
    click.echo(f"ratio of medians {ratio:.2f}, with {STRANGERS} strangers at the same time in both")
    click.echo(f"fetches that left meanwhile, both workers: {asked}")


def _signed(key: rsa.RSAPrivateKey, kid: str) -> str:
    now = int(time.time())
    claims = {
        "iss": "https://shop.test/",
        "aud": "https://tokens.test/",
        "sub": "ada",
        "iat": now,
        "exp": now + 600,
    }
    return jwt.encode(claims, key, algorithm="RS256", headers={"kid": kid})


def _ask(service: Program, bearer: str) -> int:
    return service.get("/profiles", bearer=bearer).status


def _waits(service: Program, bearer: str) -> list[float]:
    """Milliseconds of each request."""
    waits = []
    for _ in range(REQUESTS):
        began = time.perf_counter()
        assert _ask(service, bearer) == 200
        waits.append((time.perf_counter() - began) * 1000)
    return waits


class _strangers:  # noqa: N801 - used as a with statement
    """Asks with unknown keys, several at a time, until the block ends."""

    def __init__(self, service: Program, key: rsa.RSAPrivateKey) -> None:
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._come, args=(service, key, number))
            for number in range(STRANGERS)
        ]

    def _come(self, service: Program, key: rsa.RSAPrivateKey, number: int) -> None:
        while not self._over.is_set():
            _ask(service, _signed(key, f"unknown-{number}"))

    def __enter__(self) -> None:
        for thread in self._threads:
            thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()


def _p99(waits: list[float]) -> float:
    return sorted(waits)[int(len(waits) * 0.99) - 1]


if __name__ == "__main__":
    main()
