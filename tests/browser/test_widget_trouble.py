"""What goes wrong in the widget: a sentence and one button for each, and calm in between."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from browser.conftest import ALLOWED, FAKE_DEVICES, open_to
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
when = "nonsense"
steps = [ { close = { code = 1007, reason = "Request contains an invalid argument." } } ]
[[turn]]
when = "stumble"
steps = [ { close = { code = 1011, reason = "Internal error encountered." } } ]
[[turn]]
when = "forget"
steps = [ { close = { code = 1008, reason = "BidiGenerateContent session not found" } } ]
"""


@pytest.fixture(name="moody", scope="module")
def _moody(
    start_emulator: Callable[..., Program], tmp_path_factory: pytest.TempPathFactory
) -> Program:
    """An emulator that hangs up when it is told to."""
    scenario = tmp_path_factory.mktemp("scenario") / "moody.toml"
    scenario.write_text(SCENARIO, encoding="utf-8")
    return start_emulator("--scenario", str(scenario))


@pytest.fixture(name="shaky", scope="module")
def _shaky(start_service: Callable[..., Program], moody: Program, site: Site) -> Program:
    """The service in front of it."""
    return start_service(open_to(site), moody.url)


@pytest.mark.parametrize(
    ("words", "code", "sentence", "way"),
    [
        ("spend it all", "quota-exhausted", "This site has reached its limit", "OK"),
        ("talk nonsense", "setup-refused", "This assistant is not set up correctly", "OK"),
    ],
)
def test_the_voice_service_hangs_up(
    call: Callable[..., Caller],
    shaky: Program,
    *,
    words: str,
    code: str,
    sentence: str,
    way: str,
) -> None:
    """What was said stays, the host is told, and a new conversation is one press away."""
    caller = call(service=shaky)
    caller.arrive()
    caller.reach()
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
def test_without_a_microphone(
    call: Callable[..., Caller], flags: list[str], markup: str, sentence: str, way: str
) -> None:
    """Typing is offered where the host lets people type."""
    caller = call(f"<live-agent {markup}></live-agent>", flags=flags)
    caller.arrive()
    caller.reach()
    caller.button("Start talking").click()
    assert caller.error.startswith(sentence)
    assert caller.button(way).is_visible()
    assert caller.left_open == NOTHING


def test_a_guest_where_none_is_admitted(
    call: Callable[..., Caller],
    start_service: Callable[..., Program],
    emulator: Program,
    site: Site,
) -> None:
    """The sentence is ours, for whoever is on a site; what was typed is kept for the next try."""
    members = open_to(site).replace('allow = ["user", "guest"]', 'allow = ["user"]')
    caller = call(service=start_service(members, emulator.url))
    caller.arrive()
    caller.reach()
    caller.say("Hello?")
    assert caller.error.startswith("You are signed out.")
    assert caller.button("Try again").is_visible()
    assert caller.page.get_by_label("Message").input_value() == "Hello?"
    assert caller.left_open == NOTHING


def test_too_often(
    call: Callable[..., Caller],
    start_service: Callable[..., Program],
    emulator: Program,
    site: Site,
) -> None:
    """It is said when there is more."""
    seldom = open_to(site).replace('guest = ["1000/minute"]', 'guest = ["1/hour"]')
    caller = call(service=start_service(seldom, emulator.url))
    caller.arrive()
    caller.reach()
    caller.type_only()
    caller.hang_up()
    caller.say("Hello again")
    assert caller.error.startswith("Too many attempts in a short time.")
    assert "You can try again in " in caller.error
    assert [error["code"] for error in caller.errors()] == ["rate-limited"]


def test_switched_off(
    call: Callable[..., Caller],
    start_service: Callable[..., Program],
    emulator: Program,
    site: Site,
) -> None:
    """Trying again would not help, and is not offered."""
    service = start_service(open_to(site), emulator.url)
    operate(service, "block", "guests")
    caller = call('<live-agent lang="de"></live-agent>', service=service)
    caller.arrive()
    caller.page.locator(".launcher").click()
    caller.page.locator(".start").click()
    assert caller.error.endswith("OK")
    assert [error["code"] for error in caller.errors()] == ["blocked"]


def test_without_a_network(call: Callable[..., Caller]) -> None:
    """Tried again where it failed, it works as soon as there is one."""
    caller = call()
    caller.arrive()
    caller.reach()
    caller.page.context.set_offline(offline=True)
    caller.button("Start talking").click()
    assert caller.error.startswith("The connection was lost.")
    assert caller.left_open == NOTHING
    caller.page.context.set_offline(offline=False)
    caller.button("Try again").click()
    caller.becomes("live")


def test_without_a_network_before_it_was_loaded(call: Callable[..., Caller]) -> None:
    """The button says so itself, for nothing else is there yet."""
    caller = call()
    caller.arrive()
    caller.button("Talk to us").wait_for()
    caller.page.context.set_offline(offline=True)
    caller.button("Talk to us").dispatch_event("click")
    caller.button("Could not load. Please reload the page").wait_for()
    assert [error["code"] for error in caller.errors()] == ["page-incomplete"]


def test_a_pause_in_the_connection_is_mentioned_calmly(
    call: Callable[..., Caller], shaky: Program, moody: Program
) -> None:
    """No alarm: a notice while it lasts, what was typed meanwhile is said, the context is kept."""
    caller = call(service=shaky)
    caller.arrive()
    caller.reach()
    caller.type_only()
    caller.reads("you typed")
    held: list[object] = []
    caller.page.route("**/token", lambda route: held.append(route))  # noqa: PLW0108 - Playwright marks it
    caller.say("Please stumble")
    caller.page.get_by_text("Reconnecting. Keep talking").wait_for()
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
    assert caller.complaints == []


def test_a_context_that_was_lost_is_owned_up_to(
    call: Callable[..., Caller], shaky: Program
) -> None:
    """The conversation continues, and the person knows that its context was lost."""
    caller = call(service=shaky)
    caller.arrive()
    caller.reach()
    caller.type_only()
    caller.reads("you typed")
    caller.say("Please forget me")
    caller.page.get_by_text("We lost the connection. I no longer remember").wait_for()
    caller.say("Hello again")
    caller.reads("Hello again")
    assert not caller.page.locator("[role=alert]:visible").count()


def test_the_time_that_is_left(
    call: Callable[..., Caller],
    start_service: Callable[..., Program],
    emulator: Program,
    site: Site,
) -> None:
    """It is shown from the start, and the end is explained."""
    configuration = open_to(site).replace(
        'allow = ["user"]\ntoken_lifetime', 'allow = ["user", "guest"]\ntoken_lifetime'
    )
    assert configuration != open_to(site)
    service = start_service(configuration, emulator.url)
    caller = call('<live-agent profile="short"></live-agent>', service=service)
    caller.arrive()
    caller.reach()
    caller.type_only()
    caller.page.locator(".left", has_text="sec left").wait_for()
