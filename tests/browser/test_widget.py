"""The widget on a third-party page: opened, talked to, typed to, and left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from browser.conftest import open_to
from browser.flags import FAKE_DEVICES
from browser.talking import ended_session

if TYPE_CHECKING:
    from collections.abc import Callable

    from browser.caller import Caller
    from browser.hosting import Site
    from programs import Program

NOTHING = {"tracks": 0, "sockets": 0, "contexts": 0}


def test_two_lines_of_html_hold_a_conversation(call: Callable[..., Caller], emulator: Program) -> None:
    """From another origin: voice and transcript work, and hanging up leaves nothing open."""
    caller = call()
    caller.arrive()
    caller.open_widget()
    caller.talk()
    caller.reads_status("Listening")
    caller.say("Please get the local time")
    caller.until("heard.some(({ type, detail }) => type === 'tool' && detail.status === 'failed')")
    assert caller.page.locator(".log .tool").count() == 0, "its name is meant for the model"
    caller.hang_up()
    session = ended_session(emulator)
    assert session["counters"]["audio_chunks"] > 0
    assert session["counters"]["text_turns"] == 1
    assert [change["state"] for change in caller.heard("state")] == ["connecting", "live", "closed"]
    assert caller.left_open == NOTHING
    assert caller.page_errors == []


def test_host_can_set_tools_and_strings(call: Callable[..., Caller]) -> None:
    """Before anything is loaded."""
    caller = call()
    caller.arrive()
    caller.page.evaluate(
        """() => {
          const agent = document.querySelector('live-agent');
          agent.handleTool('get_local_time', () => ({ time: 'half past nine' }));
          agent.strings = { launcher: 'Ask Ada', agent: 'Ada', 'tool.answered': 'Saw {name}' };
          agent.strings = { ...agent.strings, 'tool:get_local_time': 'a clock' };
        }"""
    )
    caller.button("Ask Ada").click()
    caller.say("Please get the local time")
    caller.reads("Saw a clock")
    caller.reads("half past nine")
    assert any(line.startswith("Ada:") for line in caller.transcript)


def test_whole_conversation_works_by_keyboard(call: Callable[..., Caller]) -> None:
    """Opened, talked, typed, muted, ended and minimized; the focus is never lost."""
    caller = call()
    caller.arrive()
    press = caller.page.keyboard.press
    caller.tab_to("launcher")
    press("Enter")
    caller.focuses("start")
    press("Enter")
    caller.becomes("live")
    caller.focuses("start end")
    caller.tab_to("field", back=True)
    caller.page.keyboard.type("Hello")
    press("Shift+Enter")
    caller.page.keyboard.type("there")
    press("Enter")
    caller.reads("you typed")
    assert caller.transcript[0] == "You: Hello\nthere"
    caller.tab_to("mute")
    press("Space")
    caller.reads_status("Muted")
    press("Space")
    caller.reads_status("Listening")
    caller.tab_to("settings", back=True)
    press("Enter")
    caller.page.get_by_role("combobox", name="Voice").wait_for()
    press("Escape")
    caller.focuses("settings")
    caller.tab_to("start end")
    press("Enter")
    caller.becomes("closed")
    caller.focuses("start")
    press("Escape")
    caller.focuses("launcher")
    assert caller.page_errors == []


def test_denied_microphone_offers_typing(call: Callable[..., Caller], emulator: Program) -> None:
    """The denial is explained, and typing uses no microphone."""
    caller = call(flags=FAKE_DEVICES)
    caller.arrive()
    caller.open_widget()
    minted = emulator.get("/emulator/mints").json["minted"]
    caller.button("Start talking").click()
    assert caller.error.startswith("Microphone access was denied.")
    assert emulator.get("/emulator/mints").json["minted"] == minted
    assert caller.left_open == {"tracks": 0, "sockets": 0, "contexts": 0}
    assert [error["code"] for error in caller.errors()] == ["microphone-refused"]
    caller.button("Type instead").click()
    caller.focuses("field")
    caller.page.keyboard.type("Is anybody there?")
    caller.page.keyboard.press("Enter")
    caller.becomes("live")
    caller.reads('you typed "Is anybody there?"')
    assert caller.button("Mute").count() == 0
    caller.hang_up()
    counters = emulator.get("/emulator/sessions/last").json["counters"]
    assert (counters["text_turns"], counters["audio_chunks"]) == (1, 0)
    assert caller.left_open == NOTHING


def test_enter_that_ends_a_composition_sends_nothing_from_the_widget(
    call: Callable[..., Caller],
) -> None:
    """An input method confirms each word with Enter."""
    caller = call('<live-agent input="text"></live-agent>')
    caller.arrive()
    caller.open_widget()
    caller.focuses("field")
    field = caller.page.get_by_label("Message")
    field.fill("日本")
    field.dispatch_event("keydown", {"key": "Enter", "isComposing": True, "bubbles": True})
    assert field.input_value() == "日本"
    field.press("Enter")
    caller.reads("日本")
    assert field.input_value() == ""
    assert caller.button("Start talking").count() == 0


def test_push_to_talk_unmutes_only_while_held(call: Callable[..., Caller], emulator: Program) -> None:
    """By the button or the space bar; a text field keeps its spaces."""
    caller = call("<live-agent push-to-talk></live-agent>")
    caller.arrive()
    caller.open_widget()
    caller.talk()
    caller.reads_status("Hold to talk")
    talk = caller.button("Hold to talk")
    caller.focuses("talk")

    def chunks() -> int:
        return emulator.get("/emulator/sessions/last").json["counters"]["audio_chunks"]

    assert chunks() == 0
    caller.page.keyboard.down("Space")
    caller.reads_status("Listening")
    caller.page.keyboard.up("Space")
    caller.reads_status("Hold to talk")
    talk.hover()
    caller.page.mouse.down()
    caller.reads_status("Listening")
    caller.until_true(lambda: chunks() > 0)
    caller.page.mouse.move(5, 5)
    caller.page.mouse.up()
    caller.reads_status("Hold to talk")
    talk.press("Enter")
    caller.reads_status("Listening")
    talk.press("Enter")
    caller.reads_status("Hold to talk")
    caller.page.keyboard.down("Space")
    caller.reads_status("Listening")
    caller.page.evaluate("window.dispatchEvent(new Event('blur'))")
    caller.reads_status("Hold to talk")
    caller.page.keyboard.up("Space")
    caller.page.keyboard.down("Space")
    caller.reads_status("Listening")
    caller.page.get_by_label("Message").focus()
    caller.page.keyboard.up("Space")
    caller.reads_status("Hold to talk")
    caller.page.locator("h1").click()
    caller.page.evaluate("addEventListener('keydown', (event) => (globalThis.scrolls = !event.defaultPrevented))")
    caller.page.keyboard.down("Space")
    caller.until("globalThis.scrolls")
    assert caller.widget.evaluate("({ session }) => session.muted"), "the space bar is the page's"
    caller.page.keyboard.up("Space")
    caller.page.get_by_label("Search").press_sequentially("a b")
    caller.page.get_by_label("Message").press_sequentially("c d")
    caller.reads_status("Hold to talk")
    assert caller.page.get_by_label("Search").input_value() == "a b"
    assert caller.page.get_by_label("Message").input_value() == "c d"
    caller.hang_up()
    assert caller.page_errors == []


def test_muted_person_stays_muted(call: Callable[..., Caller], emulator: Program) -> None:
    """Before there is a session, over a second start, and over the next conversation."""
    caller = call()
    caller.arrive()
    caller.page.evaluate("document.querySelector('live-agent').mute()")
    caller.open_widget()
    caller.talk()
    caller.reads_status("Muted")
    caller.page.evaluate("document.querySelector('live-agent').start()")
    caller.reads_status("Muted")
    caller.hang_up()
    caller.button("New conversation").click()
    caller.becomes("live")
    caller.reads_status("Muted")
    assert caller.page.evaluate("document.querySelector('live-agent').session.muted")
    caller.hang_up()
    assert emulator.get("/emulator/sessions/last").json["counters"]["audio_chunks"] == 0
    assert caller.page_errors == []


def test_consent_comes_before_the_microphone(call: Callable[..., Caller], emulator: Program) -> None:
    """Nothing is opened before consent, declining is not an error, and it is asked once."""
    caller = call('<live-agent consent="We listen. Is that fine?"></live-agent>')
    caller.arrive()
    caller.open_widget()
    minted = emulator.get("/emulator/mints").json["minted"]
    caller.button("Start talking").click()
    caller.page.get_by_text("We listen. Is that fine?").wait_for()
    caller.button("Not now").click()
    caller.focuses("start")
    caller.button("Start talking").click()
    caller.button("Agree and continue").wait_for()
    caller.page.keyboard.press("Escape")
    caller.focuses("start")
    assert emulator.get("/emulator/mints").json["minted"] == minted
    assert caller.page.evaluate("opened.tracks.length") == 0
    assert not caller.page.locator("[role=alert]:visible").count()
    caller.button("Start talking").click()
    caller.button("Agree and continue").click()
    caller.becomes("live")
    caller.hang_up()
    caller.button("New conversation").click()
    caller.becomes("live")


def test_rating_is_asked_for_if_the_host_wants_one(call: Callable[..., Caller]) -> None:
    """The host receives it; the next conversation removes the question."""
    caller = call("<live-agent rating></live-agent>")
    caller.arrive()
    caller.open_widget()
    caller.type_only()
    caller.hang_up()
    caller.button("Not good").click()
    caller.page.get_by_text("Thanks for your feedback.").wait_for()
    assert caller.heard("rating") == [{"rating": "bad"}]
    caller.focuses("start")
    caller.type_only()
    assert caller.page.locator(".rating").count() == 0


def test_settings_apply(call: Callable[..., Caller], emulator: Program) -> None:
    """Options apply to the next token, a microphone immediately."""
    caller = call()
    caller.arrive()
    caller.open_widget()
    caller.button("Settings").click()
    caller.page.get_by_role("combobox", name="Voice").select_option("Puck")
    caller.button("Back").click()
    caller.focuses("settings")
    caller.talk()
    session = emulator.get("/emulator/sessions/last").json
    voice = session["effective_setup"]["generationConfig"]["speechConfig"]["voiceConfig"]
    assert voice == {"prebuiltVoiceConfig": {"voiceName": "Puck"}}
    caller.button("Settings").click()
    caller.page.get_by_text("Takes effect in the next conversation.").wait_for()
    microphones = caller.page.get_by_role("combobox", name="Microphone")
    before = caller.page.evaluate("opened.tracks.length")
    microphones.select_option(index=2)
    caller.until(f"opened.tracks.length > {before}")
    caller.page.get_by_label("Volume").fill("0")
    assert caller.page.evaluate("document.querySelector('live-agent').session.volume") == 0
    caller.button("Back").click()
    caller.hang_up()
    assert caller.left_open == NOTHING


def test_preview_shows_what_the_camera_sends(call: Callable[..., Caller], emulator: Program) -> None:
    """Pressing again stops both."""
    caller = call()
    caller.arrive()
    caller.open_widget()
    caller.talk()
    caller.button("Camera").click()
    caller.page.locator("video[aria-label='Preview']:visible").wait_for()
    caller.until_true(lambda: emulator.get("/emulator/sessions/last").json["counters"]["video_frames"] > 0)
    caller.button("Camera").click()
    caller.page.locator("video:visible").wait_for(state="detached")
    caller.hang_up()
    assert caller.left_open == NOTHING


@pytest.fixture(name="knowing", scope="module")
def _knowing(
    start_emulator: Callable[..., Program],
    start_service: Callable[..., Program],
    site: Site,
    tmp_path_factory: pytest.TempPathFactory,
) -> Program:
    """A service whose answers have sources."""
    scenario = tmp_path_factory.mktemp("scenario") / "knowing.toml"
    scenario.write_text(
        """
        [[turn]]
        when = "lighthouse"
        steps = [ { search = "how tall are lighthouses" }, { say = "About forty metres." } ]
        """,
        encoding="utf-8",
    )
    return start_service(open_to(site), start_emulator("--scenario", str(scenario)).url)


def test_sources_are_links_with_their_hosts(call: Callable[..., Caller], knowing: Program) -> None:
    """Only to web pages, in a new tab without an opener."""
    caller = call(service=knowing)
    caller.arrive()
    caller.open_widget()
    caller.say("Tell me of the lighthouse")
    caller.reads("About forty metres.")
    caller.reads("Searched for how tall are lighthouses")
    link = caller.page.locator("a.source")
    assert link.get_attribute("rel") == "noopener noreferrer"
    assert link.get_attribute("target") == "_blank"
    address = link.get_attribute("href") or ""
    assert address.startswith("https://")
    assert address.split("/")[2] in caller.page.locator(".sources").inner_text()
    assert caller.heard("sources")


def test_widget_announces_only_final_utterances(call: Callable[..., Caller]) -> None:
    """A screen reader reads each turn once, and the states that cannot be heard."""
    caller = call()
    caller.arrive()
    caller.open_widget()
    caller.page.evaluate(
        """() => {
          globalThis.announced = [];
          const { shadowRoot } = document.querySelector('live-agent');
          const said = shadowRoot.querySelector('[aria-live=polite]');
          const announce = () => announced.push(said.textContent);
          new MutationObserver(announce).observe(said, { childList: true });
        }"""
    )
    caller.type_only()
    caller.reads("you typed")
    caller.until("announced.some((line) => line.startsWith('Assistant:'))")
    caller.hang_up()
    announced = [line for line in caller.page.evaluate("announced") if line]
    assert announced[:2] == ["Connecting…", "Ready for your message"]
    assert len([line for line in announced if line.startswith("Assistant:")]) == 1
    assert announced[-1] == "The conversation has ended"


def test_widget_respects_reduced_motion(call: Callable[..., Caller]) -> None:
    """The visualizer only shows who speaks, and nothing else moves."""
    caller = call(reduced_motion="reduce")
    caller.arrive()
    caller.open_widget()
    caller.talk()
    caller.say("Say something that can be heard for a while")
    caller.reads_status("Speaking")
    caller.page.evaluate(
        """() => {
          globalThis.pictures = new Set();
          const bars = [...document.querySelector('live-agent').shadowRoot.querySelectorAll('.visualizer i')];
          const look = () => {
            pictures.add(bars.map((bar) => [getComputedStyle(bar).height, getComputedStyle(bar).color]).join());
            requestAnimationFrame(look);
          };
          look();
        }"""
    )
    caller.reads_status("Listening")
    assert 1 <= caller.page.evaluate("pictures.size") <= 2
    assert caller.page.evaluate("document.getAnimations().length") == 0
