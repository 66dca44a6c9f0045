"""Every mutant still applies; `make mutants` shows that a test notices it."""

from __future__ import annotations

import pytest

from mutants.cases import CASES


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_mutant_applies_to_the_source(case):
    assert case.mutants
    for mutant in case.mutants:
        mutant.apply()
