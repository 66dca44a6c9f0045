"""The widget's looks: its invitation, theme, the page's styles, phones, and a log that stays bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from browser.caller import Caller
    from programs import Program

INVITING = '<live-agent greeting="Welcome to Lumen" suggestions="Where is my lamp? | Opening hours"></live-agent>'
PHONE = {"viewport": {"width": 320, "height": 568}, "is_mobile": True, "has_touch": True}
ON_ITS_SIDE = {**PHONE, "viewport": {"width": 568, "height": 320}}
LANGUAGES = ["ar", "de", "en", "es", "fr", "hi", "it", "ja", "ko", "pt", "tr", "zh"]
# The buttons that are shown, but not wholly inside the window, or whose text is on two lines.
MISPLACED = """() => {
  const root = document.querySelector('live-agent').shadowRoot;
  const buttons = [...root.querySelectorAll('button, textarea')].filter((button) => button.checkVisibility());
  const misplaced = buttons.filter((button) => {
    const { top, left, bottom, right } = button.getBoundingClientRect();
    return top < 0 || left < 0 || bottom > innerHeight || right > innerWidth;
  });
  const range = document.createRange();
  range.selectNodeContents(root.querySelector('.start span'));
  const lines = new Set([...range.getClientRects()].map(({ top }) => Math.round(top))).size;
  return [buttons.length > 4, lines, misplaced.map(({ className }) => className)];
}"""

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
  for (let call = 0; call < 5000; call += 1) {
    log.progress({ id: `c${call}`, name: 'search', status: 'running' }, words, 'Searching');
  }
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

# A log beside a box that grows as the log is scrolled to its end; then a person scrolls up.
FOLLOWED = """async (files) => {
  const { Log } = await import(files + 'panel.js');
  const { Words } = await import(files + 'words.js');
  const words = await Words.load('en', {});
  const log = new Log();
  const [panel, box] = [document.createElement('div'), document.createElement('div')];
  Object.assign(panel.style, { display: 'flex', flexDirection: 'column', height: '300px' });
  Object.assign(log.list.style, { flex: '1', minHeight: '0', overflow: 'auto' });
  Object.assign(box.style, { flex: 'none', height: '60px' });
  panel.append(log.list, box);
  document.body.append(panel);
  const said = { side: 'agent', text: 'So it goes.', typed: false, final: false, interrupted: false };
  const say = (turn) => log.show({ ...said, id: `u${turn}`, turn }, words);
  const settled = async () => {
    for (let frame = 0; frame < 4; frame += 1) await new Promise(requestAnimationFrame);
    return Math.round(log.list.scrollHeight - log.list.scrollTop - log.list.clientHeight);
  };
  for (let turn = 0; turn < 60; turn += 1) say(turn);
  const places = [await settled()];
  say(60);
  await new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn))); // then it has been scrolled
  box.style.height = '140px';
  places.push(await settled());
  log.list.scrollTop = 0;
  const above = await settled();
  say(61);
  return [...places, above > 100, (await settled()) > above];
}"""


def test_ready_state_greets_suggests_and_says_who_listens(call: Callable[..., Caller]) -> None:
    """A suggestion starts a conversation without a microphone, as its first typed line; then they are gone."""
    caller = call(INVITING)
    caller.arrive()
    caller.open_widget()
    greeting = caller.page.get_by_text("Welcome to Lumen")
    greeting.wait_for()
    privacy = caller.page.get_by_text("goes straight to Google")
    assert "an AI" in privacy.inner_text()
    suggestions = caller.page.get_by_role("group", name="Welcome to Lumen").get_by_role("button")
    suggestions.last.wait_for()
    assert suggestions.all_inner_texts() == ["Where is my lamp?", "Opening hours"]
    suggestions.last.press("Enter")
    caller.becomes("live")
    caller.reads("Opening hours")
    said = [line for line in caller.heard("transcript") if line["side"] == "user"]
    assert [(line["text"], line["typed"]) for line in said] == [("Opening hours", True)]
    assert caller.left_open["tracks"] == 0
    assert caller.widget.evaluate("({ shadowRoot }) => shadowRoot.activeElement !== null"), "the focus was lost"
    for shown in (greeting, privacy, suggestions.first):
        assert not shown.is_visible()
    caller.hang_up()
    assert not greeting.is_visible()
    assert caller.violations == []


def test_suggestion_is_spoken_about_where_one_can_only_speak(call: Callable[..., Caller]) -> None:
    caller = call('<live-agent input="voice" suggestions="Opening hours"></live-agent>')
    caller.arrive()
    caller.open_widget()
    caller.button("Opening hours").click()
    caller.becomes("live")
    assert caller.left_open["tracks"] == 1


def test_invitation_follows_its_properties_and_the_language(call: Callable[..., Caller]) -> None:
    caller = call("<live-agent open></live-agent>")
    caller.arrive()
    caller.page.get_by_text("How can I help?").wait_for()
    caller.widget.evaluate("(agent) => Object.assign(agent, { lang: 'es', suggestions: ['Horario', 'Envíos'] })")
    caller.page.get_by_text("¿En qué puedo ayudarle?").wait_for()
    caller.button("Envíos").wait_for()
    caller.widget.evaluate("(agent) => Object.assign(agent, { greeting: 'Hola', suggestions: null })")
    caller.page.get_by_text("Hola").wait_for()
    assert not caller.button("Envíos").is_visible()


@pytest.mark.parametrize("screen", [PHONE, ON_ITS_SIDE], ids=["upright", "on its side"])
def test_small_phone_shows_every_button_and_end_on_one_line_in_each_language(
    call: Callable[..., Caller], screen: dict[str, object]
) -> None:
    caller = call(**screen)
    caller.arrive()
    caller.open_widget()
    caller.talk()
    for language in LANGUAGES:
        caller.widget.evaluate("(agent, language) => { agent.lang = language; }", language)
        caller.until(f"document.querySelector('live-agent').shadowRoot.querySelector('.frame').lang === '{language}'")
        caller.page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        assert caller.page.evaluate(MISPLACED) == [True, 1, []], language


def test_text_size_and_spacing_are_the_tokens_and_not_the_pages(call: Callable[..., Caller]) -> None:
    """A page may have a root of 10 pixels."""
    style = (
        "<style>html { font-size: 10px } live-agent { --live-agent-font-size: 20px; --live-agent-space: 5px }</style>"
    )
    caller = call(f"{style}<live-agent open></live-agent>")
    caller.arrive()
    status = caller.page.locator(".status")
    status.wait_for()
    assert status.evaluate("(shown) => getComputedStyle(shown).fontSize") == "17.5px"
    assert caller.page.locator(".panel").evaluate("(shown) => getComputedStyle(shown).paddingLeft") == "15px"


def test_log_follows_what_is_said_until_a_person_scrolls_up(call: Callable[..., Caller], embedded: Program) -> None:
    """Parts that appear beside it do not count as scrolling."""
    caller = call()
    caller.arrive()
    assert caller.page.evaluate(FOLLOWED, f"{embedded.url}/widget/") == [0, 0, True, True]


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
