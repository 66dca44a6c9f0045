"""What a person can do beside talking: hang up while minimized, and choose a language; and what tools are called."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Locator

    from browser.caller import Caller

PHONE = {"viewport": {"width": 320, "height": 640}, "is_mobile": True, "has_touch": True}


def launcher(caller: Caller, name: str) -> Locator:
    """The button, once it has this name."""
    return caller.page.get_by_role("button", name=re.compile(name))


def test_minimized_conversation_says_what_is_on_and_can_be_ended_by_keyboard(call: Callable[..., Caller]) -> None:
    """That it is an AI, and whether the microphone is on; opened or ended, the sign is gone."""
    caller = call()
    caller.arrive()
    caller.open_widget()
    caller.talk()
    press = caller.page.keyboard.press
    press("Escape")
    caller.focuses("launcher")
    launcher(caller, "^Conversation in progress.*AI assistant, microphone on$").wait_for()
    caller.page.evaluate("document.querySelector('live-agent').mute()")
    launcher(caller, "microphone off$").wait_for()
    press("Enter")
    caller.page.locator(".panel:visible").wait_for()
    assert caller.page.locator(".hang-up:visible, .minimized:visible").count() == 0
    press("Escape")
    launcher(caller, "microphone off$").wait_for()
    caller.tab_to("hang-up")
    assert caller.page.locator(".hang-up").get_attribute("aria-label") == "End"
    press("Enter")
    caller.becomes("closed")
    caller.focuses("launcher")
    caller.button("Talk to us").wait_for()
    assert caller.page.locator(".hang-up:visible, .minimized:visible").count() == 0
    assert caller.left_open == {"tracks": 0, "sockets": 0, "contexts": 0}
    assert caller.page_errors == []


@pytest.mark.parametrize("language", ["en", "de", "ar", "hi"])
def test_minimized_conversation_fits_a_small_phone(call: Callable[..., Caller], language: str) -> None:
    """Nothing is cut off or outside of the screen, and what is pressed is large enough."""
    caller = call(f'<live-agent lang="{language}"></live-agent>', **PHONE)
    caller.arrive()
    caller.page.locator(".launcher").click()
    caller.page.locator(".start").click()
    caller.becomes("live")
    caller.page.locator(".collapse").click()
    caller.page.locator(".minimized:visible").wait_for()
    boxes = caller.page.locator(".launcher, .hang-up").evaluate_all(
        "all => all.map((one) => [one.getBoundingClientRect().toJSON(), one.scrollWidth <= one.clientWidth])"
    )
    assert len(boxes) == 2
    for box, whole in boxes:
        assert box["left"] >= 0
        assert box["right"] <= PHONE["viewport"]["width"]
        assert min(box["width"], box["height"]) >= 44
        assert whole


def test_chosen_language_applies_at_once_and_the_conversation_continues(call: Callable[..., Caller]) -> None:
    """By keyboard: the settings, the panel, its direction, and the button later."""
    caller = call('<live-agent languages="en, tr ar xx de-AT"></live-agent>')
    caller.arrive()
    caller.open_widget()
    caller.say("Is anybody there?")
    caller.reads("you typed")
    caller.button("Settings").click()
    menu = caller.page.get_by_role("combobox", name="Display language")
    menu.wait_for()
    assert menu.locator("option").all_text_contents() == ["English", "Türkçe", "العربية", "Österreichisches Deutsch"]
    assert menu.locator("option").evaluate_all("all => all.map(({ lang }) => lang)") == ["en", "tr", "ar", "de-AT"]
    menu.select_option("ar")
    arabic = caller.page.get_by_role("combobox", name="لغة العرض")
    arabic.wait_for()
    caller.focuses("choice")
    assert caller.page.locator(".frame").get_attribute("dir") == "rtl"
    caller.page.get_by_role("heading", name="الإعدادات").wait_for()
    arabic.select_option("tr")
    caller.button("Geri").click()
    caller.button("Bitir").wait_for()
    assert caller.page.locator(".frame").get_attribute("dir") == "ltr"
    assert caller.widget.evaluate("({ state, lang }) => [state, lang]") == ["live", "tr"]
    assert len(caller.transcript) == 2
    caller.button("Bitir").click()
    caller.button("Küçült").click()
    caller.button("Bizimle konuşun").wait_for()
    assert caller.page_errors == []


@pytest.mark.parametrize("languages", ["", "en", "en xx", "de de-AT", "?? -"])
def test_without_a_choice_there_is_no_menu(call: Callable[..., Caller], languages: str) -> None:
    """One language is none to choose from."""
    caller = call(f'<live-agent languages="{languages}"></live-agent>')
    caller.arrive()
    caller.open_widget()
    caller.button("Settings").click()
    caller.page.get_by_role("combobox", name="Voice").wait_for()
    assert caller.page.get_by_role("combobox", name="Display language").count() == 0
    assert caller.page_errors == []


def test_chosen_language_and_silence_are_kept_for_the_next_page(call: Callable[..., Caller]) -> None:
    """With the conversation, and only with it."""
    caller = call('<p><a href="">Next</a></p><live-agent keep="session" languages="en tr"></live-agent>')
    caller.arrive()
    caller.open_widget()
    caller.talk()
    caller.button("Sound off").click()
    caller.button("Settings").click()
    caller.page.get_by_role("combobox", name="Display language").select_option("tr")
    caller.button("Geri").click()
    with caller.page.expect_navigation():
        caller.page.get_by_role("link", name="Next").click()
    caller.page.get_by_role("button", name="Sesi kapat", pressed=True).wait_for()
    caller.becomes("live")
    caller.button("Bitir").click()
    caller.becomes("closed")
    assert caller.page.evaluate("sessionStorage.length") == 0


def test_name_of_a_tool_is_never_shown(call: Callable[..., Caller]) -> None:
    """A host may say what it is called, even during a conversation."""
    caller = call()
    caller.arrive()
    caller.page.evaluate(
        "document.querySelector('live-agent').handleTool('get_local_time', () => ({ time: 'half past nine' }))"
    )
    caller.open_widget()
    caller.say("Please get the local time")
    caller.reads("half past nine")
    assert caller.page.locator(".log .tool").count() == 0
    caller.widget.evaluate("(agent) => { agent.strings = { 'tool:get_local_time': 'the clock' }; }")
    caller.say("Please get the local time again")
    caller.reads("Used the clock")
