"""Services that most of these tests share, and fleets, which a module starts for itself."""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from programs import service_environment, serving
from system import faults, site, tool_shop
from system.canaries import Canaries
from system.configurations import PUBLIC, SHOP
from system.fleet import prepared, started
from system.launching import free_ports, launched
from system.raw import login
from system.tool_shop import Backend, Caller
from system.upstream import Upstream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from programs import Answer, Program
    from system.fleet import Fleet


@pytest.fixture(name="google", scope="session")
def _google() -> Iterator[Upstream]:
    """Provide the upstream of the shop and of services without one of their own."""
    with Upstream() as google:
        yield google


@pytest.fixture(name="canaries", scope="session")
def _canaries() -> Canaries:
    """Provide the secrets of the shop's service as canaries."""
    return Canaries.generate()


@pytest.fixture(name="metrics_port", scope="session")
def _metrics_port() -> int:
    """Return the port of the shop's figures."""
    (port,) = free_ports(1)
    return port


@pytest.fixture(name="shop_environment", scope="session")
def _shop_environment(
    tmp_path_factory: pytest.TempPathFactory, google: Upstream, canaries: Canaries, metrics_port: int
) -> dict[str, str]:
    """Return the environment of the shop's service, with debug logs and an account “ada”."""
    folder = tmp_path_factory.mktemp("shop")
    bank = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    pem = bank.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / "bank.pem").write_bytes(pem)
    configuration = SHOP.replace("[http]", f'[http]\nmetrics_bind = "127.0.0.1:{metrics_port}"')
    environment = service_environment(folder, configuration, google.url)
    environment |= {
        "GEMINI_API_KEY": f"{canaries['first key']},{canaries['second key']}",
        "TOKENSVC_SECRET_KEY": canaries["secret key"],
        "SHOP_SECRET": canaries["issuer secret"],
        "TOKENSVC_LOG_LEVEL": "debug",
    }
    subprocess.run(
        [sys.executable, "-m", "tokensvc", "users", "add", "ada", "--password-stdin"],
        input=canaries["password"] + "\n",
        env=environment,
        check=True,
        text=True,
        capture_output=True,
        timeout=60,
    )
    return environment


@pytest.fixture(name="shop", scope="session")
def _shop(shop_environment: dict[str, str]) -> Iterator[Program]:
    """Start the service with every profile and fault, two workers and all logs."""
    with serving(shop_environment) as program:
        program.folder = Path(shop_environment["TOKENSVC_DATA_DIR"]).parent
        yield program


@pytest.fixture(name="visitor", scope="session")
def _visitor(canaries: Canaries) -> Callable[..., str]:
    """Return a function that signs JWTs as the shop does."""

    def signed(subject: str = "ada", **changed: object) -> str:
        return site.signed(subject, secret=canaries["issuer secret"], **changed)

    return signed


@pytest.fixture(name="access_token", scope="session")
def _access_token(shop: Program, canaries: Canaries) -> str:
    """Sign in as ada and return the access JWT."""
    answer = login(shop, "ada", canaries["password"], source="127.0.4.1")
    assert answer.status == 200, answer
    return canaries.add("access JWT", answer.json["access_token"])


@pytest.fixture(name="public", scope="session")
def _public(tmp_path_factory: pytest.TempPathFactory, google: Upstream) -> Iterator[Program]:
    """Start a service with a public URL, for users only."""
    folder = tmp_path_factory.mktemp("public")
    with launched(folder, PUBLIC, google.url, workers=1) as program:
        yield program


@pytest.fixture(name="mints_nothing")
def _mints_nothing(shop: Program, google: Upstream) -> Iterator[None]:
    """Check that the test mints nothing, and that the service works before and after it."""
    minted = len(google.received)
    assert shop.post("/token").status == 200
    yield
    assert shop.post("/token").status == 200
    assert len(google.received) == minted + 2


@pytest.fixture(name="faulted", scope="session")
def _faulted(shop: Program, visitor: Callable[..., str]) -> dict[str, tuple[Answer, float]]:
    """Return the answer under each fault and its duration in seconds; all run in parallel."""
    bearer = visitor()

    def ask(fault: str) -> tuple[Answer, float]:
        started = time.monotonic()
        headers = {"X-Request-Id": f"fault-{fault}"}
        answer = shop.post("/token", {"profile": fault}, bearer=bearer, headers=headers)
        return answer, time.monotonic() - started

    # Half as many threads as the service has, so that no request waits in a queue. The slow faults
    # come first.
    slow_first = sorted(faults.FAULTS, key=faults.SLOW.__contains__, reverse=True)
    with ThreadPoolExecutor(16) as pool:
        return dict(zip(slow_first, pool.map(ask, slow_first), strict=True))


@pytest.fixture(name="fleets_google", scope="session")
def _fleets_google() -> Iterator[Upstream]:
    """Provide the upstream of all fleets."""
    with Upstream() as google:
        yield google


@pytest.fixture(name="fresh_google")
def _fresh_google(fleets_google: Upstream) -> Iterator[Upstream]:
    """Provide the upstream of all fleets with nothing minted; after the test, nothing fails."""
    fleets_google.minted.clear()
    fleets_google.received.clear()
    yield fleets_google
    fleets_google.fail_every = 0


@pytest.fixture(name="new_folder", scope="session")
def _new_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Return a function that creates sibling folders, whose fleets share a compile cache."""
    root = tmp_path_factory.mktemp("fleets")
    numbers = iter(range(1000))

    def make() -> Path:
        folder = root / str(next(numbers))
        folder.mkdir()
        return folder

    return make


@pytest.fixture(name="start_fleet", scope="module")
def _start_fleet(fleets_google: Upstream, new_folder: Callable[[], Path]) -> Iterator[Callable[..., Fleet]]:
    """Return a function that starts a fleet: one instance, two workers, SQLite by default.

    Fleets stop with their module, because several at once would slow down each other.
    """
    with ExitStack() as fleets:

        def start(
            configuration: str,
            *,
            database_url: str | None = None,
            instances: int = 1,
            workers: int = 2,
        ) -> Fleet:
            upstream = fleets_google.url
            fleet = prepared(new_folder(), configuration, upstream, database_url=database_url)
            return fleets.enter_context(started(fleet, instances=instances, workers=workers))

        yield start


@pytest.fixture(name="backend", scope="session")
def _backend() -> Iterator[str]:
    """Run the backend of the shop with tools; return its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Backend) as server:
        server.daemon_threads = True
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(name="shop_service", scope="session")
def _shop_service(start_service: Callable[..., Program], emulator: Program, backend: str) -> Program:
    """Start the service of the shop with tools."""
    folder = str(Path(__file__).parent)
    return start_service(tool_shop.configuration(backend), emulator.url, SHOP_SECRET=site.SECRET, PYTHONPATH=folder)


@pytest.fixture(name="ada")
def _ada(shop_service: Program) -> Caller:
    """Begin a conversation at the shop with tools."""
    return Caller(shop_service)
