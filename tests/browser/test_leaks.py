"""A conversation leaves nothing behind, as counted by the browser itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import CDPSession

    from browser.visitor import Visitor

BATCH = 20
# Chromium's own counters for audio, listeners and the document.
COUNTED = (
    "AudioHandlers",
    "AudioWorkletProcessors",
    "ContextLifecycleStateObservers",
    "JSEventListeners",
    "Nodes",
)
TIMERS = """
globalThis.timers = new Set();
for (const kind of ['Timeout', 'Interval']) {
  const set = globalThis[`set${kind}`];
  const clear = globalThis[`clear${kind}`];
  globalThis[`set${kind}`] = (call, ...rest) => {
    const timer = set((...given) => {
      if (kind === 'Timeout') timers.delete(timer);
      call(...given);
    }, ...rest);
    timers.add(timer);
    return timer;
  };
  globalThis[`clear${kind}`] = (timer) => {
    timers.delete(timer);
    clear(timer);
  };
}
"""
# Recording the opened devices keeps them alive, so the records are cleared each time.
STARTS_AND_STOPS = """async (times) => {
  for (let i = 0; i < times; i += 1) {
    await session.start();
    session.close();
    const open = [
      opened.tracks.filter((track) => track.readyState !== 'ended').length,
      opened.sockets.filter((socket) => socket.readyState < WebSocket.CLOSING).length,
      timers.size,
    ];
    if (open.some((count) => count > 0)) throw new Error(`tracks, sockets, timers: ${open}`);
    for (const each of Object.values(opened)) each.length = 0;
  }
}"""


@pytest.fixture(name="page_with_session")
def _page_with_session(visit: Callable[..., Visitor]) -> Visitor:
    """A page that has held one conversation, so that what loads once is loaded."""
    visitor = visit()
    visitor.page.add_init_script(TIMERS)
    visitor.arrive()
    visitor.page.evaluate(
        """async () => {
          const { LiveSession } = await import('/live/session.js');
          globalThis.session = new LiveSession({ token: '/token' });
        }"""
    )
    visitor.page.evaluate(STARTS_AND_STOPS, 1)
    return visitor


def counts(browser: CDPSession) -> dict[str, float]:
    """Chromium's counters after a forced garbage collection."""
    browser.send("HeapProfiler.collectGarbage")
    metrics = browser.send("Performance.getMetrics")["metrics"]
    return {each["name"]: each["value"] for each in metrics if each["name"] in COUNTED}


def settled(visitor: Visitor, browser: CDPSession, goal: dict[str, float]) -> dict[str, float]:
    """The counts once they are at most *goal*, or after ten seconds."""
    now = counts(browser)
    for _ in range(20):
        if all(now[name] <= goal[name] for name in COUNTED):
            break
        visitor.page.wait_for_timeout(500)  # a context takes time to be closed and collected
        now = counts(browser)
    return now


@pytest.mark.parametrize("starts", [60, pytest.param(200, marks=pytest.mark.soak)])
def test_starts_and_stops_leak_nothing(page_with_session: Visitor, starts: int) -> None:
    """No track, timer or socket stays open, and the counters are back where they were."""
    visitor = page_with_session
    browser = visitor.page.context.new_cdp_session(visitor.page)
    browser.send("Performance.enable")
    visitor.page.wait_for_timeout(1000)  # likewise for the contexts of the warm-up
    before = counts(browser)

    visitor.page.evaluate("session.start()")
    live = counts(browser)
    visitor.page.evaluate("session.close()")
    rising = ("AudioHandlers", "AudioWorkletProcessors", "JSEventListeners")
    for name in rising:
        assert live[name] > before[name], f"{name} is a count that does not rise, so it shows nothing"

    for _ in range(starts // BATCH):
        visitor.page.evaluate(STARTS_AND_STOPS, BATCH)
    after = settled(visitor, browser, before)
    print(f"before {before}, live {live}, after {starts} starts {after}")  # noqa: T201 - figures
    assert all(after[name] <= before[name] for name in COUNTED)
    assert visitor.page_errors == []
