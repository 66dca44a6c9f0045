"""The locks: what a fresh machine installs, held against the hashes by whichever pip it has."""

from __future__ import annotations

import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
LOCKS = [ROOT / "requirements.txt", ROOT / "tests/requirements.txt"]


def entries(lock: Path) -> list[str]:
    """Each requirement with its hashes, on a line of its own."""
    return lock.read_text(encoding="utf-8").replace("\\\n", " ").splitlines()


def locked(lock: Path) -> dict[str, Requirement]:
    """Each requirement by its name."""
    found = [Requirement(entry.split(" --hash", 1)[0]) for entry in entries(lock)]
    return {canonicalize_name(requirement.name): requirement for requirement in found}


def required(requirement: Requirement) -> list[Requirement]:
    """What the installed distribution requires on this machine, with the extras that are asked."""
    try:
        written = metadata.requires(requirement.name) or []
    except metadata.PackageNotFoundError:
        return []  # another machine's
    found = [Requirement(text) for text in written]
    extras = ["", *requirement.extras]
    return [
        one
        for one in found
        if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in extras)
    ]


@pytest.mark.parametrize("lock", LOCKS, ids=str)
def test_a_package_that_is_required_with_extras(lock):
    """It stands in the lock with them: older pips take “a” and “a[b]” for two, and one unhashed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pinned = locked(lock)
    asked = [Requirement(text) for text in project["dependencies"]]
    asked += [one for requirement in pinned.values() for one in required(requirement)]
    missing = {
        f"{one.name}[{','.join(sorted(one.extras))}]"
        for one in asked
        if not one.extras <= pinned[canonicalize_name(one.name)].extras
    }
    assert any(one.extras for one in asked)
    assert missing == set()


@pytest.mark.parametrize("lock", LOCKS, ids=str)
def test_what_is_locked(lock):
    """Everything, to one version and its hashes, wherever it is fetched from."""
    for entry in entries(lock):
        requirement, *hashes = entry.split(" --hash=")
        assert "==" in requirement, entry
        assert hashes, entry
        assert all(one.startswith("sha256:") for one in hashes), entry
        assert "://" not in entry
