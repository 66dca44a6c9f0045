"""The page: signing in, typing, keyboard, contrast and announcements."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from browser.conftest import ANOTHER, PASSWORD, USERNAME

if TYPE_CHECKING:
    from collections.abc import Callable

    from browser.visitor import Visitor
    from programs import Program

PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
NOTHING = {"tracks": 0, "sockets": 0, "contexts": 0}

# The contrast of every visible text with its background (WCAG 2.2, 1.4.3).
POOR_CONTRASTS = """async () => {
  // Skips colors that are in transition.
  await Promise.all(document.getAnimations()
    .filter((animation) => animation instanceof CSSTransition).map(({ finished }) => finished));
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => numbers(colour).slice(0, 3)
    .map((part) => part / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, i) => sum + part * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const { backgroundColor, backgroundImage } = getComputedStyle(at);
      if (backgroundImage !== 'none') return backgroundImage.match(/rgba?\\([^)]*\\)/g);
      if ((numbers(backgroundColor)[3] ?? 1) > 0) return [backgroundColor];
    }
    return ['rgb(255, 255, 255)'];
  };
  const poor = [];
  for (const element of document.querySelectorAll('body *')) {
    const says = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!says || !element.checkVisibility() || element.matches('.unseen, option')) continue;
    const { color } = getComputedStyle(element);
    for (const ground of behind(element)) {
      const [high, low] = [light(color), light(ground)].sort((a, b) => b - a);
      const ratio = (high + 0.05) / (low + 0.05);
      if (ratio < 4.5) poor.push(`${element.textContent}: ${color} on ${ground} is ${ratio}`);
    }
  }
  return poor;
}"""


def test_guest_can_type_without_a_microphone(
    visit: Callable[..., Visitor], emulator: Program
) -> None:
    """The answer is shown."""
    visitor = visit()
    visitor.arrive()
    visitor.continue_as_guest()
    visitor.type_only()
    visitor.say("Is anybody there?")
    visitor.reads("you typed")
    assert visitor.transcript[0] == "Is anybody there?"
    assert 'you typed "Is anybody there?"' in visitor.transcript[1]
    visitor.hang_up()
    session = emulator.get("/emulator/sessions/last").json
    assert session["counters"]["text_turns"] == 1
    assert session["counters"]["audio_chunks"] == 0
    assert (session["close"]["code"], session["closed_by"]) == (1000, "client")
    assert visitor.left_open == NOTHING
    assert visitor.page_errors == []


def test_choices_are_locked_into_the_token(
    visit: Callable[..., Visitor], emulator: Program
) -> None:
    """The page sends no more than the model's name."""
    visitor = visit()
    visitor.arrive()
    visitor.continue_as_guest()
    visitor.page.get_by_label("Voice").select_option("Puck")
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
    assert visitor.transcript[1] == "Used get_local_time"


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
    visitor.talk()
    visitor.page.get_by_text("This conversation ends in").wait_for()
    visitor.hang_up()
    visitor.button("Sign out").click()
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


def test_everything_works_by_keyboard(visit: Callable[..., Visitor]) -> None:
    """The focus is always visible."""
    visitor = visit()
    visitor.arrive()
    press = visitor.page.keyboard.press
    focused = "document.activeElement.id || document.activeElement.ariaLabel"

    def go_to(name: str) -> None:
        for _ in range(20):
            if visitor.page.evaluate(focused) == name:
                break
            press("Tab")
        assert visitor.page.evaluate(focused) == name
        outline = "getComputedStyle(document.activeElement).outlineStyle"
        assert visitor.page.evaluate(outline) != "none"

    go_to("username")
    visitor.page.keyboard.type(ANOTHER)
    press("Tab")
    visitor.page.keyboard.type(PASSWORD)
    press("Enter")
    visitor.button("Start talking").wait_for()
    go_to("talk")
    press("Enter")
    visitor.becomes("live")
    go_to("mute")
    press("Space")
    visitor.page.get_by_text("Muted").wait_for()
    go_to("text")
    visitor.page.keyboard.type("Hello")
    press("Shift+Enter")
    visitor.page.keyboard.type("there")
    press("Enter")
    visitor.reads("you typed")
    assert visitor.transcript[0] == "Hello\nthere"
    go_to("log")
    for _ in range(20):
        press("Shift+Tab")
        if visitor.page.evaluate(focused) == "talk":
            break
    press("Enter")
    visitor.becomes("closed")
    assert visitor.page.evaluate(focused) == "talk"


