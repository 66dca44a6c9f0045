"""The three addresses of a login, over the real HTTP application."""

from datetime import UTC, datetime

import pytest

from programs import OPEN_PROFILE, service_environment
from tokensvc.app import create_app
from tokensvc.authn.api_keys import make_key
from tokensvc.authn.passwords import hash_password
from tokensvc.domain import Account, ApiKey
from tokensvc.signing.fingerprints import fingerprint
from tokensvc.store.accounts import Accounts
from tokensvc.store.api_keys import ApiKeys
from tokensvc.store.engine import open_engine, upgrade

PASSWORD = "correct horse battery"
OURS, LISTED = "https://tokens.example.com", "https://www.example.com"
PUBLIC = f'[http]\npublic_url = "{OURS}"\norigins = ["{LISTED}"]\n'
KEYED = '[profiles.keyed]\nmodel = "gemini-3.8-live"\nallow = ["key:backend"]\n'
KEY = make_key()


@pytest.fixture(name="compiled", scope="module")
def _compiled(tmp_path_factory):
    return tmp_path_factory.mktemp("http")


@pytest.fixture(name="start", scope="module")
def _start(compiled):
    """Starts an application with an account and an API key in its store."""

    def start(configuration):
        environment = service_environment(compiled, configuration, "http://127.0.0.1:9")
        engine = open_engine(f"sqlite:///{compiled / 'data' / 'tokensvc.db'}")
        upgrade(engine)
        app = create_app(environment)
        Accounts(engine).add(Account("alice", hash_password(PASSWORD)))
        ApiKeys(engine).add(ApiKey("backend", datetime.now(UTC)), fingerprint(KEY))
        engine.dispose()
        return app

    return start


@pytest.fixture(name="app", scope="module")
def _app(start):
    return start(PUBLIC + OPEN_PROFILE + KEYED)


@pytest.fixture(name="browser")
def _browser(app):
    """A browser on the service's own page; each has an address of its own."""
    return Browser(app.test_client())


class Browser:
    """Sends what a browser sends from a page of *origin*."""

    def __init__(self, client, base_url=OURS):
        self.client, self.base_url = client, base_url
        self.address = fingerprint(str(id(self)))[:4]

    def post(self, path, body=None, *, origin=OURS, kind="application/json", **headers):
        if origin is not None:
            headers["Origin"] = origin
        return self.client.post(
            path,
            data=body,
            content_type=kind,
            headers=headers,
            base_url=self.base_url,
            environ_overrides={"REMOTE_ADDR": f"2001:db8:0:{self.address}::1"},
        )

    def sign_in(self, **named):
        return self.post("/login", f'{{"username":"alice","password":"{PASSWORD}"}}', **named)


def test_signing_in(browser):
    """The access JWT is in the answer; the cookie is for no script, no other site and no file."""
    answer = browser.sign_in()

    assert answer.status_code == 200
    assert set(answer.get_json()) == {"username", "access_token", "token_type", "expires_in"}
    assert answer.headers["Cache-Control"] == "no-store"
    pair, *attributes = answer.headers["Set-Cookie"].split("; ")
    assert pair.startswith("__Secure-tokensvc-login=")
    assert set(attributes) >= {"Secure", "HttpOnly", "Path=/login", "SameSite=Strict"}
    assert "Max-Age=604800" in attributes
    assert not any(attribute.startswith("Domain") for attribute in attributes)


def test_the_access_token(browser):
    """It is a credential like any other."""
    token = browser.sign_in().get_json()["access_token"]
    answer = browser.client.get(
        "/profiles", headers={"Authorization": f"Bearer {token}"}, base_url=OURS
    )

    assert answer.status_code == 200


def test_coming_back(browser):
    """A new access JWT, and the next cookie."""
    first = browser.sign_in().headers["Set-Cookie"]
    answer = browser.post("/login/refresh")

    assert answer.status_code == 200
    assert set(answer.get_json()) == {"username", "access_token", "token_type", "expires_in"}
    assert answer.headers["Set-Cookie"].split(";")[0] != first.split(";")[0]


def test_signing_out(browser):
    """The cookie is taken back, and would be good for nothing."""
    browser.sign_in()
    kept = browser.client.get_cookie("__Secure-tokensvc-login", "tokens.example.com", "/login")
    answer = browser.post("/login/end")

    assert (answer.status_code, answer.text) == (204, "")
    assert "Max-Age=0" in answer.headers["Set-Cookie"]
    browser.client.set_cookie(kept.key, kept.value, domain=kept.domain, path=kept.path)
    refused = browser.post("/login/refresh")
    assert (refused.status_code, refused.get_json()["code"]) == (401, "login-over")


