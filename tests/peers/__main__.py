"""Tests the emulator with the newest releases of SDKs and other people's clients: `make peers`.

`make test` uses the locked releases of Google's SDKs. Here, the newest are installed into a folder
that is removed at the end, beside a copy of the tests. `PYTHONPATH=tests python -m peers`;
arguments are pytest's. GOOGLE_EXAMPLE may name the folder of Google's example (other_clients.py).
"""

# ruff: noqa: T201 - prints which versions it tests

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path
from tempfile import TemporaryDirectory

CLONE = Path(__file__).parents[2]
COPIED = ("tokensvc", "web", "tests", "docs", "pyproject.toml")
NPM_PACKAGES = ("@google/genai", "@ai-sdk/google", "@tanstack/ai-gemini")
TESTS = ("tests/conformance", "tests/peers/other_clients.py")
# docs/conformance.md names the locked releases.
LEFT_OUT = "tests/conformance/test_table.py::test_documentation_is_up_to_date"


def main() -> None:
    """Install the newest releases, print their versions and run the tests with them."""
    with TemporaryDirectory(prefix="tokensvc-peers-") as folder:
        copy, sdk, pydantic_ai, livekit = (Path(folder, name) for name in ("copy", "sdk", "pydantic-ai", "livekit"))
        copy.mkdir()
        copy_clone(copy)
        for name, version in [
            ("google-genai", install_python(sdk, "google-genai")),
            ("python-dotenv", install_python(sdk, "python-dotenv")),  # for Google's example
            # In folders of their own, because they may require an older google-genai.
            ("pydantic-ai-slim", install_python(pydantic_ai, "pydantic-ai-slim", "google")),
            ("livekit-plugins-google", install_python(livekit, "livekit-plugins-google")),
            *install_npm(copy / "tests"),
        ]:
            print(f"{name} {version}", flush=True)
        finished = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
                *(f"--deselect={LEFT_OUT}", *(sys.argv[1:] or TESTS)),
            ],
            cwd=copy,
            env={
                **os.environ,
                "PYTHONPATH": f"{sdk}{os.pathsep}{copy}",
                "PYDANTIC_AI": str(pydantic_ai),
                "LIVEKIT": str(livekit),
            },
            check=False,
        )
    sys.exit(finished.returncode)


def copy_clone(copy: Path) -> None:
    """Copy what the tests need, without the locked npm packages."""
    ignored = shutil.ignore_patterns("node_modules", "package*.json", "__pycache__")
    for name in COPIED:
        if (CLONE / name).is_dir():
            shutil.copytree(CLONE / name, copy / name, ignore=ignored)
        else:
            shutil.copy(CLONE / name, copy / name)


def install_python(folder: Path, name: str, extra: str = "") -> str:
    """Install the newest release and what it needs into *folder*; return its version."""
    uv = Path(sys.executable).with_name("uv")
    subprocess.run(
        [
            *(uv, "pip", "install", "-q", "--python", sys.executable),
            *("--target", folder, f"{name}[{extra}]" if extra else name),
        ],
        check=True,
    )
    return next(each.version for each in distributions(name=name, path=[str(folder)]))


def install_npm(tests: Path) -> list[tuple[str, str]]:
    """Install the newest releases beside the copied *tests*; return their names and versions."""
    (tests / "package.json").write_text('{"private": true, "type": "module"}', encoding="utf-8")
    subprocess.run(
        [
            *("npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"),
            *(f"{name}@latest" for name in NPM_PACKAGES),
        ],
        cwd=tests,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    manifests = {name: tests / "node_modules" / name / "package.json" for name in NPM_PACKAGES}
    return [(name, json.loads(file.read_text())["version"]) for name, file in manifests.items()]


if __name__ == "__main__":
    main()
