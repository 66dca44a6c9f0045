"""T2. The OpenAPI document is true: it has every route, body and error, and real answers are as it says."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from attack.contract import DOCUMENT, POSTS, documented_codes, faults, operation, resolved
from programs import OPEN_PROFILE, service_environment, share_compiled_profiles
from system.configurations import ORIGIN
from system.raw import exchange, request
from system.test_routes import METHODS
from tokensvc import errors
from tokensvc.app import create_app
from tokensvc.web_api.bodies import EmptyBody
from tokensvc.web_api.logins import SignInBody
from tokensvc.web_api.tokens import LeaseBody, TokenBody
from tokensvc.web_api.tools import CancelBody, ConfirmBody, ToolBody

if TYPE_CHECKING:
    from collections.abc import Iterator

    from attack.conftest import Target
    from programs import Answer

# The files of web/ at their names alone, which /assets/{digest}/{name} explains.
NOT_LISTED = {"assets.part"}
# Each status that no answer below has, and the tests that show when it is given.
SHOWN_ELSEWHERE = {
    408: "tests/system/test_connections.py, after ten seconds",
    500: "test_properties.py, for any exception",
}


def refusals(kind: type[errors.Refusal] = errors.Refusal) -> Iterator[type[errors.Refusal]]:
    for refusal in kind.__subclasses__():
        yield refusal
        yield from refusals(refusal)


def test_document_lists_every_route_and_no_other(tmp_path):
    environment = service_environment(tmp_path, OPEN_PROFILE, "http://127.0.0.1:1")
    share_compiled_profiles(tmp_path)
    routes: dict[str, set[str]] = {"/openapi.json": {"get"}}
    for rule in create_app(environment).url_map.iter_rules():
        if rule.endpoint not in NOT_LISTED:
            path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
            routes.setdefault(path, set()).update(method.lower() for method in rule.methods - {"HEAD", "OPTIONS"})
    assert {path: set(operations) for path, operations in DOCUMENT["paths"].items()} == routes


def test_document_lists_every_code_with_its_status_and_no_other():
    assert documented_codes() == {refusal.code: refusal.status for refusal in refusals()}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/token", TokenBody),
        ("/lease/end", LeaseBody),
        ("/tool", ToolBody),
        ("/tool/confirm", ConfirmBody),
        ("/tool/cancel", CancelBody),
        ("/login", SignInBody),
        ("/login/refresh", EmptyBody),
        ("/login/end", EmptyBody),
    ],
)
def test_document_has_the_fields_of_each_body(path, body):
    """What their values may be is shown by schemathesis."""
    schema = resolved(operation("post", path)["requestBody"]["content"]["application/json"]["schema"])
    assert set(schema.get("properties", {})) == set(body.model_fields)
    assert set(schema.get("required", ())) == {n for n, field in body.model_fields.items() if field.is_required()}


class Recorder:
    """Sends requests to the target, and keeps each answer with its method and path in the document."""

    def __init__(self, target: Target) -> None:
        self.target, self.program = target, target.program
        self.own = {"Origin": self.program.url}
        self.answers: list[tuple[str, str, Answer]] = []

    def ask(self, path: str, body: object = None, *, method: str = "POST", like: str | None = None, **named) -> Answer:
        answer = self.program.request(method, path, body, **named)
        self.answers.append((method, like or path, answer))
        return answer

    def tokens(self) -> None:
        granted = self.ask("/token", {"options": {"voice": "Puck"}}, headers={"Origin": ORIGIN}).json
        self.ask("/token", {"lease": granted["lease"], "resumption_handle": "a-handle"})
        self.ask("/token", {"on_behalf_of": "user 7"}, bearer=self.target.api_key)
        for bearer in (None, "x"):
            self.ask("/token", {"profile": "members"}, bearer=bearer)
        for profile in ("unknown", "seldom", "seldom", "400", "429", "500", "silent"):
            self.ask("/token", {"profile": profile}, bearer=self.target.jwt)
        for bearer in (self.target.jwt, "x"):
            self.ask("/profiles", method="GET", bearer=bearer, headers={"Origin": ORIGIN})
        for lease in (granted["lease"], "x"):
            self.ask("/lease/end", {"lease": lease}, headers={"Origin": ORIGIN})

    def tools(self) -> None:
        lease = self.ask("/token", {"profile": "shop"}).json["lease"]

        def call(name: str, path: str = "/tool", *, bearer: str | None = None, **changed) -> Answer:
            body = {"lease": lease, "call": name, "name": name, "args": {}} | changed
            return self.ask(path, body, bearer=bearer, headers={"Origin": ORIGIN})

        found = {"args": {"number": "17"}}
        call("find_order", **found)
        self.lose_answers()
        call("find_order", **found)
        for number in range(2):
            call("now", call=f"now {number}", args={"zone": "UTC"})
        booked = {"args": {"day": "Monday"}}
        confirmation = call("book", **booked).json["pending"]["confirmation"]
        for one_time, accept in (("x", True), (confirmation, True)):
            call("book", "/tool/confirm", confirmation=one_time, accept=accept, **booked)
        for path, more in (("/tool", {}), ("/tool/confirm", {"confirmation": "x", "accept": False})):
            call("find_order", path, **more)  # without its argument
            call("unknown", path, **more)
            call("find_order", path, lease="x", **found, **more)
            call("find_order", path, bearer="x", **found, **more)
        for bearer, each in ((None, lease), (None, "x"), ("x", lease)):
            self.ask("/tool/cancel", {"lease": each, "call": "find_order"}, bearer=bearer, headers={"Origin": ORIGIN})
        self.ask("/.well-known/jwks.json", method="GET")

    def lose_answers(self) -> None:
        """Make the store what it is if the worker dies while a tool runs."""
        with closing(sqlite3.connect(self.program.folder / "data" / "tokensvc.db", timeout=5)) as store, store:
            store.execute("update tool_calls set answer = null, ends_by = 0")

    def logins(self) -> None:
        for _ in range(6):
            self.ask("/login", {"username": "eve", "password": "x"})
        signed_in = self.target.sign_in("127.0.5.1")
        self.answers.append(("POST", "/login", signed_in))
        self.ask("/login/refresh", {}, headers=self.own | {"Cookie": signed_in.headers["set-cookie"].split(";")[0]})
        self.ask("/login/refresh", {}, headers=self.own)
        self.ask("/login/end", {}, headers=self.own)
        for _ in range(60):
            self.ask("/login/refresh", {}, headers=self.own | {"Cookie": "tokensvc-login=x"})

    def pages(self) -> None:
        asset = re.search(r'src="(assets/[^"]+)"', self.program.get("/").body.decode())[1]
        for path in ("/", "/embed", "/suggestions", "/openapi.json", f"/{asset}", "/assets/x/y"):
            like = "/assets/{digest}/{name}" if path.startswith("/assets") else path
            for headers in ({}, {"If-None-Match": "*"}, {"If-Match": '"another"'}):
                self.ask(path, method="GET", like=like, headers=headers)
        for path in ("/embed.json", "/widget.js", "/livez", "/readyz"):
            self.ask(path, method="GET")

    def refusals(self) -> None:
        for path in POSTS:
            self.ask(path, {}, headers={"Origin": "https://evil.test"})
            self.ask(path, b"x", headers=self.own)
            self.ask(path, b" " * 20_000, headers=self.own)
            self.ask(path, b"{}", headers=self.own | {"Content-Type": "text/plain"})
        for path, operations in DOCUMENT["paths"].items():
            method = next(iter(operations)).upper()
            for content in (
                request(method, path, "X: " + "a" * 17_000),
                request(method, path, "Content-Length: x"),
                request(method, path, host="evil.test"),
            ):
                answer = exchange(self.program.url, content)
                self.answers.append((method, path, answer))

    def without_store(self) -> None:
        """Ask while the store's file is missing."""
        file = self.program.folder / "data" / "tokensvc.db"
        lease, cookie = self.program.post("/token").json["lease"], self.own | {"Cookie": "tokensvc-login=x"}
        shop = self.program.post("/token", {"profile": "shop"}).json["lease"]
        aside = file.rename(file.with_name("aside"))
        try:
            self.program.await_ready(503)
            self.ask("/token")
            self.ask("/profiles", method="GET", bearer=self.target.api_key)
            self.ask("/lease/end", {"lease": lease})
            self.ask("/tool/cancel", {"lease": shop, "call": "x"})
            call = {"lease": shop, "call": "x", "name": "find_order", "args": {"number": "17"}}
            self.ask("/tool", call)
            self.ask("/tool/confirm", call | {"confirmation": "x", "accept": True})
            self.ask("/login", {"username": "eve", "password": "x"})
            for path in ("/login/refresh", "/login/end"):
                self.ask(path, {}, headers=cookie)
            self.ask("/readyz", method="GET")
        finally:
            aside.rename(file)
            self.program.await_ready(200)


