"""T11. No secret leaks into a log, an error, the store, the figures, an operator's command or a command line.

tests/test_logs.py has tracebacks, and tests/cli/test_store_states.py the other commands without their database.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import pytest

from programs import OPEN_PROFILE, service_environment
from system import faults, site
from system.canaries import Canaries
from system.fleet import children
from system.launching import rows
from system.raw import exchange, login, request

if TYPE_CHECKING:
    from programs import Answer, Program


def _good_requests(shop: Program, canaries: Canaries, visitor, access_token: str) -> None:
    """Get tokens in every way; add what is returned to the canaries."""
    bearer = canaries.add("good JWT", visitor("ada"))
    for number, answer in enumerate(
        [
            shop.post("/token"),
            shop.post("/token", {"options": {"voice": "Puck"}}, bearer=bearer),
            shop.post("/token", {"profile": "members"}, bearer=access_token),
        ]
    ):
        assert answer.status == 200
        canaries.add(f"token {number}", answer.json["token"].removeprefix("auth_tokens/"))
        canaries.add(f"lease {number}", answer.json["lease"])
    assert shop.get("/profiles", bearer=bearer).status == 200


def _refused_credentials(shop: Program, canaries: Canaries) -> list[Answer]:
    wrong = canaries.add("forged JWT", site.signed(secret=secrets.token_urlsafe(40)))
    old = canaries.add("expired JWT", site.signed(secret=canaries["issuer secret"], iat=1, exp=2))
    opaque = canaries.add("opaque credential", secrets.token_urlsafe(40))
    lease = canaries["lease 0"]
    answers = [shop.post("/token", bearer=bearer) for bearer in (wrong, old, opaque, lease)]
    answers += [shop.get("/profiles", bearer=bearer) for bearer in (wrong, old, opaque)]
    answers += [
        shop.post(f"/token?access_token={opaque}", {"profile": "members"}),
        shop.post("/token", headers={"Authorization": f"Basic {opaque}"}),
        shop.post("/token", headers={"Authorization": f"{opaque} {wrong}"}),
        shop.post("/token", headers={"Cookie": f"session={opaque}"}, body=b"x"),
    ]
    return answers


def _logins(shop: Program, canaries: Canaries) -> list[Answer]:
    """Get a cookie, exchange it and end it; return the refusals of unusable ones."""

    def ask(path: str, cookie: str) -> Answer:
        origin, kind = f"Origin: {shop.url}", "Content-Type: application/json"
        lines = (origin, kind, f"Cookie: tokensvc-login={cookie}")
        return exchange(shop.url, request("POST", path, *lines, host=urlsplit(shop.url).netloc))

    def given(name: str, answer: Answer) -> str:
        assert answer.status == 200
        canaries.add(f"access JWT with {name}", answer.json["access_token"])
        return canaries.add(name, answer.headers["set-cookie"].split(";")[0].partition("=")[2])

    first = given("a cookie", login(shop, "ada", canaries["password"], source="127.0.4.2"))
    second = given("the next cookie", ask("/login/refresh", first))
    assert ask("/login/end", second).status == 204
    wrong = canaries.add("a wrong cookie", secrets.token_urlsafe(32))
    return [ask("/login/refresh", cookie) for cookie in (second, wrong, f'"{wrong}')]


def _renewals_and_keys(shop: Program, canaries: Canaries, environment: dict[str, str]) -> list[Answer]:
    """Use an API key, a lease and Google's handle; return the refusals of unusable ones."""
    made = subprocess.run(
        [sys.executable, "-m", "tokensvc", "keys", "create", "backend"],
        env=environment,
        check=True,
        text=True,
        capture_output=True,
        timeout=60,
    )
    key = canaries.add("API key", made.stdout.strip())
    handle = canaries.add("handle", secrets.token_urlsafe(60))
    for_a_user = {"profile": "members", "on_behalf_of": "user 7"}
    granted = shop.post("/token", for_a_user, bearer=key)
    assert granted.status == 200
    lease = canaries.add("lease of a key", granted.json["lease"])
    renewal = {"lease": lease, "resumption_handle": handle}
    assert shop.post("/token", renewal).status == 200
    wrong_key = canaries.add("wrong API key", key[:-8] + key[-8:].swapcase())
    return [
        shop.post("/token", for_a_user, bearer=wrong_key),
        shop.post("/token", renewal | {"profile": "members"}),
        shop.post("/token", {"resumption_handle": handle}),
        shop.post("/token", renewal | {"lease": lease[:-9] + "AAAAAAAAA"}),
        shop.post("/token", renewal, bearer=canaries["good JWT"]),
        shop.post("/token", {"profile": "members"}, bearer=lease),
        shop.post("/lease/end", {"lease": handle}),
    ]


