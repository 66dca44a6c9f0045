"""The page: signing in, its languages, and a conversation in its widget."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from browser import axe
from browser.caller import FOCUSED
from browser.conftest import ANOTHER, PASSWORD, USERNAME, open_to
from browser.talking import ended_session

if TYPE_CHECKING:
    from collections.abc import Callable

    from browser.hosting import Site
    from browser.visitor import Visitor
    from programs import Program

PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
NOTHING = {"tracks": 0, "sockets": 0, "contexts": 0}
# All that somebody who looks at the page, or uses the browser later, could find.
EXPOSED = """async () => {
  const found = navigation.entries().map((entry) => `${entry.url} ${JSON.stringify(entry.getState())}`);
  found.push(JSON.stringify([history.state, { ...localStorage }, { ...sessionStorage }, document.cookie, window.name]));
  found.push(JSON.stringify([await indexedDB.databases(), await caches.keys()]));
  const look = (root) => {
    for (const element of root.querySelectorAll('*')) {
      found.push(element.outerHTML, element.value);
      if (element.shadowRoot) look(element.shadowRoot);
    }
  };
  look(document);
  return found.join('\\n');
}"""


def test_guest_can_type_without_a_microphone(visit: Callable[..., Visitor], emulator: Program) -> None:
    """The answer is shown."""
    visitor = visit()
    visitor.arrive()
    visitor.continue_as_guest()
    visitor.type_only()
    visitor.say("Is anybody there?")
    visitor.reads('you typed "Is anybody there?"')
    assert visitor.transcript[0] == "Is anybody there?"
    assert 'you typed "Is anybody there?"' in visitor.transcript[1]
    visitor.hang_up()
    session = ended_session(emulator)
    assert session["counters"]["text_turns"] == 1
    assert session["counters"]["audio_chunks"] == 0
    assert (session["close"]["code"], session["closed_by"]) == (1000, "client")
    assert visitor.left_open == NOTHING
    assert visitor.page_errors == []


def test_token_is_in_no_address_storage_or_element(visit: Callable[..., Visitor]) -> None:
    """Nor is its lease, during a conversation."""
    visitor = visit()
    visitor.arrive()
    visitor.continue_as_guest()
    with visitor.page.expect_response("**/token") as answered:
        visitor.type_only()
    granted = answered.value.json()
    visitor.say("Is anybody there?")
    visitor.reads('you typed "Is anybody there?"')
    found = visitor.page.evaluate(EXPOSED)
    for place in (visitor.address, "Is anybody there?", "aria-label"):  # it looks everywhere
        assert place in found
    for secret in (granted["token"].removeprefix("auth_tokens/"), *granted["lease"].split(".")[1:]):
        assert secret not in found


def test_only_listed_sites_can_frame_the_pages(
    visit: Callable[..., Visitor], start_service: Callable[..., Program], emulator: Program, site: Site, stranger: Site
) -> None:
    """A page with a microphone could be clicked without being seen."""
    service = start_service(f'{open_to(site)}frame_ancestors = ["{site.url}"]', emulator.url, workers=1)
    for path, content in (("/", "#sign-in:visible"), ("/embed", "#examine")):
        frame = f'<iframe title="Theirs" src="{service.url}{path}"></iframe>'
        listed = visit(site.publish(frame), awaits="iframe")
        listed.arrive()
        listed.page.frame_locator("iframe").locator(content).wait_for()
        other = visit(stranger.publish(frame), awaits="iframe")
        with other.page.expect_console_message(lambda said: "frame-ancestors" in said.text):
            other.arrive()
        assert [framed.url for framed in listed.page.frames[1:]] == [service.url + path]
        assert [framed.url for framed in other.page.frames[1:]] == ["chrome-error://chromewebdata/"]


def test_choices_are_locked_into_the_token(visit: Callable[..., Visitor], emulator: Program) -> None:
    """The page sends no more than the model's name."""
    visitor = visit()
    visitor.arrive()
    visitor.continue_as_guest()
    visitor.button("Settings").click()
    visitor.page.get_by_role("combobox", name="Voice").select_option("Puck")
    visitor.button("Back").click()
    visitor.type_only()
    session = emulator.get("/emulator/sessions/last").json
    assert session["client_setup"] == {"model": "models/gemini-3.8-live"}
    voice = session["effective_setup"]["generationConfig"]["speechConfig"]["voiceConfig"]
    assert voice == {"prebuiltVoiceConfig": {"voiceName": "Puck"}}
    assert session["constrained"]


