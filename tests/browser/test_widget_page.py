"""The widget and the page around it: keys, other documents, what the page tells the agent, and a remembered consent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from browser.caller import Caller

SHORTCUTS = """<script>
  globalThis.pressed = [];
  for (const type of ['keydown', 'keypress', 'keyup']) {
    document.addEventListener(type, ({ key, target }) => {
      if (target.localName === 'live-agent') pressed.push(`${type} ${key}`);
    });
  }
</script>"""


def test_typing_does_not_press_the_shortcuts_of_the_page(call: Callable[..., Caller]) -> None:
    """Shortcuts with Ctrl, and the keys of dialogs and of the browser, reach the page; so do keys at a button."""
    caller = call('<live-agent mode="inline" style="height: 500px"></live-agent>' + SHORTCUTS)
    caller.arrive()
    caller.open_widget()
    field = caller.page.get_by_label("Message")
    field.press_sequentially("s/?")
    for key in ("ArrowLeft", "Backspace", "Shift+A"):
        field.press(key)
    assert field.input_value() == "sA?"
    assert caller.page.evaluate("pressed") == []
    for key in ("Control+k", "Escape", "F2"):
        field.press(key)
    assert {"keydown k", "keydown Escape", "keydown F2"} <= set(caller.page.evaluate("pressed"))
    caller.page.evaluate("pressed.length = 0")
    caller.button("Start talking").press("s")
    assert caller.page.evaluate("pressed") == ["keydown s", "keypress s", "keyup s"]
    caller.button("Settings").click()
    caller.page.evaluate("pressed.length = 0")
    caller.page.get_by_label("Volume").press("ArrowLeft")
    assert caller.page.evaluate("pressed") == []


STYLED = """(agent) => {
  const panel = agent.shadowRoot.querySelector('.panel');
  const launcher = agent.shadowRoot.querySelector('.launcher');
  const { position } = getComputedStyle(agent.shadowRoot.querySelector('.frame'));
  return [position, getComputedStyle(launcher).minHeight, panel && getComputedStyle(panel).flexDirection,
    getComputedStyle(agent.shadowRoot.querySelector('.over') ?? launcher).flexDirection];
}"""


def test_moved_into_another_document_it_stays_styled(call: Callable[..., Caller]) -> None:
    """Constructed style sheets belong to a document. It is moved before it is opened, and with the settings open."""
    frame = '<iframe id="inner" style="position: fixed; inset: 0; width: 600px; height: 600px"></iframe>'
    caller = call(f"{frame}<live-agent></live-agent>")
    caller.arrive()
    caller.button("Talk to us").wait_for()
    closed = caller.widget.evaluate(STYLED)
    assert closed[:2] == ["fixed", "56px"]
    caller.page.evaluate(
        "document.querySelector('#inner').contentDocument.body.append(document.querySelector('live-agent'))"
    )
    inner = caller.page.frame_locator("#inner")
    agent = inner.locator("live-agent")
    assert agent.evaluate(STYLED) == closed
    inner.get_by_role("button", name="Talk to us").click()
    inner.locator(".panel:visible").wait_for()
    assert agent.evaluate(STYLED)[2] == "column"
    inner.get_by_role("button", name="Settings").click()
    inner.locator(".over").wait_for()
    styled = agent.evaluate(STYLED)
    assert styled[2:] == ["column", "column"]
    caller.page.evaluate(
        "document.body.append(document.querySelector('#inner').contentDocument.querySelector('live-agent'))"
    )
    assert caller.widget.evaluate(STYLED) == styled
    caller.button("Back").click()
    caller.type_only()
    assert caller.page_errors == []


TOLD = "[...document.querySelector('live-agent').told]"
# What the session tells the model without having it answered.
LISTEN = """(agent) => {
  agent.told = [];
  const { sendContext } = agent.session;
  agent.session.sendContext = (text) => { agent.told.push(text); sendContext.call(agent.session, text); };
}"""


def test_agent_knows_the_context_of_the_page_from_the_start(call: Callable[..., Caller]) -> None:
    """Set before the widget has loaded; it is in what the emulator's agent recites."""
    caller = call(
        "<live-agent></live-agent><script>document.querySelector('live-agent').context = { cart: ['Sencha'] };</script>"
    )
    caller.arrive()
    caller.open_widget()
    caller.say("What is in my cart?")
    caller.reads('{"cart":["Sencha"]}')
    caller.widget.evaluate(LISTEN)
    caller.page.evaluate("document.querySelector('live-agent').context = { cart: ['Sencha', 'Mugicha'] }")
    caller.until("document.querySelector('live-agent').told.length")
    caller.say("And now?")
    caller.reads('{"cart":["Sencha","Mugicha"]}')
    assert caller.page_errors == []


