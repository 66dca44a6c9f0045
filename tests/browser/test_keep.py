"""`keep="session"`: a conversation continues on the next page of the site, in the same tab."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from browser.caller import Caller
from browser.flags import ALLOWED, FAKE_DEVICES
from browser.sound import SPEECH_RATE, spoken, write_wav
from browser.talking import ONE_HANDLE, RAW_MICROPHONE, Talk, accepted, closed_sessions, context_of, heard_on, profile
from browser.witness import CHUNK, Witnessed
from programs import Programs, emulating, service_environment, serving, share_compiled_profiles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from browser.hosting import Site
    from browser.visitor import Visitor
    from programs import Program

PAGES = ("Teas", "Green teas", "Sencha", "Cart", "Checkout")
# What the page was given when it was left, and when.
NOTED = """
addEventListener('pagehide', () => {
  localStorage.setItem('left', JSON.stringify({ ...taps.counts, at: Date.now() }));
}, { capture: true });
"""
STORED = "JSON.stringify(Object.entries(sessionStorage))"


def shop(site: Site, service: Program, attributes: str = 'keep="session"') -> str:
    """Publish a shop; each page has a link to the next. Returns the address of the first."""
    script = f'<script type="module" src="{service.url}/widget.js"></script>'
    address = ""
    for name in reversed(PAGES):
        continues = f'<p><a href="{address}">Continue</a> <a href="{about(site, address)}">About</a></p>'
        links = continues if address else ""
        address = site.publish(f"<h2>{name}</h2>{links}{script}<live-agent {attributes}></live-agent>")
    return address


def about(site: Site, back: str) -> str:
    """Publish a page without the widget, with a link *back* to the shop."""
    return site.publish(f'<h2>About</h2><a href="{back}">Continue</a>')


class Customer(Caller):
    """Walks through the shop."""

    def starts_empty(self) -> None:
        """Assert that the widget of this page has no conversation, and says nothing about one."""
        self.button("Talk to us").wait_for()
        self.page.wait_for_load_state("networkidle")
        self.until(f"{STORED} === '[]'")
        assert self.widget.evaluate("({ state }) => state") in ("idle", "closed")
        assert self.page.locator(".log > *, [role=alert]:visible").count() == 0
        assert self.heard("error") == []

    def walk_on(self, link: str = "Continue") -> None:
        """Follow a link to the next page."""
        with self.page.expect_navigation():
            self.page.get_by_role("link", name=link).click()


@pytest.fixture(name="own_service")
def _own_service(tmp_path: Path, site: Site) -> Iterator[tuple[Program, Program]]:
    """An emulator and a service of this test."""
    with Programs() as programs:
        emulator = programs.start(emulating())
        configuration = f'{profile(ONE_HANDLE, "5m")}\n[http]\norigins = ["{site.url}"]\n'
        environment = service_environment(tmp_path, configuration, emulator.url)
        share_compiled_profiles(tmp_path)
        yield emulator, programs.start(serving(environment, workers=1))


def test_spoken_conversation_continues_over_four_navigations(
    visit: Callable[..., Visitor], own_service: tuple[Program, Program], site: Site, tmp_path: Path
) -> None:
    """All that the pages' microphones delivered was heard, sample for sample, and is in the context."""
    emulator, service = own_service
    recording = tmp_path / "talk.wav"
    write_wav(recording, np.concatenate([Talk.of(3).sound, spoken(120.0)]))
    microphone = f"--use-file-for-fake-audio-capture={recording}%noloop"
    flags = [*FAKE_DEVICES, *ALLOWED, microphone]
    customer = visit(shop(site, service), awaits="main", flags=flags, kind=Customer)
    customer.page.add_init_script(f"{RAW_MICROPHONE}{NOTED}globalThis.serviceUrl = {json.dumps(service.url)};")
    customer.record()
    customer.arrive()
    customer.open_widget()
    customer.talk()
    records: list[Witnessed] = []
    left: list[dict[str, int]] = []
    gaps: list[float] = []
    for page in PAGES:
        assert customer.page.locator("body > h2").inner_text() == page
        customer.becomes("live")
        customer.until("taps.counts.sent > 150")
        if left:
            gaps.append(customer.page.evaluate("taps.sentAt[0]") - left[-1]["at"])
            customer.page.locator(".log > *").first.wait_for()
        assert customer.page.evaluate(STORED) == "[]", "stored between pages only"
        records.append(customer.witnessed())
        if page == PAGES[-1]:
            break
        customer.walk_on()
        left.append(json.loads(customer.page.evaluate("localStorage.left")))
    customer.hang_up_with_nothing_queued()
    left.append(customer.page.evaluate("({ ...taps.counts })"))
    assert customer.left_open == {"tracks": 0, "sockets": 0, "contexts": 0}
    assert customer.page_errors == []
    sessions = accepted(closed_sessions(emulator))
    assert [session["resumed"] for session in sessions] == [False, True, True, True, True]
    heard = [heard_on(emulator, session) for session in sessions]
    for record, counts, sound in zip(records, left, heard, strict=True):
        assert len(sound) == (counts["delivered"] - counts["firstSent"]) * CHUNK
        assert np.array_equal(record.sent, sound[: len(record.sent)])
    assert np.array_equal(context_of(emulator), np.concatenate(heard))
    seconds = [round(len(sound) / SPEECH_RATE, 1) for sound in heard]
    print(f"{seconds} s heard, each sample as captured; without a page for {sorted(gaps)} ms")  # noqa: T201 - figures
    service.await_lines("POST /lease/end", 1)
    customer.page.reload()
    customer.starts_empty()


