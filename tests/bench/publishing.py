"""Puts the results into docs/performance.md: the pictures, and the table of goals.

`PYTHONPATH=tests python -m bench.publishing` does so from results.json; so does each run.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import picture
from bench.results import FILE, GOALS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FEW = 1e5
DOCS = Path(__file__).parents[2] / "docs"
BEGIN, END = "<!-- goals: written by `make bench` -->\n", "<!-- end of goals -->\n"


def table(results: Mapping[str, Any]) -> str:
    """Return a table of each goal with its figure."""
    found = {name: part for part in results.values() for name in part["figures"]}
    lines = ["| what | goal | measured | met | how |", "|---|---|---|---|---|"]
    for name, goal in GOALS.items():
        if name in found:
            figure = found[name]["figures"][name]
            met = "yes" if goal.met(figure) else "**no**"
            how = _how(found[name])
            lines.append(f"| {goal.what} | {goal} | {figure:.3g} | {met} | {how} |")
    return "\n".join(lines) + "\n"


def _how(part: Mapping[str, Any]) -> str:
    """Say when a part was measured, and how much of it."""
    amounts = [
        f"{value:,g} {name}" if value < FEW else f"{value:,} {name}"
        for name, value in part.items()
        if name not in {"figures", "measured"}
    ]
    return f"{part['measured']}: {', '.join(amounts)}"


def contents(results: Mapping[str, Any], docs: Path = DOCS) -> Iterator[tuple[Path, str]]:
    """Yield each file below *docs* with its contents for *results*."""
    figures = {name: f for part in results.values() for name, f in part["figures"].items()}
    for theme in picture.THEMES:
        yield docs / f"performance-{theme}.svg", picture.draw(figures, theme)
    page = docs / "performance.md"
    before, _, rest = page.read_text("utf-8").partition(BEGIN)
    yield page, before + BEGIN + table(results) + END + rest.partition(END)[2]


def publish() -> None:
    """Write every file."""
    for file, text in contents(json.loads(FILE.read_text("utf-8"))):
        file.write_text(text, "utf-8")


if __name__ == "__main__":
    publish()