def test_context_is_told_once_for_all_changes_and_is_bounded(call: Callable[..., Caller]) -> None:
    caller = call()
    caller.arrive()
    caller.open_widget()
    caller.widget.evaluate("(agent) => { agent.context = 'Early'; }")
    caller.widget.evaluate(LISTEN)
    caller.type_only()

    def change(*contexts: object) -> None:
        caller.page.evaluate(
            "(contexts) => { for (const context of contexts) document.querySelector('live-agent').context = context; }",
            list(contexts),
        )

    def told(last: str) -> list[str]:
        caller.until(f"document.querySelector('live-agent').told.at(-1)?.endsWith({json.dumps(last)})")
        return caller.page.evaluate(TOLD)

    assert len(told("Early")) == 1
    change(*({"page": page} for page in range(50)))
    assert len(told('{"page":49}')) == 2
    change({"page": 50}, {"page": 49})
    change("x" * 100_000)
    assert len(told("…")) == 3
    assert len(told("…")[-1]) < 4200
    change(None)
    assert len(told("no longer applies.")) == 4
    caller.page.evaluate(
        "() => { const round = {}; round.round = round; document.querySelector('live-agent').context = round; }"
    )
    caller.until_true(lambda: bool(caller.page_errors))
    assert "set a text, or plain objects" in caller.page_errors[0]
    caller.hang_up()
    change("Between conversations")
    caller.type_only()
    assert len(told("Between conversations")) == 5


CONSENT = '<live-agent consent{} consent-days="30"></live-agent>'


def ask_to_start(caller: Caller) -> None:
    """Press the button that starts a conversation."""
    caller.open_widget()
    caller.button("Start talking").click()


@pytest.mark.parametrize("text", ["", '="We record calls."'])
def test_consent_is_remembered_for_as_long_as_the_site_says(call: Callable[..., Caller], text: str) -> None:
    """In this browser; a reload asks nothing until the days are over."""
    caller = call(CONSENT.format(text))
    caller.arrive()
    assert caller.page.evaluate("localStorage.length") == 0
    ask_to_start(caller)
    caller.button("Agree and continue").click()
    caller.becomes("live")
    stored = json.loads(caller.page.evaluate("localStorage['live-agent-consent']"))
    caller.page.reload()
    ask_to_start(caller)
    caller.becomes("live")
    day = 86_400_000
    for at, text_then in (
        (stored["at"] - 31 * day, stored["text"]),
        (stored["at"] + day, stored["text"]),
        (stored["at"], "Other"),
    ):
        changed = json.dumps({"at": at, "text": text_then})
        caller.page.evaluate("(changed) => { localStorage['live-agent-consent'] = changed; }", changed)
        caller.page.reload()
        ask_to_start(caller)
        caller.button("Not now").click()
    caller.page.evaluate("() => { localStorage['live-agent-consent'] = '{'; }")
    caller.page.reload()
    ask_to_start(caller)
    caller.button("Agree and continue").wait_for()
    assert caller.page_errors == []


def test_consent_is_neither_remembered_nor_recalled_without_days(
    call: Callable[..., Caller],
) -> None:
    caller = call("<live-agent consent></live-agent>")
    caller.arrive()
    ask_to_start(caller)
    caller.button("Agree and continue").click()
    caller.becomes("live")
    assert caller.page.evaluate("localStorage.length") == 0
    stored = json.dumps({"at": 0, "text": 1})
    caller.page.evaluate(
        "(stored) => { localStorage['live-agent-consent'] = stored.replace('0', Date.now()); }", stored
    )
    caller.page.reload()
    ask_to_start(caller)
    caller.button("Agree and continue").wait_for()