@pytest.fixture(name="customer")
def _customer(visit: Callable[..., Visitor], embedded: Program, site: Site) -> Callable[..., Customer]:
    """Somebody in the shop who has typed a question on its first page."""

    def customer(attributes: str = 'keep="session"') -> Customer:
        entered = visit(shop(site, embedded, attributes), awaits="main", kind=Customer)
        entered.arrive()
        entered.open_widget()
        entered.say("I like green tea")
        entered.reads('you typed "I like green tea"')
        return entered

    return customer


def test_next_page_shows_what_was_said_and_the_agent_knows_it(customer: Callable[..., Customer]) -> None:
    """In the order in which it was said, without the microphone that was not used, and without reading it out again."""
    shopper = customer()
    shopper.walk_on()
    shopper.becomes("live")
    shopper.say("And you?")
    shopper.reads('you typed "And you?"')
    texts = shopper.transcript
    assert ["I like green tea" in texts[0], "And you?" in texts[2]] == [True, True], texts
    assert "I like green tea" in texts[3], "the agent recites what it knows"
    assert shopper.page.evaluate("opened.tracks.length") == 0
    assert [event["contextLost"] for event in shopper.heard("resumed")] == [False]
    shopper.walk_on()
    shopper.becomes("live")
    shopper.reads('you typed "And you?"')
    assert len(shopper.transcript) == len(texts)


def test_minimized_and_muted_it_stays_so(customer: Callable[..., Customer]) -> None:
    shopper = customer()
    shopper.page.evaluate("document.querySelector('live-agent').mute()")
    shopper.button("Minimize").click()
    shopper.walk_on()
    shopper.page.get_by_role("button", name="Conversation in progress").wait_for()
    assert shopper.widget.evaluate("({ open, session }) => [open, session.muted]") == [False, True]


def test_where_the_browser_blocks_sound_it_continues_with_the_first_click(customer: Callable[..., Customer]) -> None:
    """As after going back, or after an address that was typed: nobody has used the page yet. No error is shown."""
    shopper = customer()
    for arrive in (shopper.page.reload, shopper.walk_on, shopper.page.go_back):
        arrive()
        shopper.until("['live', 'closed'].includes(document.querySelector('live-agent').state)")
        assert shopper.page.locator("[role=alert]:visible").count() == 0
        shopper.page.locator("h1").click()
        shopper.becomes("live")
        shopper.reads('you typed "I like green tea"')
    assert shopper.page_errors == []


