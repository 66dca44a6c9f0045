"""The client's share, in a browser; and the emulator with many spoken sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

from bench import emulator_load
from bench.measuring import progress, row, title
from browser.flags import FAKE_DEVICES, FLAGS
from browser.press_to_live import press_to_live
from browser.visitor import Visitor
from programs import OPEN_PROFILE, chromium, emulating, service_environment, serving

if TYPE_CHECKING:
    from bench.measuring import Bench


def press(bench: Bench) -> dict[str, float]:
    """From a press to live, beside the longer of microphone and token, then socket and setup."""
    path = chromium()
    with (
        emulating() as emulator,
        serving(service_environment(bench.new_folder(), OPEN_PROFILE, emulator.url)) as service,
        sync_playwright() as playwright,
    ):
        progress(f"{bench.presses} presses")
        browser = playwright.chromium.launch(executable_path=path, args=[*FLAGS, *FAKE_DEVICES])
        visitor = Visitor(browser.new_page(permissions=["microphone"]), service.url)
        visitor.arrive()
        measured = press_to_live(visitor, bench.presses)
        browser.close()
    title(f"from a press to live, medians of {bench.presses}, in milliseconds")
    row("", *measured.steps, "beside")
    row("Chromium", *measured.steps.values(), measured.beside)
    return {"press.beside_ms": measured.beside}


def emulator(bench: Bench) -> dict[str, float]:
    """The emulator with --sessions spoken sessions for --minutes: dropped and late audio, CPU."""
    progress(f"{bench.sessions} sessions, {bench.minutes:g} minutes")
    title("the emulator")
    figures = emulator_load.run(bench.sessions, bench.minutes)
    return {
        "emulator.dropped": figures.dropped,
        "emulator.latest_ms": figures.latest,
        "emulator.cpu": figures.cpu,
    }
