"""Every test that docs/security.md names exists; every threat names one that fails without its control."""

from __future__ import annotations

import re

import pytest

from mutants.cases import CASES
from wheels import CLONE

PAGE = (CLONE / "docs" / "security.md").read_text(encoding="utf-8")
NAME = re.compile(r"`(tests/[\w./-]+\.(?:py|js))(?:::(\w+))?`")
NAMED = [(path, test) for path, test in sorted(set(NAME.findall(PAGE))) if (CLONE / path).parent.is_dir()]
THREATS = dict(re.findall(r"^\| (\d+) \|(.*)$", PAGE, re.MULTILINE))


@pytest.mark.parametrize(("path", "test"), NAMED, ids=["::".join(filter(None, named)) for named in NAMED])
def test_named_test_exists(path, test):
    source = (CLONE / path).read_text(encoding="utf-8")
    assert f"def {test}(" in source if test else source


def test_every_threat_and_requirement_names_its_proof():
    rows = re.findall(r"^\| ([0-9.]+) \|.*$", PAGE, re.MULTILINE)
    proven = re.findall(r"^\| ([0-9.]+) \|.*`tests/.*$", PAGE, re.MULTILINE)
    assert rows == proven
    assert list(THREATS) == [str(number) for number in range(1, 42)]
    assert [row for row in rows if row.startswith("9.")] == [
        *("9.1.1", "9.1.2", "9.1.3"),
        *("9.2.1", "9.2.2", "9.2.3", "9.2.4"),
    ]


@pytest.mark.parametrize("threat", THREATS)
def test_a_mutant_of_the_threat_must_fail_a_test_that_its_row_names(threat):
    """`make mutants` shows that it does."""
    cases = [case for case in CASES if re.search(rf"\bthreat {threat}:", case.name) and case.outcome == "failed"]
    failing = {test.partition("[")[0] for case in cases for test in case.tests}
    assert failing & {"::".join(filter(None, named)) for named in NAME.findall(THREATS[threat])}
