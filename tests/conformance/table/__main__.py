"""Writes the table to docs/conformance.md (CONTRIBUTING.md has the command)."""

from __future__ import annotations

from pathlib import Path

from conformance.table import page

PAGE = Path(__file__).parents[3] / "docs" / "conformance.md"
PAGE.write_text(page(), encoding="utf-8")
