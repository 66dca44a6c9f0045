"""The doctor names each fault of a deployment, in a sentence that says how to fix it."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from browser.conftest import ALLOWED, CONFIGURATION, FAKE_DEVICES
from service.launching import rows
from service.site import ISSUER, SECRET, signed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from browser.hosting import Site
    from browser.visitor import Visitor
    from programs import Program

CHECKS = [
    "Secure context",
    "Widget files",
    "Content Security Policy",
    "Microphone policy",
    "Page origin",
    "Token",
    "Voice service",
]
SHOP = "<p>A shop.</p>"
WEB = Path(__file__).parents[2] / "web"


@pytest.fixture(name="consult")
def _consult(visit: Callable[..., Visitor]) -> Callable[..., dict[str, tuple[str, str]]]:
    """Has the doctor of a service's own page look at it: result and sentence by check."""

    def consult(service: str, *, jwt: str = "", **options: object) -> dict[str, tuple[str, str]]:
        visitor = visit(f"{service}/embed", awaits="#examine", **options)
        visitor.arrive()
        if jwt:
            visitor.page.get_by_label("A JWT from your site").fill(jwt)
        visitor.button("Run checks").click()
        visitor.page.locator("#diagnosis", has_text=".").wait_for()
        lines = visitor.page.locator("#findings li").evaluate_all(
            "all => all.map((line) => [...line.children].map((part) => part.textContent))"
        )
        return {check: (result, sentence) for result, check, sentence in lines}

    return consult


@pytest.fixture(name="ask")
def _ask(visit: Callable[..., Visitor]) -> Callable[..., dict[str, tuple[str, str]]]:
    """Runs the line for a browser's console in a page of another site."""

    def ask(page: str, service: Program, **options: object) -> dict[str, tuple[str, str]]:
        visitor = visit(page, awaits="body", **options)
        visitor.arrive()
        # In the page or, where there is one, in its frame: what a console does.
        place = visitor.page.frames[-1]
        findings = place.evaluate(
            "async (doctor) => (await import(doctor)).examine()", f"{service.url}/embed/doctor.js"
        )
        return {found["check"]: (found["result"], found["sentence"]) for found in findings}

    return ask


def policed(site: Site, policy: str) -> str:
    """A page of the site's with this policy."""
    return site.publish(SHOP, headers={"Content-Security-Policy": policy})


@pytest.fixture(name="nobody")
def _nobody() -> Iterator[str]:
    """An address where nobody listens, nor will: the port is taken, and stays deaf."""
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{deaf.getsockname()[1]}"


def faults(findings: dict[str, tuple[str, str]]) -> dict[str, str]:
    """What has to be fixed; the other checks are listed too."""
    assert list(findings) == CHECKS
    return {check: said for check, (result, said) in findings.items() if result in {"fault", "Problem"}}


def test_a_deployment_without_fault(
    consult: Callable[..., dict[str, tuple[str, str]]],
    start_service: Callable[..., Program],
    emulator: Program,
) -> None:
    """All checks pass; a conversation was set up and ended, and its lease too."""
    service = start_service(CONFIGURATION, emulator.url, workers=1)
    findings = consult(service.url)
    assert list(findings) == CHECKS
    assert {result for result, _ in findings.values()} == {"OK"}
    session = emulator.get("/emulator/sessions/last").json
    assert session["handshake"]["origin"] == service.url
    assert session["effective_setup"]
    assert (session["close"]["code"], session["closed_by"]) == (1000, "client")
    service.await_line("POST /lease/end")
    assert rows(service, "select count(*) from leases") == [(0,)]


def test_a_page_of_a_listed_site(
    ask: Callable[..., dict[str, tuple[str, str]]], embedded: Program, site: Site
) -> None:
    """From another origin, all is well where it is listed."""
    findings = ask(site.publish(SHOP), embedded)
    assert faults(findings) == {}
    assert {result for result, _ in findings.values()} == {"ok"}


def test_an_origin_that_is_not_listed(
    ask: Callable[..., dict[str, tuple[str, str]]], embedded: Program, stranger: Site
) -> None:
    """The setting is named with the very origin that it lacks; what hangs on it is not tested."""
    findings = ask(stranger.publish(SHOP), embedded)
    assert faults(findings) == {
        "Page origin": f'Add "{stranger.url}" to origins under [http] in the service\'s '
        "tokensvc.toml and restart it: this site is not listed."
    }
    assert findings["Token"] == (
        "untested",
        "Fix “Page origin” first: this check depends on it.",
    )
    assert findings["Voice service"][0] == "untested"


def test_a_public_url_that_is_not_the_page_s(
    consult: Callable[..., dict[str, tuple[str, str]]],
    start_service: Callable[..., Program],
    emulator: Program,
) -> None:
    """The service takes its own page for a stranger; the doctor says which setting makes it so."""
    elsewhere = '\n[http]\npublic_url = "https://tokens.test"\n'
    service = start_service(CONFIGURATION + elsewhere, emulator.url, workers=1)
    found = faults(consult(service.url))
    assert found == {
        "Page origin": f'Set public_url = "{service.url}" under [http] in tokensvc.toml '
        "and restart, or open this page at the configured address."
    }


