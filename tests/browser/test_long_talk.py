"""Spoken conversations over many connections, in which every sample is accounted for."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import numpy as np
import pytest

from browser.sound import SPEECH_RATE
from browser.talking import (
    FIVE_SECONDS,
    HANDLE_INTERVAL,
    PROFILE,
    WITHOUT_END,
    Talk,
    Talker,
    assert_nothing_was_lost,
    assert_renewed_without_loss,
    context_of,
    heard_on,
)
from programs import emulating, service_environment, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from browser.visitor import Visitor


@pytest.fixture(name="begin")
def _begin(visit: Callable[..., Visitor], tmp_path: Path) -> Iterator[Callable[..., Talker]]:
    """Begins a talk, with a service and an emulator of its own, which end with the test."""
    with ExitStack() as programs:

        def begin(talk: Talk, *flags: str, fault: dict[str, object] | None = None) -> Talker:
            emulator = programs.enter_context(emulating(*flags))
            if fault is not None:
                emulator.post("/emulator/faults", fault)
            environment = service_environment(tmp_path, PROFILE, emulator.url)
            service = programs.enter_context(serving(environment, workers=1))
            return Talker.begin(visit, service, emulator, tmp_path / "talk.wav", talk)

        yield begin


@pytest.mark.parametrize(
    ("handle_state", "client_handle", "renewals"),
    [
        ("snapshot", "honoured", 30),
        ("snapshot", "ignored", 6),
        ("at_close", "honoured", 6),
        ("at_close", "ignored", 6),
    ],
)
def test_renewals(
    begin: Callable[..., Talker], handle_state: str, client_handle: str, renewals: int
) -> None:
    """Nothing is lost or doubled, mid-sentence and mid-answer too, and the context is kept."""
    options = ("--handle-state", handle_state, "--client-handle", client_handle)
    talker = begin(Talk.of(2 + renewals // 4), *FIVE_SECONDS, *options)
    for renewal in range(1, renewals + 1):
        talker.resumes(renewal)
    talker.hang_up()
    joins = assert_renewed_without_loss(talker)
    assert any(join.speaking for join in joins)


def test_a_token_that_ends_in_a_sentence(begin: Callable[..., Talker]) -> None:
    """The connection would last; the token does not, and somebody is speaking all the time."""
    talker = begin(Talk.of(6, WITHOUT_END))
    talker.resumes(1)
    first, second = talker.hang_up()
    heard = assert_nothing_was_lost(talker.visitor, talker.emulator, talker.talk)
    assert np.array_equal(context_of(talker.emulator), heard)
    assert first["close"]["code"] == 1000
    assert second["resumed"] is True
    assert first["counters"]["spoken_turns"] == 0, "for all that the server knows"


@pytest.mark.parametrize("handle_state", ["snapshot", "at_close"])
def test_connections_that_are_cut(begin: Callable[..., Talker], handle_state: str) -> None:
    """What was on its way is lost, 250 ms at most, and nothing is heard twice or out of order."""
    cuts = 4
    fault = {"on": "socket", "kind": "cut", "times": cuts, "between": [4, 10], "seconds": 0.15}
    talker = begin(Talk.of(5), "--handle-state", handle_state, fault=fault | {"seed": 5})
    for cut in range(1, cuts + 1):
        talker.resumes(cut)
    talker.visitor.page.wait_for_timeout(500)  # something is said after the last one, too
    sessions = talker.hang_up()

    assert [session["close"]["code"] for session in sessions] == [1006] * cuts + [1000]
    told = [(one["planned"], one["contextLost"]) for one in talker.resumptions]
    assert told == [(False, False)] * cuts, "the page is told"
    witnessed = talker.visitor.witnessed()
    heard = [heard_on(talker.emulator, session) for session in sessions]
    places = [witnessed.place_of(part) for part in heard]
    assert None not in places, "each connection heard what was captured, as it was"
    ends = [place + len(part) for place, part in zip(places, heard, strict=True)]
    lost = [(start - end) / SPEECH_RATE for end, start in zip(ends, places[1:], strict=False)]
    missing = (sum(map(len, heard)) - len(context_of(talker.emulator))) / SPEECH_RATE
    print(  # noqa: T201 - figures
        f"lost at each cut: {', '.join(f'{1000 * each:.0f}' for each in lost)} ms; "
        f"{missing:.2f} s heard and not in a snapshot's context"
    )
    # Wall clock: twice as much on a machine that stands still.
    assert min(lost) >= 0
    assert np.median(lost) <= 0.25
    assert max(lost) <= 0.5
    assert 0 <= missing <= cuts * 1.5 * HANDLE_INTERVAL


def test_a_path_that_dies_without_a_word(begin: Callable[..., Talker]) -> None:
    """After eight seconds of silence it is left; the page is told, and nothing is sent again."""
    fault = {"on": "socket", "kind": "black_hole", "after": 200}
    talker = begin(Talk.of(3), fault=fault)
    talker.visitor.page.evaluate(
        """() => {
          const socket = opened.sockets[0];
          const { onmessage } = socket;
          socket.onmessage = (event) => (globalThis.spokeAt = performance.now(), onmessage(event));
          session.addEventListener('state', ({ detail }) => {
            if (detail.state === 'resuming') globalThis.leftAt = performance.now();
          });
        }"""
    )
    talker.resumes(1)
    silence = talker.visitor.page.evaluate("(leftAt - spokeAt) / 1000")
    talker.visitor.page.wait_for_timeout(1000)  # something is said on the new one, too
    dead, *_, alive = talker.hang_up(dead=1)
    witnessed = talker.visitor.witnessed()
    before, after = (heard_on(talker.emulator, session) for session in (dead, alive))
    first, second = witnessed.place_of(before), witnessed.place_of(after)
    assert None not in (first, second)
    lost = (second - first - len(before)) / SPEECH_RATE
    print(f"left after {silence:.2f} s of silence; {lost:.2f} s of speech lost")  # noqa: T201
    assert 8 <= silence < 2 * 8
    assert lost >= 0