def test_typed_question_calls_a_tool_of_the_page(visit: Callable[..., Visitor]) -> None:
    """The page reports the visitor's local time, and shows that the tool was used."""
    visitor = visit(timezone_id="Europe/Berlin")
    visitor.arrive()
    visitor.continue_as_guest()
    visitor.type_only()
    visitor.say("Please get the local time")
    visitor.reads("Europe/Berlin")
    assert visitor.transcript[1] == "Used the clock"


def test_signing_in_opens_more_profiles(visit: Callable[..., Visitor], emulator: Program) -> None:
    """An account may use what guests may not."""
    visitor = visit()
    visitor.arrive()
    visitor.sign_in(USERNAME, PASSWORD)
    visitor.button("Start talking").wait_for()
    choice = visitor.page.get_by_role("combobox", name="Conversation")
    assert choice.locator("option").all_inner_texts() == ["default", "short"]
    assert visitor.page.locator("#who").inner_text() == USERNAME
    choice.select_option("short")
    visitor.page.get_by_text("Ten seconds, for those in a hurry").wait_for()
    with visitor.page.expect_request("**/token") as asked:
        visitor.talk()
    assert asked.value.post_data_json == {"profile": "short", "options": {}}
    assert choice.is_disabled(), "it belongs to the conversation"
    visitor.hang_up()
    visitor.button("Sign out").click()
    assert visitor.widget.count() == 0, "nobody else sees what was said"
    visitor.button("Sign in").wait_for()
    assert emulator.get("/emulator/sessions/last").json["counters"]["audio_chunks"] > 0
    assert visitor.page_errors == []


def test_wrong_password_is_explained(visit: Callable[..., Visitor]) -> None:
    """The service's message is shown, and the form stays."""
    visitor = visit()
    visitor.arrive()
    visitor.sign_in(USERNAME, "no idea")
    assert visitor.error.endswith(".")
    assert "password" in visitor.error
    assert visitor.page.evaluate("document.activeElement.id") == "password"
    visitor.sign_in(USERNAME, PASSWORD)
    visitor.button("Start talking").wait_for()


def test_returning_visitor_is_signed_in(visit: Callable[..., Visitor]) -> None:
    """The credential is in memory only; a cookie that scripts cannot read signs in."""
    visitor = visit()
    visitor.arrive()
    visitor.sign_in(USERNAME, PASSWORD)
    visitor.talk()
    stored = "[{...localStorage}, sessionStorage.length, document.cookie]"
    assert visitor.page.evaluate(stored) == [{"tokensvc-signed-in": "yes"}, 0, ""]
    visitor.page.reload()
    visitor.button("Start talking").wait_for()
    assert visitor.page.locator("#who").inner_text() == USERNAME
    visitor.talk()
    visitor.button("Sign out").click()
    visitor.page.wait_for_selector("#sign-in:visible")
    visitor.until("localStorage.length === 0")  # the service has been told
    visitor.page.reload()
    visitor.page.wait_for_selector("#sign-in:visible")
    assert visitor.left_open == NOTHING
    assert visitor.page_errors == []


def test_login_ended_elsewhere_is_no_error(visit: Callable[..., Visitor]) -> None:
    """The visitor simply has to sign in."""
    visitor = visit()
    visitor.arrive()
    visitor.sign_in(USERNAME, PASSWORD)
    visitor.button("Start talking").wait_for()
    visitor.page.context.clear_cookies()
    visitor.page.reload()
    visitor.page.wait_for_selector("#sign-in:visible")
    assert visitor.page.locator("#sign-in-error").inner_text() == ""
    assert visitor.page.evaluate("localStorage.length") == 0
    visitor.sign_in(USERNAME, PASSWORD)
    visitor.button("Start talking").wait_for()


