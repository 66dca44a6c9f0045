"""Microphones, loudspeakers and cameras: chosen, changed while talking, unplugged."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from browser.conftest import FAKE_DEVICES, FLAGS

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
    """A visitor whose page has a session of its own, as `session`, and three devices of a kind."""
    visitor = visit(permissions=["microphone", "camera"])
    visitor.arrive()
    visitor.page.evaluate(SESSION)
    return visitor


def test_another_microphone_while_talking(guest: Visitor) -> None:
    """The old one is let go, the new one is heard, and the connection stays."""
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


def test_a_muted_person_changes_microphones(guest: Visitor) -> None:
    """Muted stays muted."""
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


def test_a_microphone_that_is_not_there_is_no_reason_to_stop(guest: Visitor) -> None:
    """The present one goes on being heard."""
    code = guest.page.evaluate(
        """async () => {
          await session.start();
          return session.useMicrophone('not-there').catch(({ code }) => code);
        }"""
    )
    assert code == "microphone-missing"
    guest.page.evaluate("chunks = 0")
    guest.until("chunks > 10")


def test_the_microphone_is_unplugged_and_there_is_another(guest: Visitor) -> None:
    """The conversation continues with it."""
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


def test_the_only_microphone_is_unplugged(guest: Visitor) -> None:
    """Without any there is nobody to talk to, and the person is told why."""
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
    error = guest.page.evaluate(
        "(({ code, retryable, message }) => [code, retryable, message])(told.at(-1)[1].error)"
    )
    assert error[:2] == ["microphone-lost", True]
    assert error[2].startswith("The microphone was disconnected")
    assert guest.left_open == NOTHING


def test_somebody_who_typed_begins_to_speak(guest: Visitor) -> None:
    """A microphone may join a conversation that began without one."""
    guest.page.evaluate("session.start({ microphone: false })")
    assert guest.page.evaluate("session.voiced") is False
    guest.page.evaluate("session.useMicrophone({})")
    guest.until("chunks > 10")
    assert guest.page.evaluate("session.voiced") is True


def test_another_loudspeaker(guest: Visitor) -> None:
    """At the start, and while talking."""
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


def test_the_devices_of_the_other_day_are_gone(guest: Visitor) -> None:
    """A device that was chosen earlier is optional: the default ones are used."""
    guest.page.evaluate(
        "session.start({ microphone: { deviceId: 'gone' }, speaker: 'gone' })",
    )
    guest.until("chunks > 10")
    assert guest.page.evaluate("opened.contexts[0].sinkId") == ""


def test_the_chosen_loudspeaker_is_unplugged(guest: Visitor) -> None:
    """The usual one takes its place, and the page learns what is left."""
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
    assert told == 0, "after the conversation nobody listens"


def test_volume_and_spectrum(guest: Visitor) -> None:
    """Turned down it is not heard, and a picture of it can be drawn all the same."""
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


def test_front_and_back_camera(guest: Visitor) -> None:
    """A telephone turns from one side to the other and back; only one camera is open at a time."""
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
    shown = guest.page.evaluate(
        "told.filter(([type]) => type === 'video').map(([, detail]) => detail.kind)"
    )
    assert shown == ["camera"] * 3


def test_the_next_camera(visit: Callable[..., Visitor]) -> None:
    """Where cameras have no sides, they take turns; if one cannot be had, nothing is shown."""
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


def test_no_token_is_spent_where_there_is_no_microphone(
    visit: Callable[..., Visitor], emulator: Program
) -> None:
    """Also where the person has allowed microphones long ago."""
    guest = visit(flags=[], permissions=["microphone"])
    guest.arrive()
    guest.page.evaluate(SESSION)
    minted = emulator.get("/emulator/mints").json["minted"]
    assert guest.page.evaluate("session.start().catch(({ code }) => code)") == "microphone-missing"
    assert emulator.get("/emulator/mints").json["minted"] == minted
    assert guest.left_open == NOTHING


def test_warmed_up_beyond_the_page(
    playwright: Playwright, chromium_path: str, service: Program, tmp_path: Path
) -> None:
    """The token's own address is connected to, and asked for nothing yet.

    Chromium connects ahead only for somebody with a profile: a private window has none.
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


def test_warmed_up(visit: Callable[..., Visitor], emulator: Program) -> None:
    """Reaching for the button loads what is needed, and costs nothing."""
    guest = visit(flags=FAKE_DEVICES)
    guest.arrive()
    guest.page.evaluate(SESSION)
    requests: list[str] = []
    guest.page.on("request", lambda request: requests.append(request.url.rsplit("/", 1)[-1]))
    minted = emulator.get("/emulator/mints").json["minted"]
    guest.page.evaluate("session.warm()")
    assert sorted(requests) == ["capture-worklet.js", "playback-worklet.js"]
    assert emulator.get("/emulator/mints").json["minted"] == minted
    assert guest.left_open == NOTHING
    assert guest.page.evaluate("session.state") == "idle"
