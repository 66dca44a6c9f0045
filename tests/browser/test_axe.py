"""Axe finds nothing in any state of the widget; states are reached by use, not set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from browser import axe
from browser.conftest import open_to
from browser.flags import FAKE_DEVICES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from browser.caller import Caller
    from browser.hosting import Site
    from programs import Program

HERE = Path(__file__).parent
MODES = {
    "floating": '<live-agent consent rating greeting="Welcome" suggestions="Hello|Opening hours"></live-agent>',
    "inline": '<live-agent mode="inline" consent rating></live-agent>',
}
# A tool that never finishes.
NEVER_DONE = """document.querySelector('live-agent')
  .handleTool('get_local_time', () => new Promise(() => {}))"""


@pytest.fixture(name="stage", scope="module")
def _stage(start_emulator: Callable[..., Program]) -> Program:
    """An emulator that plays what is typed."""
    return start_emulator("--scenario", str(HERE / "states.toml"))


@pytest.fixture(name="theatre", scope="module")
def _theatre(start_service: Callable[..., Program], stage: Program, site: Site) -> Program:
    """The service connected to it."""
    return start_service(open_to(site), stage.url)


def every_state(caller: Caller, stage: Program) -> Iterator[str]:
    """Go through the states of the widget and yield in each."""
    yield from _until_it_is_live(caller, stage)
    yield from _in_conversation(caller)
    yield from _until_it_is_over(caller)


def _until_it_is_live(caller: Caller, stage: Program) -> Iterator[str]:
    page = caller.page
    caller.button("Talk to us").wait_for()
    yield "collapsed"
    caller.open_widget()
    yield "ready"
    caller.button("Start talking").click()
    caller.button("Agree and continue").wait_for()
    yield "asked for consent"
    caller.button("Agree and continue").click()
    page.get_by_role("alert").wait_for()
    yield "the microphone refused"
    page.context.grant_permissions(["microphone", "camera"])
    stage.post("/emulator/faults", {"on": "mint", "kind": "black_hole"})
    caller.button("Start talking").or_(caller.button("New conversation")).click()
    page.locator(".frame[data-state=connecting]").wait_for()
    yield "connecting"
    caller.button("Cancel").click()
    caller.becomes("closed")
    stage.request("DELETE", "/emulator/faults")
    caller.button("Start talking").click()
    caller.becomes("live")


def _in_conversation(caller: Caller) -> Iterator[str]:
    page = caller.page
    page.locator(".status", has_text="Listening").wait_for()
    yield "listening"
    caller.button("Mute").click()
    page.locator(".status", has_text="Muted").wait_for()
    yield "muted"
    caller.button("Camera").click()
    page.locator(".panel video:visible").wait_for()
    yield "a picture shown"
    caller.say("Please speak")
    page.locator(".status", has_text="Speaking").wait_for()
    yield "speaking"
    caller.say("Please search")
    caller.reads("All the lighthouses")
    yield "sources"
    caller.say("Please write")
    page.locator(".said pre").wait_for()
    yield "Markdown and links"
    if caller.button("Minimize").count() > 0:
        caller.button("Minimize").click()
        page.locator(".hang-up:visible").wait_for()
        yield "minimized"
        page.locator(".launcher").click()
    page.evaluate(NEVER_DONE)
    caller.say("Please work")
    page.locator(".status", has_text="Working").wait_for()
    yield "working"
    caller.button("Settings").click()
    page.get_by_label("Microphone").wait_for()
    yield "settings"
    caller.button("Back").click()


def _until_it_is_over(caller: Caller) -> Iterator[str]:
    page = caller.page
    page.context.set_offline(offline=True)
    page.locator(".status", has_text="Reconnecting").wait_for()
    yield "resuming"
    page.context.set_offline(offline=False)
    caller.becomes("live")
    caller.say("Please break")
    page.get_by_role("alert").wait_for()
    yield "an error"
    caller.button("Good").click()
    page.get_by_text("Thanks for your feedback.").wait_for()
    yield "over"


# What forced colors show of each control: text, background and edge.
INDISTINCT = """() => {
  const root = document.querySelector('live-agent').shadowRoot;
  const controls = [...root.querySelectorAll('button, textarea, select, input')];
  const seen = controls.filter((control) => control.checkVisibility());
  const poor = seen.filter((control) => {
    const style = getComputedStyle(control.closest('.composer') ?? control);
    const edge = style.borderStyle !== 'none' && parseFloat(style.borderWidth) > 0
      && style.borderColor !== style.backgroundColor;
    return style.color === style.backgroundColor || !(edge || control.type === 'range');
  });
  return [seen.length, poor.map((control) => control.outerHTML.slice(0, 120))];
}"""


@pytest.mark.parametrize("mode", ["floating", pytest.param("inline", marks=pytest.mark.soak)])
def test_axe_finds_no_fault_in_any_state(
    call: Callable[..., Caller], theatre: Program, stage: Program, mode: str
) -> None:
    """Covers light, dark and forced colors, and the parts only a screen reader sees."""
    caller = call(MODES[mode], service=theatre, flags=FAKE_DEVICES, permissions=["camera"])
    caller.arrive()
    for state in every_state(caller, stage):
        # In dark mode axe takes a page without a background for a white one.
        assert axe.faults_in_either_scheme(caller.page, within="live-agent") == [], state
        axe.in_colors(caller.page, color_scheme="light", forced_colors="active")
        assert caller.page.evaluate("matchMedia('(forced-colors: active)').matches")
        count, poor = caller.page.evaluate(INDISTINCT)
        assert poor == [], f"{state}, forced colors"
        assert count > 0
        assert axe.faults(caller.page, contrast=False) == [], f"{state}, forced colors"
        axe.in_colors(caller.page, forced_colors="none")
    assert caller.violations == []


def test_axe_reports_faults_inside_the_shadow_root(call: Callable[..., Caller], theatre: Program) -> None:
    """Axe sees a nameless button and low contrast inside the widget."""
    caller = call(service=theatre)
    caller.arrive()
    caller.open_widget()
    assert axe.faults(caller.page) == []
    caller.page.evaluate(
        """() => {
          const panel = document.querySelector('live-agent').shadowRoot.querySelector('.panel');
          const pale = document.createElement('p');
          pale.textContent = 'Who can read this?';
          pale.style.color = '#ddd';
          panel.prepend(document.createElement('button'), pale);
        }"""
    )
    found = {line.split(":")[0] for line in axe.faults(caller.page)}
    assert found == {"button-name", "color-contrast"}
