"""Takes screenshots of the widget in every state, wide and on a phone, in five languages.

All of them go to build/screenshots, and the best to docs/screenshots.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1]))

from playwright.sync_api import Browser, sync_playwright

from browser.caller import Caller
from browser.flags import ALLOWED, FAKE_DEVICES, FLAGS
from browser.hosting import Site, hosting
from browser.scene import scene_flag
from browser.sound import spoken, write_wav
from programs import chromium, clean_environment, running, service_environment, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
TOOLS = str(ROOT / "tests" / "system")  # where order_tools is
EVERY = ROOT / "build" / "screenshots"
BEST = ROOT / "docs" / "screenshots"
SHOWN = {
    "wide-en/3-conversation": "widget-wide-light",
    "dark-en/3-conversation": "widget-wide-dark",
    "phone-tr/3-conversation": "widget-phone-turkish",
    "wide-ar/3-conversation": "widget-wide-arabic",
    "phone-ja/2-ready": "widget-phone-japanese",
}

CONFIGURATION = """
[profiles.default]
model = "gemini-3.8-live"
allow = ["guest"]
video = ["camera", "screen"]
[profiles.default.config]
response_modalities = ["AUDIO"]
[[profiles.default.config.tools]]
[[profiles.default.config.tools.function_declarations]]
name = "find_order"
description = "Where an order is."
behavior = "BLOCKING"
[profiles.default.tools.refund]
python = "order_tools:book"
confirm = "%s"
[profiles.default.options.voice]
path = "speech_config.voice_config.prebuilt_voice_config.voice_name"
choices = ["Kore", "Puck"]
[limits]
guest = ["1000/minute"]
concurrent = { guest = 1000 }
budget = { guest = "1000h/day", everyone = "1000h/day" }
[http]
origins = ["%s"]
"""
PAGE = """<!doctype html>
<html lang="{language}" dir="{story.direction}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<meta name="color-scheme" content="light dark">
<title>Lumen</title>
<link rel="icon" href="data:,">
<style>
  body {{ margin: 0; font: 17px/1.6 Georgia, serif; background: light-dark(#f6f1e7, #171411); }}
  main {{ max-width: 30rem; padding: 3rem; }}
  h1 {{ font-size: 2.4rem; font-weight: 400; margin: 0 0 1rem; }}
  p {{ color: light-dark(#5d554a, #b6ab9c); }}
  .lamp {{ width: 9rem; height: 9rem; border-radius: 50% 50% 46% 46%; background: #e9b44c; }}
</style>
<main><h1>Lumen</h1><div class="lamp"></div><p><bdi dir="ltr">2700 K · 12 W · Ø 24 cm</bdi></p></main>
<live-agent greeting="{story.greeting}" suggestions="{story.suggestions}" consent rating></live-agent>
<script type="module" src="{service}/widget.js"></script>
<script type="module">
  const agent = document.querySelector('live-agent');
  agent.strings = {{ 'tool:find_order': '{story.label}' }};
  agent.handleTool('find_order', () => ({{ arrives: 'tomorrow' }}));
</script>
"""


@dataclass(frozen=True)
class Story:
    """What the page offers and what is said, in one language."""

    greeting: str
    suggestions: str
    label: str
    order: str
    found: str
    light: str
    answer: str
    refund: str
    direction: str

    def scenario(self) -> str:
        """Two turns with answers, one that asks, one that drops the connection, and one that ends it."""
        turns: list[dict[str, object]] = [
            {"call": "find_order", "then": self.found},
            {"steps": [{"search": self.light}, {"say": self.answer}]},
            {"steps": [{"call": "refund", "args": {"day": "today"}}]},
            {"steps": [{"close": {"code": 1011, "reason": "Internal error encountered."}}]},
            {"steps": [{"close": {"code": 1011, "reason": "You exceeded your current quota"}}]},
        ]
        return json.dumps({"turn": turns})


STORIES = {
    language: Story(**told)
    for language, told in tomllib.loads(
        Path(__file__).with_name("widget-stories.toml").read_text(encoding="utf-8")
    ).items()
}
WIDE: dict[str, object] = {"viewport": {"width": 1000, "height": 720}}
PHONE: dict[str, object] = {
    "viewport": {"width": 390, "height": 780},
    "is_mobile": True,
    "has_touch": True,
}
SIDE: dict[str, object] = {**PHONE, "viewport": {"width": 844, "height": 390}}
SCREENS: dict[str, tuple[str, dict[str, object]]] = {
    "wide-en": ("en", WIDE),
    "dark-en": ("en", {**WIDE, "color_scheme": "dark"}),
    "forced-en": ("en", {**WIDE, "forced_colors": "active"}),
    "phone-en": ("en", PHONE),
    "phone-tr": ("tr", PHONE),
    "side-en": ("en", SIDE),
    "wide-ar": ("ar", WIDE),
    "phone-ar": ("ar", {**PHONE, "color_scheme": "dark"}),
    "wide-hi": ("hi", WIDE),
    "phone-ja": ("ja", PHONE),
}


@dataclass
class Photographer:
    """Holds one conversation, and takes a screenshot of each state."""

    caller: Caller
    screen: str
    pictures: list[str] = field(default_factory=list)

    def hold(self, story: Story) -> None:
        self.begin(story)
        self.use_everything(story)
        self.lose(story)
        self.change_ways(story)

    def begin(self, story: Story) -> None:
        caller, page = self.caller, self.caller.page
        caller.arrive()
        page.locator(".launcher").wait_for()
        self.take("1-launcher")
        page.locator(".launcher").click()
        page.locator(".start").wait_for()
        self.take("2-ready")
        page.locator(".start").click()
        page.locator(".agree").wait_for()
        self.take("2-consent")
        page.locator(".agree").click()
        caller.becomes("live")
        self.take("2-live")
        self.write(story.order)
        caller.reads(story.found)
        page.locator(".frame").get_by_text(story.found).wait_for()
        caller.until("document.querySelector('live-agent').session.levels.speaker < 0.001")
        self.write(story.light)
        caller.reads(story.answer)
        caller.until("document.querySelector('live-agent').session.levels.speaker > 0.02")
        self.take("3-conversation")

    def use_everything(self, story: Story) -> None:
        caller, page = self.caller, self.caller.page
        page.locator(".camera").click()
        caller.until("document.querySelector('live-agent').shadowRoot.querySelector('video').currentTime > 0.3")
        self.take("4-camera")
        page.locator(".camera").click()
        page.locator(".mute").click()
        self.take("4-muted")
        page.locator(".collapse").click()
        page.locator(".minimized").wait_for()
        self.take("4-minimized")
        page.locator(".launcher").click()
        page.locator(".mute").click()
        self.write(story.light)
        page.locator(".question").wait_for()
        self.take("4-question")
        page.locator(".question .decline").click()
        page.locator(".settings").click()
        page.locator(".options select").wait_for()
        self.take("5-settings")
        page.locator(".back").click()

    def lose(self, story: Story) -> None:
        caller, page = self.caller, self.caller.page
        held: list[object] = []
        page.route("**/token", lambda route: held.append(route))  # noqa: PLW0108 - Playwright marks it
        self.write(story.order)
        page.locator(".notice:visible").wait_for()
        self.take("6-reconnecting")
        for route in held:
            route.continue_()
        page.unroute("**/token")
        caller.becomes("live")
        self.write(story.light)
        page.locator(".error:visible").wait_for()
        page.locator(".rating").wait_for()
        self.take("7-error-and-rating")

    def change_ways(self, story: Story) -> None:
        caller, page = self.caller, self.caller.page
        caller.widget.evaluate("agent => { agent.consent = null; agent.input = 'text'; }")
        self.write(story.order)
        caller.reads(story.found)
        self.take("8-text")
        caller.hang_up()
        caller.widget.evaluate("agent => { agent.input = 'both'; agent.pushToTalk = true; }")
        page.locator(".start").click()
        caller.becomes("live")
        self.take("9-push-to-talk")

    def write(self, text: str) -> None:
        self.caller.page.locator(".field").fill(text)
        self.caller.page.locator(".field").press("Enter")

    def take(self, state: str) -> None:
        path = EVERY / self.screen / f"{state}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        self.caller.page.mouse.move(2, 2)
        self.caller.page.screenshot(path=path, animations="disabled")


def serve(language: str, site: Site, folder: Path) -> Iterator[str]:
    """A page in this language, with an emulator that plays its story."""
    story = STORIES[language]
    scenario = folder / "scenario.json"
    scenario.write_text(story.scenario(), encoding="utf-8")
    command = [sys.executable, "-m", "tokensvc.emulator", "--port", "0"]
    command += ["--scenario", str(scenario)]
    environment = clean_environment()
    with running(command, r"on (http://[0-9.:]+)", environment=environment) as emulator:
        configuration = CONFIGURATION % (story.refund, site.url)
        environment = service_environment(folder, configuration, emulator.url, PYTHONPATH=TOOLS)
        with serving(environment) as service:
            page = PAGE.format(language=language, story=story, service=service.url)
            yield site.publish(page, whole=True)


def main() -> None:
    """Take all screens, or those named on the command line."""
    wanted = sys.argv[1:] or list(SCREENS)
    with sync_playwright() as playwright, hosting() as site:
        for screen in wanted:
            language, options = SCREENS[screen]
            with tempfile.TemporaryDirectory() as folder:
                quiet = Path(folder) / "quiet.wav"
                write_wav(quiet, spoken(1.0))
                camera = scene_flag(playwright, chromium(), Path(folder))
                browser = playwright.chromium.launch(
                    executable_path=chromium(),
                    args=[
                        *FLAGS,
                        *FAKE_DEVICES,
                        *ALLOWED,
                        camera,
                        f"--use-file-for-fake-audio-capture={quiet}",
                    ],
                )
                for address in serve(language, site, Path(folder)):
                    photograph(browser, address, screen, options)
                browser.close()
    for name, shown in SHOWN.items():
        if name.split("/")[0] in wanted:
            shutil.copy(EVERY / f"{name}.png", BEST / f"{shown}.png")


def photograph(browser: Browser, address: str, screen: str, options: dict[str, object]) -> None:
    page = browser.new_context(**options).new_page()
    Photographer(Caller(page, address, awaits="main"), screen).hold(STORIES[SCREENS[screen][0]])


if __name__ == "__main__":
    main()
