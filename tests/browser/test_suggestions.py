"""Google's Search Suggestions, as its terms require, and what did not work, told in words."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from browser.caller import Caller
from browser.conftest import open_to
from browser.test_embedding import PAGE, embedding, strict

if TYPE_CHECKING:
    from collections.abc import Callable

    from browser.hosting import Site
    from browser.visitor import Visitor
    from programs import Program

# As Google's, with a style of its own; and with what must not run.
SUGGESTIONS = """\
<style>.chip { color: rgb(1, 2, 3); padding: 30px; display: block; }</style>
<a class="chip" href="https://www.google.com/search?q=tides">tides</a>
<img src="x" onerror="document.title = 'run'"><script>document.title = 'run';</script>"""
SCENARIO = f"""
[[turn]]
when = "tides"
[[turn.steps]]
search = {{ query = "tides", suggestions = '''{SUGGESTIONS}''' }}
[[turn.steps]]
say = "Twice a day."

[[turn]]
when = "refuse"
steps = [ {{ say = "I would" }}, {{ stop = "GENERATED_AUDIO_SAFETY" }} ]

[[turn]]
when = "think"
steps = [ {{ say = "Let me see." }}, {{ work = 11 }}, {{ say = "I have it." }} ]
"""
THINKING = """
[profiles.thinking]
model = "gemini-3.8-live-extended-thinking"
allow = ["user", "guest"]
idle_stop = "5s"
[profiles.thinking.config]
response_modalities = ["AUDIO"]
thinking_config = { thinking_level = "LOW" }
[profiles.searching]
model = "gemini-3.8-live"
allow = ["guest"]
[profiles.searching.config]
response_modalities = ["AUDIO"]
tools = [{ google_search = {} }]
"""


@pytest.fixture(name="searching", scope="module")
def _searching(
    start_emulator: Callable[..., Program],
    start_service: Callable[..., Program],
    site: Site,
    tmp_path_factory: pytest.TempPathFactory,
) -> Program:
    scenario = tmp_path_factory.mktemp("scenario") / "searching.toml"
    scenario.write_text(SCENARIO, encoding="utf-8")
    emulator = start_emulator("--scenario", str(scenario))
    return start_service(THINKING + open_to(site), emulator.url)


def shows_suggestions(visitor: Visitor) -> None:
    """The suggestions are in a frame, with their own style, and nothing of them was run."""
    frame = visitor.page.frame_locator("iframe")
    link = frame.get_by_role("link", name="tides")
    link.wait_for()
    assert link.get_attribute("href") == "https://www.google.com/search?q=tides"
    assert link.evaluate("(link) => getComputedStyle(link).color") == "rgb(1, 2, 3)"
    assert link.evaluate("() => [document.title, origin]") == ["Search suggestions", "null"]
    assert link.evaluate("(link) => link.target || document.querySelector('base').target") == "_blank"
    element = visitor.page.locator("iframe")
    visitor.page.wait_for_function("(frame) => Number(frame.height) > 60", arg=element.element_handle())
    assert element.get_attribute("title") == "Google Search suggestions"


def test_widget_shows_suggestions_under_a_strict_policy(
    searching: Program, site: Site, visit: Callable[..., Visitor]
) -> None:
    """With the frame-src that /embed prints; the frame is loaded only now."""
    page = PAGE % embedding(searching, '<live-agent lang="en"></live-agent>')
    caller = visit(site.publish(page, headers=strict(searching), whole=True), awaits="main", kind=Caller)
    caller.arrive()
    caller.open_widget()
    caller.type_only()
    assert caller.page.locator("iframe").count() == 0
    caller.say("tides")
    shows_suggestions(caller)
    assert caller.violations == []


def test_page_shows_suggestions(visit: Callable[..., Visitor], searching: Program) -> None:
    """The service's own page, under its own policy."""
    visitor = visit(searching.url)
    visitor.arrive()
    visitor.continue_as_guest()
    visitor.type_only()
    visitor.say("tides")
    shows_suggestions(visitor)
    assert visitor.violations == []


