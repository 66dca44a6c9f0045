"""Spoken conversations through outages, with every sample accounted for.

The emulator does as was recorded: it refuses to resume for a moment after a close while the model
is idle, so that such a gap takes about two seconds, and a gap during an answer half of one.
"""

from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import pytest

from browser.sound import SPEECH_RATE, spoken
from browser.talking import (
    FIVE_SECONDS,
    HANDLE_INTERVAL,
    MANY_HANDLES,
    ONE_HANDLE,
    WITHOUT_END,
    Talk,
    Talker,
    assert_nothing_was_lost,
    closed_sessions,
    context_of,
    heard_on,
    profile,
)
from browser.witness import CHUNK
from programs import emulating, service_environment, serving, share_compiled_profiles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Page

    from browser.visitor import Visitor

QUIET_SECONDS = 600


@pytest.mark.parametrize(
    ("model", "client_handle", "seconds"),
    [
        (ONE_HANDLE, "honoured", 8),
        pytest.param(ONE_HANDLE, "ignored", 20, marks=pytest.mark.soak),
        pytest.param(MANY_HANDLES, "honoured", 20, marks=pytest.mark.soak),
    ],
)
def test_service_outage_loses_nothing(
    visit: Callable[..., Visitor], tmp_path: Path, model: str, client_handle: str, seconds: int
) -> None:
    """The conversation continues with the current token, or waits."""
    with emulating(*FIVE_SECONDS, "--client-handle", client_handle) as emulator:
        environment = service_environment(tmp_path, profile(model), emulator.url)
        share_compiled_profiles(tmp_path)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        with serving(environment, workers=1, port=port) as service:
            talk = Talk.of(5)
            talker = Talker.begin(visit, service, emulator, tmp_path / "talk.wav", talk)
        talker.visitor.page.wait_for_timeout(seconds * 1000)  # the outage, in real time
        meanwhile = len(talker.resumptions)
        with serving(environment, workers=1, port=port):
            talker.resumes(meanwhile + 1)
            talker.hang_up()
        assert_nothing_was_lost(talker.visitor, emulator, talk)
        sessions = closed_sessions(emulator)
    print(f"{meanwhile} times by the token in hand; {talker.resumptions}")  # noqa: T201 - figures
    assert (meanwhile > 0) == (client_handle == "honoured")
    assert not any(one["contextLost"] for one in talker.resumptions)
    assert all(session["closed_by"] == "client" for session in sessions if session["heard"]["bytes"])


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("model", "cuts", "between"),
    [
        (ONE_HANDLE, 2, [3, 5]),
        pytest.param(ONE_HANDLE, 20, [4, 10], marks=pytest.mark.soak),
        pytest.param(MANY_HANDLES, 20, [4, 10], marks=pytest.mark.soak),
    ],
)
def test_dropped_connection_loses_at_most_250_ms(
    begin: Callable[..., Talker], model: str, cuts: int, between: list[float]
) -> None:
    """So many seconds after it opened, each time; nothing is heard twice or out of order."""
    fault = {"on": "socket", "kind": "cut", "times": 0, "between": between, "seconds": 0.15}
    talk = Talk.of(2 + cuts)
    talker = begin(talk, configuration=profile(model), fault=fault | {"seed": 5})
    for cut in range(1, cuts + 1):
        talker.resumes(cut)
    talker.visitor.page.wait_for_timeout(500)  # so that something is said after the last one too
    sessions = talker.hang_up()

    assert [session["close"]["code"] for session in sessions] == [1006] * cuts + [1000]
    told = [(one["planned"], one["contextLost"]) for one in talker.resumptions]
    assert told == [(False, False)] * cuts, "the page is told"
    witnessed = talker.visitor.witnessed()
    heard = [heard_on(talker.emulator, session) for session in sessions]
    lost, end = [], 0
    for part in heard:
        place = witnessed.place_of(part, since=end)
        assert place is not None, "each connection received the captured samples, in order"
        lost.append((place - end) / SPEECH_RATE)
        end = place + len(part)
    del lost[0]  # what was captured before the first connection
    missing = (sum(map(len, heard)) - len(context_of(talker.emulator))) / SPEECH_RATE
    print(  # noqa: T201 - figures
        f"lost at each cut: {', '.join(f'{1000 * each:.0f}' for each in lost)} ms; "
        f"{missing:.2f} s heard and not in a snapshot's context"
    )
    # Wall-clock time: allows twice as much, for a busy machine.
    assert np.median(lost) <= 0.25
    assert max(lost) <= 0.5
    assert 0 <= missing <= cuts * 1.5 * HANDLE_INTERVAL


