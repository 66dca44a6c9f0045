"""What surrounds a conversation: user gesture, frame, policy, screen lock, phone calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from browser.conftest import CONFIGURATION
from browser.flags import FAKE_DEVICES

if TYPE_CHECKING:
    from collections.abc import Callable

    from browser.hosting import Site
    from browser.visitor import Visitor
    from programs import Program

NOTHING = {"tracks": 0, "sockets": 0, "contexts": 0}

TALKS = """
<p id="outcome"></p><button id="talk">Talk</button>
<script type="module">
import { LiveSession } from '%(service)s/live/session.js';
const session = new LiveSession({ token: '%(service)s/token' });
const outcome = document.querySelector('#outcome');
const start = (options) => session.start(options)
  .then(() => 'live', ({ code, message }) => `${code}: ${message}`)
  .then((text) => { outcome.textContent = text; });
document.querySelector('#talk').addEventListener('click', () => start());
%(more)s
</script>
"""


def test_starting_without_a_gesture_asks_for_a_click(
    visit: Callable[..., Visitor], embedded: Program, site: Site, emulator: Program
) -> None:
    """No token is spent, and a click makes it work."""
    address = site.publish(TALKS % {"service": embedded.url, "more": "start({ microphone: false });"})
    visitor = visit(address, awaits="#talk")
    minted = emulator.get("/emulator/mints").json["minted"]
    visitor.arrive()
    outcome = visitor.page.locator("#outcome:not(:empty)")
    outcome.wait_for()
    assert outcome.inner_text().startswith("sound-blocked: The browser blocks sound")
    assert emulator.get("/emulator/mints").json["minted"] == minted
    assert visitor.left_open == NOTHING
    visitor.button("Talk").click()
    visitor.page.get_by_text("live", exact=True).wait_for()


@pytest.mark.parametrize(
    ("allow", "outcome"),
    [
        ("", "microphone-forbidden: The page that embeds this one does not allow the microphone."),
        ("microphone", "live"),
    ],
)
def test_frame_blames_the_embedding_page(
    visit: Callable[..., Visitor], embedded: Program, site: Site, allow: str, outcome: str
) -> None:
    """Not the person."""
    framed = site.publish(TALKS % {"service": embedded.url, "more": ""})
    around = site.publish(f'<iframe allow="{allow}" src="{framed}"></iframe>')
    elsewhere = around.replace("127.0.0.1", "localhost")
    visitor = visit(elsewhere, awaits="iframe", permissions=["microphone"])
    visitor.arrive()
    frame = visitor.page.frame_locator("iframe")
    frame.locator("#talk").click()
    frame.locator("#outcome", has_text=outcome).wait_for()


def test_permissions_policy_of_the_site_is_reported(
    visit: Callable[..., Visitor], embedded: Program, site: Site
) -> None:
    """The site's owner may not know of it."""
    address = site.publish(
        TALKS % {"service": embedded.url, "more": ""},
        headers={"Permissions-Policy": "microphone=()"},
    )
    visitor = visit(address, awaits="#talk", flags=FAKE_DEVICES)
    visitor.arrive()
    visitor.button("Talk").click()
    visitor.page.get_by_text("microphone-forbidden: This site does not allow").wait_for()


def test_sound_resumes_after_a_phone_call(guest: Visitor) -> None:
    """By itself where the browser allows it, otherwise on the person's next touch."""
    assert guest.page.evaluate(
        """async () => {
          await session.start();
          const [context] = opened.contexts;
          const running = async () => {
            while (context.state !== 'running') await new Promise(requestAnimationFrame);
          };
          await context.suspend();
          await running();
          const resume = context.resume.bind(context);
          let refusals = 0;
          context.resume = async () => { refusals += 1; throw new Error('not yet'); };
          await context.suspend();
          while (refusals === 0) await new Promise(requestAnimationFrame);
          context.resume = resume;
          document.dispatchEvent(new Event('visibilitychange'));
          await running();
          return session.state === 'live';
        }"""
    )
    guest.page.evaluate("session.close()")
    assert guest.left_open == NOTHING


