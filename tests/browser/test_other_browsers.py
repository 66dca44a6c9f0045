"""A session on a third-party page under a strict policy, in each browser that we have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from browser.firefox import firefox
from browser.flags import ALLOWED, FAKE_DEVICES
from browser.sound import SPEECH_RATE, spoken, write_wav
from browser.talking import closed_sessions, heard_on

if TYPE_CHECKING:
    from collections.abc import Callable

    from browser.hosting import Site
    from browser.visitor import Visitor
    from browser.witness import Samples
    from programs import Program

STARTS = 3
SMOKE = (Path(__file__).parent / "smoke.js").read_text()


def page_of(site: Site, service: Program, emulator: Program) -> str:
    """A page that allows its own scripts, the service's, and connections to both."""
    socket = emulator.url.replace("http", "ws", 1)
    policy = f"script-src 'self' {service.url}; connect-src {service.url} {socket}"
    return site.publish("", headers={"Content-Security-Policy": policy})


def check(told: str, emulator: Program, site: Site) -> Samples:
    """Assert that the conversation was held from that page. Returns what was heard."""
    result = json.loads(told)
    assert result["states"] == ["connecting", "live", "closed"]
    assert "Hello" in result["text"]
    assert result["microphone"] > 0
    assert result["speaker"] > 0
    last = closed_sessions(emulator)[-1]
    assert last["handshake"]["origin"] == site.url
    assert last["close"]["code"] == 1000
    return heard_on(emulator, last)


def test_chromium_holds_a_conversation(
    visit: Callable[..., Visitor], site: Site, embedded: Program, emulator: Program, tmp_path: Path
) -> None:
    """The policy names only our origin and the Live API's."""
    speech = tmp_path / "speech.wav"
    write_wav(speech, spoken("ask-for-a-story"))
    microphone = f"--use-file-for-fake-audio-capture={speech}"
    flags = [*FAKE_DEVICES, *ALLOWED, microphone]
    visitor = visit(page_of(site, embedded, emulator), awaits="main", flags=flags)
    visitor.arrive()
    check(visitor.page.evaluate(f"({SMOKE})({json.dumps(embedded.url)})"), emulator, site)
    assert visitor.left_open == {"tracks": 0, "sockets": 0, "contexts": 0}
    assert visitor.violations == []


def smoke_in_firefox(address: str, service: str, folder: Path) -> str:
    """Run SMOKE on a page.

    Without a real sound device, Firefox itself sometimes hangs, and no timer of the page fires any
    more: then it is started again. If our code is stuck, SMOKE says where, and that fails the test.
    """
    for attempt in range(STARTS):
        place = folder / str(attempt)
        place.mkdir()
        try:
            with firefox(place) as page:
                page.go(address)
                return page.call(SMOKE, service)
        except TimeoutError:
            print(f"Firefox hangs, start {attempt + 1}")  # noqa: T201 - shown if the test fails
    pytest.fail(f"Firefox hung {STARTS} times")


@pytest.mark.alone
def test_firefox_holds_a_conversation(site: Site, embedded: Program, emulator: Program, tmp_path: Path) -> None:
    """Its 1 kHz microphone tone passes our resampler as 1 kHz."""
    address = page_of(site, embedded, emulator)
    heard = check(smoke_in_firefox(address, embedded.url, tmp_path), emulator, site)
    spectrum = np.abs(np.fft.rfft(heard * np.hanning(len(heard))))
    loudest = np.argmax(spectrum) * SPEECH_RATE / len(heard)
    print(f"{len(heard) / SPEECH_RATE:.2f} s heard, loudest at {loudest:.1f} Hz")  # noqa: T201 - figures
    assert abs(loudest - 1000) < 2 * SPEECH_RATE / len(heard)