def test_resume_that_comes_too_soon_is_tried_again(begin: Callable[..., Talker]) -> None:
    """What was said meanwhile is sent, with the same token.

    A fault refuses it, because the emulator accepts it at once if the line has been quiet.
    """
    talker = begin(Talk.of(3, WITHOUT_END), *FIVE_SECONDS)
    refusal = {"kind": "close", "after": 0, "code": 1011, "text": "Internal error encountered."}
    talker.emulator.post("/emulator/faults", {"on": "socket", "times": 1} | refusal)
    talker.resumes(1)
    minted = talker.emulator.get("/emulator/tokens").json["tokens"]
    talker.hang_up()
    assert_nothing_was_lost(talker.visitor, talker.emulator, talker.talk)
    sessions = closed_sessions(talker.emulator)
    assert [session["close"]["code"] for session in sessions[:2]] == [1000, 1011]
    assert len(minted) == 2, "the refused resume did not use the token"
    first = talker.resumptions[0]
    print(f"{first['gap']:.0f} ms without a connection")  # noqa: T201 - figures
    assert first["planned"]
    assert not first["contextLost"]
    assert first["gap"] >= 1000


def test_offline_period_loses_nothing(begin: Callable[..., Talker]) -> None:
    """Audio is kept while offline and sent once online."""
    talker = begin(Talk.of(3, WITHOUT_END))
    network, page = talker.visitor.page.context, talker.visitor.page
    talker.visitor.until("taps.counts.sent >= 150")
    network.set_offline(True)
    talker.visitor.until("session.state === 'resuming'")
    sent = page.evaluate("taps.counts.sent")
    page.wait_for_timeout(3000)  # without a network
    assert page.evaluate("taps.counts.sent") == sent
    network.set_offline(False)
    talker.resumes(1)
    talker.hang_up()
    assert_nothing_was_lost(talker.visitor, talker.emulator, talker.talk)
    (resumption,) = talker.resumptions
    assert not resumption["planned"]
    assert not resumption["contextLost"]


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize("model", [ONE_HANDLE, MANY_HANDLES, "gemini-2.5-flash-native-audio-preview-12-2025"])
def test_ten_quiet_minutes_are_three_connections_and_three_tokens(begin: Callable[..., Talker], model: str) -> None:
    """Nobody speaks, `idle_stop` is off, and tokens last five minutes; all is heard."""
    quiet = Talk(spoken(QUIET_SECONDS), spoken(QUIET_SECONDS))
    talker = begin(quiet, configuration=profile(model, "300s"))
    talker.visitor.page.wait_for_timeout(QUIET_SECONDS * 1000)  # in real time
    minted = talker.emulator.get("/emulator/tokens").json["tokens"]
    sessions = talker.hang_up()
    counts = talker.visitor.page.evaluate("taps.counts")
    heard = [len(heard_on(talker.emulator, session)) for session in sessions]
    gaps = [round(one["gap"]) for one in talker.resumptions]
    seconds = [samples / SPEECH_RATE for samples in heard]
    print(f"heard on each connection, in s: {seconds}; gaps of {gaps} ms")  # noqa: T201 - figures
    assert (len(minted), len(sessions)) == (3, 3)
    assert sum(heard) == (counts["delivered"] - counts["firstSent"]) * CHUNK
    assert sum(seconds) > QUIET_SECONDS - 5
    assert all(one["planned"] and not one["contextLost"] for one in talker.resumptions)


def test_path_on_which_nothing_leaves_is_replaced(begin: Callable[..., Talker]) -> None:
    """After eight seconds; the page is told, and nothing is sent again."""
    talker = begin(Talk.of(30, (None,)))
    page = talker.visitor.page
    talker.visitor.until("taps.counts.sent >= 200")
    with throttled(page):
        page.evaluate("globalThis.stalledAt = performance.now()")
        talker.visitor.until("session.state === 'resuming'")
        waited = page.evaluate("(performance.now() - stalledAt) / 1000")
    talker.resumes(1)
    page.wait_for_timeout(1000)  # so that something is said on the new one too
    dead, *_, alive = talker.hang_up()
    witnessed = talker.visitor.witnessed()
    before, after = (heard_on(talker.emulator, session) for session in (dead, alive))
    first = witnessed.place_of(before)
    second = witnessed.place_of(after, since=(first or 0) + len(before))
    assert None not in (first, second)
    lost = (second - first - len(before)) / SPEECH_RATE
    print(f"left after {waited:.2f} s; {lost:.2f} s of speech lost")  # noqa: T201 - figures
    assert 8 <= waited < 3 * 8, "the browser's own buffer fills first"
    assert lost >= 0
    (resumption,) = talker.resumptions
    assert not resumption["planned"]


@contextmanager
def throttled(page: Page) -> Iterator[None]:
    """Block almost all traffic: as near to a dead path as Chromium gets."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("Network.enable")
    rates = ("downloadThroughput", "uploadThroughput")
    limit = {"offline": False, "latency": 0}
    devtools.send("Network.emulateNetworkConditions", limit | dict.fromkeys(rates, 1))
    yield
    devtools.send("Network.emulateNetworkConditions", limit | dict.fromkeys(rates, -1))
