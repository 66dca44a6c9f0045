"""Sites that use the npm package, where what the tests installed can build them."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from browser.hosting import hosting_folder
from npm_package import install
from programs import running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from programs import Program

TESTS = Path(__file__).parents[1]
# Apps are built inside, because Turbopack looks for packages nowhere else.
FRAMEWORKS = TESTS / "frameworks"


@dataclass(frozen=True)
class App:
    """A copy of an app with the npm package installed, and where it will be served."""

    folder: Path
    port: int
    service: Program

    @property
    def environment(self) -> dict[str, str]:
        """Ours, with the service's address under the names in the recipes."""
        addresses = dict.fromkeys(("VITE_TOKENSVC_URL", "NEXT_PUBLIC_TOKENSVC_URL"), self.service.url)
        return os.environ | addresses | {"NEXT_TELEMETRY_DISABLED": "1", "NO_COLOR": "1"}

    def run(self, program: Path, *arguments: str) -> None:
        subprocess.run([program, *arguments], cwd=self.folder, env=self.environment, check=True)

    def serve(self, program: Path, *arguments: str) -> AbstractContextManager[object]:
        """Run a server until the end of a block."""
        command = [str(program), *arguments, "--port", str(self.port)]
        announced = rf"(http://127\.0\.0\.1:{self.port})"
        return running(command, announced, environment=self.environment, folder=self.folder)

    def host(self) -> AbstractContextManager[object]:
        """Serve what was built, under a strict policy."""
        google = self.service.get("/embed.json").json["websocket"]
        policy = f"default-src 'self'; connect-src 'self' {self.service.url} {google}; img-src data:"
        return hosting_folder(self.folder / "dist", self.port, policy)


@contextmanager
def copied(source: Path, package: Path, port: int, service: Program) -> Iterator[App]:
    """Copy the app in *source*, and install the packed npm *package* for it."""
    with TemporaryDirectory(prefix="app-", dir=FRAMEWORKS) as folder:
        ignored = shutil.ignore_patterns("node_modules", "dist", ".next")
        shutil.copytree(source, folder, dirs_exist_ok=True, ignore=ignored)
        shutil.copy(FRAMEWORKS / "app/next.config.mjs", folder)
        install(package, Path(folder))
        yield App(Path(folder), port, service)


def program(name: str, folder: Path = FRAMEWORKS) -> Path:
    """The program that *folder* has installed."""
    return folder / "node_modules/.bin" / name


def vite(app: App) -> AbstractContextManager[object]:
    """Build with Vite, and serve what it built."""
    app.run(program("vite", TESTS), "build")
    return app.host()


def next_turbopack(app: App) -> AbstractContextManager[object]:
    """Build with Next.js as it does by default, and run its server."""
    app.run(program("next"), "build", "--turbopack")
    return app.serve(program("next"), "start", "--hostname", "127.0.0.1")
