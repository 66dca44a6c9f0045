"""The doctor names each fault of a deployment and says how to fix it."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from browser.conftest import CONFIGURATION
from browser.flags import ALLOWED, FAKE_DEVICES
from browser.talking import ended_session
from system.launching import rows
from system.site import ISSUER, SECRET, signed

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
    "Profile",
    "Token",
    "Voice service",
]
SHOP = "<p>A shop.</p>"
WEB = Path(__file__).parents[2] / "web"


@pytest.fixture(name="consult")
def _consult(visit: Callable[..., Visitor]) -> Callable[..., dict[str, tuple[str, str]]]:
    """Runs the doctor on a service's own page: result and sentence by check."""

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
    """Runs the doctor from a page of another site, as the browser's console would."""

    def ask(page: str, service: Program, *, profile: str = "default", **options: object) -> dict[str, tuple[str, str]]:
        visitor = visit(page, awaits="body", **options)
        visitor.arrive()
        # In the page, or in its frame if there is one, as in a console.
        place = visitor.page.frames[-1]
        findings = place.evaluate(
            "async ([doctor, profile]) => (await import(doctor)).examine({ profile })",
            [f"{service.url}/embed/doctor.js", profile],
        )
        return {found["check"]: (found["result"], found["sentence"]) for found in findings}

    return ask


def policed(site: Site, policy: str) -> str:
    """Publish a page with this Content Security Policy."""
    return site.publish(SHOP, headers={"Content-Security-Policy": policy})


@pytest.fixture(name="nobody")
def _nobody() -> Iterator[str]:
    """An address where nobody listens: the port is reserved but not accepting."""
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{deaf.getsockname()[1]}"


def faults(findings: dict[str, tuple[str, str]]) -> dict[str, str]:
    """The checks that failed; all checks have to be listed."""
    assert list(findings) == CHECKS
    return {check: said for check, (result, said) in findings.items() if result in {"fault", "Problem"}}


def test_all_checks_pass_on_a_working_deployment(
    consult: Callable[..., dict[str, tuple[str, str]]],
    start_service: Callable[..., Program],
    emulator: Program,
) -> None:
    """A conversation was opened and ended, and its lease freed."""
    service = start_service(CONFIGURATION, emulator.url, workers=1)
    findings = consult(service.url)
    assert list(findings) == CHECKS
    assert {result for result, _ in findings.values()} == {"OK"}
    session = ended_session(emulator)
    assert session["handshake"]["origin"] == service.url
    assert session["effective_setup"]
    assert (session["close"]["code"], session["closed_by"]) == (1000, "client")
    service.await_line("POST /lease/end")
    assert rows(service, "select count(*) from leases") == [(0,)]


def test_all_checks_pass_on_a_listed_site(
    ask: Callable[..., dict[str, tuple[str, str]]], embedded: Program, site: Site
) -> None:
    """From another origin, if the service lists it."""
    findings = ask(site.publish(SHOP), embedded)
    assert faults(findings) == {}
    assert {result for result, _ in findings.values()} == {"ok"}


def test_unlisted_origin_names_the_missing_setting(
    ask: Callable[..., dict[str, tuple[str, str]]], embedded: Program, stranger: Site
) -> None:
    """Checks that depend on it are not run."""
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


def test_wrong_public_url_is_named(
    consult: Callable[..., dict[str, tuple[str, str]]],
    start_service: Callable[..., Program],
    emulator: Program,
) -> None:
    """The service treats its own page as another site's; the doctor names the setting."""
    elsewhere = '\n[http]\npublic_url = "https://tokens.test"\n'
    service = start_service(CONFIGURATION + elsewhere, emulator.url, workers=1)
    found = faults(consult(service.url))
    assert found == {
        "Page origin": f'Set public_url = "{service.url}" under [http] in tokensvc.toml '
        "and restart, or open this page at the configured address."
    }


def test_guests_not_admitted_names_both_remedies(
    consult: Callable[..., dict[str, tuple[str, str]]],
    start_service: Callable[..., Program],
    emulator: Program,
) -> None:
    """With a valid JWT of a visitor, the checks pass."""
    closed = CONFIGURATION.replace('allow = ["user", "guest"]', 'allow = ["user"]')
    service = start_service(ISSUER + closed, emulator.url, workers=1, SHOP_SECRET=SECRET)
    found = faults(consult(service.url))
    assert found == {
        "Profile": 'Add "guest" to allow under [profiles.default] in tokensvc.toml, or give the '
        "widget a getCredential function: guests are not admitted."
    }
    assert faults(consult(service.url, jwt=signed())) == {}
    found = faults(consult(service.url, jwt=signed(secret="another-secret-of-32-bytes-or-more!")))
    assert found["Profile"].startswith("Compare the issuer, audience and times of the JWT")


def test_profile_that_is_not_listed_is_named_with_those_that_are(
    ask: Callable[..., dict[str, tuple[str, str]]], embedded: Program, site: Site
) -> None:
    """Nothing is advised for a profile that may not exist, and no token is asked for."""
    findings = ask(site.publish(SHOP), embedded, profile="shop")
    assert faults(findings) == {
        "Profile": "Set the profile attribute to “default”, which guests may use. If [profiles.shop] is in "
        'tokensvc.toml, add "guest" to its allow: “shop” is not among the profiles of guests.'
    }
    assert findings["Token"][0] == "untested"


