"""Fixtures: Chromium with a fake microphone, camera and screen, and a context for each visitor."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright

from browser.caller import Caller
from browser.flags import ALLOWED, FAKE_DEVICES, FLAGS
from browser.hosting import hosting
from browser.sound import spoken, write_wav
from browser.talking import PROFILE, Talker
from browser.visitor import Visitor
from programs import Programs, emulating, operate, service_environment, serving, share_compiled_profiles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Playwright

    from browser.hosting import Site
    from browser.talking import Talk
    from programs import Program


class Shared:
    """Playwright and the browser that most tests use, which consecutive files of this folder share."""

    def __init__(self) -> None:
        self._started = ExitStack()
        self._playwright: Playwright | None = None
        self._browsers: dict[tuple[str, ...], Browser] = {}

    @property
    def playwright(self) -> Playwright:
        """Playwright, started if it is not running."""
        if self._playwright is None:
            self._playwright = self._started.enter_context(sync_playwright())
        return self._playwright

    def browser(self, executable: str, flags: tuple[str, ...]) -> Browser:
        """Return the browser with these flags, started if it is not running."""
        if flags not in self._browsers:
            browser = self.playwright.chromium.launch(executable_path=executable, args=[*FLAGS, *flags])
            self._started.callback(browser.close)
            self._browsers[flags] = browser
        return self._browsers[flags]

    def stop(self) -> None:
        """Stop all that is running."""
        self._started.close()
        self._playwright = None
        self._browsers.clear()


SHARED = Shared()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> None:
    """Stop Playwright after this folder's last test: its event loop would interfere with other tests."""
    if nextitem is None or Path(__file__).parent not in nextitem.path.parents:
        SHARED.stop()


def pytest_sessionfinish() -> None:
    """Stop Playwright after a run that ended early."""
    SHARED.stop()


@pytest.fixture(name="playwright", scope="module")
def _playwright() -> Playwright:
    """Playwright, which the modules of this folder share."""
    return SHARED.playwright


# The default profile allows all that the page can do; "short" is there to be chosen.
CONFIGURATION = """
[profiles.default]
description = "Talk, type, show something, or ask for the time"
model = "gemini-3.8-live"
allow = ["user", "guest"]
video = ["camera", "screen"]
[profiles.default.config]
response_modalities = ["AUDIO"]
[[profiles.default.config.tools]]
[[profiles.default.config.tools.function_declarations]]
name = "get_local_time"
description = "The date and time where the visitor is."
behavior = "BLOCKING"
[profiles.default.options.voice]
path = "speech_config.voice_config.prebuilt_voice_config.voice_name"
choices = ["Kore", "Puck"]

[profiles.short]
description = "Ten seconds, for those in a hurry"
model = "gemini-3.8-live"
allow = ["user"]
token_lifetime = "30s"
connect_within = "30s"
max_session = "45s"

[limits]
user = ["1000/minute"]
guest = ["1000/minute"]
concurrent = { user = 1000, guest = 1000 }
budget = { user = "1000h/day", guest = "1000h/day", everyone = "1000h/day" }
"""
# Played in real time, whatever the page does: it starts with silence, for a machine that is slow to
# become live, and the second turn interrupts the long answer to the first.
CONVERSATION = (3.0, "ask-for-a-story", 4.0, "ask-for-the-time", 8.0, "say-goodbye", 60.0)
USERNAME = "ada"
# Sign-ins are limited to five a minute: quick tests need more than one account.
ANOTHER = "grace"
PASSWORD = "difference engine"


@pytest.fixture(name="service", scope="session")
def _service(start_service: Callable[..., Program], emulator: Program) -> Program:
    """A service with an account, connected to the default emulator."""
    return with_account(start_service(CONFIGURATION, emulator.url))


def with_account(service: Program) -> Program:
    """Configure two accounts."""
    for name in (USERNAME, ANOTHER):
        operate(service, "users", "add", name, "--password-stdin", said=PASSWORD)
    return service


@pytest.fixture(name="site", scope="session")
def _site() -> Iterator[Site]:
    """A third-party site on its own origin."""
    with hosting() as site:
        yield site


@pytest.fixture(name="stranger", scope="session")
def _stranger() -> Iterator[Site]:
    """A site that no service lists."""
    with hosting() as site:
        yield site


