"""The marked blocks of the documentation: what a reader writes, starts and runs, in the order of the page."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from documented import PAGES, blocks, named
from programs import Programs, clean_environment, running
from system.launching import free_ports
from wheels import CLONE

if TYPE_CHECKING:
    from collections.abc import Callable

    from programs import Program

MARKED = [page for page in PAGES if any(block.mark for block in blocks(page))]
# How the demo, Python's file server and the service say where they listen.
ANNOUNCED = r"(?:Open +|Listening at: |Serving HTTP on .*\()(http://[^\s/)]+)"


def on_free_ports() -> Callable[[str], str]:
    """Return what turns a reader's text into ours: other ports, and the installed program in place of `make`."""
    page, site, emulator = free_ports(3)
    demo = f"{sys.executable} -m tokensvc demo --port {page} --emulator-port {emulator}"

    def changed(text: str) -> str:
        text = re.sub(r'make(?: -C tokensvc)? demo(?: DEMO="(.*)")?', lambda match: f"{demo} {match[1] or ''}", text)
        text = text.replace("tokensvc/.venv/bin/python", sys.executable).replace(
            "tokensvc serve", f"tokensvc serve --port {page}"
        )
        return re.sub(
            r"(?<=localhost:)8080|(?<=localhost:)3000|(?<=http.server )3000",
            lambda match: str(page if match[0] == "8080" else site),
            text,
        )

    return changed


@pytest.mark.parametrize("page", MARKED, ids=named)
def test_commands_of_the_page_work(tmp_path: Path, emulator: Program, page: Path) -> None:
    """Beside the page's folder is a clone, and the service's upstream is the emulator."""
    changed = on_free_ports()
    environment = clean_environment(
        PATH=f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
        PYTHONUNBUFFERED="1",
        TOKENSVC_GEMINI_BASE_URL=emulator.url,
        TOKENSVC_GEMINI_WEBSOCKET_URL=emulator.url.replace("http", "ws", 1),
    )
    (tmp_path / "tokensvc").symlink_to(CLONE)
    with Programs() as programs:
        for block in blocks(page):
            text = changed(block.text)
            if block.mark.startswith("file="):
                file = tmp_path / block.mark.removeprefix("file=")
                file.parent.mkdir(exist_ok=True)
                file.write_text(text, encoding="utf-8")
            elif block.mark == "serve":
                programs.start(running(["bash", "-c", text], ANNOUNCED, environment=environment, folder=tmp_path))
            elif block.mark == "run":
                run(text, environment, tmp_path)


def run(text: str, environment: dict[str, str], folder: Path) -> None:
    command = ["bash", "-euo", "pipefail", "-c", text]
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"{text}\n{done.stdout}{done.stderr}"
