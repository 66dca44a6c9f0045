"""A visitor to the page: what they do and what they can see."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from browser.sound import Sound, from_pcm
from browser.witness import Witnessed

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

HERE = Path(__file__).parent
PATIENCE_MS = 60_000

# The browser's echo cancellation shifts phases: without it a recording can be compared with what
# was said. Everything after the browser is the same.
RAW_MICROPHONE = """
const getUserMedia = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = (wanted) => {
  const raw = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  return getUserMedia(wanted.audio ? { ...wanted, audio: { ...wanted.audio, ...raw } } : wanted);
};
"""

# Records what the page opens, to check that it is closed again.
WITNESS = """
globalThis.opened = { tracks: [], sockets: [], contexts: [] };
for (const name of ['getUserMedia', 'getDisplayMedia']) {
  const open = navigator.mediaDevices?.[name].bind(navigator.mediaDevices);
  if (open) navigator.mediaDevices[name] = async (wanted) => {
    const stream = await open(wanted);
    opened.tracks.push(...stream.getTracks());
    return stream;
  };
}
globalThis.WebSocket = class extends WebSocket {
  constructor(...address) { super(...address); opened.sockets.push(this); }
};
globalThis.AudioContext = class extends AudioContext {
  constructor(...options) { super(...options); opened.contexts.push(this); }
};
globalThis.violations = [];
document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
  violations.push(`${violatedDirective} ${blockedURI}`));
"""


@dataclass
class Visitor:
    """A visitor with a browser, who sees only what the page shows."""

    page: Page
    address: str
    awaits: str = "#sign-in:visible"
    page_errors: list[str] = field(default_factory=list)

    def arrive(self) -> None:
        """Open the page and record its errors."""
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.on("pageerror", lambda error: self.page_errors.append(str(error)))
        self.page.on(
            "console",
            lambda said: said.type == "error" and self.page_errors.append(said.text),
        )
        self.page.add_init_script(WITNESS)
        self.page.goto(self.address)
        self.page.wait_for_selector(self.awaits)

    def record(self) -> None:
        """From `arrive` on, record what the page captures and plays.

        The page's policy would block our worklet: launch the browser with `bypass_csp`.
        """
        worklet = (HERE / "tape-worklet.js").read_text()
        self.page.add_init_script(f"globalThis.tapeWorklet = {json.dumps(worklet)};")
        self.page.add_init_script(path=HERE / "taps.js")

    def played(self) -> tuple[Sound, int]:
        """What left the audio graph, and its rate in hertz."""
        recorded = self.page.evaluate("taps.recorded('played')")
        return from_pcm(base64.b64decode(recorded["pcm"])), recorded["rate"]

    def witnessed(self) -> Witnessed:
        """What the microphone has delivered, as recorded beside our capture."""
        return Witnessed.read(self.page.evaluate("taps.resampled()"))

    @property
    def widget(self) -> Locator:
        return self.page.locator("live-agent").first

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def continue_as_guest(self) -> None:
        self.button("Continue as guest").click()

    def sign_in(self, username: str, password: str) -> None:
        self.page.get_by_label("Username").fill(username)
        self.page.get_by_label("Password").fill(password)
        self.button("Sign in").click()

    def talk(self) -> None:
        self.button("Start talking").click()
        self.becomes("live")

    def type_only(self) -> None:
        """Start without a microphone, as the first message does, but without saying anything."""
        self.widget.wait_for()
        self.page.evaluate("document.querySelector('live-agent').start({ microphone: false })")
        self.becomes("live")

    def say(self, text: str) -> None:
        self.page.get_by_label("Message", exact=True).fill(text)
        self.button("Send").click()

    def hang_up(self) -> None:
        self.button("End").click()
        self.becomes("closed")

    def hang_up_with_nothing_queued(self, hang_up: str = "document.querySelector('live-agent').stop()") -> None:
        """Hang up at a moment when everything captured has been given to the socket."""
        self.page.evaluate(
            f"""async () => {{
              const end = performance.now() + {PATIENCE_MS};
              while (!taps.allSent) {{
                if (performance.now() > end) throw new Error(JSON.stringify(taps.counts));
                await new Promise(requestAnimationFrame);
              }}
              {hang_up};
            }}"""
        )

    def becomes(self, state: str) -> None:
        """Wait for a state of the session; fail on an error message."""
        awaited = self.page.locator(f".frame[data-state={state}]")
        awaited.or_(self.page.locator("[role=alert]:visible")).first.wait_for()
        assert awaited.count() == 1, self.page.locator("body").inner_text()

    def until(self, condition: str) -> None:
        """Wait for a condition, in JavaScript.

        Playwright's own way is eval, which the page's policy forbids.
        """
        self.page.evaluate(
            f"""async () => {{
              const end = performance.now() + {PATIENCE_MS};
              while (!({condition})) {{
                if (performance.now() > end) throw new Error({condition!r} + ' is not true');
                await new Promise(requestAnimationFrame);
              }}
            }}"""
        )

    def sees_video(self, condition: str) -> None:
        """Wait until this is true of the preview, as `preview` in JavaScript."""
        preview = "document.querySelector('live-agent').shadowRoot.querySelector('video')"
        self.until(f"((preview) => preview && ({condition}))({preview})")

    def reads(self, text: str) -> None:
        """Wait until the transcript contains this."""
        self.page.locator(".log > *", has_text=text).first.wait_for()

    @property
    def transcript(self) -> list[str]:
        """The entries as they are seen: who speaks is named only to screen readers."""
        return self.page.locator(".log > *").evaluate_all(
            """entries => entries.map((entry) => {
              const seen = entry.cloneNode(true);
              for (const unseen of seen.querySelectorAll('.unseen')) unseen.remove();
              return seen.textContent;
            })"""
        )

    @property
    def error(self) -> str:
        """The error message, once there is one."""
        alert = self.page.locator("[role=alert]:visible")
        alert.wait_for()
        return alert.inner_text().splitlines()[0]

    @property
    def left_open(self) -> dict[str, int]:
        """What the page opened and has not closed, by kind; a context takes a moment to close."""
        return self.page.evaluate(
            """async () => {
              const open = () => ({
                tracks: opened.tracks.filter((track) => track.readyState === 'live').length,
                sockets: opened.sockets.filter((socket) => socket.readyState < 2).length,
                contexts: opened.contexts.filter((context) => context.state !== 'closed').length,
              });
              for (let frame = 0; frame < 300 && open().contexts > 0; frame += 1) {
                await new Promise(requestAnimationFrame);
              }
              return open();
            }"""
        )

    @property
    def violations(self) -> list[str]:
        """What the page's Content Security Policy blocked."""
        return self.page.evaluate("violations")
