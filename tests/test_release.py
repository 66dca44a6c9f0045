"""What `make release` refuses to build; the rest of it takes too long for the tests."""

from __future__ import annotations

import json
import runpy
import subprocess

import pytest

from wheels import CLONE

faults = runpy.run_path(str(CLONE / "tools/release.py"))["faults"]


@pytest.fixture(name="clone")
def _clone(tmp_path):
    """A clone that is ready for the release of version 1.2.3."""
    (tmp_path / "web").mkdir()
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.2.3"\n')
    (tmp_path / "web/package.json").write_text(json.dumps({"version": "1.2.3"}))
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## 1.2.3 - 2026-11-26\n\n## 1.2.2 - …\n")
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    commit(tmp_path)
    return tmp_path


def commit(clone):
    name = ["-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "add", "--all"], cwd=clone, check=True)
    subprocess.run(["git", *name, "commit", "--quiet", "-m", "all"], cwd=clone, check=True)


def test_clone_that_is_ready_has_no_fault(clone):
    assert faults(clone, draft=False) == []


@pytest.mark.parametrize("name", ["CHANGELOG.md", "web/new.js"], ids=["changed", "untracked"])
def test_file_that_is_not_committed_is_a_fault(clone, name):
    """In a draft too: the files are built from the last commit."""
    with (clone / name).open("a") as file:
        file.write("more\n")
    (fault,) = faults(clone, draft=True)
    assert name in fault
    assert faults(clone, draft=False) == [fault]


def test_different_versions_are_a_fault(clone):
    (clone / "web/package.json").write_text(json.dumps({"version": "1.2.4"}))
    commit(clone)
    (fault,) = faults(clone, draft=True)
    assert "1.2.3 in pyproject.toml, 1.2.4 in web/package.json" in fault


@pytest.mark.parametrize(
    "heading", ["Unreleased", "1.2.2 - 2026-11-26", "1.2.3", "1.2.3 - soon", "1.2.30 - 2026-11-26"]
)
def test_newest_heading_of_the_changelog_must_be_the_version_and_day(clone, heading):
    """The fault says what to write, and how to build without it."""
    text = (clone / "CHANGELOG.md").read_text()
    (clone / "CHANGELOG.md").write_text(text.replace("1.2.3 - 2026-11-26", heading))
    commit(clone)
    (fault,) = faults(clone, draft=False)
    assert f"“{heading}”. Change it to “1.2.3 - 20" in fault
    assert "make release DRAFT=1" in fault
    assert faults(clone, draft=True) == []
