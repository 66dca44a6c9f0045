"""How long sound takes through the page, and how long it takes to become live.

What our code decides is counted in frames of sound, and is the same on any machine. Wall-clock
times are printed, and fail at twice the expected value, to allow for a busy machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from browser.flags import FAKE_DEVICES
from browser.press_to_live import press_to_live
from browser.witness import CHUNK

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from browser.visitor import Visitor

pytestmark = pytest.mark.alone

QUANTUM = 128
CHUNK_MS = 20
PRESSES = 20
ANSWERS = 8


@pytest.fixture(name="talking")
def _talking(visit: Callable[..., Visitor]) -> Visitor:
    """A page that is live and recorded."""
    visitor = visit(bypass_csp=True)
    visitor.record()
    visitor.arrive()
    visitor.page.evaluate(
        """async () => {
          const { LiveSession } = await import('/live/session.js');
          globalThis.session = new LiveSession({ token: '/token' });
          globalThis.context = () => opened.contexts.at(-1);
          // Up to a second of sound, as the Live API would send it.
          globalThis.receive = (serverContent) =>
            opened.sockets.at(-1).onmessage({ data: JSON.stringify({ serverContent }) });
          globalThis.answer = (seconds) => {
            const data = btoa('\\x00\\x40'.repeat(24000 * seconds));
            receive({ modelTurn: { parts: [{ inlineData: { mimeType: 'audio/pcm', data } }] } });
          };
          await session.start();
        }"""
    )
    return visitor


def notes_of(visitor: Visitor, what: str) -> list[dict[str, Any]]:
    """The events of this kind that the worklets recorded."""
    notes = visitor.page.evaluate("taps.notes()")
    return [note for note in notes if note["what"] == what]


def test_microphone_latency_is_one_chunk(talking: Visitor) -> None:
    """A full chunk is sent immediately."""
    talking.until("taps.counts.sent >= 150")
    told = talking.page.evaluate(
        """async () => {
          const { rate } = taps.recorded('captured');
          const { counts: { firstSent, kept } } = taps;
          const sentAt = taps.sentAt.slice(kept);
          const first = firstSent + kept;
          return { rate, sentAt, first, began: taps.began, notes: await taps.notes() };
        }"""
    )
    posted = [note for note in told["notes"] if note["what"] == "captured"]
    rate = told["rate"]
    # The last input frame that each chunk's first sample needed, and the quantum in which it left.
    needed = told["began"] + np.arange(len(posted)) * CHUNK * rate / 16_000
    left = np.array([note["frame"] for note in posted])
    waited = left - needed
    sent = posted[told["first"] :][: len(told["sentAt"])]
    transit = [at - note["at"] for at, note in zip(told["sentAt"], sent, strict=False)]
    # The first sample of a chunk waits for the whole chunk, the last one for nothing.
    waits = np.add.outer(np.array(transit), np.arange(CHUNK) * CHUNK_MS / CHUNK)
    wall = np.percentile(waits, [50, 95, 100])
    print(  # noqa: T201 - figures
        f"a sample waits {waited.max():.0f} frames at most, of {CHUNK * rate / 16_000:.0f} in a "
        f"chunk; wall clock {wall[0]:.1f} ms, 95 % {wall[1]:.1f}, longest {wall[2]:.1f}"
    )
    assert len(posted) >= 150
    assert waited.max() <= CHUNK * rate / 16_000
    assert talking.page.evaluate("taps.backlog") == 0, "each chunk is sent immediately"
    assert wall[1] < 2 * 45


def test_playback_latency_is_40_ms_and_one_buffer(talking: Visitor) -> None:
    """For a first chunk of any length, with nothing queued."""
    for number in range(ANSWERS):
        talking.page.evaluate(
            """async (seconds) => {
              const finished = new Promise((resolve) => {
                session.addEventListener('speaking', ({ detail }) => {
                  if (!detail.speaking) resolve();
                });
              });
              globalThis.arrivals ??= [];
              arrivals.push(Date.now());
              answer(seconds);
              receive({ turnComplete: true });
              await finished;
              // Silence, in audio time, so that the next chunk is a first one again.
              const end = context().currentTime + 0.4;
              while (context().currentTime < end) await new Promise(requestAnimationFrame);
            }""",
            (0.02, 0.2)[number % 2],
        )
    notes = notes_of(talking, "chunk")
    rate, buffer = talking.page.evaluate("[context().sampleRate, context().baseLatency]")
    waited = np.array([note["first"]["frame"] - note["seen"]["frame"] for note in notes])
    arrivals = talking.page.evaluate("arrivals")
    wall = [note["first"]["at"] - at for note, at in zip(notes, arrivals, strict=True)]
    print(  # noqa: T201 - figures
        f"first sample after {waited.min()} to {waited.max()} frames at {rate} Hz; "
        f"wall clock {np.median(wall):.0f} ms, longest {max(wall)}"
    )
    assert len(notes) == ANSWERS
    assert waited.max() <= (0.04 + buffer) * rate


def test_interruption_fades_out_within_5_ms(talking: Visitor) -> None:
    """Starting in the next render quantum."""
    for _ in range(ANSWERS):
        talking.page.evaluate("answer(2)")
        talking.until("session.levels.speaker > 0.1")
        talking.page.evaluate(
            """() => {
              globalThis.interruptions ??= [];
              interruptions.push(Date.now());
              receive({ interrupted: true });
              receive({ turnComplete: true });
            }"""
        )
        talking.until("session.levels.speaker === 0")
    notes = notes_of(talking, "flush")
    rate = talking.page.evaluate("context().sampleRate")
    lasted = np.array([note["last"]["frame"] - note["seen"]["frame"] for note in notes])
    told = talking.page.evaluate("interruptions")
    wall = [note["last"]["at"] - at for note, at in zip(notes, told, strict=True)]
    print(  # noqa: T201 - figures
        f"silent after {lasted.min()} to {lasted.max()} frames at {rate} Hz; "
        f"wall clock {np.median(wall):.0f} ms, longest {max(wall)}"
    )
    assert len(notes) == ANSWERS
    assert lasted.max() <= 0.005 * rate + QUANTUM
    assert np.median(wall) < 2 * 15


def test_time_to_live_adds_hardly_anything(visit: Callable[..., Visitor]) -> None:
    """The longer of microphone and token, then socket and setup."""
    visitor = visit(flags=FAKE_DEVICES, permissions=["microphone"])
    visitor.arrive()
    measured = press_to_live(visitor, PRESSES)
    print(f"medians of {PRESSES}: {measured}")  # noqa: T201 - figures
    assert measured.beside < 2 * 20
