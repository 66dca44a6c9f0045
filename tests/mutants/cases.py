"""All mutants: of each conformance rule, each check of a credential, and for each replay."""

from __future__ import annotations

from authn.check_mutants import CASES as CHECK_CASES
from conformance.table import TABLE
from mutants.mutant import Case
from recordings.replay_mutants import CASES as REPLAY_CASES

RULE_TEST = "tests/conformance/test_table.py::test_rule_holds"

RULE_CASES = [
    Case(
        f"{section}: {row.fact}",
        row.mutants,
        tuple(f"{RULE_TEST}[{name}]" for name in row.ids(section).values()),
    )
    for section, rows in TABLE.items()
    for row in rows
]
CASES = [*RULE_CASES, *CHECK_CASES, *REPLAY_CASES]
