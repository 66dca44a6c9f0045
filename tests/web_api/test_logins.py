"""The login endpoints of the real HTTP application."""

from datetime import UTC, datetime

import pytest

from programs import OPEN_PROFILE, service_environment
from tokensvc.app import create_app
from tokensvc.authn.api_keys import make_key
from tokensvc.authn.passwords import hash_password
from tokensvc.domain import Account, ApiKey, fingerprint
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
    """Start an application with an account and an API key in its store."""

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
    """A browser on the service's own page, with an address of its own."""
    return Browser(app.test_client())


class Browser:
    """Sends what a browser sends from a page of *origin*."""

    def __init__(self, client, base_url=OURS):
        self.client, self.base_url = client, base_url
        self.address = fingerprint(str(id(self)))[:4]

    def post(self, path, body=None, *, origin=OURS, content_type="application/json", **headers):
        if origin is not None:
            headers["Origin"] = origin
        return self.client.post(
            path,
            data=body,
            content_type=content_type,
            headers=headers,
            base_url=self.base_url,
            environ_overrides={"REMOTE_ADDR": f"2001:db8:0:{self.address}::1"},
        )

    def sign_in(self, **named):
        return self.post("/login", f'{{"username":"alice","password":"{PASSWORD}"}}', **named)


def test_sign_in_returns_a_token_and_sets_a_strict_cookie(browser):
    answer = browser.sign_in()

    assert answer.status_code == 200
    assert set(answer.get_json()) == {"username", "access_token", "token_type", "expires_in"}
    assert answer.headers["Cache-Control"] == "no-store"
    pair, *attributes = answer.headers["Set-Cookie"].split("; ")
    assert pair.startswith("__Secure-tokensvc-login=")
    assert set(attributes) >= {"Secure", "HttpOnly", "Path=/login", "SameSite=Strict"}
    assert "Max-Age=604800" in attributes
    assert not any(attribute.startswith("Domain") for attribute in attributes)


def test_access_token_is_a_valid_credential(browser):
    token = browser.sign_in().get_json()["access_token"]
    answer = browser.client.get("/profiles", headers={"Authorization": f"Bearer {token}"}, base_url=OURS)

    assert answer.status_code == 200


def test_refresh_returns_a_new_token_and_a_new_cookie(browser):
    first = browser.sign_in().headers["Set-Cookie"]
    answer = browser.post("/login/refresh")

    assert answer.status_code == 200
    assert set(answer.get_json()) == {"username", "access_token", "token_type", "expires_in"}
    assert answer.headers["Set-Cookie"].split(";")[0] != first.split(";")[0]


def test_sign_out_clears_the_cookie_and_makes_it_invalid(browser):
    browser.sign_in()
    cookie = browser.client.get_cookie("__Secure-tokensvc-login", "tokens.example.com", "/login")
    answer = browser.post("/login/end")

    assert (answer.status_code, answer.text) == (204, "")
    assert "Max-Age=0" in answer.headers["Set-Cookie"]
    browser.client.set_cookie(cookie.key, cookie.value, domain=cookie.domain, path=cookie.path)
    refused = browser.post("/login/refresh")
    assert (refused.status_code, refused.get_json()["code"]) == (401, "login-over")


def test_refresh_without_a_login_is_refused_and_sign_out_is_harmless(browser):
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
def test_login_from_another_origin_is_refused_even_if_listed(browser, path, origin):
    browser.sign_in()
    body = f'{{"username":"alice","password":"{PASSWORD}"}}' if path == "/login" else None
    answer = browser.post(path, body, origin=origin)

    assert (answer.status_code, answer.get_json()["code"]) == (403, "origin-not-allowed")
    assert "Set-Cookie" not in answer.headers
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert browser.post("/login/refresh").status_code == 200


@pytest.mark.parametrize("path", ["/login/refresh", "/login/end"])
def test_cookie_request_without_an_origin_is_refused(browser, path):
    """Browsers send an Origin header with these requests, so one without it is not from a page."""
    browser.sign_in()

    assert browser.post(path, origin=None).status_code == 403


@pytest.mark.parametrize("path", ["/login/refresh", "/login/end"])
@pytest.mark.parametrize(
    "content_type", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]
)
def test_content_type_of_an_html_form_is_refused(browser, path, content_type):
    """Browsers send a CORS preflight for JSON, but not for what a form can send."""
    browser.sign_in()

    assert browser.post(path, content_type=content_type).status_code == 415


def test_unknown_field_is_refused(browser):
    assert browser.post("/login/refresh", '{"username": "alice"}').status_code == 400


def test_cookie_over_http_on_loopback_is_not_secure(start):
    """A browser would not store a Secure cookie sent over plain HTTP."""
    browser = Browser(start(OPEN_PROFILE + KEYED).test_client(), "http://127.0.0.1:8080")
    attributes = browser.sign_in(origin="http://127.0.0.1:8080").headers["Set-Cookie"]

    assert attributes.startswith("tokensvc-login=")
    assert "Secure" not in attributes
    assert "HttpOnly" in attributes
    assert "SameSite=Strict" in attributes
    assert browser.post("/login/refresh", origin="http://127.0.0.1:8080").status_code == 200


def profiles(browser, bearer):
    return browser.client.get("/profiles", headers={"Authorization": f"Bearer {bearer}"}, base_url=OURS)


def test_key_and_user_each_see_only_the_profiles_that_allow_them(browser):
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
def test_invalid_on_behalf_of_is_a_400_with_the_reason(browser, body, detail):
    answer = browser.post("/token", body, Authorization=f"Bearer {KEY}")

    assert answer.status_code == 400
    assert detail in answer.get_json()["detail"]


def test_on_behalf_of_needs_an_api_key(browser):
    token = browser.sign_in().get_json()["access_token"]
    for headers in ({"Authorization": f"Bearer {token}"}, {}):
        answer = browser.post("/token", '{"on_behalf_of": "bob"}', **headers)
        assert answer.status_code == 400
        assert "API key" in answer.get_json()["detail"]


def test_profile_that_does_not_allow_the_key_is_a_403(browser):
    answer = browser.post("/token", '{"on_behalf_of": "bob"}', Authorization=f"Bearer {KEY}")

    assert (answer.status_code, answer.get_json()["code"]) == (403, "profile-not-allowed")


def test_removed_key_is_refused_at_the_next_request(browser, compiled):
    engine = open_engine(f"sqlite:///{compiled / 'data' / 'tokensvc.db'}")
    assert profiles(browser, KEY).status_code == 200
    ApiKeys(engine).remove("backend", "key:backend")
    engine.dispose()

    assert profiles(browser, KEY).status_code == 401
