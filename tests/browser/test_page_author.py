"""What a page gives to a session, and gets from it: streams, pictures, signals, a goodbye."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from browser.talking import ended_session

if TYPE_CHECKING:
    from collections.abc import Callable

    from browser.visitor import Visitor
    from programs import Program

# A tone, as a stream that the page has made.
TONE = """
  globalThis.context = new AudioContext();
  const tone = new OscillatorNode(context, { frequency: 440 });
  const output = new MediaStreamAudioDestinationNode(context);
  tone.connect(output);
  tone.start();
  globalThis.given = output.stream;
"""
# A permission prompt that is open until the test answers it.
PROMPT = """
  const { getUserMedia } = MediaDevices.prototype;
  navigator.mediaDevices.getUserMedia = (wanted) => new Promise((resolve, reject) => {
    globalThis.allow = async () => {
      globalThis.late = await getUserMedia.call(navigator.mediaDevices, wanted);
      resolve(late);
    };
  });
"""
HANG_UP = """
[profiles.default]
model = "gemini-3.8-live"
allow = ["guest"]
[profiles.default.config]
response_modalities = ["AUDIO"]
[[profiles.default.config.tools]]
function_declarations = [{ name = "hang_up", ends = true }]
[limits]
guest = ["1000/minute"]
"""


def test_stream_of_the_page_is_heard_and_stays_the_pages(guest: Visitor, emulator: Program) -> None:
    """No microphone is opened, and neither muting nor the end touches the page's track."""
    guest.page.evaluate(f"async () => {{ {TONE} await session.start({{ microphone: given }}); }}")
    guest.until("session.levels.microphone > 0.1")
    assert guest.page.evaluate("[session.voiced, opened.tracks.length]") == [True, 0]
    guest.page.evaluate("session.muted = true")
    assert guest.page.evaluate("given.getAudioTracks()[0].enabled")
    guest.page.evaluate("session.close()")
    assert guest.page.evaluate("given.getAudioTracks()[0].readyState") == "live"
    session = ended_session(emulator)
    assert session["counters"]["audio_chunks"] > 0


def test_stream_of_the_page_can_take_the_place_of_a_microphone(guest: Visitor) -> None:
    guest.page.evaluate(f"async () => {{ await session.start(); {TONE} await session.useMicrophone(given); }}")
    guest.until("session.levels.microphone > 0.1")
    assert guest.page.evaluate("opened.tracks.map(({ readyState }) => readyState)") == ["ended"]


def test_stream_without_sound_is_a_missing_microphone(guest: Visitor) -> None:
    code = guest.page.evaluate("session.start({ microphone: new MediaStream() }).catch(({ code }) => code)")
    assert code == "microphone-missing"


def test_answer_is_a_stream_whatever_the_volume(guest: Visitor) -> None:
    """Its track ends with the conversation."""
    assert guest.page.evaluate("session.answerStream") is None
    guest.page.evaluate(
        """async () => {
          session.volume = 0;
          await session.start({ microphone: false });
          globalThis.answer = session.answerStream;
          const listening = new AudioContext();
          const meter = new AnalyserNode(listening);
          listening.createMediaStreamSource(answer).connect(meter);
          globalThis.loudest = () => {
            const wave = new Float32Array(meter.fftSize);
            meter.getFloatTimeDomainData(wave);
            return Math.max(...wave);
          };
          session.sendText('Good morning');
        }"""
    )
    guest.until("loudest() > 0.05")
    assert guest.page.evaluate("session.answerStream === answer")
    guest.page.evaluate("session.close()")
    assert guest.page.evaluate("answer.getTracks()[0].readyState") == "ended"


def test_image_of_any_kind_is_sent_as_a_jpeg_of_768_pixels(guest: Visitor, emulator: Program) -> None:
    sent = guest.page.evaluate(
        """async () => {
          const frames = [];
          const { send } = WebSocket.prototype;
          WebSocket.prototype.send = function (frame) {
            frames.push(JSON.parse(frame));
            return send.call(this, frame);
          };
          await session.start({ microphone: false, speaker: false });
          const canvas = new OffscreenCanvas(2000, 500);
          canvas.getContext('2d').fillRect(0, 0, 10, 10);
          await session.sendImage(await canvas.convertToBlob({ type: 'image/png' }));
          const { data, mimeType } = frames.at(-1).realtimeInput.video;
          const jpeg = Uint8Array.from(atob(data), (byte) => byte.charCodeAt(0));
          const picture = await createImageBitmap(new Blob([jpeg], { type: mimeType }));
          const pen = new OffscreenCanvas(1, 1).getContext('2d');
          pen.drawImage(picture, -700, -100);
          const [red] = pen.getImageData(0, 0, 1, 1).data;
          return [mimeType, picture.width, picture.height, red > 250];
        }"""
    )
    assert sent == ["image/jpeg", 768, 192, True], "what is transparent is white"
    guest.page.evaluate("session.close()")
    assert ended_session(emulator)["counters"]["video_frames"] == 1


@pytest.mark.parametrize("call", ["useMicrophone('default'", "showCamera({}"])
def test_device_that_is_allowed_after_its_signal_has_aborted_is_closed_at_once(guest: Visitor, call: str) -> None:
    reason = guest.page.evaluate(
        f"""async () => {{
          await session.start({{ microphone: false }});
          {PROMPT}
          const wanted = new AbortController();
          const opening = session.{call}, {{ signal: wanted.signal }}).catch((reason) => reason);
          while (!globalThis.allow) await new Promise((resolve) => setTimeout(resolve));
          wanted.abort('no longer');
          return opening;
        }}"""
    )
    assert reason == "no longer"
    guest.page.evaluate("allow()")
    guest.until("late.getTracks().every(({ readyState }) => readyState === 'ended')")
    assert guest.page.evaluate("[session.state, session.voiced, session.getSnapshot().video]") == [
        "live",
        False,
        None,
    ]


def test_signal_of_a_camera_stops_it(guest: Visitor) -> None:
    shown = guest.page.evaluate(
        """async () => {
          await session.start({ microphone: false });
          const wanted = new AbortController();
          await session.showCamera({}, { signal: wanted.signal });
          const { kind, stream } = session.getSnapshot().video;
          wanted.abort();
          return [kind, stream.getTracks()[0].readyState, session.getSnapshot().video];
        }"""
    )
    assert shown == ["camera", "ended", None]


def test_agent_hangs_up_after_its_goodbye_was_heard(
    visit: Callable[..., Visitor], start_service: Callable[..., Program], emulator: Program
) -> None:
    visitor = visit(start_service(HANG_UP, emulator.url, workers=1).url)
    visitor.arrive()
    visitor.page.evaluate(
        """async () => {
          const { LiveSession } = await import('/live/session.js');
          globalThis.session = new LiveSession({ token: '/token' });
          globalThis.log = [];
          session.on('speaking', ({ speaking }) => log.push(speaking ? 'speaks' : 'silent'));
          session.on('state', ({ state, error }) => log.push(error?.code ?? state));
          await session.start();
          session.sendText('Please hang up.');
        }"""
    )
    visitor.until("session.state === 'closed'")
    assert visitor.page.evaluate("log") == ["connecting", "live", "speaks", "silent", "closed"]
    record = ended_session(emulator)
    assert [(each["sent"] == each["planned"]) for each in record["answers"]] == [True]
    assert visitor.left_open == {"tracks": 0, "sockets": 0, "contexts": 0}