def test_nobody_signed_in(browser):
    """There is nothing to go on with, and nothing to end."""
    assert browser.post("/login/refresh").get_json()["code"] == "login-over"
    assert browser.post("/login/end").status_code == 204


@pytest.mark.parametrize("path", ["/login", "/login/refresh", "/login/end"])
@pytest.mark.parametrize(
    "origin",
    [
        LISTED,
        "https://evil.example",
        "null",
        "http://tokens.example.com",
        "https://tokens.example.com:8443",
        "https://tokens.example.com.evil.example",
        OURS.upper(),
        OURS + "/",
        "",
    ],
)
def test_a_page_of_another_site(browser, path, origin):
    """It is refused, listed or not, whatever the cookie."""
    browser.sign_in()
    body = f'{{"username":"alice","password":"{PASSWORD}"}}' if path == "/login" else None
    answer = browser.post(path, body, origin=origin)

    assert (answer.status_code, answer.get_json()["code"]) == (403, "origin-not-allowed")
    assert "Set-Cookie" not in answer.headers
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert browser.post("/login/refresh").status_code == 200


@pytest.mark.parametrize("path", ["/login/refresh", "/login/end"])
def test_a_request_that_names_no_page(browser, path):
    """With a cookie every browser says which page asks; who does not is none."""
    browser.sign_in()

    assert browser.post(path, origin=None).status_code == 403


@pytest.mark.parametrize("path", ["/login/refresh", "/login/end"])
@pytest.mark.parametrize(
    "kind", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]
)
def test_what_a_form_could_send(browser, path, kind):
    """It is refused: only JSON makes a browser ask first."""
    browser.sign_in()

    assert browser.post(path, kind=kind).status_code == 415


def test_a_field_that_is_not_there(browser):
    """It is refused like any other."""
    assert browser.post("/login/refresh", '{"username": "alice"}').status_code == 400


def test_this_machine(start):
    """Without https there is no Secure: a browser would not keep the cookie."""
    browser = Browser(start(OPEN_PROFILE + KEYED).test_client(), "http://127.0.0.1:8080")
    attributes = browser.sign_in(origin="http://127.0.0.1:8080").headers["Set-Cookie"]

    assert attributes.startswith("tokensvc-login=")
    assert "Secure" not in attributes
    assert "HttpOnly" in attributes
    assert "SameSite=Strict" in attributes
    assert browser.post("/login/refresh", origin="http://127.0.0.1:8080").status_code == 200


def profiles(browser, bearer):
    return browser.client.get(
        "/profiles", headers={"Authorization": f"Bearer {bearer}"}, base_url=OURS
    )


def test_what_an_api_key_may_use(browser):
    """The profiles that list it, and no others: “user” and “guest” are people."""
    names = [profile["name"] for profile in profiles(browser, KEY).get_json()["profiles"]]

    assert names == ["keyed"]
    token = browser.sign_in().get_json()["access_token"]
    names = [profile["name"] for profile in profiles(browser, token).get_json()["profiles"]]
    assert names == ["default"]


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ('{"on_behalf_of": ""}', "on_behalf_of"),
        ('{"on_behalf_of": 7}', "on_behalf_of"),
        ('{"on_behalf_of": null}', "on_behalf_of"),
        ('{"on_behalf_of": "a\\nb"}', "plain characters"),
    ],
)
def test_a_user_of_no_plain_name(browser, body, detail):
    """It is a 400 that says what to mend."""
    answer = browser.post("/token", body, Authorization=f"Bearer {KEY}")

    assert answer.status_code == 400
    assert detail in answer.get_json()["detail"]


def test_speaking_for_somebody_without_a_key(browser):
    """It is a 400 for whoever may not, and for guests."""
    token = browser.sign_in().get_json()["access_token"]
    for headers in ({"Authorization": f"Bearer {token}"}, {}):
        answer = browser.post("/token", '{"on_behalf_of": "bob"}', **headers)
        assert answer.status_code == 400
        assert "API key" in answer.get_json()["detail"]


def test_a_profile_that_is_not_the_keys(browser):
    """It is a 403, as for anybody."""
    answer = browser.post("/token", '{"on_behalf_of": "bob"}', Authorization=f"Bearer {KEY}")

    assert (answer.status_code, answer.get_json()["code"]) == (403, "profile-not-allowed")


def test_a_key_that_is_removed(browser, compiled):
    """It is refused from the next request on."""
    engine = open_engine(f"sqlite:///{compiled / 'data' / 'tokensvc.db'}")
    assert profiles(browser, KEY).status_code == 200
    ApiKeys(engine).remove("backend", "key:backend")
    engine.dispose()

    assert profiles(browser, KEY).status_code == 401
