"""Failures around a conversation: each is explained, spends nothing and leaves nothing open."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from browser.conftest import ANOTHER, CONFIGURATION, PASSWORD
from browser.flags import ALLOWED, FAKE_DEVICES

if TYPE_CHECKING:
    from collections.abc import Callable

    from browser.visitor import Visitor
    from programs import Program

NOTHING = {"tracks": 0, "sockets": 0, "contexts": 0}


def test_denied_microphone_mints_no_token(visit: Callable[..., Visitor], emulator: Program) -> None:
    """Typing is still offered."""
    visitor = visit(flags=FAKE_DEVICES)
    visitor.arrive()
    visitor.continue_as_guest()
    minted = emulator.get("/emulator/mints").json["minted"]
    visitor.button("Start talking").click()
    assert visitor.error.startswith("Access to the microphone was denied. Allow it")
    assert emulator.get("/emulator/mints").json["minted"] == minted
    assert visitor.left_open == NOTHING
    visitor.type_only()


def test_missing_microphone_is_told_apart_from_a_denied_one(visit: Callable[..., Visitor]) -> None:
    """With a message of its own."""
    visitor = visit(flags=ALLOWED)
    visitor.arrive()
    visitor.continue_as_guest()
    visitor.button("Start talking").click()
    assert visitor.error.startswith("No microphone was found. Connect one")
    assert visitor.left_open == NOTHING


def test_insecure_page_is_explained(
    visit: Callable[..., Visitor], start_service: Callable[..., Program], emulator: Program
) -> None:
    """Over plain HTTP a browser hides the microphone."""
    public = '\n[http]\npublic_url = "https://insecure.test"\n'
    service = start_service(CONFIGURATION + public, emulator.url)
    address = f"http://insecure.test:{urlsplit(service.url).port}/"
    resolver = "--host-resolver-rules=MAP insecure.test 127.0.0.1"
    visitor = visit(address, flags=[*FAKE_DEVICES, resolver])
    visitor.arrive()
    visitor.continue_as_guest()
    visitor.button("Start talking").click()
    assert "needs a secure connection" in visitor.error


def test_unreachable_service_closes_the_microphone(visit: Callable[..., Visitor]) -> None:
    """It was opened in the meantime."""
    visitor = visit()
    visitor.arrive()
    visitor.continue_as_guest()
    visitor.page.context.set_offline(offline=True)
    visitor.button("Start talking").click()
    assert visitor.error.startswith("This site cannot be reached")
    assert visitor.left_open == NOTHING
    visitor.page.context.set_offline(offline=False)
    visitor.button("New conversation").click()
    visitor.becomes("live")


def test_expired_login_asks_to_sign_in_again(visit: Callable[..., Visitor]) -> None:
    """In the service's own words."""
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


def test_second_press_cancels_the_start(visit: Callable[..., Visitor]) -> None:
    """Without an error."""
    visitor = visit()
    visitor.arrive()
    visitor.continue_as_guest()
    visitor.page.route("**/token", lambda _route: None)  # never answered
    visitor.button("Start talking").click()
    visitor.button("Cancel").click()
    visitor.becomes("closed")
    assert visitor.left_open == NOTHING
    assert not visitor.page.locator("[role=alert]:visible").count()
    assert visitor.page_errors == []


@pytest.fixture(name="moody", scope="module")
def _moody(
    start_emulator: Callable[..., Program], tmp_path_factory: pytest.TempPathFactory
) -> Program:
    """An emulator that closes the connection on request."""
    scenario = tmp_path_factory.mktemp("scenario") / "moody.toml"
    scenario.write_text(
        """
        [[turn]]
        when = "break down"
        steps = [ { close = { code = 1011, reason = "You exceeded your current quota" } } ]
        [[turn]]
        when = "from abroad"
        steps = [ { close = { code = 1007, reason = "User location is not supported" } } ]
        """,
        encoding="utf-8",
    )
    return start_emulator("--scenario", str(scenario))


@pytest.fixture(name="moody_service", scope="module")
def _moody_service(start_service: Callable[..., Program], moody: Program) -> Program:
    """The service connected to it."""
    return start_service(CONFIGURATION, moody.url)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("Please break down", "This site has reached its limit for the voice service."),
        ("Calling from abroad", "The voice service is not available in your country."),
    ],
)
def test_page_explains_a_close_by_the_voice_service(
    visit: Callable[..., Visitor], moody_service: Program, words: str, sentence: str
) -> None:
    """Everything is released, and one press starts again."""
    visitor = visit(moody_service.url)
    visitor.arrive()
    visitor.continue_as_guest()
    visitor.talk()
    visitor.say(words)
    assert visitor.error.startswith(sentence)
    assert visitor.left_open == NOTHING
    assert visitor.transcript == [words], "what was said stays on the screen"
    visitor.button("New conversation").click()
    visitor.becomes("live")
