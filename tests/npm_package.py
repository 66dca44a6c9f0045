"""Packs the npm package, as `npm pack` does for a release, and installs it."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

from wheels import CLONE, copy_clone

if TYPE_CHECKING:
    from pathlib import Path


def pack(web: Path) -> Path:
    """Run `npm pack` in *web*; returns the package."""
    subprocess.run(["npm", "pack", "--loglevel=error"], cwd=web, check=True)
    (packed,) = web.glob("*.tgz")
    return packed


def pack_with_the_tests_tools(folder: Path) -> Path:
    """Pack a copy of the clone in *folder*, without a download."""
    web = copy_clone(folder) / "web"
    (web / "node_modules").symlink_to(CLONE / "tests/node_modules")
    return pack(web)


def install(packed: Path, site: Path) -> None:
    """Unpack *packed* where the modules of *site* look for it."""
    shutil.unpack_archive(packed, site / "node_modules", "gztar")  # Debian's Python has no filter for tarfile
    (site / "node_modules/package").rename(site / "node_modules/tokensvc-live")
