"""Minting: what a request body may say, and what it comes to."""

# ruff: noqa: ARG001, ARG005, SLF001 - a stand-in is as the thing it stands in for

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta, timezone

from conformance.table.rules import JAVASCRIPT, PYTHON, entry, nothing, replaced, rule
from emulator.talking import MODEL
from tokensvc.emulator import Options
from tokensvc.emulator.protocol import protojson
from tokensvc.emulator.protocol.errors import ClosedError, Closes, InvalidPayloadError
from tokensvc.emulator.protocol.messages import MESSAGES

REFERENCE = "https://ai.google.dev/api/live, AuthToken"
PAGE = "https://ai.google.dev/gemini-api/docs/live-api/ephemeral-tokens"
PROTO_JSON = "https://protobuf.dev/programming-guides/json"
AUDIO = {"responseModalities": ["AUDIO"]}


def in_hours(hours: float, zone: timezone = UTC) -> str:
    return (datetime.now(zone) + timedelta(hours=hours)).isoformat()


@rule(
    "Both spellings of a field are taken at any depth",
    PROTO_JSON,
    replaced("protocol.protojson.camel", lambda name: name),
    unsaid={JAVASCRIPT: "it writes camelCase alone"},
)
async def spellings(emulating):
    async with emulating() as client:
        asked = {
            "model": MODEL,
            "generation_config": {
                "response_modalities": ["AUDIO"],
                "speechConfig": {"voice_config": {"prebuiltVoiceConfig": {"voice_name": "Puck"}}},
            },
        }
        token = await client.token(bidi_generate_content_setup=asked)
        async with client.session({}, token):
            speech = client.last()["effective_setup"]["generationConfig"]["speechConfig"]
            assert speech == {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Puck"}}}


@rule(
    "Times have a Z or a numeric offset",
    PROTO_JSON,
    replaced("protocol.protojson._TIMESTAMP", re.compile(r"([-\dT:]+)(\.\d+)?(Z)")),
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
    PROTO_JSON,
    entry(protojson.SCALARS, "timestamp", protojson._any),
)
async def zoneless(emulating):
    async with emulating() as client:
        status, answer = await client.mint({"expireTime": "2036-12-01T00:00:00"})
        assert status == 400
        assert "Illegal timestamp format" in answer["error"]["message"]


def refuse_empty(name, value, path=""):
    if not value:
        raise InvalidPayloadError("empty")
    return ORIGINAL_READ(name, value, path)


ORIGINAL_READ = protojson.read


@rule(
    "An empty body and {} mint a token with every default",
    "google-genai 3.4.0 sends no body",
    replaced("protocol.protojson.read", refuse_empty),
)
async def empty_body(emulating):
    async with emulating() as client:
        for body in (b"", b"{}"):
            status, answer = await client.mint(body)
            assert status == 200
            assert re.fullmatch(r"auth_tokens/\w{32,}", answer["name"])
            assert answer.keys() == {"name"}


@rule(
    "The name that only SDKs know is refused in Google's words",
    "reported for v1alpha and v1beta, 2026",
    entry(MESSAGES["AuthToken"], "liveConnectConstraints", "any"),
    unsaid="an SDK translates the name",
)
async def sdk_name_over_rest(emulating):
    async with emulating() as client:
        status, answer = await client.mint({"liveConnectConstraints": {"model": MODEL}})
        assert status == 400
        assert answer["error"]["status"] == "INVALID_ARGUMENT"
        assert answer["error"]["message"] == (
            'Invalid JSON payload received. Unknown name "liveConnectConstraints" at '
            "'auth_token': Cannot find field."
        )


@rule(
    "A stray field deep in the setup is refused by its place",
    REFERENCE,
    entry(MESSAGES["GenerationConfig"], "tools", "any"),
    unsaid="an SDK knows no such field",
)
async def stray_field(emulating):
    async with emulating() as client:
        asked = {"model": MODEL, "generationConfig": {"tools": []}}
        status, answer = await client.mint({"bidiGenerateContentSetup": asked})
        assert status == 400
        assert (
            "\"tools\" at 'auth_token.bidi_generate_content_setup.generation_config'"
            in (answer["error"]["message"])
        )


@rule(
    "A token ends less than 20 hours ahead", PAGE, replaced("provisioning.tokens.LONGEST", math.inf)
)
async def longest_life(emulating):
    async with emulating() as client:
        for field in ("expireTime", "newSessionExpireTime"):
            status, _ = await client.mint({field: in_hours(19.9)})
            assert status == 200
            status, answer = await client.mint({field: in_hours(20.1)})
            assert status == 400
            assert "too far in the future. Maximum lifetime is 20h" in answer["error"]["message"]


@rule(
    "uses counts the sessions a token starts",
    PAGE,
    replaced("provisioning.tokens.TokenBook.spend", nothing),
)
async def uses(emulating):
    async with emulating() as client:
        token = await client.token(uses=2)
        for _ in range(2):
            async with client.session(token=token):
                pass
        assert await client.refusal(token=token) == (1011, "Token has been used too many times")


def always_used_up(book, token, *, resuming):
    if token.uses_left in {None, 0}:
        raise ClosedError(Closes.used_up)


@rule(
    "uses of 0 is no limit",
    REFERENCE,
    replaced("provisioning.tokens.TokenBook.spend", always_used_up),
)
async def unlimited(emulating):
    async with emulating() as client:
        token = await client.token(uses=0)
        for _ in range(3):
            async with client.session(token=token):
                pass


@rule(
    "Without uses there is one", REFERENCE, replaced("provisioning.tokens.TokenBook.spend", nothing)
)
async def one_use(emulating):
    async with emulating() as client:
        token = await client.token()
        async with client.session(token=token):
            pass
        assert await client.refusal(token=token) == (1011, "Token has been used too many times")


@rule(
    "Without a window, new sessions may begin for 60 s",
    PAGE,
    replaced("provisioning.tokens.WINDOW", 1e6),
)
async def default_window(emulating):
    async with emulating() as client:
        early, late = await client.token(), await client.token()
        client.emulator.clock.skip(55)
        async with client.session(token=early):
            pass
        client.emulator.clock.skip(10)
        code, reason = await client.refusal(token=late)
        assert (code, "new_session_expire_time" in reason) == (1011, True)


@rule("Without an end, a token ends after 30 min", PAGE, replaced("provisioning.tokens.LIFE", 1e6))
async def default_life(emulating):
    async with emulating() as client:
        token = await client.token(newSessionExpireTime=in_hours(10))
        client.emulator.clock.skip(30 * 60 + 1)
        assert await client.refusal(token=token) == (1011, "Token has expired")


@rule(
    "A running session is closed when its token ends",
    "measured 2026-09-18",
    replaced(
        "session.deadlines.Timekeeper._keep", lambda self, announcing: self._scene.clock.sleep(9)
    ),
)
async def expires_mid_session(emulating):
    async with emulating() as client:
        token = await client.token(expireTime=in_hours(0.5), newSessionExpireTime=in_hours(0.4))
        async with client.session(token=token) as talker:
            client.emulator.clock.skip(0.5 * 3600)
            assert await talker.until_closed() == (1011, "auth token has expired")


@rule(
    "A token nobody minted starts nothing",
    "no report of the words; ours",
    replaced(
        "provisioning.tokens.TokenBook.find", lambda self, name: next(iter(self.tokens.values()))
    ),
)
async def unknown_token(emulating):
    async with emulating() as client:
        await client.token()
        assert await client.refusal(token="auth_tokens/none") == (1011, "Token not found")


@rule(
    "Minting takes an API key",
    "seen on GET /v1beta/models",
    replaced("provisioning.credentials.Keys.check_request", nothing),
    unsaid="an SDK does not start without a key",
)
async def no_key(emulating):
    async with emulating() as client:
        status, answer = await client.mint(headers={})
        assert (status, answer["error"]["status"]) == (403, "PERMISSION_DENIED")
        assert "unregistered callers" in answer["error"]["message"]


@rule(
    "A key that is none is refused, for mints and sessions alike",
    "seen on GET /v1beta/models",
    replaced("provisioning.credentials.Keys.take", lambda self, key: True),
)
async def keys(emulating):
    async with emulating(Options(api_keys=("the-one",))) as client:
        status, answer = await client.mint(headers={"x-goog-api-key": "another"})
        assert (status, answer["error"]["status"]) == (400, "INVALID_ARGUMENT")
        assert answer["error"]["details"][0]["reason"] == "API_KEY_INVALID"
        assert await client.refusal() == (
            1007,
            "API key not valid. Please pass a valid API key.",
        )
        status, _ = await client.mint(headers={"x-goog-api-key": "the-one"})
        assert status == 200


@rule(
    "A token is no API key",
    "google-genai: only for the Live API",
    replaced("provisioning.credentials.Keys.take", lambda self, key: True),
    unsaid="an SDK refuses it itself",
)
async def token_as_key(emulating):
    async with emulating() as client:
        token = await client.token()
        status, answer = await client.mint(headers={"x-goog-api-key": token})
        assert (status, answer["error"]["details"][0]["reason"]) == (400, "API_KEY_INVALID")


async def found(self, request):
    return await self._create(request)


@rule(
    "A token can be neither read nor listed nor revoked",
    "measured 2026-09-18",
    replaced("provisioning.endpoint.AuthTokensEndpoint.nothing", found),
    unsaid="an SDK has create alone",
)
async def no_reading(emulating):
    async with emulating() as client:
        token = await client.token()
        for path in ("auth_tokens", token):
            for method in ("GET", "DELETE"):
                if (method, path) == ("DELETE", "auth_tokens"):
                    continue
                url = f"{client.emulator.url}/v1beta/{path}"
                async with client.http.request(method, url) as response:
                    assert response.status == 404


@rule(
    "Numbers, enums and types are held to their field",
    PROTO_JSON,
    entry(protojson.SCALARS, "int32", protojson._any),
    unsaid={PYTHON: "it checks types itself"},
)
async def types(emulating):
    async with emulating() as client:
        for body in ({"uses": "many"}, {"uses": 1.5}, {"uses": 2**31}, {"uses": True}):
            status, answer = await client.mint(body)
            assert status == 400
            assert "'auth_token.uses' (TYPE_INT32)" in answer["error"]["message"]
        status, _ = await client.mint({"uses": "5"})
        assert status == 200


def no_json(text):
    return {}


@rule(
    "What is no JSON is refused",
    PROTO_JSON,
    replaced("protocol.protojson.loads", no_json),
    unsaid="an SDK writes JSON",
)
async def broken_json(emulating):
    async with emulating() as client:
        for body in (b'{"uses":', b"[[[", b"\xff\xfe", b'{"uses":NaN}', b"[" * 200_000):
            status, answer = await client.mint(body)
            assert status == 400
            assert answer["error"]["message"].startswith("Invalid JSON payload received.")
