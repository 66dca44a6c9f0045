"""The page for embedding the widget: the form, the code to copy, and the doctor."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from browser import axe
from browser.caller import Caller
from browser.talking import ended_session

if TYPE_CHECKING:
    from collections.abc import Callable

    from browser.hosting import Site
    from browser.visitor import Visitor
    from programs import Program

PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}


@pytest.fixture(name="open_page")
def _open_page(visit: Callable[..., Visitor], embedded: Program) -> Callable[..., Caller]:
    """Opens the page; options are Playwright's."""

    def open_page(**options: object) -> Caller:
        caller = visit(f"{embedded.url}/embed", awaits="#examine", kind=Caller, **options)
        caller.arrive()
        caller.page.locator("live-agent").wait_for(state="attached")
        return caller

    return open_page


def line(caller: Caller, name: str) -> str:
    """The text to copy."""
    return caller.page.locator(f"#{name}").input_value()


def test_each_attribute_changes_the_preview_and_the_snippet(
    open_page: Callable[..., Caller], embedded: Program
) -> None:
    """Both follow at once."""
    caller = open_page()
    script = f'<script type="module" src="{embedded.url}/widget.js"></script>\n'
    assert line(caller, "snippet") == f"{script}<live-agent></live-agent>"
    caller.page.get_by_label("Language lang").select_option("tr")
    caller.button("Bizimle konuşun").wait_for()
    caller.page.get_by_label("Mode").select_option("inline")
    caller.page.get_by_label("Consent", exact=False).first.check()
    caller.page.get_by_label("your text").fill('Yes & "no"')
    caller.page.get_by_label("Rating").check()
    assert line(caller, "snippet") == (
        f'{script}<live-agent mode="inline" lang="tr" consent="Yes &amp; &quot;no&quot;" rating></live-agent>'
    )
    assert caller.page.locator("#place live-agent").evaluate("({ consent }) => consent") == ('Yes & "no"')
    caller.page.get_by_role("group", name="Language menu").get_by_label("Turkish").check()
    caller.page.get_by_role("group", name="Language menu").get_by_label("Arabic").check()
    assert caller.widget.evaluate("({ languages }) => languages") == "tr ar"
    assert 'lang="tr" languages="tr ar" consent=' in line(caller, "snippet")
    caller.page.locator("[name=title]").fill("Orders & <more>")
    caller.page.locator("[slot=title]", has_text="Orders & <more>").wait_for(state="attached")
    assert line(caller, "snippet").endswith(' rating><span slot="title">Orders &amp; &lt;more></span></live-agent>')
    assert caller.violations == []
    assert caller.page_errors == []


def test_preview_holds_a_real_conversation(open_page: Callable[..., Caller], emulator: Program) -> None:
    """Under the service's own policy."""
    caller = open_page()
    caller.open_widget()
    caller.type_only()
    caller.reads("you typed")
    caller.hang_up()
    assert ended_session(emulator)["counters"]["text_turns"] == 1
    assert caller.violations == []


def test_changing_the_design_does_not_end_a_conversation(open_page: Callable[..., Caller]) -> None:
    """Colors, language, mode and profile change around it."""
    caller = open_page()
    caller.open_widget()
    caller.say("Is anybody there?")
    caller.reads('you typed "Is anybody there?"')
    caller.page.locator(".flag", has_text="Accent color").get_by_role("checkbox").check()
    caller.page.get_by_label("Accent color: your color").fill("#ffd400")
    caller.page.get_by_label("Profile").fill("short")
    caller.page.get_by_label("Mode").select_option("inline")
    caller.page.get_by_label("Language lang").select_option("de")
    caller.button("Beenden").wait_for()
    assert (
        line(caller, "styles") == "live-agent {\n  --live-agent-accent: #ffd400;\n  --live-agent-on-accent: #000000;\n}"
    )
    color = "(agent) => getComputedStyle(agent).getPropertyValue('--live-agent-accent')"
    assert caller.widget.evaluate(color) == "#ffd400"
    assert caller.widget.evaluate("({ state, profile }) => [state, profile]") == ["live", "short"]
    assert len(caller.transcript) == 2
    assert caller.violations == []


def test_guests_profiles_are_offered(open_page: Callable[..., Caller]) -> None:
    """As the service lists them."""
    offered = open_page().page.locator("#profiles option")
    offered.first.wait_for(state="attached")
    assert offered.evaluate_all("all => all.map(({ value }) => value)") == ["default"]


def test_snippet_is_written_for_each_kind_of_site(open_page: Callable[..., Caller], embedded: Program) -> None:
    """React has flags and a module of its package; the classic script has attributes with data-."""
    caller = open_page()
    caller.page.get_by_label("Push to talk").check()
    caller.page.get_by_label("Consent", exact=False).first.check()
    caller.page.get_by_label("Kind of site").select_option("react")
    assert line(caller, "snippet") == (
        'import { LiveAgent } from "tokensvc-live/widget";\n\n'
        f'LiveAgent.defaultService = "{embedded.url}/";\n\n'
        'export const Assistant = () => (\n  <live-agent push-to-talk consent=""></live-agent>\n);'
    )
    caller.page.get_by_label("Kind of site").select_option("loader")
    assert line(caller, "snippet") == (
        f'<script async src="{embedded.url}/widget-loader.js" data-push-to-talk data-consent=""></script>'
    )
    caller.page.locator("[name=title]").fill("Orders")
    caller.page.get_by_text("The classic script cannot set the title").wait_for()