def test_screen_stays_on_during_a_conversation(guest: Visitor) -> None:
    """Also after another tab was shown, and not a moment longer."""
    counts = guest.page.evaluate(
        """async () => {
          const locks = [];
          navigator.wakeLock.request = async () => {
            const lock = { released: false, release: async () => { lock.released = true; } };
            locks.push(lock);
            return lock;
          };
          const lit = () => [locks.length, locks.filter(({ released }) => !released).length];
          await session.start({ microphone: false });
          await null;
          const counts = [lit()];
          locks[0].release();
          document.dispatchEvent(new Event('visibilitychange'));
          await null;
          counts.push(lit());
          session.close();
          await null;
          counts.push(lit());
          document.dispatchEvent(new Event('visibilitychange'));
          await null;
          return [...counts, lit()];
        }"""
    )
    assert counts == [[1, 1], [2, 1], [2, 0], [2, 0]]


def test_denied_wake_lock_is_ignored(guest: Visitor) -> None:
    """A low battery denies it."""
    state = guest.page.evaluate(
        """async () => {
          navigator.wakeLock.request = async () => {
            throw new DOMException('battery', 'NotAllowedError');
          };
          await session.start({ microphone: false });
          return session.state;
        }"""
    )
    assert state == "live"
    assert guest.page_errors == []


PUSH_TO_TALK = CONFIGURATION.replace(
    "[[profiles.default.config.tools]]",
    "[profiles.default.config.realtime_input_config.automatic_activity_detection]\n"
    "disabled = true\n[[profiles.default.config.tools]]",
    1,
)


@pytest.mark.parametrize("manual", [True, False])
def test_push_to_talk_uses_activity_signals_or_mute(
    visit: Callable[..., Visitor],
    start_service: Callable[..., Program],
    emulator: Program,
    *,
    manual: bool,
) -> None:
    """Manual activity if the profile locks it, and mute otherwise."""
    service = start_service(PUSH_TO_TALK if manual else CONFIGURATION, emulator.url)
    visitor = visit(service.url)
    visitor.arrive()
    visitor.page.evaluate(
        """async () => {
          const { LiveSession } = await import('/live/session.js');
          globalThis.session = new LiveSession({ token: '/token' });
          globalThis.sent = [];
          const { send } = WebSocket.prototype;
          WebSocket.prototype.send = function (frame) {
            const kind = Object.keys(JSON.parse(frame).realtimeInput ?? { setup: 0 })[0];
            if (sent.at(-1) !== kind) sent.push(kind);
            return send.call(this, frame);
          };
          session.muted = true;
          await session.start();
        }"""
    )
    for _ in range(2):
        visitor.page.evaluate("session.muted = false")
        visitor.until("sent.at(-1) === 'audio'")
        visitor.page.evaluate("session.muted = true")
    held = ["activityStart", "audio", "activityEnd"] if manual else ["audio", "audioStreamEnd"]
    assert visitor.page.evaluate("sent") == ["setup", *held, *held]
    assert visitor.page.evaluate("session.features.activity") == ("manual" if manual else "automatic")


@pytest.fixture(name="brief", scope="module")
def _brief(start_service: Callable[..., Program], emulator: Program) -> Program:
    """A service whose conversations end after two seconds of silence."""
    brief = 'idle_stop = "2s"\n[profiles.default.config]'
    return start_service(CONFIGURATION.replace("[profiles.default.config]", brief, 1), emulator.url)


def test_silence_ends_the_conversation(visit: Callable[..., Visitor], brief: Program) -> None:
    """After the profile's time limit, and its place is free again."""
    visitor = visit(brief.url)
    visitor.arrive()
    with visitor.page.expect_response("**/lease/end") as ended:
        code = visitor.page.evaluate(
            """async () => {
              const { LiveSession } = await import('/live/session.js');
              const session = new LiveSession({ token: '/token' });
              const closed = new Promise((resolve) =>
                session.addEventListener('state', ({ detail }) =>
                  detail.state === 'closed' && resolve(detail.error.code)));
              await session.start();
              return closed;
            }"""
        )
    assert code == "idle"
    assert ended.value.status == 204
    assert visitor.left_open == NOTHING


def test_conversation_that_could_not_end_by_silence_does_not_start(
    visit: Callable[..., Visitor], brief: Program
) -> None:
    """Without the timer's file nothing would limit the cost."""
    visitor = visit(brief.url)
    visitor.arrive()
    visitor.page.route("**/live/idle-timer.js", lambda route: route.abort())
    with visitor.page.expect_response("**/lease/end"):
        code = visitor.page.evaluate(
            """async () => {
              const { LiveSession } = await import('/live/session.js');
              return new LiveSession({ token: '/token' }).start().catch(({ code }) => code);
            }"""
        )
    assert code == "page-incomplete"
    assert visitor.left_open == NOTHING
