"""docs/reference is what tools/reference.py writes, and has all that can be set."""

from __future__ import annotations

import ast
import inspect
import re
import runpy

import pytest

from tokensvc.config import egress, environment
from wheels import CLONE

PAGES = runpy.run_path(str(CLONE / "tools/reference.py"))["PAGES"]


@pytest.mark.parametrize("page", PAGES)
def test_committed_page_is_what_the_source_says(page):
    committed = (CLONE / "docs/reference" / page).read_text(encoding="utf-8")

    assert committed == PAGES[page](), "run “make reference”"


@pytest.mark.parametrize("module", [environment, egress], ids=lambda module: module.__name__)
def test_every_variable_that_is_read_is_listed(module):
    parts = ast.walk(ast.parse(inspect.getsource(module)))
    texts = {part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)}
    read = {text.upper() for text in texts if re.fullmatch("[A-Z]{4}[A-Z_]*|[a-z]+_proxy", text)}

    assert read
    assert {name for name in read if f"\n| `{name}` |" not in PAGES["configuration.md"]()} == set()
