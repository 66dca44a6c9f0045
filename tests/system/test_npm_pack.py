"""`npm pack` in a clean clone, and the wheel that is built after it."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from npm_package import pack
from wheels import build, contents, copy_clone

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.frameworks


def test_clean_clone_packs_and_its_wheel_stays_the_same(tmp_path: Path) -> None:
    """`npm pack` installs its tools by the lock file; neither package carries anything of them."""
    clone = copy_clone(tmp_path / "clone")
    before = contents(build(clone, tmp_path / "before"))
    packed = pack(clone / "web")
    again = pack(clone / "web")
    assert packed.read_bytes() == again.read_bytes()
    assert packed.stat().st_size < 150_000
    assert (clone / "web/node_modules/typescript").is_dir()
    assert contents(build(clone, tmp_path / "after")) == before
    sdist = build(clone, tmp_path / "sdist", "sdist")
    assert contents(build(sdist, tmp_path / "from-sdist")) == before
    names = subprocess.run(["tar", "tzf", sdist], check=True, capture_output=True, text=True).stdout
    assert "node_modules" not in names
    assert ".tgz" not in names
