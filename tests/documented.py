"""The blocks of code in the documentation."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wheels import CLONE

if TYPE_CHECKING:
    from pathlib import Path

PAGES = [*sorted(CLONE.glob("README*.md")), *sorted((CLONE / "docs").rglob("*.md"))]
_FENCED = re.compile(r"^( *)```(\w*) ?(\S*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_INDENTED_TABLES = re.compile(r"\n\n((?:    \[.*\n)(?:(?:    .*)?\n)*)")


@dataclass(frozen=True)
class Block:
    """A fenced block, or an indented one of TOML.

    *mark* says what the tests do with it: “run” it to its end, “serve” while later blocks run, or
    write it to a file (“file=PATH”). Without a mark, only its syntax is checked.
    """

    language: str
    mark: str
    text: str


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    found = [("    ", "toml", "", block) for block in _INDENTED_TABLES.findall(_FENCED.sub("", text))]
    return [
        Block(language, mark, re.sub(f"^{indent}", "", block, flags=re.MULTILINE))
        for indent, language, mark, block in _FENCED.findall(text) + found
    ]


def named(page: Path) -> str:
    return page.relative_to(CLONE).as_posix()
