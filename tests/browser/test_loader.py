"""`widget-loader.js`: the widget by one classic script, however a page comes to load it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from browser.caller import Caller

if TYPE_CHECKING:
    from collections.abc import Callable

    from browser.hosting import Site
    from browser.visitor import Visitor
    from programs import Program

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Shop</title>
%s
<main><h1>Shop</h1><div id="help"></div></main>
"""
ATTRIBUTES = """(element) => Object.fromEntries(
  Array.from(element.attributes, ({ name, value }) => [name, value]))"""
DATA = 'data-profile="default" data-theme="dark" data-push-to-talk'
EXPECTED = {"profile": "default", "theme": "dark", "push-to-talk": ""}
# %s is the loader's address.
IN_THE_HEAD = f'<script async src="%s" {DATA}></script>'
AS_A_MODULE = f'<script type="module" src="%s" {DATA}></script>'
BY_PARAMETERS = '<script async src="%s?profile=default&theme=dark&push-to-talk"></script>'
INJECTED = """<script>
addEventListener('load', () => {
  const script = document.createElement('script');
  Object.assign(script.dataset, { profile: 'default', theme: 'dark', pushToTalk: '' });
  script.src = '%s';
  document.head.append(script);
});
</script>"""
# In a page that is not parsed yet, and nobody is the current script.
EVALUATED = f"""<script async src="%s" type="text/plain" {DATA}></script>
<script>
  const {{ src }} = document.querySelector('script[src]');
  fetch(src).then((answer) => answer.text()).then((text) => setTimeout(text));
</script>"""


@pytest.fixture(name="open_page")
def _open_page(visit: Callable[..., Visitor], site: Site, embedded: Program) -> Callable[..., Caller]:
    """Opens a page that contains *markup*, in which %s is the loader's address."""

    def open_page(markup: str, policy: str | None = None) -> Caller:
        page = PAGE % markup.replace("%s", f"{embedded.url}/widget-loader.js")
        headers = {"Content-Security-Policy": policy} if policy else {}
        caller = visit(site.publish(page, headers=headers, whole=True), awaits="main", kind=Caller)
        caller.arrive()
        return caller

    return open_page


def loaded(caller: Caller, service: Program) -> set[str]:
    """The paths of what the page has loaded from the service."""
    addresses = caller.page.evaluate("performance.getEntriesByType('resource').map(({ name }) => name)")
    return {address.removeprefix(service.url) for address in addresses if address.startswith(service.url)}


@pytest.mark.parametrize("markup", [IN_THE_HEAD, AS_A_MODULE, BY_PARAMETERS, INJECTED, EVALUATED])
def test_element_has_the_attributes_of_the_script(
    open_page: Callable[..., Caller], embedded: Program, markup: str
) -> None:
    caller = open_page(markup)
    caller.button("Talk to us").wait_for()
    expected = EXPECTED | {"service": f"{embedded.url}/"}
    assert caller.widget.evaluate(ATTRIBUTES) == expected
    caller.open_widget()
    assert caller.page_errors == []


def test_it_leaves_no_global_and_loads_the_current_release(open_page: Callable[..., Caller], embedded: Program) -> None:
    names = "<script>globalThis.before = Object.getOwnPropertyNames(globalThis);</script>"
    caller = open_page(names + IN_THE_HEAD)
    caller.button("Talk to us").wait_for()
    added = "Object.getOwnPropertyNames(globalThis).filter((name) => !before.includes(name))"
    assert caller.page.evaluate(added) == ["before"]
    release = embedded.get("/widget.js").headers["location"]
    paths = loaded(caller, embedded) - {"/widget-loader.js", "/widget.js"}
    assert paths
    assert {path for path in paths if not path.startswith(release.removesuffix("widget.js"))} == set()


def test_loaded_twice_it_makes_one_widget(open_page: Callable[..., Caller]) -> None:
    caller = open_page(IN_THE_HEAD * 2 + AS_A_MODULE)
    caller.open_widget()
    assert caller.page.locator("live-agent").count() == 1
    assert caller.page_errors == []


