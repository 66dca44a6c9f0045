"""Camera and screen: shown on request, at a modest rate, and gone when stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from browser.talking import ended_session

if TYPE_CHECKING:
    from collections.abc import Callable

    from browser.visitor import Visitor
    from programs import Program

SENT_PICTURES = """
globalThis.pictures = [];
const { send } = WebSocket.prototype;
WebSocket.prototype.send = function (frame) {
  const video = JSON.parse(frame).realtimeInput?.video;
  if (video) pictures.push({ ...video, at: performance.now() });
  return send.call(this, frame);
};
"""


def arrive_and_talk(visitor: Visitor) -> None:
    visitor.page.add_init_script(SENT_PICTURES)
    visitor.arrive()
    visitor.continue_as_guest()
    visitor.talk()


@pytest.mark.parametrize("kind", ["Camera", "Share screen"])
def test_video_is_sent_as_one_jpeg_a_second(visit: Callable[..., Visitor], emulator: Program, kind: str) -> None:
    """768 pixels on the long side at most; the person sees a preview."""
    visitor = visit()
    arrive_and_talk(visitor)
    visitor.button(kind).click()
    visitor.until("pictures.length >= 3")
    assert visitor.button(kind).get_attribute("aria-pressed") == "true"
    visitor.sees_video("preview.videoWidth > 0 && !preview.paused")
    first, *_, last = visitor.page.evaluate("pictures.map(({ at }) => at)")
    pictures = visitor.page.evaluate("pictures.length")
    assert last - first >= 990 * (pictures - 1), "timers may fire slightly early"
    size = """async () => {
      const jpeg = Uint8Array.from(atob(pictures[0].data), (byte) => byte.charCodeAt(0));
      const picture = await createImageBitmap(new Blob([jpeg], { type: 'image/jpeg' }));
      return [picture.width, picture.height, pictures[0].mimeType];
    }"""
    assert visitor.page.evaluate(size) == [768, 432, "image/jpeg"]

    visitor.button(kind).click()
    visitor.page.locator("video").wait_for(state="hidden")
    assert visitor.left_open["tracks"] == 1, "only the microphone"
    visitor.hang_up()
    session = ended_session(emulator)
    assert session["counters"]["video_frames"] == visitor.page.evaluate("pictures.length")
    assert visitor.page_errors == []


def test_browsers_stop_sharing_button_stops_the_video(
    visit: Callable[..., Visitor],
) -> None:
    """The page follows, and nothing more is sent."""
    visitor = visit()
    arrive_and_talk(visitor)
    visitor.button("Share screen").click()
    visitor.until("pictures.length >= 1")
    visitor.page.evaluate(
        """() => {
          const track = opened.tracks.find(({ kind }) => kind === 'video');
          track.stop();
          track.dispatchEvent(new Event('ended'));
        }"""
    )
    visitor.page.locator("video").wait_for(state="hidden")
    assert visitor.button("Share screen").get_attribute("aria-pressed") == "false"


def test_hanging_up_stops_the_camera(visit: Callable[..., Visitor]) -> None:
    """The camera light goes off."""
    visitor = visit()
    arrive_and_talk(visitor)
    visitor.button("Camera").click()
    visitor.until("pictures.length >= 1")
    visitor.hang_up()
    assert visitor.left_open == {"tracks": 0, "sockets": 0, "contexts": 0}
    visitor.sees_video("preview.srcObject === null")


def test_screen_replaces_the_camera(visit: Callable[..., Visitor]) -> None:
    """One video at a time: the model cannot tell two streams apart."""
    visitor = visit()
    arrive_and_talk(visitor)
    visitor.button("Camera").click()
    visitor.until("pictures.length >= 1")
    visitor.button("Share screen").click()
    visitor.page.locator(".screen[aria-pressed=true]").wait_for()
    assert visitor.button("Camera").get_attribute("aria-pressed") == "false"
    assert visitor.left_open["tracks"] == 2, "the microphone and the screen"


def test_video_waits_while_sound_is_queued(visit: Callable[..., Visitor]) -> None:
    """On a slow line the voice has priority."""
    visitor = visit()
    visitor.page.add_init_script(
        """
        globalThis.queued = 1;
        Object.defineProperty(WebSocket.prototype, 'bufferedAmount', { get: () => queued });
        """
    )
    arrive_and_talk(visitor)
    visitor.button("Camera").click()
    visitor.sees_video("preview.currentTime > 1.5")
    assert visitor.page.evaluate("pictures.length") == 0
    visitor.page.evaluate("queued = 0")
    visitor.until("pictures.length >= 1")
