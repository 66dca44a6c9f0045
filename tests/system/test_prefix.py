"""The service below a path: behind a real nginx, and mounted in another WSGI application."""

from __future__ import annotations

import re
import subprocess
import sys
from urllib.parse import urljoin

import pytest
from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client

from programs import LISTENING, OPEN_PROFILE, running, service_environment, share_compiled_profiles
from system import nginx
from system.launching import free_ports, launched
from tokensvc.app import create_app

PASSWORD = "correct horse battery"
LINK = re.compile(r'(?:src|href)="([^"#]+)"')


@pytest.fixture(name="voice", scope="module", params=["kept", "removed"])
def _voice(request, tmp_path_factory, google):
    """A proxy that serves the service at /voice/, and keeps or removes this in its requests."""
    folder = tmp_path_factory.mktemp("prefix")
    share_compiled_profiles(folder)
    (port,) = free_ports(1)
    http = f'[http]\npublic_url = "http://127.0.0.1:{port}/voice"\n'
    environment = service_environment(folder, http + OPEN_PROFILE, google.url)
    subprocess.run(
        [sys.executable, "-m", "tokensvc", "users", "add", "ada", "--password-stdin"],
        input=PASSWORD,
        text=True,
        env=environment,
        check=True,
    )
    removed = request.param == "removed"
    with (
        launched(folder, http + OPEN_PROFILE, google.url, workers=1) as service,
        nginx.below_a_path(folder, service.url, port, removed=removed) as (proxy,),
    ):
        yield proxy


def test_page_and_every_file_that_it_loads_are_below_the_path(voice):
    assert voice.get("/voice").headers["location"].endswith("/voice/")
    for path in ("/voice/", "/voice/embed"):
        page = voice.get(path)
        links = [urljoin(path, link) for link in LINK.findall(page.body.decode())]
        assert page.status == 200
        assert len(links) > 3
        for link in links:
            assert link.startswith("/voice/assets/")
            assert voice.get(link).status == 200, link


def test_widget_redirects_to_its_release_below_the_path(voice):
    location = voice.get("/voice/widget.js").headers["location"]

    assert re.fullmatch("/voice/assets/[0-9a-f]{32}/widget.js", location)
    assert voice.get(location).headers["access-control-allow-origin"] == "*"


def test_embed_page_names_the_address_with_its_path(voice):
    assert voice.get("/voice/embed.json").json["service"] == f"{voice.url}/voice"


def test_tokens_and_profiles_are_served_below_the_path_to_its_own_origin(voice):
    own = {"Origin": voice.url}
    assert voice.post("/voice/token", headers=own).status == 200
    assert voice.get("/voice/profiles").status == 200
    assert voice.post("/voice/token", headers={"Origin": "http://127.0.0.1:1"}).status == 403
    assert voice.get("/voice/readyz").status == 200
    assert voice.get("/voice/nothing").code == "not-found"
    assert voice.get("/voicetoken").status == 404


def test_login_cookie_is_for_the_login_below_the_path_alone(voice):
    own = {"Origin": voice.url}
    signed_in = voice.post("/voice/login", {"username": "ada", "password": PASSWORD}, headers=own)
    cookie, *attributes = signed_in.headers["set-cookie"].split("; ")
    refreshed = voice.post("/voice/login/refresh", {}, headers=own | {"Cookie": cookie})

    assert signed_in.status == 200
    assert "Path=/voice/login" in attributes
    assert refreshed.status == 200
    assert "Path=/voice/login" in refreshed.headers["set-cookie"].split("; ")


FORGED = ["SCRIPT_NAME", "SCRIPT-NAME", "Script_Name", "X-Script-Name", "X-Forwarded-Prefix"]


@pytest.fixture(name="denied", scope="module")
def _denied(shop, tmp_path_factory):
    with nginx.with_a_denied_path(tmp_path_factory.mktemp("denied"), shop.url) as (proxy,):
        yield proxy


@pytest.mark.parametrize("name", FORGED)
def test_header_does_not_hide_a_path_that_the_proxy_denies(denied, shop, name):
    body = {"username": "ada", "password": "guess"}
    assert denied.post("/login", body).status == 403
    for path in ("/x/login", "/x/x/login"):
        for proxy in (denied, shop):
            answer = proxy.post(path, body, headers={name: "/x", "X-Real-IP": "127.0.0.9"})
            assert (answer.status, answer.code) == (404, "not-found")
    assert denied.get("/livez", headers={name: "/livez"}).status == 200
    assert denied.get("/livez", headers={"PATH_INFO": "/login"}).json == {"status": "ok"}


def test_header_is_not_believed_by_gunicorn_with_its_own_settings(shop_environment):
    """Its default is to believe SCRIPT_NAME from a proxy on this machine."""
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "--bind",
        "127.0.0.1:0",
        "tokensvc.app:create_app()",
    ]
    with running(command, LISTENING, environment=shop_environment) as program:
        assert program.post("/x/login", {}, headers={"SCRIPT_NAME": "/x"}).code == "not-found"
        assert program.get("/livez").status == 200


@pytest.fixture(name="site", scope="module")
def _site(shop_environment):
    """Another application with the service mounted at /voice."""
    site = Flask("site")
    site.add_url_rule("/login", "login", lambda: "the site's own")
    return DispatcherMiddleware(site, {"/voice": create_app(shop_environment)})


@pytest.mark.parametrize("prefix", ["", "/outer"])
def test_service_is_served_where_another_application_mounts_it(site, prefix):
    client = Client(site)
    below = {"base_url": f"http://localhost{prefix}"}
    page = client.get("/voice/", **below)
    links = [urljoin("/voice/", link) for link in LINK.findall(page.text)]

    assert all(client.get(link, **below).status_code == 200 for link in links)
    slash = client.get("/voice", **below)
    assert (slash.status_code, slash.location) == (308, f"http://localhost{prefix}/voice/")
    assert client.get("/voice/widget.js", **below).headers["Location"].startswith(f"{prefix}/voice/assets/")
    embed = client.get("/voice/embed.json", **below)
    assert embed.get_json()["service"] == f"http://localhost{prefix}/voice"
    assert client.get("/voice/login", **below).status_code == 405
    assert client.get("/login", **below).text == "the site's own"
    own = {"Origin": "http://localhost"}
    assert client.post("/voice/token", headers=own, **below).status_code == 200


def test_cookie_is_for_the_path_at_which_the_service_is_mounted(site, canaries):
    signed_in = Client(site).post("/voice/login", json={"username": "ada", "password": canaries["password"]})

    assert "; Path=/voice/login;" in signed_in.headers["Set-Cookie"] + ";"


@pytest.mark.parametrize(("name", "status"), [("/x", 404), ("/x/voice", 404), ("", 200)])
def test_header_that_the_server_believed_does_not_move_the_mounted_service(site, name, status):
    """As gunicorn does it: the header's path is moved from the path to SCRIPT_NAME."""
    environ = {"SCRIPT_NAME": name, "HTTP_SCRIPT_NAME": name}
    answer = Client(site).get("/voice/livez", environ_overrides=environ)

    assert answer.status_code == status


def test_check_names_the_path(tmp_path, google):
    http = '[http]\npublic_url = "https://www.example.com/voice/"\n'
    share_compiled_profiles(tmp_path)
    checked = subprocess.run(
        [sys.executable, "-m", "tokensvc", "check"],
        env=service_environment(tmp_path, http + OPEN_PROFILE, google.url),
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert "answers   https://www.example.com/voice;" in checked
    assert "path      /voice, whether or not the proxy in front removes it" in checked
    assert "page      at /voice/," in checked
