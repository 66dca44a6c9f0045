"""Faults of devices: none ends a conversation, and the person is told the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from browser.conftest import open_to

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from browser.caller import Caller
    from browser.hosting import Site
    from browser.visitor import Visitor
    from programs import Program

NOTHING = {"tracks": 0, "sockets": 0, "contexts": 0}
SOUND = '{ inlineData = { mimeType = "audio/pcm;rate=24000", data = "" } }'
SCENARIO = f"""
[[turn]]
when = "nothing"
steps = [
  {{ send = {{ serverContent = {{ modelTurn = {{ parts = [{SOUND}] }} }} }} }},
  {{ send = {{ serverContent = {{ turnComplete = true }} }} }},
]
"""


def test_a_picture_that_cannot_be_made_is_left_out(visit: Callable[..., Visitor]) -> None:
    """The next one follows a second later."""
    visitor = visit()
    visitor.arrive()
    sent = visitor.page.evaluate(
        """async () => {
          const { Camera } = await import('/live/media/camera.js');
          const { convertToBlob } = OffscreenCanvas.prototype;
          const failures = [new DOMException('', 'EncodingError'), new TypeError(), null];
          OffscreenCanvas.prototype.convertToBlob = function (...options) {
            const failure = failures.shift();
            if (failure !== undefined) return Promise.reject(failure);
            return convertToBlob.apply(this, options);
          };
          const closing = new AbortController();
          const { signal } = closing;
          const jpeg = await new Promise((send, failed) => Camera.open('camera', {
            any: true, busy: () => false, send, stopped: () => {}, wanted: signal, signal,
          }).catch(failed));
          closing.abort();
          return [jpeg.length > 0, failures.length];
        }"""
    )
    assert sent == [True, 0]
    assert visitor.page_errors == []
    assert visitor.left_open == NOTHING


def test_sound_without_samples_is_not_speaking(
    visit: Callable[..., Visitor],
    start_emulator: Callable[..., Program],
    start_service: Callable[..., Program],
    site: Site,
    tmp_path: Path,
) -> None:
    """So that a silent conversation still ends."""
    scenario = tmp_path / "empty.toml"
    scenario.write_text(SCENARIO, encoding="utf-8")
    emulator = start_emulator("--scenario", str(scenario))
    configuration = open_to(site).replace("[profiles.default]", "[profiles.default]\nidle_stop = '4s'")
    service = start_service(configuration, emulator.url)
    visitor = visit(service.url)
    visitor.arrive()
    told = visitor.page.evaluate(
        """async () => {
          const { LiveSession } = await import('/live/session.js');
          const session = new LiveSession({ token: '/token' });
          const told = [];
          session.addEventListener('speaking', ({ detail }) => told.push(detail));
          await session.start({ microphone: false });
          const ended = new Promise((resolve) => session.addEventListener('state', ({ detail }) =>
            detail.state === 'closed' && resolve(detail.error?.code)));
          session.sendText('nothing');
          return [await ended, told];
        }"""
    )
    assert told == ["idle", []]


def test_without_a_speaker_nothing_is_played(guest: Visitor) -> None:
    """Until one is wanted; what is said is still read."""
    levels = guest.page.evaluate(
        """async () => {
          const loudest = async () => {
            let level = 0;
            session.sendText('Hello');
            await new Promise((resolve) => session.addEventListener('transcript', ({ detail }) => {
              level = Math.max(level, session.levels.speaker);
              if (detail.side === 'agent' && detail.final) resolve();
            }));
            return level;
          };
          await session.start({ speaker: false });
          const before = await loudest();
          await session.useSpeaker('');
          const after = await loudest();
          session.close();
          return [before, after > 0];
        }"""
    )
    assert levels == [0, True]
    assert guest.left_open == NOTHING


def test_a_chosen_microphone_that_is_gone_is_replaced_at_the_start(guest: Visitor) -> None:
    """The page is told which one is used; during a conversation the present one stays."""
    told = guest.page.evaluate(
        """async () => {
          const told = [];
          session.addEventListener('microphone', ({ detail }) => told.push(detail));
          await session.start({ microphone: { deviceId: { exact: 'gone' } } });
          const used = opened.tracks[0].getSettings().deviceId;
          const refused = await session.useMicrophone('gone').catch(({ code }) => code);
          session.close();
          return [told, { id: used, label: opened.tracks[0].label, muted: false }, refused];
        }"""
    )
    assert told[0] == [told[1]]
    assert told[1]["id"]
    assert told[2] == "microphone-missing"
    assert guest.left_open == NOTHING


def test_a_chosen_camera_that_is_gone_is_replaced(guest: Visitor) -> None:
    """As a microphone is."""
    kinds = guest.page.evaluate(
        """async () => {
          await session.start({ microphone: false, speaker: false });
          const chosen = { deviceId: { exact: 'gone' } };
          await session.showCamera(chosen);
          const refused = await session.showCamera(chosen).catch(({ code }) => code);
          const live = opened.tracks.filter(({ readyState }) => readyState === 'live');
          const shown = live.map(({ kind }) => kind);
          session.close();
          return [shown, refused];
        }"""
    )
    assert kinds == [["video"], "camera-missing"]
    assert guest.left_open == NOTHING


def test_the_widget_tells_which_microphone_replaces_the_chosen_one(
    call: Callable[..., Caller],
) -> None:
    """By its name; the choice is kept for when the device is back."""
    caller = call()
    caller.arrive()
    caller.open_widget()
    caller.talk()
    caller.becomes("live")
    caller.button("Settings").click()
    caller.page.get_by_label("Microphone").select_option(index=2)
    caller.button("Back").click()
    caller.hang_up()
    caller.page.evaluate(
        """() => {
          const { getUserMedia } = MediaDevices.prototype;
          navigator.mediaDevices.getUserMedia = (wanted) => wanted.audio?.deviceId
            ? Promise.reject(new OverconstrainedError('deviceId'))
            : getUserMedia.call(navigator.mediaDevices, wanted);
        }"""
    )
    caller.button("New conversation").click()
    caller.becomes("live")
    caller.reads("Using another microphone: ")


def test_a_microphone_that_the_system_mutes_is_not_listening(call: Callable[..., Caller]) -> None:
    """Its switch, or the system, mutes the track; the person may not know."""
    caller = call()
    caller.arrive()
    caller.open_widget()
    caller.talk()
    status = caller.page.locator(".status")
    status.filter(has_text="Listening").wait_for()
    switch = """(muted) => {
      const [track] = opened.tracks;
      Object.defineProperty(track, 'muted', { value: muted, configurable: true });
      track.dispatchEvent(new Event(muted ? 'mute' : 'unmute'));
    }"""
    caller.page.evaluate(switch, True)  # noqa: FBT003 - the script's argument
    status.filter(has_text="Microphone muted by the system").wait_for()
    caller.page.evaluate(switch, False)  # noqa: FBT003
    status.filter(has_text="Listening").wait_for()