def test_frame_is_sandboxed_wherever_it_is_opened(visit: Callable[..., Visitor], searching: Program) -> None:
    """It shows nothing that a link or another window could give it."""
    visitor = visit(f"{searching.url}/suggestions#<b>x</b>", awaits="html")
    visitor.page.goto(visitor.address)
    assert visitor.page.evaluate("[origin, document.body.children.length]") == ["null", 0]
    visitor.page.evaluate("postMessage('<b>x</b>', '*')")
    headers = searching.get("/suggestions").headers
    assert "sandbox allow-scripts allow-popups" in headers["content-security-policy"]
    assert "allow-same-origin" not in headers["content-security-policy"]
    assert urlsplit(visitor.page.url).path == "/suggestions"


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "A safety filter stopped this answer. Please ask something else."),
        ("de", "Ein Sicherheitsfilter hat diese Antwort gestoppt."),
    ],
)
def test_widget_tells_a_safety_stop_in_words(
    call: Callable[..., Caller], searching: Program, language: str, sentence: str
) -> None:
    """In the person's language, on the screen and for a screen reader."""
    caller = call(f'<live-agent open lang="{language}"></live-agent>', service=searching)
    caller.arrive()
    field = caller.page.locator(".field")
    field.fill("please refuse")
    field.press("Enter")
    caller.page.locator(".stopped", has_text=sentence).wait_for()
    caller.page.locator("[aria-live=polite]", has_text=sentence).wait_for(state="attached")
    caller.becomes("live")


def test_a_model_that_works_on_is_not_idle(call: Callable[..., Caller], searching: Program) -> None:
    """The status says that it works, and idle_stop waits."""
    markup = '<live-agent open profile="thinking"></live-agent>'
    caller = call(markup, service=searching)
    caller.arrive()
    caller.say("think")
    caller.reads("Let me see.")
    caller.reads_status("Working…")
    caller.reads("I have it.")
    caller.reads_status("Ready for your message")
    assert caller.errors() == []


def test_a_refused_microphone_has_ended_nothing(call: Callable[..., Caller]) -> None:
    """No status says that a conversation is over."""
    caller = call()
    caller.page.add_init_script(
        """navigator.mediaDevices.getUserMedia = async () => {
          throw new DOMException('no', 'NotAllowedError');
        };"""
    )
    caller.arrive()
    caller.open_widget()
    caller.button("Start talking").click()
    caller.page.locator("[role=alert]", has_text="Microphone access was denied").wait_for()
    caller.reads_status("Ready when you are")


def test_an_unknown_profile_of_a_site_without_sign_in_is_the_sites_to_fix(
    call: Callable[..., Caller],
) -> None:
    """The developer gets the doctor's line."""
    caller = call('<live-agent open profile="typo"></live-agent>')
    lines: list[str] = []
    caller.page.on("console", lambda line: lines.append(line.text))
    caller.arrive()
    caller.say("Hello")
    caller.page.locator("[role=alert]", has_text="not set up correctly").wait_for()
    caller.until_true(lambda: any("embed/doctor.js" in line for line in lines))
    (line,) = [line for line in lines if "embed/doctor.js" in line]
    assert '.examine({"profile":"typo"})' in line


def test_an_origin_that_is_not_listed_is_told_to_the_developer(call: Callable[..., Caller], service: Program) -> None:
    """The browser hides the service's answer; the console has the line that explains it."""
    caller = call("<live-agent open></live-agent>", service=service)
    lines: list[str] = []
    caller.page.on("console", lambda line: lines.append(line.text))
    caller.arrive()
    caller.say("Hello")
    caller.page.locator("[role=alert]:visible").wait_for()
    caller.until_true(lambda: any("embed/doctor.js" in line for line in lines))
    (line,) = [line for line in lines if "embed/doctor.js" in line]
    assert "does the service list http://" in line
    command = line[line.index("console.table(") + len("console.table(") : line.rindex(")")]
    findings = caller.page.evaluate(f"async () => {command}")
    assert any("Add " in finding["sentence"] and "origins" in finding["sentence"] for finding in findings)


def test_the_doctor_finds_a_policy_without_the_frame(
    visit: Callable[..., Visitor], searching: Program, site: Site
) -> None:
    """Only where the profile searches."""

    def found(profile: str, policy: dict[str, str]) -> list[dict[str, str]]:
        visitor = visit(site.publish(PAGE % "", headers=policy, whole=True), awaits="main")
        visitor.page.goto(visitor.address)
        script = """async ([doctor, profile]) => (await import(doctor)).examine({ profile })"""
        return visitor.page.evaluate(script, [f"{searching.url}/embed/doctor.js", profile])

    allowed = strict(searching)
    *_, last = found("searching", allowed)
    assert (last["check"], last["result"]) == ("Search Suggestions", "ok")
    policy = allowed["Content-Security-Policy"].replace(f"frame-src 'self' {searching.url}; ", "")
    *_, last = found("searching", {"Content-Security-Policy": policy})
    assert last["result"] == "fault"
    assert last["sentence"].startswith(f"Add {searching.url} to frame-src")
    assert found("default", allowed)[-1]["check"] == "Voice service"
