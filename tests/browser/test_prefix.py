"""The page, the widget and the embed page below a path, behind a real nginx."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from browser.caller import Caller
from browser.conftest import PASSWORD, USERNAME, open_to, with_account
from system import nginx
from system.launching import free_ports

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from browser.hosting import Site
    from browser.visitor import Visitor
    from programs import Program


@pytest.fixture(name="voice", scope="module", params=["kept", "removed"])
def _voice(
    request: pytest.FixtureRequest,
    start_service: Callable[..., Program],
    emulator: Program,
    site: Site,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """The address of a service whose nginx keeps /voice in its requests, or removes it."""
    (port,) = free_ports(1)
    address = f"http://127.0.0.1:{port}/voice"
    configuration = f'{open_to(site)}public_url = "{address}"\n'
    service = with_account(start_service(configuration, emulator.url, workers=1))
    folder = tmp_path_factory.mktemp("nginx")
    removed = request.param == "removed"
    with nginx.below_a_path(folder, service.url, port, removed=removed):
        yield address


def test_page_below_a_path_signs_in_and_holds_a_conversation(visit: Callable[..., Visitor], voice: str) -> None:
    visitor = visit(f"{voice}/")
    visitor.arrive()
    visitor.sign_in(USERNAME, PASSWORD)
    visitor.type_only()
    visitor.say("Is anybody there?")
    visitor.reads("you typed")
    visitor.hang_up()
    visitor.page.reload()  # continues the login, by its cookie
    visitor.button("Start talking").wait_for()
    assert visitor.page.locator("#who").inner_text() == USERNAME
    visitor.talk()  # loads the worklets
    visitor.hang_up()
    assert visitor.page_errors == []
    assert visitor.violations == []


def test_copied_snippet_and_policy_work_on_another_site(visit: Callable[..., Visitor], site: Site, voice: str) -> None:
    page = visit(f"{voice}/embed", awaits="#examine", kind=Caller)
    page.arrive()
    page.page.locator("live-agent").wait_for(state="attached")
    page.button("Run checks").click()
    page.page.locator("#diagnosis", has_text="No problems").wait_for()
    snippet = page.page.locator("#snippet").input_value()
    policy = page.page.locator("#policy").input_value()
    assert f'src="{voice}/widget.js"' in snippet
    shop = f'<!doctype html><html lang="en"><title>Shop</title><main>Shop{snippet}</main>'
    headers = {"Content-Security-Policy": f"default-src 'self'; {policy}"}
    customer = visit(site.publish(shop, headers=headers, whole=True), awaits="main", kind=Caller)
    customer.arrive()
    customer.open_widget()
    customer.talk()
    customer.hang_up()
    assert customer.violations == []
