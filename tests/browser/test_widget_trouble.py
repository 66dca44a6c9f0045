"""Errors in the widget: one message and one button for each, and a calm notice in between."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from browser.conftest import open_to
from browser.flags import ALLOWED, FAKE_DEVICES
from programs import operate

if TYPE_CHECKING:
    from collections.abc import Callable

    from browser.caller import Caller
    from browser.hosting import Site
    from programs import Program

NOTHING = {"tracks": 0, "sockets": 0, "contexts": 0}
SCENARIO = """
[[turn]]
when = "spend"
steps = [ { close = { code = 1011, reason = "You exceeded your current quota" } } ]
[[turn]]
when = "from abroad"
steps = [ { close = { code = 1007, reason = "User location is not supported" } } ]
[[turn]]
when = "stumble"
steps = [ { close = { code = 1011, reason = "Internal error encountered." } } ]
[[turn]]
when = "forget"
steps = [ { close = { code = 1008, reason = "BidiGenerateContent session not found" } } ]
"""


@pytest.fixture(name="moody", scope="module")
def _moody(start_emulator: Callable[..., Program], tmp_path_factory: pytest.TempPathFactory) -> Program:
    """An emulator that closes the connection on request."""
    scenario = tmp_path_factory.mktemp("scenario") / "moody.toml"
    scenario.write_text(SCENARIO, encoding="utf-8")
    return start_emulator("--scenario", str(scenario))


@pytest.fixture(name="shaky", scope="module")
def _shaky(start_service: Callable[..., Program], moody: Program, site: Site) -> Program:
    """The service connected to it."""
    return start_service(open_to(site), moody.url)


@pytest.mark.parametrize(
    ("words", "code", "sentence", "way"),
    [
        ("spend it all", "quota-exhausted", "This site has reached its limit", "OK"),
        ("call from abroad", "location-unsupported", "The voice service is not available", "OK"),
    ],
)
def test_widget_explains_a_close_by_the_voice_service(
    call: Callable[..., Caller],
    shaky: Program,
    *,
    words: str,
    code: str,
    sentence: str,
    way: str,
) -> None:
    """The transcript stays, the host is told, and one press starts again."""
    caller = call(service=shaky)
    caller.arrive()
    caller.open_widget()
    caller.type_only()
    caller.say(words)
    assert caller.error.startswith(sentence)
    assert [error["code"] for error in caller.errors()] == [code]
    assert f"You: {words}" in caller.transcript
    assert caller.left_open == NOTHING
    caller.button(way).click()
    caller.focuses("start")
    assert not caller.page.locator("[role=alert]:visible").count()
    caller.button("New conversation").click()
    caller.becomes("live")


@pytest.mark.parametrize(
    ("flags", "markup", "sentence", "way"),
    [
        (ALLOWED, "", "No microphone was found.", "Type instead"),
        (FAKE_DEVICES, 'input="voice"', "Microphone access was denied.", "Try again"),
    ],
)
def test_missing_microphone_offers_typing(
    call: Callable[..., Caller], flags: list[str], markup: str, sentence: str, way: str
) -> None:
    """Unless the host allows only voice."""
    caller = call(f"<live-agent {markup}></live-agent>", flags=flags)
    caller.arrive()
    caller.open_widget()
    caller.button("Start talking").click()
    assert caller.error.startswith(sentence)
    assert caller.button(way).is_visible()
    assert caller.left_open == NOTHING


def test_refused_guest_is_asked_to_sign_in(
    call: Callable[..., Caller],
    start_service: Callable[..., Program],
    emulator: Program,
    site: Site,
) -> None:
    """If the site signs anybody in; what was typed is kept for the next attempt."""
    members = open_to(site).replace('allow = ["user", "guest"]', 'allow = ["user"]')
    caller = call(service=start_service(members, emulator.url))
    caller.arrive()
    caller.page.evaluate("document.querySelector('live-agent').getCredential = () => null")
    caller.open_widget()
    caller.say("Hello?")
    assert caller.error.startswith("You are signed out.")
    assert caller.button("Try again").is_visible()
    assert caller.page.get_by_label("Message").input_value() == "Hello?"
    assert caller.left_open == NOTHING


def test_rate_limit_says_when_to_try_again(
    call: Callable[..., Caller],
    start_service: Callable[..., Program],
    emulator: Program,
    site: Site,
) -> None:
    """By the Retry-After header."""
    seldom = open_to(site).replace('guest = ["1000/minute"]', 'guest = ["1/hour"]')
    caller = call(service=start_service(seldom, emulator.url))
    caller.arrive()
    caller.open_widget()
    caller.type_only()
    caller.hang_up()
    caller.say("Hello again")
    assert caller.error.startswith("Too many attempts in a short time.")
    assert "You can try again in " in caller.error
    assert [error["code"] for error in caller.errors()] == ["rate-limited"]


def test_blocked_visitor_is_not_offered_a_retry(
    call: Callable[..., Caller],
    start_service: Callable[..., Program],
    emulator: Program,
    site: Site,
) -> None:
    """Trying again would not help."""
    service = start_service(open_to(site), emulator.url)
    operate(service, "block", "guests")
    caller = call('<live-agent lang="de"></live-agent>', service=service)
    caller.arrive()
    caller.page.locator(".launcher").click()
    caller.page.locator(".start").click()
    caller.page.get_by_role("button", name="OK", exact=True).wait_for()
    assert [error["code"] for error in caller.errors()] == ["blocked"]


def test_failed_start_works_once_the_network_is_back(call: Callable[..., Caller]) -> None:
    """The error offers to try again."""
    caller = call()
    caller.arrive()
    caller.open_widget()
    caller.page.context.set_offline(offline=True)
    caller.button("Start talking").click()
    assert caller.error.startswith("The connection was lost.")
    assert caller.left_open == NOTHING
    caller.page.context.set_offline(offline=False)
    caller.button("Try again").click()
    caller.becomes("live")


def test_widget_that_fails_to_load_says_so_on_its_button(call: Callable[..., Caller]) -> None:
    """Nothing else is loaded yet."""
    caller = call()
    caller.arrive()
    caller.button("Talk to us").wait_for()
    caller.page.context.set_offline(offline=True)
    caller.button("Talk to us").dispatch_event("click")
    caller.button("Could not load. Please reload the page").wait_for()
    assert [error["code"] for error in caller.errors()] == ["page-incomplete"]


def test_reconnecting_shows_a_notice_and_keeps_typed_text(
    call: Callable[..., Caller], shaky: Program, moody: Program
) -> None:
    """A notice, not an error; the context is kept."""
    caller = call(service=shaky)
    caller.arrive()
    caller.open_widget()
    caller.type_only()
    caller.reads("you typed")
    held: list[object] = []
    caller.page.route("**/token", lambda route: held.append(route))  # noqa: PLW0108 - Playwright marks it
    caller.say("Please stumble")
    caller.page.get_by_text("Reconnecting. Please go on").wait_for()
    caller.reads_status("Reconnecting…")
    assert not caller.page.locator("[role=alert]:visible").count()
    caller.say("Still there?")
    for route in held:
        route.continue_()
    caller.page.unroute("**/token")
    caller.reads('you typed "Still there?"')
    assert caller.page.locator(".notice:visible").count() == 0
    assert moody.get("/emulator/sessions/last").json["resumed"] is True
    caller.hang_up()
    assert caller.page_errors == []


def test_lost_session_is_rebuilt_and_the_person_is_told(call: Callable[..., Caller], shaky: Program) -> None:
    """The next session knows what was said."""
    caller = call(service=shaky)
    lose_session(caller)
    caller.page.get_by_text("We lost the connection. I caught up from what was said.").wait_for()
    caller.reads('you typed "Hello"; you typed "Please forget me"')
    (rebuilt,) = caller.heard("rebuilt")
    assert rebuilt["turns"] == 3
    assert caller.heard("resumed") == []
    assert not caller.page.locator("[role=alert]:visible").count()


def test_lost_context_is_reported_and_the_conversation_continues(
    call: Callable[..., Caller], start_service: Callable[..., Program], moody: Program, site: Site
) -> None:
    """The profile rules out that it is rebuilt; the person knows that it was lost."""
    forgetful = open_to(site).replace("[profiles.default]", "[profiles.default]\nrebuild = false")
    caller = call(service=start_service(forgetful, moody.url))
    lose_session(caller)
    caller.page.get_by_text("We lost the connection. I no longer remember").wait_for()
    caller.say("Hello again")
    caller.reads("Hello again")
    assert not caller.page.locator("[role=alert]:visible").count()


def lose_session(caller: Caller) -> None:
    """Say something, and then lose the session."""
    caller.arrive()
    caller.open_widget()
    caller.type_only()
    caller.reads("you typed")
    caller.say("Please forget me")


def test_time_left_is_shown(
    call: Callable[..., Caller],
    start_service: Callable[..., Program],
    emulator: Program,
    site: Site,
) -> None:
    """From the start; the end is explained."""
    configuration = open_to(site).replace(
        'allow = ["user"]\ntoken_lifetime', 'allow = ["user", "guest"]\ntoken_lifetime'
    )
    assert configuration != open_to(site)
    service = start_service(configuration, emulator.url)
    caller = call('<live-agent profile="short"></live-agent>', service=service)
    caller.arrive()
    caller.open_widget()
    caller.type_only()
    caller.page.locator(".left", has_text="sec left").wait_for()
