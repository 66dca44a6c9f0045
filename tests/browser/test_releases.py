"""A release deployed while a page is open: its modules never come from two releases."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from browser.caller import Caller
from browser.conftest import open_to
from browser.front import fronting
from programs import LISTENING, running, service_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Response

    from browser.front import Front
    from browser.hosting import Site
    from browser.visitor import Visitor
    from programs import Program

ROOT = Path(__file__).parents[2]


@pytest.fixture(name="next_release", scope="module")
def _next_release(tmp_path_factory: pytest.TempPathFactory, emulator: Program, site: Site) -> Iterator[Program]:
    """The service with a changed web/: another word on the button."""
    folder = tmp_path_factory.mktemp("release")
    for part in ("tokensvc", "web"):
        ignored = shutil.ignore_patterns("node_modules", "__pycache__", "types")
        shutil.copytree(ROOT / part, folder / part, ignore=ignored)
    words = folder / "web" / "widget" / "locales" / "index.js"
    written = words.read_text(encoding="utf-8")
    words.write_text(written.replace("Talk to us", "Talk with us"), encoding="utf-8")
    environment = service_environment(folder, open_to(site), emulator.url)
    command = [sys.executable, "-m", "tokensvc", "serve", "--port", "0", "--workers", "1"]
    with running(command, LISTENING, environment=environment, folder=folder) as program:
        yield program


@pytest.fixture(name="front")
def _front(embedded: Program) -> Iterator[Front]:
    """The address at which both releases are deployed, one after the other."""
    with fronting(embedded.url) as front:
        yield front


def watch(caller: Caller) -> None:
    """Record the responses that a page gets."""
    caller.served = []

    def note(response: Response) -> None:
        caller.served.append(response)

    caller.page.on("response", note)


@pytest.fixture(name="reader")
def _reader(visit: Callable[..., Visitor], site: Site, front: Front) -> Caller:
    """A visitor who has had the page open for a while."""
    script = f'<script type="module" src="{front.url}/widget.js"></script>'
    address = site.publish(f"{script}<live-agent></live-agent>")
    caller = visit(address, awaits="main", kind=Caller)
    watch(caller)
    caller.arrive()
    caller.button("Talk to us").wait_for()
    return caller


def releases(caller: Caller) -> set[str]:
    """The releases that the page has loaded files of."""
    return {
        found[1] for response in caller.served if response.ok and (found := re.search(r"/assets/(\w+)/", response.url))
    }


def test_each_release_serves_only_its_own_files(embedded: Program, next_release: Program) -> None:
    """They have different names."""
    addresses = [program.get("/widget.js").headers["location"] for program in (embedded, next_release)]
    assert len(set(addresses)) == 2
    answer = next_release.get(addresses[0])
    assert (answer.status, answer.code) == (404, "not-found")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "different release" in answer.json["detail"]


def test_outdated_page_asks_to_reload_instead_of_mixing_releases(
    reader: Caller, front: Front, next_release: Program
) -> None:
    """Nothing is loaded from the newer release."""
    front.deploy(next_release.url)
    reader.button("Talk to us").click()
    reader.button("Could not load. Please reload the page").wait_for()
    assert len(releases(reader)) == 1
    reader.served.clear()
    # A browser may cache the redirect for a minute: simulate that it has passed.
    reader.page.context.new_cdp_session(reader.page).send("Network.clearBrowserCache")
    reader.page.reload()
    reader.button("Talk with us").click()
    reader.type_only()
    reader.reads("you typed")
    assert len(releases(reader)) == 1


def test_conversation_survives_a_new_release(reader: Caller, front: Front, next_release: Program) -> None:
    """A part that was not loaded yet is reported missing."""
    reader.open_widget()
    reader.type_only()
    reader.reads("you typed")
    front.deploy(next_release.url)
    reader.button("Settings").click()
    said = reader.page.get_by_role("alert")
    said.wait_for()
    assert "Please reload it and try again." in said.inner_text()
    reader.say("Are you still there?")
    reader.reads("Are you still there?")
    reader.page.locator(".utterance.agent", has_text="still there").wait_for()
    reader.hang_up()
    assert len(releases(reader)) == 1
    assert not [text for text in reader.page_errors if "404" not in text]


def test_service_page_loads_one_release(visit: Callable[..., Visitor], front: Front, next_release: Program) -> None:
    """All of the page's modules come from its release."""
    caller = visit(f"{front.url}/embed", awaits="#examine", kind=Caller)
    watch(caller)
    caller.arrive()
    front.deploy(next_release.url)
    caller.button("Talk to us").click()
    caller.button("Could not load. Please reload the page").wait_for()
    assert len(releases(caller)) == 1