def test_headless_is_drawn_by_the_page(open_page: Callable[..., Caller]) -> None:
    """With the widget's methods and events, as an example."""
    caller = open_page()
    caller.page.get_by_label("Mode").select_option("headless")
    caller.button("Talk").click()
    caller.page.get_by_text("live", exact=True).wait_for()
    caller.button("Stop").click()
    caller.page.get_by_text("closed", exact=True).wait_for()
    assert caller.left_open == {"tracks": 0, "sockets": 0, "contexts": 0}


def test_form_covers_every_attribute(open_page: Callable[..., Caller]) -> None:
    """All that the element reads, except its service."""
    caller = open_page()
    reflected = caller.widget.evaluate("(agent) => Object.keys(Object.getPrototypeOf(agent))")
    read = {re.sub(r"[A-Z]", lambda capital: f"-{capital[0].lower()}", name) for name in reflected}
    names = caller.page.locator("#form code").all_text_contents()
    assert read <= set(names)
    assert {"profile", "push-to-talk"} <= read
    assert len(names) == len(set(names))


def test_copied_snippet_and_policy_work_on_another_site(
    open_page: Callable[..., Caller], visit: Callable[..., Visitor], site: Site
) -> None:
    """Pasted as they are."""
    caller = open_page(permissions=["clipboard-read", "clipboard-write", "microphone"])
    copied = {}
    for name, button in {"snippet": "Copy the snippet", "policy": "Copy the policy"}.items():
        caller.button(button).click()
        caller.page.locator("#copied", has_text="Copied.").wait_for()
        copied[name] = caller.page.evaluate("navigator.clipboard.readText()")
        assert copied[name] == line(caller, name)
    shop = '<!doctype html><html lang="en"><title>Shop</title><main><p>Shop</p>%s</main>'
    policy = f"default-src 'self'; {copied['policy']}"
    address = site.publish(shop % copied["snippet"], headers={"Content-Security-Policy": policy}, whole=True)
    customer = visit(address, awaits="main", kind=Caller)
    customer.arrive()
    customer.open_widget()
    customer.talk()
    customer.hang_up()
    assert customer.violations == []


def test_only_origins_that_the_service_accepts_are_written(
    open_page: Callable[..., Caller],
) -> None:
    """What would fail at start is rejected here."""
    caller = open_page()
    field = caller.page.get_by_label("Origin of your site")
    field.fill("https://Shop.example:8443/")
    assert line(caller, "allowed") == '[http]\norigins = ["https://shop.example:8443"]'
    for wrong in (
        "shop.example",
        "http://shop.example",
        "https://shop.example/path",
        "https://*.a",
    ):
        field.fill(wrong)
        assert caller.error.startswith("Enter an origin such as https://www.example.com")
        assert field.get_attribute("aria-invalid") == "true"
        assert "8443" in line(caller, "allowed")
    field.fill("http://localhost:3000")
    assert line(caller, "allowed") == '[http]\norigins = ["http://localhost:3000"]'
    assert caller.page.locator("[role=alert]:visible").count() == 0


def test_without_clipboard_access_the_text_is_selected(open_page: Callable[..., Caller]) -> None:
    """The page says so."""
    caller = open_page()
    caller.page.evaluate("delete Navigator.prototype.clipboard")
    caller.button("Copy the policy").click()
    caller.page.locator("#copied", has_text="Selected").wait_for()
    assert caller.page.evaluate("getSelection().toString()") == line(caller, "policy")


def test_doctor_works_by_keyboard(open_page: Callable[..., Caller]) -> None:
    """The focus returns to its button."""
    caller = open_page()
    press = caller.page.keyboard.press
    for _ in range(60):
        press("Tab")
        if caller.page.evaluate("document.activeElement.id") == "examine":
            break
    press("Enter")
    caller.page.locator("#diagnosis", has_text="No problems").wait_for()
    caller.until("document.activeElement.id === 'examine'")
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert caller.page.evaluate(outline) != "none"
    press("Tab")
    press("Enter")  # the summary
    assert "embed/doctor.js" in caller.page.get_by_label("Paste this into the browser").input_value()


@pytest.mark.parametrize("screen", [{}, PHONE], ids=["wide", "phone"])
def test_axe_finds_nothing_on_any_screen_in_either_scheme(
    open_page: Callable[..., Caller], screen: dict[str, object]
) -> None:
    """Before and after the doctor ran; nothing is wider than the screen."""
    caller = open_page(**screen)
    assert axe.faults_in_either_scheme(caller.page) == []
    caller.page.locator("summary").click()
    caller.button("Run checks").click()
    caller.page.locator("#diagnosis", has_text="No problems").wait_for()
    caller.page.get_by_label("Origin of your site").fill("shop")
    assert axe.faults_in_either_scheme(caller.page) == []
    assert caller.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    small = """[...document.querySelectorAll('button, input, select, textarea, summary')]
      .filter((control) => control.checkVisibility())
      .map((control) => control.closest('label.flag') ?? control)
      .filter((target) => Math.min(target.offsetWidth, target.offsetHeight) < 44)
      .map((target) => target.outerHTML)"""
    assert caller.page.evaluate(small) == []