def test_guests_are_not_admitted(
    consult: Callable[..., dict[str, tuple[str, str]]],
    start_service: Callable[..., Program],
    emulator: Program,
) -> None:
    """Both ways out are named; with a visitor's JWT, all is well."""
    closed = CONFIGURATION.replace('allow = ["user", "guest"]', 'allow = ["user"]')
    service = start_service(ISSUER + closed, emulator.url, workers=1, SHOP_SECRET=SECRET)
    found = faults(consult(service.url))
    assert found == {
        "Token": 'Add "guest" to allow under [profiles.default] in tokensvc.toml, or give the '
        "widget a getCredential function: guests are not admitted."
    }
    assert faults(consult(service.url, jwt=signed())) == {}
    found = faults(consult(service.url, jwt=signed(secret="another-secret-of-32-bytes-or-more!")))
    assert found["Token"].startswith("Compare the JWT’s issuer, audience and times with")


def test_nobody_mints(
    consult: Callable[..., dict[str, tuple[str, str]]],
    start_service: Callable[..., Program],
    nobody: str,
) -> None:
    """Where Google, or the emulator, is down for the service, that is said."""
    service = start_service(CONFIGURATION, nobody, workers=1)
    found = faults(consult(service.url))
    assert found == {
        "Token": "Let the service reach Google, or start the emulator at "
        "TOKENSVC_GEMINI_BASE_URL: no tokens come from there."
    }


def test_nobody_answers_the_browser(
    consult: Callable[..., dict[str, tuple[str, str]]],
    start_service: Callable[..., Program],
    emulator: Program,
    nobody: str,
) -> None:
    """Where only the browser cannot reach it, the address and the firewall are suspected."""
    away = nobody.replace("http", "ws")
    service = start_service(
        CONFIGURATION, emulator.url, workers=1, TOKENSVC_GEMINI_WEBSOCKET_URL=away
    )
    found = faults(consult(service.url))
    assert found == {
        "Voice service": f"No answer from {away}: start that service, and allow WebSocket "
        "connections through any firewall in between."
    }


def test_an_insecure_page(
    consult: Callable[..., dict[str, tuple[str, str]]],
    start_service: Callable[..., Program],
    emulator: Program,
) -> None:
    """Over plain http the first check says what all the others would stumble over."""
    public = '\n[http]\npublic_url = "https://insecure.test"\n'
    service = start_service(CONFIGURATION + public, emulator.url, workers=1)
    origin = f"http://insecure.test:{urlsplit(service.url).port}"
    resolver = "--host-resolver-rules=MAP insecure.test 127.0.0.1"
    findings = consult(origin, flags=[*FAKE_DEVICES, *ALLOWED, resolver])
    assert faults(findings)["Secure context"] == (
        f"Serve this page over HTTPS: browsers do not allow a microphone on {origin}."
    )
    assert findings["Microphone policy"][0] == "Not tested"


def test_a_policy_without_us(
    ask: Callable[..., dict[str, tuple[str, str]]], embedded: Program, site: Site
) -> None:
    """Each source that the page's policy lacks is named with the directive that wants it."""
    google = json.loads(embedded.get("/embed.json").body)["websocket"]
    scripts = f"default-src 'self'; script-src 'self' {embedded.url}; "
    page = policed(site, scripts)
    assert faults(ask(page, embedded)) == {
        "Widget files": f"Add {embedded.url} to connect-src of this page's Content "
        "Security Policy."
    }
    half = f"{scripts} connect-src 'self' {embedded.url}"
    page = policed(site, half)
    assert faults(ask(page, embedded)) == {
        "Voice service": f"Add {google} to connect-src of this page's Content Security Policy."
    }
    # All of our files but the one that few think of.
    modules = [path for path in WEB.glob("live/**/*.js") if path.name != "capture-worklet.js"]
    sources = " ".join(f"{embedded.url}/{path.relative_to(WEB).as_posix()}" for path in modules)
    most = half.replace(
        f"script-src 'self' {embedded.url}", f"script-src {embedded.url}/embed/ {sources}"
    )
    page = policed(site, f"{most} {google}")
    assert faults(ask(page, embedded)) == {
        "Content Security Policy": f"Add {embedded.url}, without a path, to script-src of this "
        "page's Content Security Policy, and make any proxy in front of the service pass all of "
        "its files: the audio worklet could not be loaded."
    }


def test_a_page_that_gives_its_microphone_away(
    ask: Callable[..., dict[str, tuple[str, str]]], embedded: Program, site: Site
) -> None:
    """A header and a frame need different words."""
    page = site.publish(SHOP, headers={"Permissions-Policy": "microphone=()"})
    assert faults(ask(page, embedded)) == {
        "Microphone policy": "Send this page with “Permissions-Policy: microphone=(self)”: its own "
        "header forbids the microphone."
    }


def test_a_frame_of_another_site(
    ask: Callable[..., dict[str, tuple[str, str]]],
    embedded: Program,
    site: Site,
    stranger: Site,
) -> None:
    """Without allow, the frame is at fault; with it, nothing is."""
    inside = site.publish(SHOP)
    frame = f'<iframe title="Shop" src="{inside}"></iframe>'
    [found] = faults(ask(stranger.publish(frame), embedded)).items()
    assert found[0] == "Microphone policy"
    assert found[1].startswith('Add allow="microphone; camera; display-capture; autoplay" to')
    allowing = frame.replace("<iframe", '<iframe allow="microphone; camera; display-capture"')
    assert faults(ask(stranger.publish(allowing), embedded)) == {}


def test_a_microphone_that_was_refused(
    consult: Callable[..., dict[str, tuple[str, str]]], embedded: Program
) -> None:
    """What the person's own browser refuses is told apart from what the deployment does."""
    found = faults(consult(embedded.url, flags=FAKE_DEVICES, permissions=["camera"]))
    assert found == {
        "Microphone policy": f"Allow the microphone for {urlsplit(embedded.url).netloc} in this "
        "browser's settings: it is blocked there."
    }
