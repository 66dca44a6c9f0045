"""The service in a Flask site that has its own login: the shop in docs/recipes/flask-mount."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import urllib.request
from contextlib import closing, suppress
from urllib.parse import urlencode

import pytest
from flask import Flask

import tokensvc
from programs import LISTENING, running
from tokensvc.emulator.pytest_plugin import live_emulator, live_emulator_options  # noqa: F401 - by name
from tokensvc.errors import ConfigurationError
from tokensvc.pytest_plugin import live_environment, live_service  # noqa: F401 - by name
from wheels import CLONE

RECIPE = CLONE / "docs/recipes/flask-mount"
OWN = {"Origin": "http://localhost"}
LISTED = "https://partner.example"


@pytest.fixture(name="configure")
def _configure(monkeypatch, tmp_path, live_environment):  # noqa: F811 - the fixture
    """Writes the shop's configuration, with changes, and returns the environment."""

    def configure(**replaced):
        text = (RECIPE / "tokensvc.toml").read_text()
        for old, new in replaced.items():
            assert old in text
            text = text.replace(old, new)
        file = tmp_path / "tokensvc.toml"
        file.write_text(text)
        added = {"TOKENSVC_CONFIG": str(file), "SHOP_SECRET_KEY": "for-tests-only"}
        for name, value in added.items():
            monkeypatch.setenv(name, value)
        return live_environment | added

    return configure


def load_shop():
    spec = importlib.util.spec_from_file_location("mounting_shop", RECIPE / "shop.py")
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)  # where Flask finds its templates
    spec.loader.exec_module(module)
    module.CUSTOMERS["bob"] = module.CUSTOMERS["ada"]
    return module.create_app()


@pytest.fixture(name="shop")
def _shop(configure):
    configure()
    return load_shop()


def signed_in(shop, name="ada"):
    client = shop.test_client()
    client.post("/login", data={"name": name, "password": "earl grey"})
    return client


def code(answer):
    return answer.status_code, answer.get_json()["code"]


def test_shop_mounts_the_service_in_under_thirty_lines():
    lines = (RECIPE / "shop.py").read_text().splitlines()
    assert sum(bool(line.strip()) and '"""' not in line for line in lines) < 30


def test_customer_gets_a_token_under_their_own_name(shop, live_emulator):  # noqa: F811 - the fixture
    answer = signed_in(shop).post("/voice/token", headers=OWN)
    mounted = signed_in(shop).get("/voice/profiles")

    assert answer.status_code == 200
    assert answer.get_json()["websocket_url"].startswith("ws://127.0.0.1:")
    assert [profile["name"] for profile in mounted.get_json()["profiles"]] == ["default"]
    (token,) = live_emulator.tokens()
    assert "You help Ada, a customer" in json.dumps(token)
    listed = subprocess.run(
        [sys.executable, "-m", "tokensvc", "audit", "export"], capture_output=True, text=True, check=True
    )
    assert '"issuer": "site"' in listed.stdout
    assert '"subject": "ada"' in listed.stdout


def test_visitor_who_is_not_signed_in_is_refused_where_guests_are(shop):
    client = signed_in(shop)
    client.post("/logout")

    assert code(client.post("/voice/token", headers=OWN)) == (401, "authentication-required")
    assert code(client.get("/voice/profiles")) == (401, "authentication-required")


def test_visitor_who_is_not_signed_in_is_a_guest_where_guests_may_talk(configure):
    configure(**{'["user"]': '["user", "guest"]'})

    assert load_shop().test_client().post("/voice/token", headers=OWN).status_code == 200


@pytest.mark.parametrize("origin", [None, "https://evil.example", "http://localhost:1", "null"])
def test_customers_cookie_does_not_count_in_requests_of_other_sites_pages(shop, origin, live_emulator):  # noqa: F811
    headers = {} if origin is None else {"Origin": origin}
    client = signed_in(shop)

    for path in ("/voice/token", "/voice/tool", "/voice/tool/confirm", "/voice/tool/cancel"):
        assert code(client.post(path, headers=headers, json={})) == (403, "origin-not-allowed")
    assert live_emulator.tokens() == []


def test_customers_cookie_does_not_count_on_a_page_that_may_call_the_service(configure):
    """Such a page may call with a credential of its own, or as a guest."""
    configure(**{"page = false": f'page = false\norigins = ["{LISTED}"]'})
    client = signed_in(load_shop())

    assert code(client.post("/voice/token", headers={"Origin": LISTED})) == (401, "authentication-required")
    assert code(client.get("/voice/profiles", headers={"Origin": LISTED})) == (401, "authentication-required")


def test_bad_credential_is_refused_though_somebody_is_signed_in(shop):
    answer = signed_in(shop).post("/voice/token", headers=OWN | {"Authorization": "Bearer tsk_wrong"})

    assert code(answer) == (401, "invalid-token")


