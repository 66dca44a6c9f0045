"""Starts the service and the baselines for a comparison, all under gunicorn with two workers."""

from __future__ import annotations

import os
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import jwt
import psutil
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from programs import LISTENING, clean_environment, running, service_environment
from system import site

if TYPE_CHECKING:
    from collections.abc import Iterator

    from programs import Program

BENCH = Path(__file__).parent
SUBJECTS = 20_000
SERVICE, OBVIOUS, SDK, UPSTREAM = "tokensvc", "obvious", "sdk", "upstream"
CONFIGURATION = """
[[issuers]]
name = "shop"
issuer = "https://shop.test/"
audience = "https://tokens.test/"
algorithms = ["RS256"]
public_key_file = "{public_key}"
[profiles.default]
model = "gemini-3.8-live"
allow = ["user"]
{profile}
[profiles.default.config]
response_modalities = ["AUDIO"]
[limits]
user = ["1000000/day"]
concurrent = {{ user = 1000 }}
budget = {{ user = "24000h/day"{everyone} }}
"""
EVERYONE = ', everyone = "1000000h/day"'
GUNICORN = [sys.executable, "-m", "gunicorn", "--bind", "127.0.0.1:0", "--no-control-socket"]
THREADS = ["--worker-class", "gthread", "--threads", "200", "--keep-alive", "5"]


@dataclass
class Server:
    """A running server."""

    name: str
    program: Program
    cold_start: float  # seconds until its first answer

    @property
    def url(self) -> str:
        """Its address."""
        return self.program.url

    @property
    def cpu(self) -> float:
        """The CPU time that it has used, in seconds."""
        times = [process.cpu_times() for process in self._processes()]
        return sum(each.user + each.system for each in times)

    @property
    def worker_memory(self) -> tuple[float, float]:
        """The private memory of a worker, and its proportional share of all, in MB."""
        memory = self._processes()[-1].memory_full_info()
        return memory.uss / 1e6, memory.pss / 1e6

    def _processes(self) -> list[psutil.Process]:
        master = psutil.Process(self.program.child.pid)
        return [master, *master.children()]


@dataclass(frozen=True)
class Visitors:
    """Subjects of a site with RS256: their credentials, a line each, and the site's public key."""

    bearers: Path
    public_key: Path

    @classmethod
    def made(cls, folder: Path) -> Visitors:
        """Sign a JWT for every subject."""
        key = rsa.generate_private_key(65537, 2048)
        public_key, bearers = folder / "shop.pem", folder / "bearers"
        public_key.write_bytes(
            key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        )
        tokens = (
            jwt.encode(site.claims(f"visitor-{number}", exp=int(time.time()) + 3600), key, "RS256")
            for number in range(SUBJECTS)
        )
        bearers.write_text("\n".join(tokens) + "\n", "ascii")
        return cls(bearers, public_key)


@contextmanager
def upstream(delay: float, *flags: str) -> Iterator[Program]:
    """Run a mint that answers after *delay* seconds."""
    command = [sys.executable, str(BENCH / "upstream.py"), "--delay", str(delay), *flags]
    with running(command, r"Minting on (\S+)", environment=clean_environment()) as program:
        yield program


@contextmanager
def servers(
    folder: Path,
    visitors: Visitors,
    mint: Program,
    *names: str,
    workers: int = 2,
    everyone: str = EVERYONE,
    profile: str = "",
    **added: str,
) -> Iterator[dict[str, Server]]:
    """Run the servers called *names*, connected to *mint*; *added* is for the environment.

    *everyone* is the budget that all share, and *profile* a line of the profile.
    """
    with ExitStack() as programs:
        folder.mkdir(exist_ok=True)
        environment = service_environment(
            folder,
            CONFIGURATION.format(public_key=visitors.public_key, everyone=everyone, profile=profile),
            mint.url,
            **{
                "UPSTREAM": mint.url,
                "STORE": str(folder / "obvious.db"),
                "PUBLIC_KEY": str(visitors.public_key),
                "PYTHONPATH": os.pathsep.join([str(BENCH), str(BENCH.parent)]),
                **added,
            },
        )
        scale = ["--workers", str(workers)]
        apps = {
            SERVICE: ["--config", "python:tokensvc.serving", "tokensvc.app:create_app()"],
            OBVIOUS: [*THREADS, "baselines:obvious()"],
            SDK: [*THREADS, "baselines:sdk()"],
        }
        yield {name: _started(programs, name, [*GUNICORN, *scale, *apps[name]], environment) for name in names}


def _started(programs: ExitStack, name: str, command: list[str], environment: dict[str, str]) -> Server:
    began = time.monotonic()
    program = programs.enter_context(running(command, LISTENING, environment=environment))
    while program.get("/livez").status != 200:
        pass
    return Server(name, program, time.monotonic() - began)
