"""The sites in docs/recipes/, built and served as they are: somebody talks to each of them in Chromium."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from browser.bundling import copied, next_turbopack, vite
from browser.caller import Caller
from browser.flags import ALLOWED, FAKE_DEVICES
from browser.sound import spoken, write_wav
from documented import blocks
from npm_package import pack_with_the_tests_tools
from programs import running, service_environment, share_compiled_profiles
from system.launching import free_ports
from wheels import CLONE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from browser.hosting import Site
    from programs import Program

RECIPES = CLONE / "docs/recipes"
SERVICE, VITE, NEXT, SHOP = (f"http://localhost:{port}" for port in (8080, 5173, 3000, 5000))
SHARED_SECRET = "shared-by-shop-and-service-in-tests-only"


def exchanged(text: str, addresses: dict[str, str]) -> str:
    """Return *text* with each of a recipe's addresses changed to another; it must have them all."""
    for shown, address in addresses.items():
        assert shown in text
        text = text.replace(shown, address)
    return text


@pytest.fixture(name="ports", scope="module")
def _ports() -> dict[str, int]:
    return dict(zip((VITE, NEXT, SHOP), free_ports(3), strict=True))


@pytest.fixture(name="guests", scope="module")
def _guests(start_service: Callable[..., Program], emulator: Program, site: Site, ports: dict[str, int]) -> Program:
    """The service of the recipes without a login."""
    addresses = {address: f"http://127.0.0.1:{ports[address]}" for address in (VITE, NEXT)}
    configuration = (RECIPES / "guests.toml").read_text()
    return start_service(exchanged(configuration, {"http://localhost:8000": site.url} | addresses), emulator.url)


@pytest.fixture(name="package", scope="module")
def _package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack_with_the_tests_tools(tmp_path_factory.mktemp("package"))


@pytest.fixture(name="shop")
def _shop(start_service: Callable[..., Program], emulator: Program, ports: dict[str, int]) -> Iterator[str]:
    """The shop in Flask, with a service of its own."""
    folder, address = RECIPES / "flask-login", f"http://127.0.0.1:{ports[SHOP]}"
    configuration = exchanged((folder / "tokensvc.toml").read_text(), {SHOP: address})
    service = start_service(configuration, emulator.url, SHOP_JWT_SECRET=SHARED_SECRET)
    added = {"TOKENSVC_URL": service.url, "SHOP_URL": address, "SHOP_JWT_SECRET": SHARED_SECRET}
    command = [sys.executable, "-m", "flask", "--app", str(folder / "shop"), "run", "--port", str(ports[SHOP])]
    with running(command, r"Running on (http://[0-9.:]+)", environment=os.environ | added):
        yield address


@pytest.fixture(name="mounting_shop")
def _mounting_shop(emulator: Program, tmp_path: Path) -> Iterator[str]:
    """The shop in Flask that serves the agent itself."""
    folder = RECIPES / "flask-mount"
    share_compiled_profiles(tmp_path)
    environment = service_environment(tmp_path, (folder / "tokensvc.toml").read_text(), emulator.url)
    environment |= {"SHOP_SECRET_KEY": SHARED_SECRET}
    subprocess.run([sys.executable, "-m", "tokensvc", "db", "upgrade"], env=environment, check=True)
    command = [sys.executable, "-m", "flask", "--app", str(folder / "shop"), "run", "--port", "0"]
    with running(command, r"Running on (http://[0-9.:]+)", environment=environment) as program:
        yield program.url