def _refused_bodies(shop: Program, canaries: Canaries) -> list[Answer]:
    """Send secrets in fields where they do not belong."""
    wrong, bearer = canaries["wrong password"], canaries["good JWT"]
    bodies = [
        json.dumps({"token": bearer, "key": wrong}),
        json.dumps({"profile": bearer}),
        json.dumps({"profile": wrong}),
        json.dumps({"options": {"voice": bearer}}),
        json.dumps({"options": {"voice": wrong}}),
        json.dumps({"profile": [bearer]}),
        json.dumps({"lease": canaries["lease 1"], "profile": "default"}),
        f'{{"profile": "{bearer}',
        f"token={bearer}",
        json.dumps({wrong: bearer}) + "}",
        json.dumps({"profile": bearer + " " * 20_000}),
    ]
    answers = [shop.post("/token", body.encode(), bearer=bearer) for body in bodies]
    answers += [shop.post("/login", body.encode()) for body in bodies]
    # A password in the field for the user name, and vice versa.
    attempts = [
        ("ada", wrong),
        (wrong, "ada"),
        (canaries["password"], "ada"),
        (bearer, wrong),
        ("nobody", canaries["password"]),
    ]
    attempts += [("ada", canaries["password"] + "!")] * 6
    return answers + [
        login(shop, name, password, source=f"127.0.7.{number // 4 + 1}")
        for number, (name, password) in enumerate(attempts)
    ]


def _refused_requests(shop: Program, canaries: Canaries) -> list[Answer]:
    """Send credentials in requests that the server cannot parse."""
    bearer, wrong = canaries["good JWT"], quote(canaries["wrong password"])
    good = f"Authorization: Bearer {bearer}"
    contents = [
        f"POST /token HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer\r\n {bearer}\r\n\r\n",
        f"POST /token HTTP/1.1\r\nHost: localhost\r\nBearer {bearer}\r\n\r\n",
        f"POST /token HTTP/1.1\r\nHost: localhost\r\nAuthorization : Bearer {bearer}\r\n\r\n",
        f"POST /token HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {bearer}\0\r\n\r\n",
        f"POST /token?key={bearer} and more HTTP/1.1\r\nHost: localhost\r\n\r\n",
        f"POST /token?key={bearer} HTTP/7.7\r\nHost: localhost\r\n\r\n",
        f"{wrong} /token HTTP/1.1\r\nHost: localhost\r\n\r\n",
        f"GET /token?{'x' * 3000}{bearer} HTTP/1.1\r\nHost: localhost\r\n\r\n",
        f"POST /token HTTP/1.1\r\nHost: localhost\r\n{good}\r\nTransfer-Encoding: {wrong}\r\n\r\n",
        f"POST /token HTTP/1.1\r\nHost: localhost\r\n{good}\r\nContent-Length: {wrong}\r\n\r\n",
        f"POST /token HTTP/1.1\r\nHost: localhost\r\n{good}\r\nExpect: {wrong}\r\n\r\n",
        (
            "POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Transfer-Encoding: chunked\r\n\r\n{wrong}\r\n{bearer}\r\n0\r\n\r\n"
        ),
    ]
    answers = [exchange(shop.url, content.encode()) for content in contents]
    answers += [
        exchange(shop.url, request("POST", "/token", good, f"Origin: https://{wrong}")),
        exchange(shop.url, request("POST", "/token", good, host=bearer)),
        exchange(shop.url, request("DELETE", f"/token?key={bearer}", good)),
        exchange(shop.url, request("GET", f"/nothing?key={bearer}", good)),
    ]
    parts = urlsplit(shop.url)
    for cut_short in (
        request("POST", "/token", good)[:-3],
        request("POST", "/token", good, "Content-Length: 500", body=b'{"a": "' + bearer.encode()),
    ):
        with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
            connection.sendall(cut_short)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass
    return answers


def _command_lines(program: Program) -> bytes:
    """Return the command lines of the service and its workers."""
    pids = [program.child.pid, *children(program.child.pid)]
    return b"\n".join(Path(f"/proc/{pid}/cmdline").read_bytes() for pid in pids)


def _figures(port: int) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        return answer.read()


def _without_database(environment: dict[str, str], canaries: Canaries, folder: Path) -> dict[str, bytes]:
    """Check the configuration, and start a service, whose PostgreSQL is away; return what they print."""
    password = canaries.add("database password", f"p@ss:w/rd?{secrets.token_urlsafe(24)}")
    away = {"DATABASE_URL": f"postgresql://tokensvc:{quote(password, safe='')}@127.0.0.1:9/tokensvc"}
    serving = service_environment(folder, OPEN_PROFILE, "http://127.0.0.1:9", TOKENSVC_LOG_LEVEL="debug")
    printed = {}
    for words, named in (("check --live", environment), ("serve --port 0", serving)):
        command = [sys.executable, "-m", "tokensvc", *words.split()]
        done = subprocess.run(command, env=named | away, capture_output=True, timeout=60, check=False)
        printed[words] = done.stdout + done.stderr
        assert done.returncode == 1
        assert b"Connection refused" in printed[words]
    return printed