def test_unreachable_google_is_named(
    consult: Callable[..., dict[str, tuple[str, str]]],
    start_service: Callable[..., Program],
    nobody: str,
) -> None:
    """The service cannot reach Google or the emulator."""
    service = start_service(CONFIGURATION, nobody, workers=1)
    found = faults(consult(service.url))
    assert found == {
        "Token": "Let the service reach Google, or start the emulator at "
        "TOKENSVC_GEMINI_BASE_URL: no tokens come from there."
    }


def test_unreachable_voice_service_names_the_firewall(
    consult: Callable[..., dict[str, tuple[str, str]]],
    start_service: Callable[..., Program],
    emulator: Program,
    nobody: str,
) -> None:
    """Only the browser cannot reach it."""
    away = nobody.replace("http", "ws")
    service = start_service(CONFIGURATION, emulator.url, workers=1, TOKENSVC_GEMINI_WEBSOCKET_URL=away)
    found = faults(consult(service.url))
    assert found == {
        "Voice service": f"No answer from {away}: start that service, and allow WebSocket "
        "connections through any firewall in between."
    }


def test_insecure_page_fails_the_first_check(
    consult: Callable[..., dict[str, tuple[str, str]]],
    start_service: Callable[..., Program],
    emulator: Program,
) -> None:
    """Other checks depend on it."""
    public = '\n[http]\npublic_url = "https://insecure.test"\n'
    service = start_service(CONFIGURATION + public, emulator.url, workers=1)
    origin = f"http://insecure.test:{urlsplit(service.url).port}"
    resolver = "--host-resolver-rules=MAP insecure.test 127.0.0.1"
    findings = consult(origin, flags=[*FAKE_DEVICES, *ALLOWED, resolver])
    assert faults(findings)["Secure context"] == (
        f"Serve this page over HTTPS: browsers do not allow a microphone on {origin}."
    )
    assert findings["Microphone policy"][0] == "Not tested"


def test_content_security_policy_names_each_missing_source(
    ask: Callable[..., dict[str, tuple[str, str]]], embedded: Program, site: Site
) -> None:
    """With the directive that needs it."""
    google = json.loads(embedded.get("/embed.json").body)["websocket"]
    scripts = f"default-src 'self'; script-src 'self' {embedded.url}; "
    page = policed(site, scripts)
    assert faults(ask(page, embedded)) == {
        "Widget files": f"Add {embedded.url} to connect-src of this page's Content Security Policy."
    }
    half = f"{scripts} connect-src 'self' {embedded.url}"
    page = policed(site, half)
    assert faults(ask(page, embedded)) == {
        "Voice service": f"Add {google} to connect-src of this page's Content Security Policy."
    }
    # All of our files except the one that is forgotten most easily.
    modules = [path for path in WEB.glob("live/**/*.js") if path.name != "audio-worklet.js"]
    sources = " ".join(f"{embedded.url}/{path.relative_to(WEB).as_posix()}" for path in modules)
    most = half.replace(f"script-src 'self' {embedded.url}", f"script-src {embedded.url}/embed/ {sources}")
    page = policed(site, f"{most} {google}")
    assert faults(ask(page, embedded)) == {
        "Content Security Policy": f"Add {embedded.url}, without a path, to script-src of this "
        "page's Content Security Policy, and make any proxy in front of the service pass all of "
        "its files: the audio worklet could not be loaded."
    }


def test_permissions_policy_header_that_forbids_the_microphone_is_named(
    ask: Callable[..., dict[str, tuple[str, str]]], embedded: Program, site: Site
) -> None:
    """A header and an iframe need different advice."""
    page = site.publish(SHOP, headers={"Permissions-Policy": "microphone=()"})
    assert faults(ask(page, embedded)) == {
        "Microphone policy": "Send this page with “Permissions-Policy: microphone=(self)”: its own "
        "header forbids the microphone."
    }


def test_iframe_without_allow_is_named(
    ask: Callable[..., dict[str, tuple[str, str]]],
    embedded: Program,
    site: Site,
    stranger: Site,
) -> None:
    """With `allow`, the checks pass."""
    inside = site.publish(SHOP)
    frame = f'<iframe title="Shop" src="{inside}"></iframe>'
    [found] = faults(ask(stranger.publish(frame), embedded)).items()
    assert found[0] == "Microphone policy"
    assert found[1].startswith('Add allow="microphone; camera; display-capture; autoplay" to')
    allowing = frame.replace("<iframe", '<iframe allow="microphone; camera; display-capture"')
    assert faults(ask(stranger.publish(allowing), embedded)) == {}


def test_microphone_denied_by_the_person_is_told_apart(
    consult: Callable[..., dict[str, tuple[str, str]]], embedded: Program
) -> None:
    """A denied permission is not a deployment fault."""
    found = faults(consult(embedded.url, flags=FAKE_DEVICES, permissions=["camera"]))
    assert found == {
        "Microphone policy": f"Allow the microphone for {urlsplit(embedded.url).netloc} in this "
        "browser's settings: it is blocked there."
    }