def test_keyboard_goes_from_the_form_through_the_widget(visit: Callable[..., Visitor]) -> None:
    """After signing in, the focus is on the button that starts."""
    visitor = visit()
    visitor.arrive()
    visitor.until("document.activeElement.id === 'username'")
    press = visitor.page.keyboard.press
    visitor.page.keyboard.type(ANOTHER)
    press("Tab")
    visitor.page.keyboard.type(PASSWORD)
    press("Enter")
    visitor.until(f"{FOCUSED} === 'start'")
    press("Enter")
    visitor.becomes("live")
    press("Enter")
    visitor.becomes("closed")
    visitor.until(f"{FOCUSED} === 'start'")
    for place in (
        "field",
        "settings",
        "select",
        "select",
        "button",
    ):  # back to the profile, the language and the account
        for _ in range(5):
            press("Shift+Tab")
            if visitor.page.evaluate(FOCUSED) == place:
                break
        assert visitor.page.evaluate(FOCUSED) == place


@pytest.mark.parametrize("screen", [{}, PHONE], ids=["wide", "phone"])
def test_every_view_is_accessible_in_either_scheme(visit: Callable[..., Visitor], screen: dict[str, object]) -> None:
    """The widget has tests of its own; the policy has nothing to block."""
    visitor = visit(**screen)
    visitor.arrive()
    check_view(visitor)
    visitor.sign_in(ANOTHER, "no idea")
    visitor.page.locator("#sign-in-error:visible").wait_for()
    check_view(visitor)
    visitor.sign_in(ANOTHER, PASSWORD)
    visitor.button("Start talking").wait_for()
    check_view(visitor)
    visitor.talk()
    visitor.button("Camera").click()
    visitor.sees_video("preview.videoWidth > 0")
    check_view(visitor)
    visitor.hang_up()
    check_view(visitor)
    assert visitor.violations == []


def check_view(visitor: Visitor) -> None:
    assert axe.faults_in_either_scheme(visitor.page) == []
    small = """[...document.querySelectorAll('button, input, select')]
      .filter((element) => element.checkVisibility())
      .filter((element) => Math.min(element.offsetWidth, element.offsetHeight) < 44)
      .map((element) => element.outerHTML)"""
    assert visitor.page.evaluate(small) == []
    assert visitor.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_header_is_one_row_on_a_small_phone_in_each_language(visit: Callable[..., Visitor]) -> None:
    visitor = visit(**{**PHONE, "viewport": {"width": 320, "height": 568}})
    visitor.arrive()
    visitor.continue_as_guest()
    languages = visitor.page.locator("#language option").evaluate_all("(options) => options.map(({ value }) => value)")
    assert len(languages) == 12
    for language in languages:
        visitor.page.locator("#language").select_option(language)
        visitor.until(f"document.documentElement.lang === '{language}'")
        header = visitor.page.locator("body > header")
        tops = header.evaluate("(row) => [...row.children].map((part) => part.offsetTop + part.offsetHeight / 2)")
        assert max(tops) - min(tops) < 5, language
        assert visitor.page.evaluate("document.documentElement.scrollWidth") == 320, language
        assert visitor.page.locator("#leave").evaluate("({ scrollWidth, clientWidth }) => scrollWidth <= clientWidth")


def test_page_and_widget_speak_the_visitors_language(visit: Callable[..., Visitor]) -> None:
    """The first of the browser's languages that there is, or the one that was chosen, also at the next visit."""
    visitor = visit(locale="de-AT")
    visitor.arrive()
    assert visitor.page.title() == "Mit Gemini sprechen"
    visitor.page.get_by_label("Benutzername").fill(USERNAME)
    visitor.page.get_by_label("Passwort").fill("weiß ich nicht")
    visitor.button("Anmelden").click()
    assert visitor.error.startswith("Benutzername und Passwort passen nicht zusammen.")
    visitor.page.get_by_label("Sprache").select_option("ar")
    visitor.page.get_by_role("alert").filter(has_text="اسم المستخدم وكلمة المرور غير متطابقين.").wait_for()
    assert visitor.page.evaluate("getComputedStyle(document.body).direction") == "rtl"
    visitor.button("المتابعة كضيف").click()
    visitor.button("بدء المحادثة").wait_for()
    visitor.page.get_by_label("اللغة").select_option("tr")
    visitor.page.locator(".start", has_text="Konuşmaya başla").wait_for()
    visitor.page.reload()
    visitor.button("Misafir olarak devam et").wait_for()
    assert visitor.page_errors == ["Failed to load resource: the server responded with a status of 401 (UNAUTHORIZED)"]
