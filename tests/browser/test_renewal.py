"""A conversation that outlives its connections and its tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from browser.talking import PROFILE, Talk, accepted, closed_sessions, connects, ended_session, speaker_of
from programs import operate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from browser.visitor import Visitor
    from programs import Program


def test_expiring_token_is_replaced_in_time(
    visit: Callable[..., Visitor],
    start_service: Callable[..., Program],
    start_emulator: Callable[..., Program],
) -> None:
    """The conversation keeps its context."""
    emulator = start_emulator()
    service = start_service(PROFILE, emulator.url)
    visitor = visit(service.url)
    visitor.page.clock.install()
    visitor.arrive()
    visitor.continue_as_guest()
    visitor.type_only()
    remember(visitor)
    visitor.page.clock.fast_forward(20_000)
    connects(visitor, 2)
    recall(visitor)
    visitor.hang_up()
    old, new = accepted(closed_sessions(emulator))
    assert old["close"] == {"code": 1000, "reason": ""}
    assert new["resumed"] is True


def test_expired_token_is_replaced_and_the_context_kept(
    visit: Callable[..., Visitor],
    start_service: Callable[..., Program],
    start_emulator: Callable[..., Program],
    tmp_path: Path,
) -> None:
    """What was said is still known."""
    scenario = tmp_path / "scenario.toml"
    scenario.write_text(
        """[[turn]]
        when = "expire"
        steps = [{ close = { code = 1011, reason = "auth token has expired" } }]"""
    )
    emulator = start_emulator("--scenario", str(scenario))
    service = start_service(PROFILE, emulator.url)
    visitor = visit(service.url)
    visitor.arrive()
    visitor.continue_as_guest()
    visitor.type_only()
    remember(visitor)
    visitor.say("Expire!")
    connects(visitor, 2)
    recall(visitor)
    visitor.hang_up()
    assert [one["resumed"] for one in accepted(closed_sessions(emulator))] == [False, True]


def remember(visitor: Visitor) -> None:
    """Say something that the model can be asked for later."""
    visitor.say("My dog is called Bello.")
    visitor.reads("I know")
    visitor.page.get_by_text("Ready for your message", exact=True).wait_for()


def recall(visitor: Visitor) -> None:
    """Ask, and read the answer: the emulator recites all that it knows."""
    visitor.say("And now?")
    visitor.page.locator(".log > *", has_text='"And now?"').filter(has_text="Bello").wait_for()


def test_blocking_a_person_ends_their_conversation(
    visit: Callable[..., Visitor],
    start_service: Callable[..., Program],
    emulator: Program,
    tmp_path: Path,
) -> None:
    """Within the token's 30 seconds, and they are told."""
    service = start_service(PROFILE, emulator.url)
    visitor = speaker_of(visit, service, tmp_path / "talk.wav", Talk.of(4).sound)
    visitor.page.evaluate("globalThis.talkedAt = performance.now()")
    visitor.talk()
    operate(service, "block", "guests")
    visitor.becomes("closed")
    last = ended_session(emulator)
    lasted = visitor.page.evaluate("performance.now() - talkedAt") / 1000
    print(f"ended {lasted:.1f} s after the token was asked for")  # noqa: T201 - likewise
    assert lasted < 30
    assert last["closed_by"] == "client"
    assert visitor.error == "This assistant has been turned off. Please contact the site owner."
    assert visitor.left_open == {"tracks": 0, "sockets": 0, "contexts": 0}
