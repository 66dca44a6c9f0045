"""A spoken conversation of many minutes, with a new connection every seven seconds or so.

The emulator does as was recorded: a renewal while the model is idle takes about two seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

from browser.flags import FLAGS
from browser.talking import (
    EIGHT_SECONDS,
    PROFILE,
    WITH_ANSWERS,
    Talk,
    Talker,
    assert_renewed_without_loss,
)
from browser.visitor import Visitor
from programs import chromium, emulating, service_environment, serving

if TYPE_CHECKING:
    from pathlib import Path

ROUND_SECONDS = 14
MIN_RENEWALS = 6  # per minute


def converse(place: Path, seconds: int) -> dict[str, float]:
    """Talk for *seconds*; raise an AssertionError if something was lost."""
    talk, browser_path = Talk.of(seconds // ROUND_SECONDS + 1, WITH_ANSWERS), chromium()
    with (
        emulating(*EIGHT_SECONDS) as emulator,
        serving(service_environment(place, PROFILE, emulator.url)) as service,
        sync_playwright() as playwright,
    ):

        def visit(address: str, *, flags: list[str], **options: object) -> Visitor:
            browser = playwright.chromium.launch(executable_path=browser_path, args=[*FLAGS, *flags])
            return Visitor(browser.new_context(**options).new_page(), address)

        talker = Talker.begin(visit, service, emulator, place / "talk.wav", talk)
        talker.visitor.page.wait_for_timeout(seconds * 1000)
        renewals = len(talker.resumptions)
        talker.resumes(renewals + 1)
        talker.hang_up()
        joins = assert_renewed_without_loss(talker)
    assert renewals >= MIN_RENEWALS * seconds / 60, f"only {renewals} renewals"
    return {
        "renewals": len(joins),
        "while the visitor spoke": sum(join.speaking for join in joins),
        "during an answer": sum(join.answering for join in joins),
    }
