"""Microphones, loudspeakers and cameras: chosen, switched during a conversation, unplugged."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from browser.flags import FAKE_DEVICES, FLAGS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Playwright

    from browser.visitor import Visitor
    from programs import Program

NOTHING = {"tracks": 0, "sockets": 0, "contexts": 0}
SESSION = """async () => {
  const { LiveSession } = await import('/live/session.js');
  globalThis.session = new LiveSession({ token: '/token' });
  globalThis.told = [];
  for (const type of ['state', 'devices', 'video', 'timing']) {
    session.addEventListener(type, ({ detail }) => told.push([type, detail]));
  }
  globalThis.live = () => opened.tracks.filter(({ readyState }) => readyState === 'live');
  globalThis.chunks = 0;
  const { send } = WebSocket.prototype;
  WebSocket.prototype.send = function (frame) {
    chunks += frame.startsWith('{"realtimeInput":{"audio"') ? 1 : 0;
    return send.call(this, frame);
  };
}"""


@pytest.fixture(name="guest")
def _guest(visit: Callable[..., Visitor]) -> Visitor:
    """A visitor with a session, as `session`, and three devices of each kind."""
    visitor = visit(permissions=["microphone", "camera"])
    visitor.arrive()
    visitor.page.evaluate(SESSION)
    return visitor


def test_switching_microphones_keeps_the_connection(guest: Visitor) -> None:
    """The old one is released and the new one is heard."""
    chosen = guest.page.evaluate(
        """async () => {
          await session.start();
          const { microphones } = await session.devices();
          const chosen = microphones.at(-1);
          await session.useMicrophone(chosen.id);
          chunks = 0;
          return [chosen, live().map((track) => track.getSettings().deviceId)];
        }"""
    )
    assert chosen[1] == [chosen[0]["id"]]
    assert chosen[0]["label"]
    guest.until("chunks > 10")
    assert guest.page.evaluate("opened.sockets.length") == 1
    guest.page.evaluate("session.close()")
    assert guest.left_open == NOTHING


def test_switching_microphones_stays_muted(guest: Visitor) -> None:
    """Muting survives the switch."""
    guest.page.evaluate(
        """async () => {
          session.muted = true;
          await session.start();
          await session.useMicrophone({});
        }"""
    )
    assert guest.page.evaluate("live().map(({ enabled }) => enabled)") == [False]
    assert guest.page.evaluate("chunks") == 0
    guest.page.evaluate("session.muted = false")
    guest.until("chunks > 10")


def test_switching_to_a_missing_microphone_keeps_the_current_one(guest: Visitor) -> None:
    """The conversation continues with the current microphone."""
    code = guest.page.evaluate(
        """async () => {
          await session.start();
          return session.useMicrophone('not-there').catch(({ code }) => code);
        }"""
    )
    assert code == "microphone-missing"
    guest.page.evaluate("chunks = 0")
    guest.until("chunks > 10")


def test_unplugged_microphone_falls_back_to_another(guest: Visitor) -> None:
    """The conversation continues with the remaining microphone."""
    guest.page.evaluate("session.start()")
    guest.page.evaluate(
        """() => {
          const [track] = live();
          track.stop();
          track.dispatchEvent(new Event('ended'));
          chunks = 0;
        }"""
    )
    guest.until("chunks > 10")
    assert guest.page.evaluate("[session.state, live().length]") == ["live", 1]


def test_unplugging_the_only_microphone_ends_the_conversation(guest: Visitor) -> None:
    """The person is told why."""
    guest.page.evaluate("session.start()")
    guest.page.evaluate(
        """() => {
          const [track] = live();
          navigator.mediaDevices.getUserMedia = async () => {
            throw new DOMException('none', 'NotFoundError');
          };
          track.stop();
          track.dispatchEvent(new Event('ended'));
        }"""
    )
    guest.until("session.state === 'closed'")
    error = guest.page.evaluate("(({ code, retryable, message }) => [code, retryable, message])(told.at(-1)[1].error)")
    assert error[:2] == ["microphone-lost", True]
    assert error[2].startswith("The microphone was disconnected")
    assert guest.left_open == NOTHING


def test_microphone_can_be_added_to_a_typed_conversation(guest: Visitor) -> None:
    """A conversation that started without one can get one."""
    guest.page.evaluate("session.start({ microphone: false })")
    assert guest.page.evaluate("session.voiced") is False
    guest.page.evaluate("session.useMicrophone({})")
    guest.until("chunks > 10")
    assert guest.page.evaluate("session.voiced") is True


def test_loudspeaker_can_be_chosen_and_switched(guest: Visitor) -> None:
    """Both at the start and during a conversation."""
    sinks = guest.page.evaluate(
        """async () => {
          const { speakers } = await session.devices();
          const [, first, second] = speakers.map(({ id }) => id);
          await session.start({ microphone: false, speaker: first });
          const sinks = [opened.contexts[0].sinkId === first];
          await session.useSpeaker(second);
          sinks.push(opened.contexts[0].sinkId === second);
          sinks.push(await session.useSpeaker('not-there').catch(({ code }) => code));
          return sinks;
        }"""
    )
    assert sinks == [True, True, "speaker-missing"]


def test_remembered_devices_that_are_gone_are_optional(guest: Visitor) -> None:
    """The default devices are used instead."""
    guest.page.evaluate(
        "session.start({ microphone: { deviceId: 'gone' }, speaker: 'gone' })",
    )
    guest.until("chunks > 10")
    assert guest.page.evaluate("opened.contexts[0].sinkId") == ""


def test_unplugged_loudspeaker_falls_back_to_the_default(guest: Visitor) -> None:
    """The page is told what is left."""
    left = guest.page.evaluate(
        """async () => {
          const { speakers } = await session.devices();
          await session.start({ microphone: false, speaker: speakers.at(-1).id });
          const all = await navigator.mediaDevices.enumerateDevices();
          const last = all.findLastIndex(({ kind }) => kind === 'audiooutput');
          navigator.mediaDevices.enumerateDevices = async () => all.toSpliced(last, 1);
          const told = new Promise((resolve) =>
            session.addEventListener('devices', ({ detail }) => resolve(detail)));
          navigator.mediaDevices.dispatchEvent(new Event('devicechange'));
          const left = await told;
          return [opened.contexts[0].sinkId, speakers.length - left.speakers.length];
        }"""
    )
    assert left == ["", 1]
    guest.page.evaluate("session.close()")
    told = guest.page.evaluate(
        """() => {
          const before = told.length;
          navigator.mediaDevices.dispatchEvent(new Event('devicechange'));
          return told.length - before;
        }"""
    )
    assert told == 0, "nothing listens after the conversation"


def test_zero_volume_is_silent_but_still_drawn(guest: Visitor) -> None:
    """The spectrum ignores the volume."""
    guest.page.evaluate(
        """async () => {
          globalThis.bins = new Uint8Array(64);
          globalThis.loudest = (side) => (session.spectrum(side, bins), Math.max(...bins));
          globalThis.silence = [loudest('speaker'), loudest('microphone')];
          session.volume = 0;
          const { connect } = AudioNode.prototype;
          AudioNode.prototype.connect = function (target) {
            if (target instanceof AudioDestinationNode) {
              globalThis.ear = new AnalyserNode(target.context);
              connect.call(this, ear);
            }
            return connect.apply(this, arguments);
          };
          globalThis.heard = () => {
            const wave = new Float32Array(2048);
            ear.getFloatTimeDomainData(wave);
            return Math.max(...wave.map(Math.abs));
          };
          await session.start();
          session.sendText('Say something long enough to be looked at for a while.');
        }"""
    )
    assert guest.page.evaluate("silence") == [0, 0]
    guest.until("loudest('speaker') > 100 && session.levels.speaker > 0.01")
    assert guest.page.evaluate("heard()") < 0.001
    guest.page.evaluate("session.volume = 2")
    assert guest.page.evaluate("session.volume") == 1
    guest.until("heard() > 0.01")
    guest.page.evaluate("session.close()")
    assert guest.page.evaluate("[loudest('speaker'), session.volume]") == [0, 1]


def test_phone_switches_between_front_and_back_camera(guest: Visitor) -> None:
    """Only one camera is open at a time."""
    asked = guest.page.evaluate(
        """async () => {
          const asked = [];
          const { getUserMedia } = navigator.mediaDevices;
          navigator.mediaDevices.getUserMedia = async ({ video }) => {
            asked.push([video.facingMode ?? null, live().length]);
            const stream = await getUserMedia.call(navigator.mediaDevices, { video: true });
            const [track] = stream.getVideoTracks();
            track.getSettings = () => ({ facingMode: video.facingMode ?? 'user' });
            return stream;
          };
          await session.start({ microphone: false });
          await session.showCamera();
          await session.switchCamera();
          await session.switchCamera();
          return asked;
        }"""
    )
    assert asked == [[None, 0], ["environment", 0], ["user", 0]]
    shown = guest.page.evaluate("told.filter(([type]) => type === 'video').map(([, detail]) => detail.kind)")
    assert shown == ["camera"] * 3


def test_cameras_without_a_side_are_cycled(visit: Callable[..., Visitor]) -> None:
    """If the next one cannot be opened, nothing is shown."""
    flags = ["--use-fake-device-for-media-stream=device-count=2"]
    guest = visit(flags=flags, permissions=["microphone", "camera"])
    guest.arrive()
    guest.page.evaluate(SESSION)
    taken = guest.page.evaluate(
        """async () => {
          const taken = [];
          await session.start({ microphone: false });
          await session.showCamera();
          for (let turn = 0; turn < 3; turn += 1) {
            taken.push(live()[0].getSettings().deviceId);
            await session.switchCamera();
          }
          navigator.mediaDevices.getUserMedia = async () => {
            throw new DOMException('in use', 'NotReadableError');
          };
          taken.push(await session.switchCamera().catch(({ code }) => code));
          taken.push(live().length, told.at(-1));
          return taken;
        }"""
    )
    first, second, third, *gone = taken
    assert first == third != second
    assert gone == ["camera-busy", 0, ["video", None]]


def test_missing_microphone_mints_no_token(visit: Callable[..., Visitor], emulator: Program) -> None:
    """Even if microphone access was granted earlier."""
    guest = visit(flags=[], permissions=["microphone"])
    guest.arrive()
    guest.page.evaluate(SESSION)
    minted = emulator.get("/emulator/mints").json["minted"]
    assert guest.page.evaluate("session.start().catch(({ code }) => code)") == "microphone-missing"
    assert emulator.get("/emulator/mints").json["minted"] == minted
    assert guest.left_open == NOTHING


def test_warming_up_preconnects_to_the_token_service(
    playwright: Playwright, chromium_path: str, service: Program, tmp_path: Path
) -> None:
    """No request is sent.

    Chromium preconnects only with a profile: a private window has none.
    """
    options = {"executable_path": chromium_path, "args": FLAGS}
    with (
        socket.create_server(("127.0.0.1", 0)) as elsewhere,
        playwright.chromium.launch_persistent_context(tmp_path, **options) as browser,
    ):
        elsewhere.settimeout(60)
        page = browser.new_page()
        page.goto(service.url)
        page.evaluate(
            """async (token) => {
              const { LiveSession } = await import('/live/session.js');
              await new LiveSession({ token }).warm();
            }""",
            f"http://127.0.0.1:{elsewhere.getsockname()[1]}/token",
        )
        connection, _ = elsewhere.accept()
        connection.close()


def test_warming_up_loads_modules_and_mints_nothing(visit: Callable[..., Visitor], emulator: Program) -> None:
    """Hovering over the button loads what is needed."""
    guest = visit(flags=FAKE_DEVICES)
    guest.arrive()
    guest.page.evaluate(SESSION)
    requests: list[str] = []
    guest.page.on("request", lambda request: requests.append(request.url.rsplit("/", 1)[-1]))
    minted = emulator.get("/emulator/mints").json["minted"]
    guest.page.evaluate("session.warm()")
    assert requests == ["audio-worklet.js"]
    assert emulator.get("/emulator/mints").json["minted"] == minted
    assert guest.left_open == NOTHING
    assert guest.page.evaluate("session.state") == "idle"
