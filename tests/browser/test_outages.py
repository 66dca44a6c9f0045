"""Spoken conversations through outages, with every sample accounted for."""

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
    PROFILE,
    UNLOCKED,
    WITHOUT_END,
    Talk,
    Talker,
    assert_nothing_was_lost,
    closed_sessions,
    context_of,
    handles,
    heard_on,
)
from browser.witness import assert_all_was_heard
from programs import emulating, service_environment, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Page

    from browser.visitor import Visitor


LONG_TOKENS = PROFILE.replace('token_lifetime = "30s"', 'token_lifetime = "300s"')


@pytest.mark.parametrize(
    ("handle_state", "client_handle"),
    [
        ("snapshot", "honoured"),
        pytest.param("at_close", "ignored", marks=pytest.mark.soak),
    ],
)
def test_20_second_service_outage_loses_nothing(
    visit: Callable[..., Visitor], tmp_path: Path, handle_state: str, client_handle: str
) -> None:
    """The conversation continues with the current token, or waits."""
    options = (*handles(handle_state), "--client-handle", client_handle)
    with emulating(*UNLOCKED, *FIVE_SECONDS, *options) as emulator:
        environment = service_environment(tmp_path, PROFILE, emulator.url)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        with serving(environment, workers=1, port=port) as service:
            talk = Talk.of(5)
            talker = Talker.begin(visit, service, emulator, tmp_path / "talk.wav", talk)
        talker.visitor.page.wait_for_timeout(20_000)  # the outage, in real time
        meanwhile = len(talker.resumptions)
        with serving(environment, workers=1, port=port):
            talker.resumes(meanwhile + 1)
            talker.hang_up()
        assert_nothing_was_lost(talker.visitor, emulator, talk)
        sessions = closed_sessions(emulator)
    print(f"{meanwhile} times by the token in hand; {talker.resumptions}")  # noqa: T201 - figures
    assert (meanwhile > 0) == (client_handle == "honoured")
    assert not any(one["contextLost"] for one in talker.resumptions)
    assert all(
        session["closed_by"] == "client" for session in sessions if session["heard"]["bytes"]
    )


@pytest.mark.parametrize(
    ("handle_state", "cuts"),
    [("snapshot", 4), pytest.param("at_close", 2, marks=pytest.mark.soak)],
)
def test_dropped_connection_loses_at_most_250_ms(
    begin: Callable[..., Talker], handle_state: str, cuts: int
) -> None:
    """Nothing is heard twice or out of order."""
    fault = {"on": "socket", "kind": "cut", "times": cuts, "between": [4, 10], "seconds": 0.15}
    talker = begin(Talk.of(5), *handles(handle_state), fault=fault | {"seed": 5})
    for cut in range(1, cuts + 1):
        talker.resumes(cut)
    talker.visitor.page.wait_for_timeout(500)  # so that something is said after the last one too
    sessions = talker.hang_up()

    assert [session["close"]["code"] for session in sessions] == [1006] * cuts + [1000]
    told = [(one["planned"], one["contextLost"]) for one in talker.resumptions]
    assert told == [(False, False)] * cuts, "the page is told"
    witnessed = talker.visitor.witnessed()
    heard = [heard_on(talker.emulator, session) for session in sessions]
    places = [witnessed.place_of(part) for part in heard]
    assert None not in places, "each connection received the captured samples unchanged"
    ends = [place + len(part) for place, part in zip(places, heard, strict=True)]
    lost = [(start - end) / SPEECH_RATE for end, start in zip(ends, places[1:], strict=False)]
    missing = (sum(map(len, heard)) - len(context_of(talker.emulator))) / SPEECH_RATE
    print(  # noqa: T201 - figures
        f"lost at each cut: {', '.join(f'{1000 * each:.0f}' for each in lost)} ms; "
        f"{missing:.2f} s heard and not in a snapshot's context"
    )
    # Wall-clock time: allows twice as much, for a busy machine.
    assert min(lost) >= 0
    assert np.median(lost) <= 0.25
    assert max(lost) <= 0.5
    assert 0 <= missing <= cuts * 1.5 * HANDLE_INTERVAL


def test_resume_that_comes_too_soon_is_tried_again(begin: Callable[..., Talker]) -> None:
    """As after an idle moment at Google; what was said meanwhile is sent, with the same token."""
    talker = begin(Talk.of(3, WITHOUT_END), *FIVE_SECONDS)
    refusal = {"kind": "close", "after": 0, "code": 1011, "text": "Internal error encountered."}
    talker.emulator.post("/emulator/faults", {"on": "socket", "times": 1} | refusal)
    talker.resumes(1)
    minted = talker.emulator.get("/emulator/tokens").json["tokens"]
    sessions = talker.hang_up()
    assert_nothing_was_lost(talker.visitor, talker.emulator, talker.talk)
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
def test_quiet_minute_is_one_connection_and_one_token(
    visit: Callable[..., Visitor], tmp_path: Path
) -> None:
    """Nobody speaks for 60 s, and the whole microphone signal arrives."""
    quiet = Talk(spoken(60.0), spoken(60.0))
    with emulating() as emulator:
        environment = service_environment(tmp_path, LONG_TOKENS, emulator.url)
        with serving(environment, workers=1) as service:
            talker = Talker.begin(visit, service, emulator, tmp_path / "talk.wav", quiet)
            talker.visitor.page.wait_for_timeout(60_000)  # the quiet minute
            minted = emulator.get("/emulator/tokens").json["tokens"]
            sessions = talker.hang_up()
            heard = [heard_on(emulator, session) for session in sessions]
    figures = [len(samples) / SPEECH_RATE for samples in heard]
    print(f"{len(minted)} tokens; heard on each connection, in s: {figures}")  # noqa: T201
    assert (len(minted), len(sessions)) == (1, 1)
    assert len(heard[0]) > 55 * SPEECH_RATE
    assert_all_was_heard(talker.visitor.witnessed(), heard[0])


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
    first, second = witnessed.place_of(before), witnessed.place_of(after)
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
