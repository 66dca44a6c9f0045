"""Spoken conversations over many connections, with every sample accounted for.

The emulator does as was recorded: it refuses to resume for a moment after a close while the model
is idle, so that such a renewal takes about two seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from browser.sound import at_rate, match
from browser.talking import (
    EIGHT_SECONDS,
    FIVE_SECONDS,
    MANY_HANDLES,
    ONE_HANDLE,
    WITHOUT_END,
    Talk,
    assert_nothing_was_lost,
    assert_renewed_without_loss,
    context_of,
    profile,
    said_on,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from browser.talking import Talker

ANSWER_RATE = 24_000
SILENCE = Talk.of(1, (1.0,))


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("model", "client_handle", "renewals"),
    [
        (ONE_HANDLE, "honoured", 2),
        pytest.param(ONE_HANDLE, "ignored", 30, marks=pytest.mark.soak),
        pytest.param(MANY_HANDLES, "honoured", 30, marks=pytest.mark.soak),
    ],
)
def test_renewals_lose_and_repeat_nothing(
    begin: Callable[..., Talker], model: str, client_handle: str, renewals: int
) -> None:
    """While somebody speaks: the visitor in mid-sentence, or the agent. The context is kept."""
    options = (*EIGHT_SECONDS, "--client-handle", client_handle)
    talker = begin(Talk.of(2 + renewals // 2), *options, configuration=profile(model))
    for renewal in range(1, renewals + 1):
        talker.resumes(renewal)
    talker.hang_up()
    joins = assert_renewed_without_loss(talker)
    assert any(join.speaking or join.answering for join in joins)


def test_renewal_during_an_answer_plays_it_to_the_end(begin: Callable[..., Talker]) -> None:
    """What has arrived is played while the connection is replaced."""
    talker = begin(SILENCE, *FIVE_SECONDS)
    talker.resumes(1)
    talker.visitor.page.evaluate(
        """(text) => {
          session.addEventListener('speaking', ({ detail: { speaking } }) => {
            if (!speaking) globalThis.finished = true;
          });
          session.sendText(text);
        }""",
        "Please tell me once more what I have told you, " * 3,
    )
    talker.resumes(2)
    talker.visitor.until("globalThis.finished")
    played, rate = talker.visitor.played()
    sessions = talker.hang_up()
    assert [join.answering for join in talker.joins[:2]] == [False, True]
    (answer,) = sessions[1]["answers"]
    assert answer["sent"] == answer["planned"]
    said = at_rate(said_on(talker.emulator, sessions[1]) / 32768, ANSWER_RATE, rate)
    playing = match(said, played, rate)
    print(f"{len(said) / rate:.1f} s of an answer, {playing.share:.0%} as sent")  # noqa: T201
    assert playing.share >= 0.95


def test_token_that_expires_in_mid_sentence_loses_nothing(begin: Callable[..., Talker]) -> None:
    """The connection would last longer, and somebody is speaking all the time."""
    talker = begin(Talk.of(6, WITHOUT_END))
    talker.resumes(1)
    first, second = talker.hang_up()
    heard = assert_nothing_was_lost(talker.visitor, talker.emulator, talker.talk)
    assert np.array_equal(context_of(talker.emulator), heard)
    assert first["close"]["code"] == 1000
    assert second["resumed"] is True
    assert first["counters"]["spoken_turns"] == 0, "as far as the server knows"
