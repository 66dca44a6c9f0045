"""Takes the screenshots in docs/screenshots: the page, wide and phone-sized, light and dark."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from playwright.sync_api import Browser, sync_playwright

from browser.conftest import CONFIGURATION, CONVERSATION
from browser.flags import ALLOWED, FAKE_DEVICES, FLAGS
from browser.scene import scene_flag
from browser.sound import spoken, write_wav
from browser.visitor import Visitor
from programs import Program, chromium, clean_environment, running, service_environment, serving

PICTURES = Path(__file__).parents[2] / "docs" / "screenshots"
SCREENS = {
    "wide": {"viewport": {"width": 1200, "height": 750}},
    "phone": {
        "viewport": {"width": 390, "height": 844},
        "device_scale_factor": 2,
        "is_mobile": True,
        "has_touch": True,
    },
}


def take(browser: Browser, service: Program) -> None:
    """Hold one conversation per screen, and take it in both color schemes."""
    for screen, options in SCREENS.items():
        context = browser.new_context(timezone_id="Europe/Berlin", **options)
        visitor = Visitor(context.new_page(), service.url)
        visitor.arrive()
        picture(visitor, f"sign-in-{screen}")
        visitor.continue_as_guest()
        visitor.button("Start talking").wait_for()
        picture(visitor, f"ready-{screen}")
        visitor.talk()
        visitor.button("Camera").click()
        visitor.sees_video("preview.currentTime > 0.5")
        visitor.page.get_by_text("Goodbye, and").wait_for()
        picture(visitor, f"conversation-{screen}")
        context.close()


def picture(visitor: Visitor, name: str) -> None:
    for scheme in ("light", "dark"):
        visitor.page.emulate_media(color_scheme=scheme)
        visitor.page.screenshot(path=PICTURES / f"{name}-{scheme}.png", animations="disabled")


def main() -> None:
    """Start an emulator with the script, the service, and a browser that speaks our part."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        microphone = Path(folder) / "microphone.wav"
        write_wav(microphone, spoken(*CONVERSATION))
        scenario = Path(__file__).with_name("conversation.toml")
        command = [sys.executable, "-m", "tokensvc.emulator", "--port", "0"]
        command += ["--scenario", str(scenario)]
        environment = clean_environment()
        with running(command, r"on (http://[0-9.:]+)", environment=environment) as emulator:
            environment = service_environment(Path(folder), CONFIGURATION, emulator.url)
            with serving(environment) as service, sync_playwright() as playwright:
                camera = scene_flag(playwright, chromium(), Path(folder))
                speech = f"--use-file-for-fake-audio-capture={microphone}%noloop"
                browser = playwright.chromium.launch(
                    executable_path=chromium(),
                    args=[*FLAGS, *FAKE_DEVICES, *ALLOWED, camera, speech],
                )
                take(browser, service)


if __name__ == "__main__":
    main()