@pytest.fixture(name="question", scope="module")
def _question(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the microphone hears on each page, from its beginning."""
    question = tmp_path_factory.mktemp("question") / "question.wav"
    write_wav(question, spoken(1.5, "ask-for-the-time", 60.0))
    return question


@pytest.fixture(name="speak_to")
def _speak_to(visit: Callable[..., Caller], question: Path) -> Callable[..., Caller]:
    """Opens a site with a microphone that asks a question."""

    def speak_to(address: str, awaits: str = "main") -> Caller:
        microphone = f"--use-file-for-fake-audio-capture={question}%noloop"
        caller = visit(address, awaits=awaits, kind=Caller, flags=[*FAKE_DEVICES, *ALLOWED, microphone])
        caller.arrive()
        return caller

    return speak_to


def start_talking(caller: Caller) -> None:
    caller.open_widget()
    caller.button("Start talking").click()
    # Not by `talk()`, which fails on any alert: Next.js has an empty one, to announce its pages.
    caller.page.locator(".frame[data-state=live]").wait_for()


def hang_up_after_an_answer(caller: Caller) -> None:
    caller.page.locator("live-agent").locator(".utterance.agent").first.wait_for()
    caller.button("End").click()
    caller.page.locator(".frame[data-state=closed]").wait_for()
    assert_nothing_went_wrong(caller)


def hold_a_conversation(caller: Caller) -> None:
    start_talking(caller)
    hang_up_after_an_answer(caller)


def assert_nothing_went_wrong(caller: Caller) -> None:
    assert caller.left_open == {"tracks": 0, "sockets": 0, "contexts": 0}
    assert caller.violations == []
    assert caller.page_errors == []


@pytest.mark.parametrize("recipe", ["html", "loader"])
def test_page_holds_a_conversation(speak_to: Callable[..., Caller], site: Site, guests: Program, recipe: str) -> None:
    page = (RECIPES / recipe / "index.html").read_text()
    hold_a_conversation(speak_to(site.publish(exchanged(page, {SERVICE: guests.url}), whole=True)))


@pytest.mark.parametrize(
    ("page", "buttons"),
    [
        ("docs/tutorials/embed.md", ["Talk to us", "Start talking", "End"]),
        ("README.tr.md", ["Bizimle konuşun", "Konuşmaya başla", "Bitir"]),
    ],
    ids=["english", "turkish"],
)
def test_page_of_a_tutorial_holds_a_conversation(
    speak_to: Callable[..., Caller],
    start_service: Callable[..., Program],
    emulator: Program,
    site: Site,
    *,
    page: str,
    buttons: list[str],
) -> None:
    """The tutorial names the buttons as they are."""
    written = {block.language: block.text for block in blocks(CLONE / page) if block.mark.startswith("file=")}
    service = start_service(exchanged(written["toml"], {"http://localhost:3000": site.url}), emulator.url)
    caller = speak_to(site.publish(exchanged(written["html"], {SERVICE: service.url}), whole=True), awaits="h1")
    *begin, end = buttons
    for button in begin:
        assert f"“{button}”" in (CLONE / page).read_text(encoding="utf-8")
        caller.button(button).click()
    caller.page.locator("live-agent").locator(".utterance.agent").first.wait_for()
    caller.button(end).click()
    caller.page.locator(".frame[data-state=closed]").wait_for()
    assert_nothing_went_wrong(caller)


@pytest.mark.parametrize("kind", ["shop", "mounting_shop"])
def test_customers_of_the_shop_hold_a_conversation(
    speak_to: Callable[..., Caller], request: pytest.FixtureRequest, kind: str
) -> None:
    """Not others, who are not offered one."""
    caller = speak_to(request.getfixturevalue(kind))
    caller.page.get_by_label("Name").fill("ada")
    caller.page.get_by_label("Password").fill("earl grey")
    assert caller.page.locator("live-agent").count() == 0
    caller.button("Sign in").click()
    caller.page.get_by_text("Hello, ada.").wait_for()
    hold_a_conversation(caller)
    caller.button("Sign out").click()
    caller.page.get_by_label("Name").wait_for()


def test_react_app_built_by_vite_holds_a_conversation(
    speak_to: Callable[..., Caller], guests: Program, package: Path, ports: dict[str, int]
) -> None:
    with copied(RECIPES / "react-vite", package, ports[VITE], guests) as app, vite(app):
        caller = speak_to(f"http://127.0.0.1:{app.port}/", awaits="main button")
        caller.button("Talk").click()
        caller.page.locator("li", has_text="agent: ").first.wait_for()
        caller.button("Hang up").click()
        caller.button("Talk").wait_for()
        assert_nothing_went_wrong(caller)


@pytest.mark.frameworks
@pytest.mark.timeout(600)
def test_next_js_app_keeps_its_conversation_when_the_page_changes(
    speak_to: Callable[..., Caller], guests: Program, package: Path, ports: dict[str, int]
) -> None:
    with copied(RECIPES / "nextjs", package, ports[NEXT], guests) as app, next_turbopack(app):
        caller = speak_to(f"http://127.0.0.1:{app.port}/")
        start_talking(caller)
        caller.page.get_by_role("link", name="our teas").click()
        caller.page.get_by_role("heading", name="Our teas").wait_for()
        hang_up_after_an_answer(caller)
        assert caller.page.evaluate("opened.sockets.length") == 1
