"""Draws the results as an SVG of a few bars, for a light and for a dark page."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

WIDTH, LABELS, LINE, GAP = 760, 150, 22, 14  # pixels
SERVERS = ("tokensvc", "obvious", "sdk")
PANELS = {
    "Tokens a second, of the obvious app's": {
        f"{count} connection{'s' * (count > 1)}": f"rate_of_obvious.{count}" for count in (1, 16, 64)
    },
    "CPU time for a token, of the obvious app's (less is better)": {
        f"{count} connection{'s' * (count > 1)}": f"cpu_of_obvious.{count}" for count in (1, 16, 64)
    },
    "Tokens a second over 150 ms, of the upstream's own": {"256 connections": "rate_of_upstream.150ms.256"},
}
THEMES = {
    "light": {"text": "#1f2328", "bars": ("#0969da", "#8c959f", "#d0d7de")},
    "dark": {"text": "#f0f6fc", "bars": ("#4493f8", "#767e88", "#3d444d")},
}


def draw(figures: Mapping[str, float], theme: str) -> str:
    """Return the picture of *figures* in *theme*; figures that are missing leave no bar."""
    colors = THEMES[theme]
    body: list[str] = []
    top = GAP
    for number, server in enumerate(SERVERS):
        left = LABELS + number * 120
        body += [_rect(left, top, 12, colors["bars"][number]), _text(left + 18, top, server)]
    top += LINE + GAP
    for title, rows in PANELS.items():
        found = {
            (label, server): figures[f"{server}.{name}"]
            for label, name in rows.items()
            for server in SERVERS
            if f"{server}.{name}" in figures
        }
        body.append(_text(0, top, title, "bold"))
        top += LINE
        scale = (WIDTH - LABELS - 50) / max([1.0, *found.values()])
        for label in rows:
            body.append(_text(16, top + LINE, label))
            body += _bars(found, label, scale, top, colors["bars"])
            top += LINE * len(SERVERS) + GAP
        top += GAP
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}"',
            f'  font-family="system-ui, sans-serif" font-size="13" fill="{colors["text"]}">',
            "<title>tokensvc beside the obvious app and the SDK app</title>",
            *body,
            "</svg>\n",
        ]
    )


def _bars(
    found: Mapping[tuple[str, str], float],
    label: str,
    scale: float,
    top: int,
    colors: tuple[str, ...],
) -> Iterator[str]:
    for number, server in enumerate(SERVERS):
        figure = found.get((label, server))
        if figure is not None:
            y = top + number * LINE
            yield _rect(LABELS, y, figure * scale, colors[number])
            yield _text(LABELS + figure * scale + 6, y, f"{figure:.2f}")


def _rect(x: float, y: float, width: float, color: str) -> str:
    return f'<rect x="{x:.0f}" y="{y + 3}" width="{width:.1f}" height="{LINE - 6}" fill="{color}"/>'


def _text(x: float, y: float, text: str, weight: str = "normal") -> str:
    return f'<text x="{x:.0f}" y="{y + 16}" font-weight="{weight}">{text}</text>'