def test_page_with_an_element_of_its_own_keeps_it(open_page: Callable[..., Caller]) -> None:
    caller = open_page('<live-agent id="own"></live-agent>' + IN_THE_HEAD)
    caller.open_widget()
    assert caller.page.locator("live-agent").evaluate_all("all => all.map(({ id }) => id)") == ["own"]


def test_target_is_where_the_widget_is_shown_inline(open_page: Callable[..., Caller]) -> None:
    caller = open_page('<script src="%s" data-target="#help"></script>')
    caller.open_widget()
    assert caller.page.locator("#help > live-agent").get_attribute("mode") == "inline"


def test_target_that_the_page_lacks_is_reported(open_page: Callable[..., Caller]) -> None:
    caller = open_page('<script src="%s" data-target="#hepl"></script>')
    caller.until_true(lambda: bool(caller.page_errors))
    assert caller.page_errors == ['widget-loader.js: nothing in the page matches data-target="#hepl"']
    assert caller.page.locator("live-agent").count() == 0


def test_element_that_is_defined_already_is_used(open_page: Callable[..., Caller], embedded: Program) -> None:
    """As by the npm package, which does not know the service."""
    own = "<script>customElements.define('live-agent', class Own extends HTMLElement {});</script>"
    caller = open_page(own + IN_THE_HEAD)
    caller.until("document.querySelector('live-agent')")
    assert caller.widget.evaluate("({ constructor }) => constructor.name") == "Own"
    assert caller.widget.get_attribute("service") == f"{embedded.url}/"
    assert loaded(caller, embedded) == {"/widget-loader.js"}


LATER = "globalThis.voiceCredential = (situation) => { asked = situation; return 'not-a-jwt'; };"
BY_PROPERTY = """customElements.whenDefined('live-agent').then(() => {
  document.querySelector('live-agent').getCredential = (situation) => { asked = situation; return 'not-a-jwt'; };
});"""


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize(("data", "script"), [('data-get-credential="voiceCredential"', LATER), ("", BY_PROPERTY)])
def test_credential_of_the_site_is_sent_whenever_the_page_sets_it(
    open_page: Callable[..., Caller], data: str, script: str, *, late: bool
) -> None:
    """One that the service refuses, so that it is clear that it was sent."""
    early = "var asked;" + ("" if late else script)
    caller = open_page(f'<script>{early}</script><script async src="%s" {data}></script>')
    caller.button("Talk to us").wait_for()
    if late:
        caller.page.evaluate(f"() => {{ {script} }}")
    caller.open_widget()
    caller.button("Start talking").click()
    caller.page.get_by_text("You are signed out.").wait_for()
    assert caller.page.evaluate("asked") == {"refused": True}


def test_missing_function_for_the_credential_does_not_make_a_guest(open_page: Callable[..., Caller]) -> None:
    caller = open_page('<script async src="%s" data-get-credential="misspelled"></script>')
    caller.open_widget()
    caller.button("Start talking").click()
    caller.page.locator("[role=alert]:visible").wait_for()
    assert caller.widget.evaluate("({ state }) => state") in ("idle", "closed")


@pytest.mark.parametrize("sources", ["'nonce-once' 'strict-dynamic'", "'nonce-once' {service}"])
def test_conversation_works_under_a_policy_with_a_nonce_and_trusted_types(
    open_page: Callable[..., Caller], embedded: Program, sources: str
) -> None:
    google = embedded.get("/embed.json").json["websocket"]
    policy = (
        f"default-src 'self'; script-src {sources.format(service=embedded.url)}; style-src 'self'; img-src 'none'; "
        f"connect-src {embedded.url} {google}; require-trusted-types-for 'script'; trusted-types 'none'"
    )
    caller = open_page('<script async nonce="once" src="%s"></script>', policy=policy)
    caller.open_widget()
    caller.talk()
    caller.hang_up()
    assert caller.violations == []
    assert caller.page_errors == []
