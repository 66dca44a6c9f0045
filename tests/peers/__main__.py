"""Tests the emulator with the newest releases of Google's SDKs: `make peers`.

`make test` uses the locked releases. Here, the newest are installed into a folder that is removed
at the end, beside a copy of the tests. `PYTHONPATH=tests python -m peers`; arguments are pytest's.
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
PYTHON_PACKAGES = ("google-genai",)
NPM_PACKAGES = ("@google/genai",)
# docs/conformance.md names the locked releases.
LEFT_OUT = "tests/conformance/test_table.py::test_documentation_is_up_to_date"


def main() -> None:
    """Install the newest releases, print their versions and run the tests with them."""
    with TemporaryDirectory(prefix="tokensvc-peers-") as folder:
        copy, packages = Path(folder, "copy"), Path(folder, "packages")
        copy.mkdir()
        copy_clone(copy)
        for name, version in {
            **install_python(packages),
            **install_npm(copy / "tests"),
        }.items():
            print(f"{name} {version}", flush=True)
        finished = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
                *(f"--deselect={LEFT_OUT}", *(sys.argv[1:] or ["tests/conformance"])),
            ],
            cwd=copy,
            env={**os.environ, "PYTHONPATH": f"{packages}{os.pathsep}{copy}"},
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


def install_python(packages: Path) -> dict[str, str]:
    """Install the newest releases and what they need into *packages*; return their versions."""
    uv = Path(sys.executable).with_name("uv")
    command = [uv, "pip", "install", "-q", "--python", sys.executable, "--target", packages]
    subprocess.run([*command, *PYTHON_PACKAGES], check=True)
    found = {each.name: each.version for each in distributions(path=[str(packages)])}
    return {name: found[name] for name in PYTHON_PACKAGES}


def install_npm(tests: Path) -> dict[str, str]:
    """Install the newest releases beside the copied *tests*; return their versions."""
    (tests / "package.json").write_text('{"private": true, "type": "module"}', encoding="utf-8")
    subprocess.run(
        [
            *("npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"),
            *(f"{name}@latest" for name in NPM_PACKAGES),
        ],
        cwd=tests,
        check=True,
    )
    return {
        name: json.loads((tests / "node_modules" / name / "package.json").read_text())["version"]
        for name in NPM_PACKAGES
    }


if __name__ == "__main__":
    main()