@pytest.fixture(name="embedded", scope="session")
def _embedded(start_service: Callable[..., Program], emulator: Program, site: Site) -> Program:
    """A service that lists the site, connected to the default emulator."""
    return start_service(open_to(site), emulator.url)


def open_to(site: Site) -> str:
    """The configuration that lists the site's origin."""
    return f'{CONFIGURATION}\n[http]\norigins = ["{site.url}"]\n'


@pytest.fixture(name="quiet", scope="session")
def _quiet(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A silent microphone: Chromium's default one beeps, and would be answered."""
    room = tmp_path_factory.mktemp("room") / "quiet.wav"
    write_wav(room, spoken(1.0))
    return f"--use-file-for-fake-audio-capture={room}"


@pytest.fixture(name="browser", scope="module")
def _browser(playwright: Playwright, chromium_path: str, quiet: str) -> Iterator[Callable[..., Browser]]:
    """Return the browser with these flags, which all tests of a module share; all modules, without special flags."""
    browsers: dict[tuple[str, ...], Browser] = {}

    def browser(*flags: str) -> Browser:
        if flags == (quiet, *FAKE_DEVICES, *ALLOWED):
            return SHARED.browser(chromium_path, flags)
        if flags not in browsers:
            browsers[flags] = playwright.chromium.launch(executable_path=chromium_path, args=[*FLAGS, *flags])
        return browsers[flags]

    yield browser
    for started in browsers.values():
        started.close()


@pytest.fixture(name="visit")
def _visit(browser: Callable[..., Browser], service: Program, quiet: str) -> Iterator[Callable[..., Visitor]]:
    """Opens a page, by default the service's own; options are Playwright's.

    Each page has a context of its own: no visitor sees another's cookies, storage or permissions.
    """
    contexts = []

    def visit(
        address: str = service.url,
        *,
        awaits: str = "#sign-in:visible",
        flags: list[str] = FAKE_DEVICES + ALLOWED,
        kind: type[Visitor] = Visitor,
        **options: object,
    ) -> Visitor:
        context = browser(quiet, *flags).new_context(**options)
        contexts.append(context)
        return kind(context.new_page(), address, awaits)

    yield visit
    for context in contexts:
        context.close()


@pytest.fixture(name="guest")
def _guest(visit: Callable[..., Visitor]) -> Visitor:
    """A visitor whose page has its own session, as `session`."""
    visitor = visit()
    visitor.arrive()
    visitor.page.evaluate(
        """async () => {
          const { LiveSession } = await import('/live/session.js');
          globalThis.session = new LiveSession({ token: '/token' });
          globalThis.states = [];
          session.addEventListener('state', ({ detail }) => states.push(detail.state));
        }"""
    )
    return visitor


@pytest.fixture(name="call")
def _call(visit: Callable[..., Visitor], site: Site, embedded: Program) -> Callable[..., Caller]:
    """Opens a page with the widget, by default from *embedded*."""

    def call(
        markup: str = "<live-agent></live-agent>",
        *,
        service: Program = embedded,
        headers: dict[str, str] | None = None,
        **options: object,
    ) -> Caller:
        script = f'<script type="module" src="{service.url}/widget.js"></script>'
        address = site.publish(script + markup, headers=headers)
        return visit(address, awaits="main", kind=Caller, **options)

    return call


@pytest.fixture(name="begin")
def _begin(visit: Callable[..., Visitor], tmp_path: Path) -> Iterator[Callable[..., Talker]]:
    """Begins a talk with its own service and emulator, which end with the test.

    The emulator does as was recorded, except for what *flags* change.
    """
    with Programs() as programs:

        def begin(
            talk: Talk,
            *flags: str,
            configuration: str = PROFILE,
            fault: dict[str, object] | None = None,
            prepare: str = "",
        ) -> Talker:
            emulator = programs.start(emulating(*flags))
            if fault is not None:
                emulator.post("/emulator/faults", fault)
            environment = service_environment(tmp_path, configuration, emulator.url)
            share_compiled_profiles(tmp_path)
            service = programs.start(serving(environment, workers=1))
            recording = tmp_path / "talk.wav"
            return Talker.begin(visit, service, emulator, recording, talk, prepare=prepare)

        yield begin
