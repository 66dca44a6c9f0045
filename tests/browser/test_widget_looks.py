"""The widget's looks: theme, what it takes from the page's styles, and a log that stays bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from browser.caller import Caller
    from programs import Program

FLOOD = """async (files) => {
  const { Log } = await import(files + 'panel.js');
  const { Words } = await import(files + 'words.js');
  const words = await Words.load('en', {});
  const log = new Log();
  document.body.append(log.list);
  const said = (id, text) => ({ id, turn: 0, side: 'agent', text, typed: false, final: false, interrupted: false });
  const started = performance.now();
  let text = '';
  for (let piece = 0; piece < 6000; piece += 1) log.show(said('long', text += 'a few words '), words);
  for (let call = 0; call < 5000; call += 1) log.progress({ id: `c${call}`, name: 'search', status: 'running' }, words);
  for (let turn = 0; turn < 4000; turn += 1) log.show({ ...said(`t${turn}`, `turn ${turn}`), turn }, words);
  log.show(said('vast', 'x'.repeat(20_000_000) + ' the end'), words);
  await new Promise(requestAnimationFrame);
  await new Promise(requestAnimationFrame);
  const milliseconds = performance.now() - started;
  while (!log.list.querySelector('.omitted')) await new Promise(requestAnimationFrame);
  const { textContent, childElementCount } = log.list;
  const ends = [textContent.slice(0, 37), textContent.slice(-7)];
  return { milliseconds, ends, lines: childElementCount, length: textContent.length };
}"""


def test_flood_leaves_a_bounded_log(call: Callable[..., Caller], embedded: Program) -> None:
    """Minutes of blocking before: drawn once a frame, the last lines are kept, and a line says so."""
    caller = call()
    caller.arrive()
    flood = caller.page.evaluate(FLOOD, f"{embedded.url}/widget/")
    assert flood["milliseconds"] < 10_000
    assert flood["lines"] <= 501
    assert flood["length"] < 50_000
    assert flood["ends"] == ["Earlier messages are no longer shown.", "the end"]


@pytest.mark.parametrize(("theme", "shade"), [("light", "rgb(255, 255, 255)"), ("dark", "rgb(26, 31, 29)")])
def test_theme_and_text_are_not_the_pages(call: Callable[..., Caller], theme: str, shade: str) -> None:
    """The attribute decides the theme; of the page's text styles only spacing comes through."""
    page = "text-transform: uppercase; white-space: pre; cursor: wait; font-style: italic; letter-spacing: 2px"
    caller = call(f'<div style="{page}"><live-agent theme="{theme}"></live-agent></div>')
    caller.arrive()
    caller.open_widget()
    style = caller.page.locator(".status").evaluate(
        "(shown) => { const { textTransform, whiteSpace, cursor, fontStyle, letterSpacing } = getComputedStyle(shown);"
        " return [textTransform, whiteSpace, cursor, fontStyle, letterSpacing]; }"
    )
    assert style == ["none", "normal", "auto", "normal", "2px"]
    panel = caller.page.locator(".panel").evaluate("(shown) => getComputedStyle(shown).backgroundColor")
    assert panel == shade