@pytest.fixture(name="everything", scope="module")
def _everything(
    *, shop, shop_environment, canaries, visitor, access_token, faulted, google, metrics_port, tmp_path_factory
) -> dict[str, bytes]:
    """Return all that the service printed, stored and answered to every kind of request."""
    canaries.add("token of a fault", faults.TOKEN.removeprefix("auth_tokens/"))
    _good_requests(shop, canaries, visitor, access_token)
    refused = [answer for answer, _ in faulted.values()]
    refused += _refused_credentials(shop, canaries)
    refused += _logins(shop, canaries)
    refused += _renewals_and_keys(shop, canaries, shop_environment)
    refused += _refused_bodies(shop, canaries)
    refused += _refused_requests(shop, canaries)
    google.refused_keys = {canaries["first key"]: 403, canaries["second key"]: 403}
    try:
        refused.append(shop.post("/token"))
    finally:
        google.refused_keys = {}
    assert all(answer.status >= 400 for answer in refused)
    for number, name in enumerate(google.minted):
        canaries.add(f"minted token {number}", name.removeprefix("auth_tokens/"))
    last = f"the-last-request-{secrets.token_hex(8)}"
    assert shop.get("/nothing", headers={"X-Request-Id": last}).status == 404
    shop.await_line(last)
    kept = {path.name: path.read_bytes() for path in (shop.folder / "data").rglob("*") if path.is_file()}
    answers = "\n".join(f"{answer.headers} {answer.body.decode()}" for answer in refused)
    return kept | {
        "log": "".join(shop.lines).encode(),
        "refusals": answers.encode(),
        "command lines": _command_lines(shop),
        "figures": _figures(metrics_port),
        **_without_database(shop_environment, canaries, tmp_path_factory.mktemp("away")),
    }


def test_no_secret_is_logged_stored_answered_or_in_a_command_line(everything, canaries):
    assert {where: canaries.found_in(content) for where, content in everything.items()} == {
        where: {} for where in everything
    }


def test_search_covers_all_log_levels_the_store_in_use_and_30_secrets(shop, everything, canaries):
    log = [json.loads(line) for line in everything["log"].splitlines()]
    assert {"info", "warning", "error"} <= {line["level"] for line in log}
    assert {"invalid-token", "wrong-password", "upstream-timeout", "too-large"} <= {line.get("code") for line in log}
    (subject,) = {subject for (subject,) in rows(shop, "select max(subject) from events")}
    assert any(subject.encode() in everything[name] for name in ("tokensvc.db", "tokensvc.db-wal"))
    assert len(canaries.secrets) > 30
    assert b'tokensvc_tokens_total{kind="user",outcome="granted",profile="members"}' in everything["figures"]
    assert b"JWTs of https://shop.test/" in everything["check --live"]


def test_password_hash_is_neither_logged_nor_answered(shop, everything):
    ((hashed,),) = rows(shop, "select password_hash from accounts")
    assert hashed.startswith("scrypt:")
    assert hashed.encode() not in everything["log"] + everything["refusals"]


@pytest.mark.parametrize(
    "encode",
    [
        lambda secret: secret,
        lambda secret: f"before {secret} after",
        lambda secret: json.dumps({"a": secret}),
        lambda secret: json.dumps({"message": json.dumps({"a": secret})}),
        lambda secret: repr({"a": secret}),
        lambda secret: quote(secret, safe=""),
        lambda secret: secret.encode().hex(),
        lambda secret: base64.b64encode(secret.encode()).decode(),
        lambda secret: base64.b64encode(b"user:" + secret.encode()).decode(),
        lambda secret: base64.urlsafe_b64encode(b"ab" + secret.encode() + b"c").decode(),
    ],
)
def test_search_finds_a_planted_secret_in_any_encoding(canaries, encode):
    """The password has a character that each kind of escaping changes."""
    planted = b'{"message": "' + encode(canaries["password"]).encode() + b'"}\n'
    assert "password" in canaries.found_in(planted)


def test_search_finds_a_secret_in_binary_content(tmp_path):
    """The store is searched as bytes, because its free pages keep deleted rows."""
    canaries = Canaries.generate()
    (tmp_path / "page").write_bytes(os.urandom(4000) + canaries["password"].encode())
    assert "password" in canaries.found_in((tmp_path / "page").read_bytes())
