"""Builds the wheel, and runs the service from it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

CLONE = Path(__file__).parents[1]
UV = Path(sys.executable).with_name("uv")


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
