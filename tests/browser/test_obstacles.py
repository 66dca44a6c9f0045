"""Failures around a conversation: each is explained, spends nothing and leaves nothing open."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from browser.conftest import ANOTHER, CONFIGURATION, PASSWORD
from browser.flags import FAKE_DEVICES

if TYPE_CHECKING:
    from collections.abc import Callable

    from browser.visitor import Visitor
    from programs import Program

NOTHING = {"tracks": 0, "sockets": 0, "contexts": 0}


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
    assert "need a secure connection" in visitor.error


def test_expired_login_asks_to_sign_in_again(visit: Callable[..., Visitor]) -> None:
    """The widget is gone, with what was said in it."""
    visitor = visit()
    visitor.arrive()
    visitor.sign_in(ANOTHER, PASSWORD)
    visitor.button("Start talking").wait_for()
    visitor.page.route(
        "**/token",
        lambda route: route.continue_(headers={**route.request.headers, "authorization": "Bearer run.out.long-ago"}),
    )
    visitor.button("Start talking").click()
    visitor.page.wait_for_selector("#sign-in:visible")
    assert visitor.error == "You are signed out. Please sign in again."
    assert visitor.widget.count() == 0


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
