"""What the Python and the npm package say about themselves."""

from __future__ import annotations

import json
import tomllib
from zipfile import ZipFile

import pytest
from packaging.metadata import Metadata
from packaging.specifiers import SpecifierSet

from wheels import CLONE

PROJECT = tomllib.loads((CLONE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PACKAGE = json.loads((CLONE / "web/package.json").read_text(encoding="utf-8"))


@pytest.fixture(name="metadata", scope="module")
def _metadata(wheel):
    """The wheel's metadata; parsing raises ExceptionGroup if any of it is invalid."""
    with ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return Metadata.from_email(archive.read(name), validate=True)


def test_python_and_npm_package_have_the_same_version(metadata):
    assert PROJECT["version"] == PACKAGE["version"] == str(metadata.version)


def test_wheel_has_the_urls_keywords_and_classifiers(metadata):
    assert metadata.project_urls == PROJECT["urls"]
    assert metadata.keywords == PROJECT["keywords"]
    assert sorted(metadata.classifiers) == sorted(PROJECT["classifiers"])
    assert metadata.license_expression == PACKAGE["license"]


def test_both_packages_name_the_same_repository():
    source = PROJECT["urls"]["Source"]
    addresses = [*PROJECT["urls"].values(), PACKAGE["homepage"], PACKAGE["bugs"]]
    assert all(address.startswith(source) for address in addresses)
    assert PACKAGE["repository"]["url"] == f"git+{source}.git"


def test_every_python_version_listed_is_one_that_may_be_installed():
    allowed = SpecifierSet(PROJECT["requires-python"])
    language = "Programming Language :: Python :: 3."
    minors = [name.removeprefix(language) for name in PROJECT["classifiers"] if language in name]
    assert minors
    assert all(f"3.{minor}" in allowed for minor in minors)
