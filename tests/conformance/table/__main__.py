"""Writes the table to docs/conformance.md, and its counts to docs/emulator.md.

CONTRIBUTING.md has the command.
"""

from __future__ import annotations

import re
from pathlib import Path

from conformance.table import page, summary

DOCS = Path(__file__).parents[3] / "docs"
(DOCS / "conformance.md").write_text(page(), encoding="utf-8")
EMULATOR = DOCS / "emulator.md"
counted = re.sub(r"(?m)^Of \d+ facts, (.+\n)+", summary(), EMULATOR.read_text(encoding="utf-8"))
EMULATOR.write_text(counted, encoding="utf-8")
