"""Sockets: paths, credentials and the first frame."""

from __future__ import annotations

import json

import aiohttp

from conformance.table.rules import (
    FINDINGS,
    JAVASCRIPT,
    LOGS_25,
    documented,
    ours,
    recorded,
    rule,
    without,
)
from emulator.live_client import KEY, MODEL, setup
from tokensvc.emulator import Options

GUIDE = "https://ai.google.dev/gemini-api/docs/live-api/get-started-websocket"


@rule(
    "The path may begin with one slash or two",
    documented("google-genai 3.4.0 and @google/genai 2.32.0"),
    without("server/emulator.py", "/{{slash:/?}}ws/", "/ws/"),
    unsupported="an SDK has one path for each base URL",
)
async def slashes(emulating):
    async with emulating() as client:
        for beginning in ("/", "//"):
            async with client.session(slashes=beginning):
                pass


@rule(
    "Three API versions are served",
    documented(f"{GUIDE}, and both SDKs' defaults"),
    without("server/emulator.py", 'VERSIONS = "v1alpha|v1beta|v1"', 'VERSIONS = "v1beta"'),
)
async def versions(emulating):
    async with emulating() as client:
        for version in ("v1alpha", "v1beta", "v1"):
            token = await client.token()
            async with client.session(token=token, version=version):
                assert client.latest()["version"] == version


@rule(
    "There are four ways to send a credential",
    documented(f"{GUIDE}, and both SDKs"),
    without(
        "provisioning/credentials.py",
        'headers.get("x-goog-api-key") or query.get("key", "")',
        'headers.get("x-goog-api-key", "")',
    ),
    unsupported="an SDK has one way for each kind of credential",
)
async def four_ways(emulating):
    async with emulating() as client:
        ways = [
            (True, "", lambda token: {"Authorization": f"Token {token}"}),
            (True, "?access_token={}", lambda _: {}),
            (False, "", lambda _: KEY),
            (False, "?key=some-key", lambda _: {}),
        ]
        for constrained, query, headers in ways:
            token = await client.token()
            async with client.session(constrained=constrained, query=query.format(token), headers=headers(token)):
                pass


@rule(
    "A token in both headers, as the Python SDK sends it, counts as a token",
    documented("google-genai 3.4.0"),
    without(
        "provisioning/credentials.py",
        'if scheme.lower() == "token" else',
        'if scheme.lower() == "token" and "x-goog-api-key" not in headers else',
    ),
    unsupported={JAVASCRIPT: "it sends neither header"},
)
async def two_headers(emulating):
    async with emulating() as client:
        token = await client.token()
        async with client.session(token=token, **client.in_two_headers(token)):
            assert client.latest()["credential"] == "token"


@rule(
    "A socket opens with any credential, which is checked on the first frame",
    recorded("googleapis/js-genai issues 600 and 691"),
    without(
        "server/live.py",
        "async for frame in connection.frames():",
        "self.admission_control._check_credentials(credentials, record.method)\n"
        "        async for frame in connection.frames():",
    ),
    unsupported="an SDK sends its setup immediately",
)
async def opens_for_anyone(emulating):
    async with emulating() as client, client.socket("auth_tokens/made-up") as session:
        await client.mint()  # takes longer than an immediate check of the credential
        assert client.latest()["state"] == "opened"
        await session.send(setup=setup())
        assert (await session.until_closed())[0] == 1011


@rule(
    "A token is not accepted on the plain method",
    recorded("google-gemini/cookbook issue 821"),
    without(
        "server/admission.py",
        "if method.constrained:",
        "if method.constrained or credentials.token:",
    ),
    unsupported="an SDK chooses the method by the credential",
)
async def token_on_plain_method(emulating):
    async with emulating() as client:
        token = await client.token()
        code, reason = await client.refusal(token=token, constrained=False)
        assert code == 1008
        assert "unregistered callers" in reason
        code, reason = await client.refusal(constrained=False, query=f"?key={token}", headers={})
        assert (code, reason.startswith("API key not valid")) == (1007, True)


@rule(
    "A key is not accepted on the constrained method",
    documented(GUIDE),
    without(
        "server/admission.py",
        "if method.constrained:",
        "if method.constrained and credentials.token:",
    ),
    unsupported="an SDK chooses the method by the credential",
)
async def key_on_token_method(emulating):
    async with emulating() as client:
        code, reason = await client.refusal(constrained=True, headers=KEY)
        assert (code, "unregistered callers" in reason) == (1008, True)


@rule(
    "Messages are sent as binary frames, or optionally as text",
    documented("https://github.com/google-gemini/gemini-live-api-examples, whose geminilive.js expects blobs"),
    without("session/sender.py", "if self._binary:", "if False:"),
    unsupported="an SDK accepts both and does not tell which it got",
)
async def frames(emulating):
    kinds = {"binary": aiohttp.WSMsgType.BINARY, "text": aiohttp.WSMsgType.TEXT}
    for kind, expected in kinds.items():
        async with emulating(Options(frames=kind)) as client, client.socket() as session:
            await session.send(setup=setup())
            frame = await session.socket.receive()
            assert frame.type == expected
            assert json.loads(frame.data) == {"setupComplete": {}}


