"""All mutants: of each conformance rule, check, control and replay, the faults, the life cycle, server tools."""

from __future__ import annotations

from attack.control_mutants import CASES as ATTACK_CASES
from authn.check_mutants import CASES as CHECK_CASES
from conformance.table import TABLE
from faults.fault_mutants import CASES as FAULT_CASES
from mutants.control_mutants import CASES as CONTROL_CASES
from mutants.mutant import Case
from recordings.replay_mutants import CASES as REPLAY_CASES
from tools.tool_mutants import CASES as TOOL_CASES
from web.lifecycle_mutants import CASES as LIFECYCLE_CASES

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
CASES = [
    *RULE_CASES,
    *CHECK_CASES,
    *ATTACK_CASES,
    *CONTROL_CASES,
    *FAULT_CASES,
    *REPLAY_CASES,
    *LIFECYCLE_CASES,
    *TOOL_CASES,
]