def test_lease_is_renewed_only_while_its_customer_is_signed_in(shop):
    client = signed_in(shop)
    lease = {"lease": client.post("/voice/token", headers=OWN).get_json()["lease"]}

    assert client.post("/voice/token", headers=OWN, json=lease).status_code == 200
    assert code(signed_in(shop, "bob").post("/voice/token", headers=OWN, json=lease)) == (403, "lease-refused")
    client.post("/logout")
    assert code(client.post("/voice/token", headers=OWN, json=lease)) == (401, "authentication-required")


def test_widget_and_its_release_are_served_below_the_prefix(shop):
    client = shop.test_client()
    location = client.get("/voice/widget.js").location

    assert re.fullmatch("/voice/assets/[0-9a-f]{32}/widget.js", location)
    assert client.get(location).mimetype == "text/javascript"
    assert client.head(location).status_code == 200
    assert client.get("/voice/livez").get_json() == {"status": "ok"}


def test_rest_of_the_site_is_as_it_was(shop):
    client = shop.test_client()

    assert client.get("/").status_code == 200
    assert "X-Request-Id" not in client.get("/").headers
    for path in ("/token", "/widget.js", "/voicetoken"):
        assert client.get(path).mimetype == "text/html"
        assert client.get(path).status_code == 404
    assert code(client.get("/voice/nothing")) == (404, "not-found")
    assert code(client.delete("/voice/token")) == (405, "method-not-allowed")


@pytest.mark.parametrize("found", ["ada", True, tokensvc.person])
def test_anything_but_a_person_is_an_error_of_the_site(configure, found):
    configure()
    site = Flask("site")
    site.register_blueprint(tokensvc.blueprint(lambda _request: found), url_prefix="/voice")

    assert site.test_client().post("/voice/token", headers=OWN).status_code == 500


@pytest.mark.parametrize("wrong", [{"subject": 7}, {"subject": ""}, {"subject": "a", "claims": {"b": "c\nd"}}])
def test_person_is_named_by_short_plain_text(wrong):
    with pytest.raises(ValueError, match="must be a string"):
        tokensvc.person(**wrong)


def test_claim_that_the_configuration_does_not_list_is_a_fault(configure):
    configure(**{'claims = ["given_name"]': "claims = []"})

    with pytest.raises(ConfigurationError, match="given_name"):
        tokensvc.blueprint(lambda _request: None)


def test_address_for_metrics_is_refused(configure):
    configure(**{"page = false": 'metrics_bind = "127.0.0.1:9102"'})

    with pytest.raises(ConfigurationError, match="metrics_bind"):
        tokensvc.blueprint(lambda _request: None)


@pytest.mark.parametrize("preload", [[], ["--preload"]], ids=["each worker loads", "preloaded"])
def test_two_workers_serve_the_shop_and_close_the_store(configure, tmp_path, preload):
    limits = '[limits]\nuser = ["100/minute"]\nconcurrent = { user = 100 }\n[profiles.default]'
    environment = os.environ | configure(**{"[profiles.default]\n": f"{limits}\n"})
    load_shop()  # compiles the profile
    gunicorn = [sys.executable, "-m", "gunicorn", "--workers=2", "--threads=4", "--bind=127.0.0.1:0", *preload]
    with running([*gunicorn, f"--chdir={RECIPE}", "shop:create_app()"], LISTENING, environment=environment) as program:
        answer = None
        while answer is None:  # while the workers load, a connection waits
            with suppress(TimeoutError):
                answer = program.get("/voice/livez")
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        body = urlencode({"name": "ada", "password": "earl grey"}).encode()
        cookie = program.post("/login", body, headers=form).headers["set-cookie"].split(";")[0]
        for _ in range(8):
            with_cookie = {"Cookie": cookie, "Origin": program.url}
            answer = program.post("/voice/token", headers=with_cookie)
            assert answer.status == 200
            renewed = program.post("/voice/token", {"lease": answer.json["lease"]}, headers=with_cookie)
            assert renewed.status == 200
        assert program.post("/voice/token", headers={"Origin": program.url}).code == "authentication-required"
        program.child.send_signal(signal.SIGTERM)
        assert program.child.wait(30) == 0
    assert not (tmp_path / "tokensvc.db-wal").exists()  # SQLite removes it with the last connection
    with closing(sqlite3.connect(tmp_path / "tokensvc.db")) as store:
        counted = store.execute("SELECT code, sum(count) FROM refusals GROUP BY code").fetchall()
    assert ("authentication-required", 1) in counted


def test_fixture_serves_a_token_to_a_site_that_is_not_flask(monkeypatch, tmp_path, request):
    (tmp_path / "tokensvc.toml").write_text('[profiles.default]\nmodel = "gemini-3.8-live"\nallow = ["guest"]\n')
    monkeypatch.setenv("TOKENSVC_CONFIG", str(tmp_path / "tokensvc.toml"))
    service = request.getfixturevalue("live_service")
    with urllib.request.urlopen(urllib.request.Request(f"{service}/token", method="POST")) as answer:  # noqa: S310
        assert json.load(answer)["token"].startswith("auth_tokens/")
