"""The lock files, from which any pip version must be able to install with hashes."""

from __future__ import annotations

import json
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
LOCKS = [ROOT / "requirements.txt", ROOT / "tests/requirements.txt"]
RELEASE_LOCK = ROOT / "tools/requirements.txt"
NPM_LOCKS = [
    ROOT / folder / "package-lock.json" for folder in ("web", "tests", "tests/frameworks", "tests/frameworks/react-18")
]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def name_of(lock: Path) -> str:
    return lock.relative_to(ROOT).as_posix()


def entries(lock: Path) -> list[str]:
    """Return each requirement with its hashes as one line."""
    return lock.read_text(encoding="utf-8").replace("\\\n", " ").splitlines()


def locked(lock: Path) -> dict[str, Requirement]:
    """Return the requirements by name."""
    requirements = [Requirement(entry.split(" --hash", 1)[0]) for entry in entries(lock)]
    return {canonicalize_name(requirement.name): requirement for requirement in requirements}


def required(requirement: Requirement) -> list[Requirement]:
    """Return what the installed distribution requires here with the requested extras."""
    try:
        declared = metadata.requires(requirement.name) or []
    except metadata.PackageNotFoundError:
        return []  # for another platform
    requirements = [Requirement(text) for text in declared]
    extras = ["", *requirement.extras]
    return [
        one
        for one in requirements
        if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in extras)
    ]


@pytest.mark.parametrize("lock", LOCKS, ids=name_of)
def test_lock_lists_requirements_with_all_required_extras(lock):
    """Older versions of pip treat “a” and “a[b]” as two packages, one of them without hashes."""
    pinned = locked(lock)
    needed = [Requirement(text) for text in PYPROJECT["project"]["dependencies"]]
    needed += [one for requirement in pinned.values() for one in required(requirement)]
    missing = {
        f"{one.name}[{','.join(sorted(one.extras))}]"
        for one in needed
        if not one.extras <= pinned[canonicalize_name(one.name)].extras
    }
    assert any(one.extras for one in needed)
    assert missing == set()


@pytest.mark.parametrize("lock", [*LOCKS, RELEASE_LOCK], ids=name_of)
def test_every_requirement_is_pinned_with_hashes_and_without_urls(lock):
    for entry in entries(lock):
        requirement, *hashes = entry.split(" --hash=")
        assert "==" in requirement, entry
        assert hashes, entry
        assert all(one.startswith("sha256:") for one in hashes), entry
        assert "://" not in entry


def npm_locked(lock: Path) -> dict[str, dict[str, str]]:
    """Return the entries of an npm lock file by path, without that of the folder itself."""
    packages = json.loads(lock.read_text(encoding="utf-8"))["packages"]
    return {path: entry for path, entry in packages.items() if path}


@pytest.mark.parametrize("lock", NPM_LOCKS, ids=name_of)
def test_every_npm_package_is_pinned_with_a_hash_and_without_a_url(lock):
    for path, entry in npm_locked(lock).items():
        assert "resolved" not in entry, path
        # A package that is inside another one has no file of its own.
        assert entry.get("inBundle") or entry["integrity"].startswith("sha512-"), path


def test_npm_package_is_built_with_the_same_tools_in_a_clone_and_for_a_release():
    """A release is built with the tests' tools (tools/release.py)."""
    web, tests = (npm_locked(ROOT / folder / "package-lock.json") for folder in ("web", "tests"))
    for path, entry in web.items():
        assert tests[path]["version"] == entry["version"], path


def test_build_system_of_a_release_is_locked():
    """The lock is compiled from this group, because a group cannot include the build system."""
    required = PYPROJECT["build-system"]["requires"]
    assert set(required) <= set(PYPROJECT["dependency-groups"]["release"])
    assert {Requirement(text).name for text in required} <= locked(RELEASE_LOCK).keys()