def test_enter_that_ends_a_composition_sends_nothing_from_the_page(
    visit: Callable[..., Visitor],
) -> None:
    """An input method confirms each word with Enter."""
    visitor = visit()
    visitor.arrive()
    visitor.continue_as_guest()
    visitor.type_only()
    field = visitor.page.get_by_label("Message")
    field.fill("日本")
    field.dispatch_event("keydown", {"key": "Enter", "isComposing": True, "bubbles": True})
    assert field.input_value() == "日本"
    assert visitor.transcript == []
    field.press("Enter")
    visitor.reads("日本")
    assert field.input_value() == ""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", [{}, PHONE], ids=["wide", "phone"])
def test_contrast_and_target_sizes_hold_on_any_screen_in_either_scheme(
    visit: Callable[..., Visitor], scheme: str, screen: dict[str, object]
) -> None:
    """The policy has nothing to block."""
    visitor = visit(color_scheme=scheme, **screen)
    visitor.arrive()
    check_view(visitor)
    visitor.continue_as_guest()
    check_view(visitor)
    visitor.talk()
    visitor.say("Please get the local time")
    visitor.reads("Used get_local_time")
    visitor.button("Camera").click()
    visitor.page.wait_for_selector("#preview:visible")
    check_view(visitor)
    visitor.hang_up()
    check_view(visitor)
    ground = visitor.page.evaluate("getComputedStyle(document.body).backgroundColor")
    red = int(ground.removeprefix("rgb(").split(",")[0])
    assert (red > 128) == (scheme == "light")
    assert visitor.violations == []
    assert visitor.page_errors == []


def check_view(visitor: Visitor) -> None:
    assert visitor.page.evaluate(POOR_CONTRASTS) == []
    small = """[...document.querySelectorAll('button, input, select, textarea')]
      .filter((element) => element.checkVisibility())
      .filter((element) => Math.min(element.offsetWidth, element.offsetHeight) < 44)
      .map((element) => element.outerHTML)"""
    assert visitor.page.evaluate(small) == []
    assert visitor.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_page_respects_reduced_motion(visit: Callable[..., Visitor]) -> None:
    """Nothing moves."""
    visitor = visit(reduced_motion="reduce")
    visitor.arrive()
    visitor.continue_as_guest()
    visitor.talk()
    visitor.say("Say something that can be heard for a while")
    visitor.page.get_by_text("Speaking").wait_for()
    moving = "getComputedStyle(document.querySelector('.orb'), '::before').transform"
    assert visitor.page.evaluate(moving) == "matrix(1.08, 0, 0, 1.08, 0, 0)"
    assert visitor.page.evaluate("document.getAnimations().length") == 0


def test_page_announces_only_final_utterances(visit: Callable[..., Visitor]) -> None:
    """A screen reader reads each turn once, not every fragment."""
    visitor = visit()
    visitor.arrive()
    visitor.continue_as_guest()
    visitor.page.evaluate(
        """() => {
          globalThis.announced = [];
          const said = document.getElementById('said');
          const announce = () => announced.push(said.textContent);
          new MutationObserver(announce).observe(said, { childList: true });
        }"""
    )
    visitor.type_only()
    visitor.say("Hello")
    visitor.reads("you typed")
    answer = visitor.transcript[1]
    assert [line for line in visitor.page.evaluate("announced") if line] == [f"Gemini: {answer}"]
    live = visitor.page.locator("[aria-live=polite], [role=status]")
    assert live.evaluate_all("all => all.map(({ id }) => id)") == ["status", "notice", "said"]
