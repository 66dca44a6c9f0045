"""What goes wrong around a conversation: each a sentence, and nothing spent or left behind."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from browser.conftest import ALLOWED, ANOTHER, CONFIGURATION, FAKE_DEVICES, PASSWORD

if TYPE_CHECKING:
    from collections.abc import Callable

    from browser.visitor import Visitor
    from programs import Program

NOTHING = {"tracks": 0, "sockets": 0, "contexts": 0}


def test_a_refused_microphone(visit: Callable[..., Visitor], emulator: Program) -> None:
    """No token is minted for somebody who will not be heard; typing is still offered."""
    visitor = visit(flags=FAKE_DEVICES)
    visitor.arrive()
    visitor.go_on_as_a_guest()
    minted = emulator.get("/emulator/mints").json["minted"]
    visitor.button("Start talking").click()
    assert visitor.error.startswith("Access to the microphone was denied. Allow it")
    assert emulator.get("/emulator/mints").json["minted"] == minted
    assert visitor.left_open == NOTHING
    visitor.type_only()


def test_no_microphone_at_all(visit: Callable[..., Visitor]) -> None:
    """A missing device is told apart from a refused one."""
    visitor = visit(flags=ALLOWED)
    visitor.arrive()
    visitor.go_on_as_a_guest()
    visitor.button("Start talking").click()
    assert visitor.error.startswith("No microphone was found. Connect one")
    assert visitor.left_open == NOTHING


def test_an_insecure_page(
    visit: Callable[..., Visitor], start_service: Callable[..., Program], emulator: Program
) -> None:
    """Over plain http a browser hides the microphone; the page says what it takes."""
    public = '\n[http]\npublic_url = "https://insecure.test"\n'
    service = start_service(CONFIGURATION + public, emulator.url)
    address = f"http://insecure.test:{urlsplit(service.url).port}/"
    resolver = "--host-resolver-rules=MAP insecure.test 127.0.0.1"
    visitor = visit(address, flags=[*FAKE_DEVICES, resolver])
    visitor.arrive()
    visitor.go_on_as_a_guest()
    visitor.button("Start talking").click()
    assert "needs a secure connection" in visitor.error


def test_a_service_that_cannot_be_reached(visit: Callable[..., Visitor]) -> None:
    """The microphone that was opened meanwhile is closed again."""
    visitor = visit()
    visitor.arrive()
    visitor.go_on_as_a_guest()
    visitor.page.context.set_offline(offline=True)
    visitor.button("Start talking").click()
    assert visitor.error.startswith("This site cannot be reached")
    assert visitor.left_open == NOTHING
    visitor.page.context.set_offline(offline=False)
    visitor.button("New conversation").click()
    visitor.becomes("live")


def test_a_login_that_has_run_out(visit: Callable[..., Visitor]) -> None:
    """The person is asked to sign in again, in the service's own words."""
    visitor = visit()
    visitor.arrive()
    visitor.sign_in(ANOTHER, PASSWORD)
    visitor.button("Start talking").wait_for()
    visitor.page.route(
        "**/token",
        lambda route: route.continue_(
            headers={**route.request.headers, "authorization": "Bearer run.out.long-ago"}
        ),
    )
    visitor.button("Start talking").click()
    assert visitor.error.endswith(".")
    assert visitor.button("Sign in").is_visible()


def test_cancelled_before_it_began(visit: Callable[..., Visitor]) -> None:
    """A second press cancels the start without an error."""
    visitor = visit()
    visitor.arrive()
    visitor.go_on_as_a_guest()
    visitor.page.route("**/token", lambda _route: None)  # never answered
    visitor.button("Start talking").click()
    visitor.button("Cancel").click()
    visitor.becomes("closed")
    assert visitor.left_open == NOTHING
    assert not visitor.page.locator("[role=alert]:visible").count()
    assert visitor.complaints == []


@pytest.fixture(name="moody", scope="module")
def _moody(
    start_emulator: Callable[..., Program], tmp_path_factory: pytest.TempPathFactory
) -> Program:
    """An emulator that hangs up when it is told to."""
    scenario = tmp_path_factory.mktemp("scenario") / "moody.toml"
    scenario.write_text(
        """
        [[turn]]
        when = "break down"
        steps = [ { close = { code = 1011, reason = "You exceeded your current quota" } } ]
        [[turn]]
        when = "nonsense"
        steps = [ { close = { code = 1007, reason = "Request contains an invalid argument." } } ]
        """,
        encoding="utf-8",
    )
    return start_emulator("--scenario", str(scenario))


@pytest.fixture(name="moody_service", scope="module")
def _moody_service(start_service: Callable[..., Program], moody: Program) -> Program:
    """The service in front of it."""
    return start_service(CONFIGURATION, moody.url)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("Please break down", "This site has reached its limit for the voice service."),
        ("Talk nonsense", "This assistant is not set up correctly."),
    ],
)
def test_the_voice_service_hangs_up(
    visit: Callable[..., Visitor], moody_service: Program, words: str, sentence: str
) -> None:
    """The reason becomes a sentence, all is released, and talking again is one press away."""
    visitor = visit(moody_service.url)
    visitor.arrive()
    visitor.go_on_as_a_guest()
    visitor.talk()
    visitor.say(words)
    assert visitor.error.startswith(sentence)
    assert visitor.left_open == NOTHING
    assert visitor.transcript == [words], "what was said stays on the screen"
    visitor.button("New conversation").click()
    visitor.becomes("live")
