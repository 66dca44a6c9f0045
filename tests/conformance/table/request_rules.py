"""Token requests: how a body is parsed, and what is refused in it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

from conformance.table.rules import (
    JAVASCRIPT,
    PYTHON,
    documented,
    ours,
    rule,
    without,
)
from emulator.live_client import MODEL

REFERENCE = "https://ai.google.dev/api/live, AuthToken"
PROTO_JSON = "https://protobuf.dev/programming-guides/json"


def in_hours(hours: float, zone: timezone = UTC) -> str:
    return (datetime.now(zone) + timedelta(hours=hours)).isoformat()


@rule(
    "Both spellings of a field are accepted at any depth",
    documented(PROTO_JSON),
    without("protocol/protojson.py", "field = key if key in fields else camel(key)", "field = key"),
    unsupported={JAVASCRIPT: "it only writes camelCase"},
)
async def spellings(emulating):
    async with emulating() as client:
        requested = {
            "model": MODEL,
            "generation_config": {
                "response_modalities": ["AUDIO"],
                "speechConfig": {"voice_config": {"prebuiltVoiceConfig": {"voice_name": "Puck"}}},
            },
        }
        token = await client.token(bidi_generate_content_setup=requested)
        async with client.session({}, token):
            speech = client.latest()["effective_setup"]["generationConfig"]["speechConfig"]
            assert speech == {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Puck"}}}


@rule(
    "A time may end in Z or in a numeric offset",
    documented(PROTO_JSON),
    without("protocol/protojson.py", r"(Z|[+-]\d\d:\d\d)", "(Z)"),
)
async def offsets(emulating):
    async with emulating() as client:
        east = in_hours(1, timezone(timedelta(hours=2)))
        assert "+02:00" in east
        status, _ = await client.mint({"expireTime": east})
        assert status == 200
        status, _ = await client.mint({"expireTime": in_hours(1).replace("+00:00", "Z")})
        assert status == 200
        token = client.emulator.tokens.tokens.popitem()[1]
        assert abs(token.expires - client.emulator.clock.now() - 3600) < 5


@rule(
    "A time without a zone is refused",
    documented(PROTO_JSON),
    without("protocol/protojson.py", r"(Z|[+-]\d\d:\d\d)", r"(Z|[+-]\d\d:\d\d|)"),
)
async def zoneless(emulating):
    async with emulating() as client:
        status, answer = await client.mint({"expireTime": "2036-12-01T00:00:00"})
        assert status == 400
        assert "Illegal timestamp format" in answer["error"]["message"]


@rule(
    "An empty body and {} mint a token with all defaults",
    documented("google-genai 3.4.0 sends no body"),
    without("provisioning/tokens.py", "if uses < 0:", "if uses < 0 or not request:"),
)
async def empty_body(emulating):
    async with emulating() as client:
        for body in (b"", b"{}"):
            status, answer = await client.mint(body)
            assert status == 200
            assert re.fullmatch(r"auth_tokens/\w{32,}", answer["name"])
            assert answer.keys() == {"name"}


@rule(
    "The SDKs' name for the setup is refused in Google's words",
    ours("after unattributed reports of 2026"),
    without("protocol/messages.py", '"AuthToken": {', '"AuthToken": {"liveConnectConstraints": "any",'),
    unsupported="an SDK translates the name",
)
async def sdk_name_over_rest(emulating):
    async with emulating() as client:
        status, answer = await client.mint({"liveConnectConstraints": {"model": MODEL}})
        assert status == 400
        assert answer["error"]["status"] == "INVALID_ARGUMENT"
        assert answer["error"]["message"] == (
            "Invalid JSON payload received. Unknown name \"liveConnectConstraints\" at 'auth_token': Cannot find field."
        )


@rule(
    "An unknown field deep in the setup is refused with its path",
    documented(REFERENCE),
    without("protocol/messages.py", '"GenerationConfig": {', '"GenerationConfig": {"tools": "any",'),
    unsupported="an SDK has no such field",
)
async def stray_field(emulating):
    async with emulating() as client:
        requested = {"model": MODEL, "generationConfig": {"tools": []}}
        status, answer = await client.mint({"bidiGenerateContentSetup": requested})
        assert status == 400
        assert "\"tools\" at 'auth_token.bidi_generate_content_setup.generation_config'" in (answer["error"]["message"])


@rule(
    "Values are checked against the type of their field",
    documented(PROTO_JSON),
    without(
        "protocol/protojson.py",
        "raise InvalidPayloadError(_invalid(path, kind, value))",
        "return 0",
    ),
    unsupported={PYTHON: "it checks types itself"},
)
async def types(emulating):
    async with emulating() as client:
        for body in ({"uses": "many"}, {"uses": 1.5}, {"uses": 2**31}, {"uses": True}):
            status, answer = await client.mint(body)
            assert status == 400
            assert "'auth_token.uses' (TYPE_INT32)" in answer["error"]["message"]
        status, _ = await client.mint({"uses": "5"})
        assert status == 200


@rule(
    "Invalid JSON is refused",
    documented(PROTO_JSON),
    without(
        "protocol/protojson.py",
        'raise InvalidPayloadError("Invalid JSON payload received. Unexpected token.") from None',
        "return {}",
    ),
    unsupported="an SDK always sends valid JSON",
)
async def broken_json(emulating):
    async with emulating() as client:
        for body in (b'{"uses":', b"[[[", b"\xff\xfe", b'{"uses":NaN}', b"[" * 200_000):
            status, answer = await client.mint(body)
            assert status == 400
            assert answer["error"]["message"].startswith("Invalid JSON payload received.")
