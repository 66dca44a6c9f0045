"""Server tools that are endpoints of the site's backend: what it is sent, and that nothing leads elsewhere."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import jwt
import pytest

from programs import LISTENING, Program, clean_environment, running
from system import site
from system.tool_shop import Backend, Caller, endpoint


def test_endpoint_gets_the_arguments_and_a_jwt_that_a_library_verifies(ada: Caller, shop_service: Program) -> None:
    answer = ada.call("price", {"item": "green tea?x"}, call="one")
    assert answer.json == {"response": {"output": {"price": 3}}}
    path, headers, body = Backend.asked[-1]
    assert path == "/prices/green%20tea%3Fx"
    assert re.fullmatch("[0-9a-f]{64}", headers["Idempotency-Key"])
    assert body == {"customer": "ada", "country": "de"}
    key = jwt.PyJWKClient(f"{shop_service.url}/.well-known/jwks.json").get_signing_key_from_jwt(
        headers["Authorization"].removeprefix("Bearer ")
    )
    claims = jwt.decode(
        headers["Authorization"].removeprefix("Bearer "),
        key,
        algorithms=["EdDSA"],
        audience=f"http://{headers['Host']}",
        options={"require": ["exp", "iat", "aud", "sub", "jti"]},
    )
    assert (claims["sub"], claims["tool"], claims["profile"], claims["jti"]) == ("ada", "price", "default", "one")
    assert claims["exp"] - claims["iat"] == 60


@pytest.mark.parametrize("call", ["\u20ac", "a\x00b", "a\r\nX-Admin: yes"])
def test_id_of_a_call_adds_nothing_to_the_request(ada: Caller, call: str) -> None:
    assert ada.call("price", {"item": "tea"}, call=call).json == {"response": {"output": {"price": 3}}}
    assert "X-Admin" not in Backend.asked[-1][1]


def test_placeholder_in_a_persons_name_is_not_filled(shop_service: Program) -> None:
    mallory = Caller(shop_service, subject="${issuer}")
    assert mallory.call("price", {"item": "tea"}).status == 200
    assert Backend.asked[-1][2]["customer"] == "${issuer}"


def test_backend_in_node_verifies_who_is_asking(start_service: Callable[..., Program], emulator: Program) -> None:
    """And refuses a request that the service has not signed."""
    backend = [shutil.which("node") or "node", str(Path(__file__).parent / "price-backend.mjs")]
    with running(backend, LISTENING, environment=clean_environment()) as shop:
        configuration = f"""{site.ISSUER}
[profiles.default]
model = "gemini-3.8-live"
allow = ["user"]
{endpoint("price", shop.url + "/prices/{item}")}
"""
        service = start_service(configuration, emulator.url, SHOP_SECRET=site.SECRET)
        shop.post("/trust", {"service": service.url})
        ada = Caller(service)
        assert ada.call("price", {"item": "tea"}).json == {
            "response": {"output": {"price": 3, "customer": "ada", "tool": "price"}}
        }
        assert shop.post("/prices/tea", {}, bearer=site.signed("ada")).status == 401


@pytest.mark.parametrize("item", ["moved", "huge", "slow", "..", ".", "", "a/b", "a\\b", "../admin", "..;", ".;x"])
def test_endpoint_cannot_be_led_elsewhere(ada: Caller, item: str) -> None:
    """Not by a redirect, nor by a path; and its answer is bounded in size and time."""
    before = len(Backend.asked)
    told = ada.call("price", {"item": item}).json["response"]
    assert list(told) == ["error"]
    assert [path for path, *_ in Backend.asked[before:]] in ([], [f"/prices/{item}"])


def test_endpoint_in_a_private_network_must_be_allowed(ada: Caller) -> None:
    before = len(Backend.asked)
    assert ada.call("internal", {"item": "tea"}).json == {"response": {"error": "The tool failed."}}
    assert len(Backend.asked) == before
