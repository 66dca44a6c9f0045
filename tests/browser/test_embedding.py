"""The widget on third-party pages: strict policies, frames, two copies, and in React."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from browser.caller import Caller
from browser.talking import ended_session

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import FrameLocator

    from browser.hosting import Site
    from browser.visitor import Visitor
    from programs import Program

HERE = Path(__file__).parent
NOTHING = {"tracks": 0, "sockets": 0, "contexts": 0}
SCRIPT = {"Content-Type": "text/javascript; charset=utf-8"}
# Elements only: such a page has no inline script, style or image.
PAGE = '<!doctype html><html lang="en"><meta charset="utf-8"><title>Shop</title><main><p>Shop</p>%s</main>'


def strict(service: Program) -> dict[str, str]:
    """A careful site's policy, plus what the widget's documentation asks for."""
    google = service.get("/embed.json").json["websocket"]
    policy = (
        f"default-src 'self'; script-src 'self' {service.url}; style-src 'self'; "
        f"connect-src 'self' {service.url} {google}; frame-src 'self' {service.url}; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
    return {"Content-Security-Policy": policy}


def embedding(service: Program, *elements: str) -> str:
    return "".join([f'<script type="module" src="{service.url}/widget.js"></script>', *elements])


def test_every_feature_works_under_a_strict_policy(
    visit: Callable[..., Visitor], site: Site, embedded: Program, emulator: Program
) -> None:
    """Trusted Types included; the policy blocks nothing."""
    widget = embedding(embedded, '<live-agent consent rating lang="en"></live-agent>')
    address = site.publish(PAGE % widget, headers=strict(embedded), whole=True)
    caller = visit(address, awaits="main", kind=Caller)
    caller.arrive()
    assert caller.page.evaluate("'innerHTML' in document.body && trustedTypes.emptyHTML") == ""
    caller.open_widget()
    caller.button("Start talking").click()
    caller.button("Agree and continue").click()
    caller.becomes("live")
    caller.button("Settings").click()
    caller.page.get_by_label("Microphone").wait_for()
    caller.button("Back").click()
    for picture in ("Camera", "Share screen"):
        caller.button(picture).click()
        caller.page.locator(".panel video:visible").wait_for()
    caller.button("Mute").click()
    caller.say("Please get the local time")
    caller.until("heard.some(({ type, detail }) => type === 'tool' && detail.status === 'failed')")
    caller.hang_up()
    caller.button("Good").click()
    caller.page.get_by_text("Thanks for your feedback.").wait_for()
    assert caller.violations == []
    assert caller.page_errors == []
    assert caller.left_open == NOTHING
    session = ended_session(emulator)
    assert session["handshake"]["origin"] == site.url
    assert session["counters"]["audio_chunks"] > 0
    assert session["counters"]["video_frames"] > 0


def test_strict_policy_blocks_what_it_should(visit: Callable[..., Visitor], site: Site, embedded: Program) -> None:
    """Otherwise the test above would prove nothing."""
    address = site.publish(PAGE % "", headers=strict(embedded), whole=True)
    caller = visit(address, awaits="title", kind=Caller)
    caller.page.on("console", lambda _: None)
    caller.page.add_init_script(path=HERE / "forbidden.js")
    caller.awaits = "main[data-done]"
    caller.arrive()
    stopped = {line.split(" ")[0] for line in caller.violations}
    assert stopped >= {"require-trusted-types-for", "style-src-attr", "img-src", "connect-src"}


def test_react_strict_mode_mounts_one_conversation(
    visit: Callable[..., Visitor], site: Site, embedded: Program, emulator: Program, tmp_path: Path
) -> None:
    """Properties and events work; unmounting ends it."""
    script = site.publish(compiled(tmp_path), headers=SCRIPT, whole=True)
    react = f'<script type="module" src="{script}"></script>'
    page = PAGE % "" + embedding(embedded, react)
    address = site.publish(page, headers=strict(embedded), whole=True)
    caller = visit(address, awaits="output", kind=Caller)
    caller.arrive()
    caller.button("Ask the shop").click()
    minted = emulator.get("/emulator/mints").json["minted"]
    caller.talk()
    caller.page.locator("output", has_text="live").wait_for()
    assert emulator.get("/emulator/mints").json["minted"] == minted + 1
    assert caller.page.evaluate("opened.sockets.length") == 1
    caller.button("Take it away").click()
    caller.until("opened.sockets.every(({ readyState }) => readyState === WebSocket.CLOSED)")
    assert caller.left_open == NOTHING
    caller.button("Bring it back").click()
    caller.button("Ask the shop").click()
    caller.talk()
    assert caller.violations == []
    assert caller.page_errors == []


def compiled(folder: Path) -> str:
    """The React host and React itself as one script, in development mode."""
    script = folder / "host.js"
    tests = HERE.parent
    command = [
        "node", tests / "node_modules" / "esbuild" / "bin" / "esbuild", HERE / "react-host.jsx",
        "--bundle", "--format=esm", "--jsx=automatic", "--log-level=error", f"--outfile={script}",
        '--define:process.env.NODE_ENV="development"',
    ]  # fmt: skip
    subprocess.run(command, check=True, cwd=tests)
    return script.read_text(encoding="utf-8")


@pytest.fixture(name="framed")
def _framed(
    visit: Callable[..., Visitor], site: Site, stranger: Site, embedded: Program
) -> Callable[[str], FrameLocator]:
    """Opens a page that has the site in an iframe with these attributes; returns the frame."""

    def framed(attributes: str) -> FrameLocator:
        inside = site.publish(embedding(embedded, "<live-agent></live-agent>"))
        address = stranger.publish(f'<iframe title="Shop" {attributes} src="{inside}"></iframe>')
        caller = visit(address, awaits="iframe", kind=Caller)
        caller.arrive()
        frame = caller.page.frame_locator("iframe")
        frame.get_by_role("button", name="Talk to us").click()
        return frame

    return framed


def test_iframe_with_allow_works(framed: Callable[[str], FrameLocator], emulator: Program) -> None:
    """A frame of another site with `allow` works like a page."""
    frame = framed('allow="microphone"')
    frame.get_by_role("button", name="Start talking").click()
    frame.locator(".frame[data-state=live]").wait_for()
    frame.locator(".status", has_text="Listening").wait_for()
    frame.get_by_role("button", name="End", exact=True).click()
    frame.locator(".frame[data-state=closed]").wait_for()
    assert emulator.get("/emulator/sessions/last").json["counters"]["audio_chunks"] > 0


def test_iframe_without_allow_offers_typing(framed: Callable[[str], FrameLocator]) -> None:
    """The person is told that the page is the cause."""
    frame = framed("")
    frame.get_by_role("button", name="Start talking").click()
    said = frame.get_by_role("alert")
    said.wait_for()
    assert "This page does not allow microphone access." in said.inner_text()
    said.get_by_role("button", name="Type instead").click()
    frame.get_by_label("Message").fill("Is anybody there?")
    frame.get_by_role("button", name="Send").click()
    frame.locator(".log", has_text="you typed").wait_for()


def test_two_widgets_hold_two_conversations(
    visit: Callable[..., Visitor], site: Site, embedded: Program, emulator: Program
) -> None:
    """They are independent; loading the module twice is harmless."""
    first = '<live-agent id="one" mode="inline" open></live-agent>'
    second = '<live-agent id="two" mode="inline" open></live-agent>'
    page = PAGE % (embedding(embedded, first) + embedding(embedded, second))
    address = site.publish(page, headers=strict(embedded), whole=True)
    caller = visit(address, awaits="main", kind=Caller)
    caller.arrive()
    minted = emulator.get("/emulator/mints").json["minted"]
    agents = {name: caller.page.locator(f"live-agent#{name}") for name in ("one", "two")}
    for name, agent in agents.items():
        agent.get_by_label("Message").fill(f"I am in {name}.")
        agent.get_by_role("button", name="Send").click()
        agent.locator(".frame[data-state=live]").wait_for()
    for name, agent in agents.items():
        agent.locator(".log", has_text=f'you typed "I am in {name}."').wait_for()
    assert emulator.get("/emulator/mints").json["minted"] == minted + 2
    agents["one"].get_by_role("button", name="End", exact=True).click()
    agents["one"].locator(".frame[data-state=closed]").wait_for()
    agents["two"].get_by_label("Message").fill("I am still here.")
    agents["two"].get_by_role("button", name="Send").click()
    agents["two"].locator(".log", has_text='you typed "I am still here."').wait_for()
    assert agents["one"].locator(".log", has_text="still here").count() == 0
    assert caller.violations == []
    assert caller.page_errors == []