@pytest.fixture(name="answers", scope="module")
def _answers(target) -> list[tuple[str, str, Answer]]:
    """Return answers of every operation and status, each with its method and path in the document."""
    recorder = Recorder(target)
    recorder.tokens()
    recorder.tools()
    recorder.logins()
    recorder.pages()
    recorder.refusals()
    recorder.without_store()
    return recorder.answers


@pytest.mark.system
def test_real_answers_are_as_documented_to_the_last_header(answers):
    found = {}
    for method, path, answer in answers:
        response = operation(method, path)["responses"].get(str(answer.status))
        differences = ["undocumented status"] if response is None else faults(response, answer)
        if differences:
            found[f"{method} {path} {answer.status} {answer.body[:200]}"] = differences
    assert not found


@pytest.mark.system
def test_every_documented_status_of_every_operation_is_given(answers):
    given = {(method, path, answer.status) for method, path, answer in answers}
    documented = {
        (method.upper(), path, int(status))
        for path, operations in DOCUMENT["paths"].items()
        for method, each in operations.items()
        for status in each["responses"]
    }
    assert {each for each in documented - given if each[2] not in SHOWN_ELSEWHERE} == set()


@pytest.mark.system
def test_any_other_method_is_refused_with_those_that_are_allowed_and_any_other_path_is_not_found(target):
    """RFC 9110, section 15.5.6, requires the Allow header; OPTIONS has it too."""
    refused = {name: DOCUMENT["components"]["responses"][name] for name in ("MethodNotAllowed", "NotFound")}
    found = []

    def check(method: str, path: str, status: int, expected: dict[str, object]) -> Answer:
        answer = exchange(target.program.url, request(method, path))
        assert answer.status == status, (method, path)
        if method != "HEAD":  # has no body
            found.extend((method, path, fault) for fault in faults(expected, answer))
        return answer

    for path, operations in DOCUMENT["paths"].items():
        path = re.sub("{.*", "0/app.js", path)  # noqa: PLW2901 - of no release
        allowed = {"OPTIONS", *map(str.upper, operations), *(["HEAD"] if "get" in operations else [])}
        for method in METHODS - allowed:
            answer = check(method, path, 405, refused["MethodNotAllowed"])
            assert set(answer.headers["allow"].split(", ")) == allowed, (method, path)
        options = exchange(target.program.url, request("OPTIONS", path))
        assert (options.status, set(options.headers["allow"].split(", "))) == (200, allowed), path
        for method in METHODS:
            check(method, f"/x{path}", 404, refused["NotFound"])
    assert not found


@pytest.mark.system
def test_document_is_served_to_pages_of_any_site(target):
    answer = target.program.get("/openapi.json", headers={"Origin": "https://editor.example"})
    assert answer.json == DOCUMENT
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.headers["access-control-allow-origin"] == "*"