@rule(
    "A message is JSON, indented by two spaces, with a newline at its end",
    recorded(LOGS_25),
    without("session/sender.py", "ensure_ascii=False, indent=2", "ensure_ascii=False"),
    unsupported="an SDK parses it",
)
async def layout(emulating):
    async with emulating() as client, client.socket() as session:
        await session.send(setup=setup())
        assert (await session.socket.receive()).data == b'{\n  "setupComplete": {}\n}\n'


@rule(
    "A client may send binary frames",
    ours("the more lenient reading"),
    without("server/websocket.py", "{WSMsgType.TEXT, WSMsgType.BINARY}", "{WSMsgType.TEXT}"),
    unsupported="an SDK sends text frames",
)
async def binary_in(emulating):
    async with emulating() as client, client.socket() as session:
        await session.socket.send_bytes(json.dumps({"setup": setup()}).encode())
        assert await session.next() == {"setupComplete": {}}


@rule(
    "The first frame must be a setup",
    documented("https://ai.google.dev/api/live; the reason after an unattributed probe of 2026"),
    without(
        "server/live.py",
        "admission = self.admission_control.admit(",
        'if "setup" not in frame: continue\n                admission = self.admission_control.admit(',
    ),
    unsupported="an SDK sends its setup first",
)
async def setup_first(emulating):
    async with emulating() as client, client.socket() as session:
        await session.send_text("Hello?")
        code, reason = await session.until_closed()
        assert (code, reason) == (1007, "Request contains an invalid argument.")


@rule(
    "An unknown field closes the session with its name",
    recorded(f"{FINDINGS}, probe P1"),
    without(
        "protocol/protojson.py",
        "raise InvalidPayloadError(unknown_name(key[:80], path))",
        "continue",
    ),
    unsupported="an SDK has no such field",
)
async def stray_field(emulating):
    async with emulating() as client:
        for frame, at in (
            ({"config": {}}, 'Unknown name "config": Cannot find field.'),
            (
                {"setup": {"responseModalities": []}},
                "Unknown name \"responseModalities\" at 'setup'",
            ),
        ):
            async with client.socket() as session:
                await session.socket.send_str(json.dumps(frame))
                code, reason = await session.until_closed()
                assert code == 1007
                assert reason.startswith("Invalid JSON payload received. ")
                assert at in reason


@rule(
    "A second setup is refused",
    documented("https://ai.google.dev/api/live; the reason is ours"),
    without(
        "session/session.py",
        'if kind == "setup":\n            raise CloseError(CloseReasons.invalid_argument)',
        'if kind == "setup":\n            return',
    ),
    unsupported="an SDK sends only one",
)
async def setup_once(emulating):
    async with emulating() as client, client.session() as session:
        await session.send(setup=setup())
        assert (await session.until_closed())[0] == 1007


@rule(
    "A message must have exactly one of its alternatives",
    documented("https://ai.google.dev/api/live"),
    without("session/session.py", "raise CloseError(CloseReasons.one_of(second))", "message.popitem()"),
    unsupported="an SDK sets only one in a message",
)
async def one_of(emulating):
    async with emulating() as client, client.session() as session:
        await session.send(realtimeInput={"text": "a"}, clientContent={"turnComplete": True})
        code, reason = await session.until_closed()
        assert (code, "oneof field 'message_type' is already set" in reason) == (1007, True)


async def falls_through(emulating, model):
    async with emulating() as client:
        token = await client.token()
        code, reason = await client.refusal(setup(model=model), token)
        assert code == 1007
        assert "project-scoped features such as tuned models" in reason


@rule(
    "With a token, a model without models/ falls through to tuned models",
    ours("after an unattributed probe of 2026-08-10"),
    without(
        "protocol/models.py",
        '(not name.startswith("models/") or name in RETIRED)',
        "name in RETIRED",
    ),
    unsupported="an SDK adds models/",
)
async def bare_model(emulating):
    await falls_through(emulating, "gemini-3.8-live")


@rule(
    "With a token, a retired model falls through to tuned models",
    ours("after an unattributed probe of 2026-08-10"),
    without(
        "protocol/models.py",
        '(not name.startswith("models/") or name in RETIRED)',
        'not name.startswith("models/")',
    ),
)
async def retired_model(emulating):
    await falls_through(emulating, "models/gemini-live-2.5-flash-preview")


@rule(
    "An unknown model is not found",
    recorded("kazunori279/adk-streaming-test, test_report_us-central1_20251211_144042.md"),
    without("protocol/models.py", "if unknown and name not in RETIRED:", "if name not in RETIRED:"),
)
async def no_such_model(emulating):
    async with emulating() as client:
        token = await client.token()
        code, reason = await client.refusal(setup(model="models/gemini-99"), token)
        assert (code, reason.startswith("models/gemini-99 is not found")) == (1008, True)
    async with (
        emulating(Options(unknown_models=True)) as client,
        client.session(setup(model="models/gemini-99")),
    ):
        pass


@rule(
    "A refused setup does not use up the token",
    ours("the more lenient reading"),
    without("server/admission.py", "self.tokens.spend(token, resuming=resumed is not None)", "pass"),
    without(
        "server/admission.py",
        "models.check(setup, model",
        "if token: self.tokens.spend(token, resuming=False)\n        models.check(setup, model",
    ),
)
async def refused_setup_costs_nothing(emulating):
    async with emulating() as client:
        token = await client.token()
        text = setup(generationConfig={"responseModalities": ["TEXT"]})
        assert (await client.refusal(text, token))[0] == 1007
        async with client.session(setup(model=MODEL), token):
            pass
