"""The place that a conversation takes, and that it is free again afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from browser.visitor import Visitor
    from programs import Program

# With a single place, whoever leaves it taken is locked out of the next conversation.
ONE_PLACE = """
[profiles.default]
model = "gemini-3.8-live"
allow = ["guest"]
[limits]
guest = ["1000/minute"]
concurrent = { guest = 1 }
budget = { guest = "999h/day" }
"""


# ... and as a token cannot be revoked, two unexpired ones are all that one place gives out.
CONVERSATIONS = 2


@pytest.fixture(name="single")
def _single(start_service: Callable[..., Program], emulator: Program) -> Program:
    """A service with one place for each guest, in which nobody has talked yet."""
    return start_service(ONE_PLACE, emulator.url)


def test_hanging_up_frees_the_place(visit: Callable[..., Visitor], single: Program) -> None:
    """The next conversation fits into the same place."""
    visitor = visit(single.url)
    visitor.arrive()
    visitor.go_on_as_a_guest()
    for _ in range(CONVERSATIONS):
        visitor.type_only()
        assert single.post("/token").code == "too-many-at-once", "the place is taken"
        hang_up(visitor)
    assert visitor.complaints == []


def hang_up(visitor: Visitor) -> None:
    """Hang up, and see the service free the place."""
    with visitor.page.expect_response("**/lease/end") as ended:
        visitor.hang_up()
    assert ended.value.status == 204


def test_leaving_the_page_frees_the_place(visit: Callable[..., Visitor], single: Program) -> None:
    """A page that closes in the middle of a conversation ends its lease on the way out."""
    visitor = visit(single.url)
    visitor.arrive()
    for _ in range(CONVERSATIONS):
        visitor.go_on_as_a_guest()
        visitor.type_only()
        assert single.post("/token").code == "too-many-at-once", "the place is taken"
        visitor.arrive()
    assert visitor.complaints == []


def test_a_refused_microphone_frees_the_place(
    visit: Callable[..., Visitor], single: Program
) -> None:
    """A token that was fetched beside a microphone that fails does not keep its place."""
    visitor = visit(single.url)
    visitor.page.add_init_script(
        """navigator.mediaDevices.getUserMedia = async () => {
          await new Promise((resolve) => globalThis.refuse = resolve);
          throw new DOMException('in use', 'NotReadableError');
        };
        navigator.permissions.query = async () => ({ state: 'granted' });"""
    )
    visitor.arrive()
    visitor.go_on_as_a_guest()
    with visitor.page.expect_response("**/token"):
        visitor.button("Start talking").click()
    with visitor.page.expect_response("**/lease/end") as ended:
        visitor.page.evaluate("refuse()")
    assert ended.value.status == 204
    visitor.type_only()
    hang_up(visitor)
