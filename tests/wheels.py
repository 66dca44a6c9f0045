"""Builds the wheel, and runs the service from it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

CLONE = Path(__file__).parents[1]
UV = Path(sys.executable).with_name("uv")
# What the two packages are built from.
FILES = [".gitignore", "LICENSE", "README.md", "pyproject.toml", "docs/npm.md"]
FOLDERS = ["tokensvc", "tools", "web"]


def copy_clone(folder: Path) -> Path:
    """Copy to *folder* what the wheel and the npm package are built from."""
    for name in FOLDERS:
        ignored = shutil.ignore_patterns("node_modules", "__pycache__", "types", "dist", "*.tgz")
        shutil.copytree(CLONE / name, folder / name, ignore=ignored)
    for name in FILES:
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(CLONE / name, folder / name)
    return folder


def build(source: Path, folder: Path, kind: str = "wheel") -> Path:
    """Build *source*, a folder or an sdist, into *folder*; returns the wheel, or the sdist.

    Raises subprocess.CalledProcessError if the build fails; its `stderr` says why.
    """
    subprocess.run(
        [UV, "build", f"--{kind}", "--out-dir", folder, source],
        capture_output=True,
        check=True,
        text=True,
        timeout=180,
    )
    (built,) = folder.glob("*.whl" if kind == "wheel" else "*.tar.gz")
    return built


def unpacked(wheel: Path, folder: Path) -> dict[str, str]:
    """Unpack *wheel* into *folder*; returns the environment that runs `tokensvc` from there."""
    with ZipFile(wheel) as archive:
        archive.extractall(folder)
    # Not from the working directory either, which may be the clone.
    return {"PYTHONPATH": str(folder), "PYTHONSAFEPATH": "1"}


def contents(wheel: Path) -> dict[str, bytes]:
    """Return the files in *wheel* by their names."""
    with ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}
