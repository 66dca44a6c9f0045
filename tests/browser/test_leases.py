"""A conversation takes a place, and frees it when it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from browser.visitor import Visitor
    from programs import Program

# With a single place, a conversation that does not free it blocks the next one.
ONE_PLACE = """
[profiles.default]
model = "gemini-3.8-live"
allow = ["guest"]
[limits]
guest = ["1000/minute"]
concurrent = { guest = 1 }
budget = { guest = "999h/day" }
"""


# A token cannot be revoked: one place allows at most two that have not expired.
CONVERSATIONS = 2


@pytest.fixture(name="single")
def _single(start_service: Callable[..., Program], emulator: Program) -> Program:
    """A service with one place for each guest, unused so far."""
    return start_service(ONE_PLACE, emulator.url)


def test_hanging_up_frees_the_only_place(visit: Callable[..., Visitor], single: Program) -> None:
    """The next conversation gets the same place."""
    visitor = visit(single.url)
    visitor.arrive()
    visitor.continue_as_guest()
    for _ in range(CONVERSATIONS):
        visitor.type_only()
        assert single.post("/token").code == "too-many-at-once", "the place is taken"
        hang_up(visitor)
    assert visitor.page_errors == []


def hang_up(visitor: Visitor) -> None:
    """Hang up and wait until the service has freed the place."""
    with visitor.page.expect_response("**/lease/end") as ended:
        visitor.hang_up()
    assert ended.value.status == 204


def test_leaving_the_page_frees_the_place(visit: Callable[..., Visitor], single: Program) -> None:
    """A page that closes during a conversation ends its lease on the way out."""
    visitor = visit(single.url)
    visitor.arrive()
    for _ in range(CONVERSATIONS):
        visitor.continue_as_guest()
        visitor.type_only()
        assert single.post("/token").code == "too-many-at-once", "the place is taken"
        visitor.arrive()
    assert visitor.page_errors == []


def test_refused_microphone_frees_the_place(visit: Callable[..., Visitor], single: Program) -> None:
    """The token fetched in parallel does not keep its place."""
    visitor = visit(single.url)
    visitor.page.add_init_script(
        """navigator.mediaDevices.getUserMedia = async () => {
          await new Promise((resolve) => globalThis.refuse = resolve);
          throw new DOMException('in use', 'NotReadableError');
        };
        navigator.permissions.query = async () => ({ state: 'granted' });"""
    )
    visitor.arrive()
    visitor.continue_as_guest()
    with visitor.page.expect_response("**/token"):
        visitor.button("Start talking").click()
    with visitor.page.expect_response("**/lease/end") as ended:
        visitor.page.evaluate("refuse()")
    assert ended.value.status == 204
    visitor.type_only()
    hang_up(visitor)