def test_leaving_a_page_before_it_has_continued_keeps_the_conversation(customer: Callable[..., Customer]) -> None:
    """Its own button continues it as well, if the browser blocks sound until then."""
    shopper = customer()
    for _ in PAGES[1:-1]:
        shopper.walk_on()
    shopper.becomes("live")
    shopper.page.reload(wait_until="commit")
    shopper.page.reload()
    shopper.until("['live', 'closed'].includes(document.querySelector('live-agent').state)")
    if shopper.widget.evaluate("({ state }) => state") == "closed":
        shopper.button("Start talking").click()
    shopper.becomes("live")
    shopper.reads('you typed "I like green tea"')


def test_without_the_attribute_it_ends_with_the_page_and_nothing_is_stored(
    customer: Callable[..., Customer], embedded: Program
) -> None:
    shopper = customer("")
    ended = sum("POST /lease/end" in line for line in embedded.lines)
    shopper.walk_on()
    shopper.starts_empty()
    embedded.await_lines("POST /lease/end", ended + 1)


@pytest.mark.parametrize("on_the_way", [False, True])
def test_duplicated_tab_does_not_take_the_conversation(customer: Callable[..., Customer], *, on_the_way: bool) -> None:
    """Its browser copies the storage: while a page is there nothing is in it, and on the way the first one has it."""
    shopper = customer()
    if on_the_way:
        shopper.walk_on("About")
    with shopper.page.expect_popup() as opened:
        shopper.page.evaluate("void open('about:blank')")
    copy = Customer(opened.value, shopper.page.url, "main")
    assert ("live-agent" in copy.page.evaluate(STORED)) is on_the_way
    if on_the_way:
        copy.address = str(shopper.page.get_by_role("link", name="Continue").get_attribute("href"))
        shopper.walk_on()
        shopper.becomes("live")
    copy.arrive()
    copy.starts_empty()
    assert shopper.widget.evaluate("({ state }) => state") == "live"


@pytest.mark.parametrize("lease", ["not-a-lease", None])
def test_lease_that_is_refused_begins_with_an_empty_widget(
    customer: Callable[..., Customer], lease: str | None
) -> None:
    """One that is invalid, or that was ended meanwhile: without an error, and ready to begin."""
    shopper = customer()
    shopper.walk_on("About")
    shopper.page.evaluate(
        """async (lease) => {
          const [[key, stored]] = Object.entries(sessionStorage);
          const left = JSON.parse(stored);
          const headers = { 'Content-Type': 'application/json' };
          const body = JSON.stringify({ lease: left.request.lease });
          await fetch(`${key.split(' ')[1]}lease/end`, { method: 'POST', headers, body });
          left.request.lease = lease ?? left.request.lease;
          sessionStorage.setItem(key, JSON.stringify(left));
        }""",
        lease,
    )
    shopper.walk_on()
    shopper.until("document.querySelector('live-agent').state === 'closed'")
    assert shopper.page.locator(".log > *, [role=alert]:visible").count() == 0
    assert shopper.heard("error") == []
    assert shopper.page.evaluate(STORED) == "[]"
    shopper.button("Start talking").click()
    shopper.becomes("live")
    assert shopper.heard("resumed") == []


def test_storage_that_holds_something_else_is_ignored(customer: Callable[..., Customer]) -> None:
    shopper = customer()
    key = shopper.widget.evaluate("({ service, profile }) => `live-agent ${service} ${profile}`")
    shopper.hang_up()
    for wrong in (
        "{",
        "null",
        "7",
        "{}",
        '{"request": {}}',
        '{"id": 1, "request": {"lease": 1}, "transcript": "none"}',
    ):
        shopper.page.evaluate("([key, wrong]) => sessionStorage.setItem(key, wrong)", [key, wrong])
        shopper.page.reload()
        shopper.starts_empty()
    assert shopper.page_errors == []
