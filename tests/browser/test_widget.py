"""The widget on somebody else's page: reached for, talked to, typed to, and left."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from browser.caller import Caller
    from programs import Program

NOTHING = {"tracks": 0, "sockets": 0, "contexts": 0}


def test_two_lines_of_html_are_a_conversation(
    call: Callable[..., Caller], emulator: Program
) -> None:
    """From another origin: the microphone is heard, words are shown, hanging up leaves nothing."""
    caller = call()
    caller.arrive()
    caller.reach()
    caller.talk()
    caller.page.locator(".status", has_text="Listening").wait_for()
    caller.say("Please get the local time")
    caller.reads("Could not use get_local_time")
    caller.hang_up()
    session = emulator.get("/emulator/sessions/last").json
    assert session["counters"]["audio_chunks"] > 0
    assert session["counters"]["text_turns"] == 1
    assert [change["state"] for change in caller.heard("state")] == ["connecting", "live", "closed"]
    assert caller.left_open == NOTHING
    assert caller.complaints == []
