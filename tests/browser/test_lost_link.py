"""A link that is lost while another is there: a phone that leaves its Wi-Fi.

The server sees nothing of it. On loopback this cannot be tried: what is sent there always arrives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from browser.device import connected_device
from browser.flags import FLAGS
from browser.sound import SPEECH_RATE, marker
from browser.talking import Talk, Talker, heard_on, profile
from browser.visitor import Visitor
from programs import Programs, emulating, service_environment, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Playwright

    from browser.device import Device

QUIET = 0.004  # of a marker's level: noise that is not taken for a voice
# Types a text, and waits for the answer, in which the emulator recites it.
ANSWERED = """(typed) => new Promise((resolve) => {
  session.addEventListener('transcript', ({ detail: { side, text } }) => {
    if (side === 'agent' && text.includes(typed)) resolve();
  });
  session.sendText(typed);
})"""


@pytest.fixture(name="device")
def _device() -> Iterator[Device]:
    with connected_device() as device:
        yield device


@pytest.fixture(name="begin_on")
def _begin_on(playwright: Playwright, chromium_path: str, tmp_path: Path) -> Iterator[Callable[[Device, Talk], Talker]]:
    """Begins a talk in a browser on a device, with an emulator as recorded and a service here."""
    with Programs() as programs:

        def begin(device: Device, talk: Talk) -> Talker:
            emulator = programs.start(emulating("--host", device.server))
            environment = service_environment(tmp_path, profile(lifetime="300s"), emulator.url)
            service = programs.start(serving(environment, workers=1, host=device.server))

            def visit(address: str, *, flags: list[str], **options: object) -> Visitor:
                browser = playwright.chromium.launch(
                    executable_path=device.wrap(chromium_path, tmp_path),
                    args=[*FLAGS, *flags],
                )
                programs.callback(browser.close)
                return Visitor(browser.new_context(**options).new_page(), address)

            return Talker.begin(visit, service, emulator, tmp_path / "talk.wav", talk)

        yield begin


@pytest.mark.soak
@pytest.mark.parametrize("returns", [True, False], ids=["for 20 seconds", "for good"])
def test_conversation_continues_over_the_other_link(
    begin_on: Callable[[Device, Talk], Talker], device: Device, *, returns: bool
) -> None:
    """Text is answered again, and what the microphone sends is heard unchanged."""
    room = QUIET * marker(120.0)
    talker = begin_on(device, Talk(room, room))
    page = talker.visitor.page
    page.evaluate(ANSWERED, "The number is 4711.")
    device.lose(device.wifi)
    page.evaluate("globalThis.lostAt = performance.now()")
    if returns:
        page.wait_for_timeout(20_000)  # the outage, in real time
        device.connect(device.wifi)
    talker.resumes(1)
    back = page.evaluate("(performance.now() - lostAt) / 1000")
    page.evaluate(ANSWERED, "Are you still there?")
    page.wait_for_timeout(1000)  # so that something is said on the new connection too
    lost, *_, last = talker.hang_up(dead=1)
    (resumption,) = talker.resumptions
    print(f"{resumption['gap'] / 1000:.1f} s without a connection, {back:.1f} s after the loss")  # noqa: T201 - figures
    assert resumption["way"] == "rebuilt"
    assert not resumption["planned"]
    witnessed = talker.visitor.witnessed()
    before, after = (heard_on(talker.emulator, session) for session in (lost, last))
    first = witnessed.place_of(before)
    second = witnessed.place_of(after, since=(first or 0) + len(before))
    assert None not in (first, second)
    assert first + len(before) <= second, "nothing was sent twice"
    assert len(after) >= SPEECH_RATE
