"""Every test that docs/security.md names exists; every threat names one, and has a mutant that shows it."""

from __future__ import annotations

import re

import pytest

from mutants.cases import CASES
from wheels import CLONE

PAGE = (CLONE / "docs" / "security.md").read_text(encoding="utf-8")
NAMED = [
    (path, test)
    for path, test in sorted(set(re.findall(r"`(tests/[\w./-]+\.(?:py|js))(?:::(\w+))?`", PAGE)))
    if (CLONE / path).parent.is_dir()
]


@pytest.mark.parametrize(("path", "test"), NAMED, ids=["::".join(filter(None, named)) for named in NAMED])
def test_named_test_exists(path, test):
    source = (CLONE / path).read_text(encoding="utf-8")
    assert f"def {test}(" in source if test else source


def test_every_threat_and_requirement_names_its_proof():
    rows = re.findall(r"^\| ([0-9.]+) \|.*$", PAGE, re.MULTILINE)
    proven = re.findall(r"^\| ([0-9.]+) \|.*`tests/.*$", PAGE, re.MULTILINE)
    assert rows == proven
    threats = [row for row in rows if "." not in row]
    assert threats == [str(number) for number in range(1, 42)]
    # `make mutants` shows that a test of each fails without its control.
    assert set(threats) == {threat for case in CASES for threat in re.findall(r"threat (\d+):", case.name)}
    assert [row for row in rows if row.startswith("9.")] == [
        *("9.1.1", "9.1.2", "9.1.3"),
        *("9.2.1", "9.2.2", "9.2.3", "9.2.4"),
    ]
