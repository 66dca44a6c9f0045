"""Conversations that are typed and read: silence, the loudspeaker, and answers with links and simple Markdown."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from browser.conftest import open_to
from browser.talking import ended_session

if TYPE_CHECKING:
    from collections.abc import Callable

    from browser.caller import Caller
    from browser.hosting import Site
    from programs import Program

NOTHING = {"tracks": 0, "sockets": 0, "contexts": 0}
ANSWER = """## Your *order*

It has **two parts**:

- a `lamp`, see [its page](https://shop.test/lamp "A lamp")
- [a stand](https://shop.test/stand), by mail to mailto:help@shop.test.

1. Open https://shop.test/orders/17.
2. Press [here](javascript:pwned()) or [bank.test](https://evil.test/)."""
ANSWERED = "heard.some(({ type, detail }) => type === 'transcript' && detail.side === 'agent' && detail.final)"
LOUDNESS = "document.querySelector('live-agent').session.volume"


def set_volume(caller: Caller, volume: float) -> None:
    """As the host does."""
    caller.widget.evaluate(
        "async (agent, volume) => { await agent.warm(); agent.session.volume = volume; }",
        volume,
    )


@pytest.fixture(name="writing", scope="module")
def _writing(
    start_emulator: Callable[..., Program],
    start_service: Callable[..., Program],
    site: Site,
    tmp_path_factory: pytest.TempPathFactory,
) -> Program:
    """A service whose answers have Markdown."""
    scenario = tmp_path_factory.mktemp("scenario") / "writing.json"
    turns = [{"when": "order", "say": ANSWER}, {"when": "long", "say": "A long story about the sea. " * 20}]
    scenario.write_text(json.dumps({"turn": turns}), encoding="utf-8")
    return start_service(open_to(site), start_emulator("--scenario", str(scenario)).url)


def test_text_only_conversation_opens_no_sound_and_no_microphone(
    call: Callable[..., Caller], emulator: Program
) -> None:
    """Its words are for reading, and its answers are shown."""
    caller = call('<live-agent input="text"></live-agent>')
    caller.arrive()
    caller.open_widget()
    caller.focuses("field")
    caller.say("Is anybody there?")
    caller.becomes("live")
    caller.reads('you typed "Is anybody there?"')
    caller.reads_status("Ready for your message")
    for name in ("Start talking", "Mute", "Sound off"):
        assert caller.button(name).count() == 0
    assert caller.page.evaluate("[opened.tracks.length, opened.contexts.length]") == [0, 0]
    caller.button("Settings").click()
    caller.page.get_by_role("combobox", name="Voice").wait_for()
    assert caller.page.get_by_label("Volume").count() == 0
    assert caller.page.get_by_label("Microphone").count() == 0
    caller.button("Back").click()
    caller.hang_up()
    assert ended_session(emulator)["counters"]["audio_chunks"] == 0
    assert caller.left_open == NOTHING
    assert caller.page_errors == []


def test_typed_conversation_is_silent_until_sound_is_wanted(call: Callable[..., Caller], writing: Program) -> None:
    """The toggle turns it on, and talking does too; the next spoken conversation is as loud as before."""
    caller = call(service=writing)
    caller.arrive()
    caller.open_widget()
    set_volume(caller, 0.5)
    caller.say("Tell me a long story")
    caller.becomes("live")
    caller.reads_status("Answering…")
    sound = caller.button("Sound off")
    assert sound.get_attribute("aria-pressed") == "true"
    assert caller.page.evaluate(LOUDNESS) == 0
    assert caller.page.evaluate("opened.tracks.length") == 0
    sound.press("Enter")
    assert sound.get_attribute("aria-pressed") == "false"
    assert caller.page.evaluate(LOUDNESS) == 0.5
    caller.reads_status("Speaking")
    sound.press("Space")
    caller.reads_status("Answering…")
    caller.button("Start talking").click()
    caller.button("Mute").wait_for()
    assert caller.page.evaluate(LOUDNESS) == 0.5
    sound.click()
    caller.hang_up()
    caller.button("New conversation").click()
    caller.becomes("live")
    assert caller.button("Sound off").get_attribute("aria-pressed") == "false"
    assert caller.page.evaluate(LOUDNESS) == 0.5
    caller.hang_up()
    assert caller.left_open == NOTHING


def test_volume_that_a_host_set_to_zero_stays(call: Callable[..., Caller]) -> None:
    """A spoken conversation does not turn it up, its button does."""
    caller = call()
    caller.arrive()
    caller.open_widget()
    set_volume(caller, 0)
    caller.talk()
    assert caller.button("Sound off").get_attribute("aria-pressed") == "true"
    caller.button("Sound off").click()
    assert caller.page.evaluate(LOUDNESS) == 1
    caller.button("Settings").click()
    caller.page.get_by_label("Volume").fill("0")
    caller.button("Back").click()
    caller.page.locator(".silence[aria-pressed=true]").wait_for()


def test_answers_have_links_and_simple_markdown(call: Callable[..., Caller], writing: Program) -> None:
    """As elements; whatever may do harm stays text. A screen reader hears no marks."""
    policy = f"default-src 'self'; script-src 'self' {writing.url}; connect-src *; img-src data:; "
    policy += "require-trusted-types-for 'script'; trusted-types 'none'"
    caller = call(
        '<live-agent input="text"></live-agent>', service=writing, headers={"Content-Security-Policy": policy}
    )
    caller.arrive()
    caller.open_widget()
    caller.say("Where is my order?")
    caller.until(ANSWERED)
    said = caller.page.locator(".agent .said")
    said.get_by_text("bank.test").wait_for()
    for name, texts in {
        "strong": ["Your order", "two parts"],
        "em": ["order"],
        "code": ["lamp"],
        "ul > li": 2,
        "ol > li": 2,
    }.items():
        found = said.locator(name)
        assert found.count() == texts if isinstance(texts, int) else found.all_text_contents() == texts
    links = said.locator("a").evaluate_all("all => all.map(({ href, target, rel }) => [href, target, rel])")
    away = ["_blank", "noopener noreferrer"]
    assert links == [
        ["https://shop.test/lamp", *away],
        ["https://shop.test/stand", *away],
        ["mailto:help@shop.test", *away],
        ["https://shop.test/orders/17", *away],
        ["https://evil.test/", *away],
    ]
    assert said.locator(".source-host").all_text_contents() == ["shop.test", "shop.test", "evil.test"]
    assert "[here](javascript:pwned())" in said.inner_text()
    announced = caller.page.locator("[aria-live=polite]").text_content() or ""
    assert "It has two parts:" in announced
    assert "**" not in announced
    assert caller.violations == []
    assert caller.page_errors == []


def test_link_keeps_the_focus_while_its_answer_goes_on(call: Callable[..., Caller], writing: Program) -> None:
    """What is drawn already is not drawn again."""
    caller = call('<live-agent input="text"></live-agent>', service=writing)
    caller.arrive()
    caller.open_widget()
    caller.say("Where is my order?")
    caller.page.locator(".said a").first.focus()
    caller.until(ANSWERED)
    caller.page.locator(".said").get_by_text("bank.test").wait_for()
    caller.focuses("source")


def test_plain_conversation_loads_no_markdown(call: Callable[..., Caller]) -> None:
    """Only an answer with marks does."""
    caller = call('<live-agent input="text"></live-agent>')
    asked: list[str] = []
    caller.page.on("request", lambda request: asked.append(request.url))
    caller.arrive()
    caller.open_widget()
    caller.say("Hello")
    caller.reads("you typed")
    assert any(address.endswith("/widget/view.js") for address in asked)
    assert not any(address.endswith("/widget/markdown.js") for address in asked)
