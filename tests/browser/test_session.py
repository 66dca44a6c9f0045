"""LiveSession by itself, as any page would use it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from browser.talking import closed_sessions, heard_on
from browser.witness import assert_all_was_heard

if TYPE_CHECKING:
    from collections.abc import Callable

    from browser.visitor import Visitor
    from programs import Program

NOTHING = {"tracks": 0, "sockets": 0, "contexts": 0}


def test_two_concurrent_starts_make_one_session(guest: Visitor, emulator: Program) -> None:
    """A framework that mounts twice must not pay twice."""
    minted = emulator.get("/emulator/mints").json["minted"]
    assert guest.page.evaluate(
        """async () => {
          const first = session.start();
          const second = session.start();
          await Promise.all([first, second]);
          return first === second;
        }"""
    )
    assert emulator.get("/emulator/mints").json["minted"] == minted + 1
    assert guest.page.evaluate("opened.sockets.length") == 1
    assert guest.page.evaluate("states") == ["connecting", "live"]


def test_closed_session_can_be_started_again(guest: Visitor) -> None:
    """Any number of times, without a leak."""
    for _ in range(5):
        guest.page.evaluate("session.start()")
        guest.page.evaluate("session.close()")
        assert guest.left_open == NOTHING
    assert guest.page.evaluate("states") == ["connecting", "live", "closed"] * 5


def test_ended_conversation_frees_its_place_for_the_next(guest: Visitor) -> None:
    """With two places, any number of conversations fit one after another."""
    guest.page.evaluate(
        """() => {
          globalThis.requests = [];
          const { fetch } = globalThis;
          globalThis.fetch = (address, request) => {
            const answer = fetch(address, request);
            requests.push(answer.then(async (response) =>
              [new URL(response.url).pathname, response.status, JSON.parse(request.body).lease,
               response.status === 200 && (await response.clone().json()).lease]));
            return answer;
          };
        }"""
    )
    guest.page.evaluate(
        """async () => {
          const { LiveSession } = await import('/live/session.js');
          const session = new LiveSession({ token: '/token' });
          await session.start({ microphone: false });
          session.close();
        }"""
    )
    (token, granted, _, lease), (end, ended, given_back, _) = guest.page.evaluate("Promise.all(requests)")
    assert (token, granted) == ("/token", 200)
    assert (end, ended, given_back) == ("/lease/end", 204, lease)


def test_closing_during_the_start_leaves_nothing_open(guest: Visitor) -> None:
    """At any point of it."""
    codes = guest.page.evaluate(
        """async () => {
          const codes = [];
          for (const turns of [0, 1, 5, 20, 100, 500]) {
            const start = session.start().catch(({ code }) => codes.push(code));
            for (let i = 0; i < turns; i += 1) await null;
            session.close();
            await start;
          }
          return codes;
        }"""
    )
    assert codes == ["hung-up"] * 6
    guest.until("opened.tracks.every((track) => track.readyState === 'ended')")
    assert guest.left_open == NOTHING


def test_muted_sends_no_sound(guest: Visitor, emulator: Program) -> None:
    """The server is told that the audio stream has paused."""
    frames = """
      globalThis.sent = [];
      const { send } = WebSocket.prototype;
      WebSocket.prototype.send = function (frame) {
        sent.push(Object.keys(JSON.parse(frame).realtimeInput ?? { setup: 0 })[0]);
        return send.call(this, frame);
      };
      session.start();
    """
    guest.page.evaluate(f"() => {{ {frames} }}")
    guest.until("sent.filter((kind) => kind === 'audio').length > 10")
    guest.page.evaluate("session.muted = true")
    assert guest.page.evaluate("sent.at(-1)") == "audioStreamEnd"
    assert guest.page.evaluate("opened.tracks[0].enabled") is False
    sent = guest.page.evaluate("sent.length")
    guest.page.evaluate("session.sendText('Still there?')")
    guest.until("session.levels.speaker > 0")
    assert guest.page.evaluate("sent.length") == sent + 1, "only the text"
    guest.page.evaluate("session.muted = false")
    guest.until("sent.at(-1) === 'audio'")
    assert guest.page.evaluate("opened.tracks[0].enabled") is True
    assert emulator.get("/emulator/sessions/last").json["state"] == "live"


def test_sending_outside_a_conversation_is_an_error(guest: Visitor) -> None:
    """Text is never dropped silently."""
    refused = "(() => { try { session.sendText('x'); } catch ({ code }) { return code; } })()"
    assert guest.page.evaluate(refused) == "not-live"
    assert guest.page.evaluate("session.showCamera().catch(({ code }) => code)") == "not-live"
    guest.page.evaluate("session.start({ microphone: false })")
    guest.page.evaluate("session.close()")
    assert guest.page.evaluate(refused) == "not-live"


def test_missing_and_surplus_tools_are_reported(guest: Visitor) -> None:
    """Compared with what the token declares."""
    told = guest.page.evaluate(
        """async () => {
          const told = new Promise((resolve) =>
            session.addEventListener('tools', ({ detail }) => resolve(detail), { once: true }));
          session.handleTool('make_coffee', () => 'done');
          await session.start({ microphone: false });
          return told;
        }"""
    )
    assert told == {"missing": ["get_local_time"], "surplus": ["make_coffee"]}


def test_rest_of_an_interrupted_turn_is_dropped(guest: Visitor) -> None:
    """Its sound and its text, until the turn is complete."""
    events = guest.page.evaluate(
        """async () => {
          const events = [];
          session.addEventListener('speaking', ({ detail }) => events.push(detail.speaking));
          session.addEventListener('transcript', ({ detail }) => events.push(detail.text));
          await session.start({ microphone: false });
          const receive = (serverContent) =>
            opened.sockets[0].onmessage({ data: JSON.stringify({ serverContent }) });
          const data = btoa('\\x00\\x10'.repeat(24000));
          const sound = { parts: [{ inlineData: { mimeType: 'audio/pcm;rate=24000', data } }] };
          receive({ modelTurn: sound, outputTranscription: { text: 'One' } });
          receive({ interrupted: true });
          receive({ modelTurn: sound, outputTranscription: { text: ' two' } });
          receive({ turnComplete: true });
          receive({ modelTurn: sound, outputTranscription: { text: 'Three' } });
          return events;
        }"""
    )
    assert events == ["One", True, False, "One", "Three", True]


def test_speaking_ends_when_the_last_sound_was_played(guest: Visitor) -> None:
    """It begins with the first sound, and ends once."""
    spoke = guest.page.evaluate(
        """async () => {
          const spoke = [];
          await session.start({ microphone: false });
          await new Promise((resolve) => {
            session.addEventListener('speaking', ({ detail: { speaking } }) => {
              spoke.push([speaking, performance.now()]);
              if (!speaking) resolve();
            });
            session.sendText('Hello');
          });
          return spoke;
        }"""
    )
    (began, start), (going_on, end) = spoke
    assert (began, going_on) == (True, False)
    assert end - start > 1000, "the answer recites what was typed, which takes more than a second"


def test_busy_page_loses_no_sound(visit: Callable[..., Visitor], emulator: Program) -> None:
    """Chunks wait for the page, however long it is busy."""
    visitor = visit(bypass_csp=True)
    visitor.record()
    visitor.arrive()
    visitor.page.evaluate(
        """async () => {
          const { LiveSession } = await import('/live/session.js');
          const session = new LiveSession({ token: '/token' });
          await session.start();
          while (taps.counts.sent === 0) await new Promise(requestAnimationFrame);
          const before = taps.counts.delivered;
          const busyUntil = performance.now() + 1500;
          while (performance.now() < busyUntil);
          // More than the 25 spare chunks of the worklet.
          while (taps.counts.delivered < before + 50) await new Promise(requestAnimationFrame);
          session.close();
        }"""
    )
    assert_all_was_heard(visitor.witnessed(), heard_on(emulator, closed_sessions(emulator)[-1]))


def test_module_that_fails_to_load_is_reported(guest: Visitor) -> None:
    """The next attempt may work."""
    codes = guest.page.evaluate(
        """async () => {
          const { addModule } = AudioWorklet.prototype;
          AudioWorklet.prototype.addModule = async () => {
            throw new DOMException('Unable to load a worklet.', 'AbortError');
          };
          const codes = [await session.start().catch(({ code }) => code)];
          AudioWorklet.prototype.addModule = addModule;
          await session.start();
          return codes;
        }"""
    )
    guest.page.route("**/camera.js", lambda route: route.abort())
    codes.append(guest.page.evaluate("session.showCamera().catch(({ code }) => code)"))
    assert codes == ["page-incomplete"] * 2
    assert guest.page.evaluate("session.state") == "live"


def test_unexpected_exception_ends_the_conversation_cleanly(guest: Visitor) -> None:
    """With a message, and nothing left open."""
    fault = guest.page.evaluate(
        """async () => {
          const { LiveSession } = await import('/live/session.js');
          const token = async () => { throw new TypeError('oops'); };
          const error = await new LiveSession({ token }).start().catch((error) => error);
          return [error.code, error.retryable, error.cause.message];
        }"""
    )
    assert fault == ["page-fault", False, "oops"]
    assert guest.left_open == NOTHING


def test_one_video_at_a_time(guest: Visitor) -> None:
    """The page is told which, and when it ends."""
    shown = guest.page.evaluate(
        """async () => {
          const shown = [];
          session.addEventListener('video', ({ detail }) => shown.push(detail && detail.kind));
          await session.start({ microphone: false });
          await session.showScreen();
          await session.switchCamera();
          await session.showCamera();
          session.stopVideo();
          session.stopVideo();
          await session.showCamera();
          session.close();
          return shown;
        }"""
    )
    assert shown == ["screen", "camera", None, "camera", None]
    assert guest.left_open == NOTHING


def test_usage_and_timings_are_reported(guest: Visitor) -> None:
    """Each turn pays for the whole context again."""
    told = guest.page.evaluate(
        """async () => {
          const told = { usage: [], timing: {} };
          const finished = () => new Promise((resolve) =>
            session.addEventListener(
              'usage', ({ detail }) => resolve(told.usage.push(detail)), { once: true }));
          session.addEventListener('timing', ({ detail: { name, milliseconds } }) => {
            told.timing[name] = milliseconds;
          });
          await session.start({ microphone: false });
          for (const text of ['One', 'And two']) {
            const turn = finished();
            session.sendText(text);
            await turn;
          }
          return told;
        }"""
    )
    first, second = told["usage"]
    assert 0 < first["turn"]["prompt"] < second["turn"]["prompt"], "the context grows"
    assert first["total"] == first["turn"]
    for count in ("prompt", "response", "total"):
        assert second["total"][count] == first["turn"][count] + second["turn"][count]
    assert second["turn"]["responseBy"]["AUDIO"] > 0
    steps = [told["timing"][name] for name in ("mint", "open", "setup")]
    assert told["timing"]["live"] >= sum(steps)
    assert told["timing"]["first-sound"] > 0
    assert told["timing"]["output-latency"] > 0


def test_no_globals_are_added(visit: Callable[..., Visitor]) -> None:
    """The global names belong to the page."""
    visitor = visit()
    visitor.arrive()
    added = visitor.page.evaluate(
        """async () => {
          const before = new Set(Object.getOwnPropertyNames(globalThis));
          const { LiveSession } = await import('/live/session.js');
          const session = new LiveSession({ token: '/token' });
          await session.start();
          await session.showCamera();
          session.close();
          return Object.getOwnPropertyNames(globalThis).filter((name) => !before.has(name));
        }"""
    )
    assert added == []
