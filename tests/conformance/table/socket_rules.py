"""Sockets: where they open, who is let in, and what the first frame must be."""

# ruff: noqa: ARG001, ARG005 - a stand-in is as the thing it stands in for

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace

import aiohttp
from aiohttp import web

from conformance.table.rules import JAVASCRIPT, idle, nothing, replaced, rule
from emulator.talking import KEY, MODEL, setup
from tokensvc.emulator import Options
from tokensvc.emulator.protocol.models import MODELS, NEWEST
from tokensvc.emulator.provisioning.credentials import Presented
from tokensvc.emulator.server.emulator import LIVE_PATH

FRAME_TYPES = {kind.name: kind for kind in aiohttp.WSMsgType}
GUIDE = "https://ai.google.dev/gemini-api/docs/live-api/get-started-websocket"


@rule(
    "One slash or two begin the path",
    "google-genai 3.4.0 and @google/genai 2.32.0",
    replaced("server.emulator.LIVE_PATH", LIVE_PATH.replace("{slash:/?}", "")),
    unsaid="an SDK has one path for an address",
)
async def slashes(emulating):
    async with emulating() as client:
        for beginning in ("/", "//"):
            async with client.session(slashes=beginning):
                pass


@rule(
    "Three versions are served",
    "both SDKs' defaults and the docs of 2026",
    replaced("server.emulator.LIVE_PATH", LIVE_PATH.replace("v1alpha|v1beta|v1", "v1beta")),
)
async def versions(emulating):
    async with emulating() as client:
        for version in ("v1alpha", "v1beta", "v1"):
            token = await client.token()
            async with client.session(token=token, version=version):
                assert client.last()["version"] == version


@rule(
    "A credential comes in any of four ways",
    "both SDKs, and " + GUIDE,
    replaced("provisioning.credentials.Presented.by", lambda headers, query: Presented()),
    unsaid="an SDK has one way for each kind of credential",
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
            async with client.session(
                constrained=constrained, query=query.format(token), headers=headers(token)
            ):
                pass


@rule(
    "The Python SDK's two headers at once count as the token",
    "google-genai 3.4.0",
    replaced(
        "provisioning.credentials.Presented.by",
        lambda headers, query: Presented(key=headers.get("x-goog-api-key", "")),
    ),
    unsaid={JAVASCRIPT: "it sends neither header"},
)
async def two_headers(emulating):
    async with emulating() as client:
        token = await client.token()
        async with client.session(token=token, **client.in_two_headers(token)):
            assert client.last()["credential"] == "token"


def refused(self):
    raise web.HTTPUnauthorized


@rule(
    "A socket opens with any credential and is judged on its first frame",
    "reported by many; measured",
    replaced("provisioning.credentials.Presented.form", refused),
    unsaid="an SDK sends its setup at once",
)
async def opens_for_anyone(emulating):
    async with emulating() as client, client.socket("auth_tokens/made-up") as talker:
        await asyncio.sleep(0)
        assert not talker.socket.closed
        await talker.send(setup=setup())
        assert (await talker.until_closed())[0] == 1011


@rule(
    "A token on the plain method is no credential",
    "cookbook issue 821",
    replaced("provisioning.credentials.Keys.check_socket", nothing),
    unsaid="an SDK chooses the method by the credential",
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
    "A key on the method for tokens is no credential",
    GUIDE,
    replaced("server.admission.Gate._credential", nothing),
    unsaid="an SDK chooses the method by the credential",
)
async def key_on_token_method(emulating):
    async with emulating() as client:
        code, reason = await client.refusal(constrained=True, headers=KEY)
        assert (code, "unregistered callers" in reason) == (1008, True)


@rule(
    "Answers come as binary frames, or as text by option",
    "Google's geminilive.js takes blobs",
    replaced("session.sender.Outlet._write", lambda self, text: self._socket.send_str(text)),
    unsaid="an SDK takes either and does not say which",
)
async def frames(emulating):
    kinds = {"binary": aiohttp.WSMsgType.BINARY, "text": aiohttp.WSMsgType.TEXT}
    for kind, expected in kinds.items():
        async with emulating(Options(frames=kind)) as client, client.socket() as talker:
            await talker.send(setup=setup())
            frame = await talker.socket.receive()
            assert frame.type == expected
            assert json.loads(frame.data) == {"setupComplete": {}}


@rule(
    "A client may send binary frames too",
    "proto-JSON in any frame",
    replaced("server.websocket.WSMsgType", SimpleNamespace(**{**FRAME_TYPES, "BINARY": None})),
    unsaid="an SDK sends text frames",
)
async def binary_in(emulating):
    async with emulating() as client, client.socket() as talker:
        await talker.socket.send_bytes(json.dumps({"setup": setup()}).encode())
        assert await talker.next() == {"setupComplete": {}}


@rule(
    "The first frame is a setup",
    "https://ai.google.dev/api/live; words ours",
    replaced("server.admission.first_setup", lambda frame: setup()),
    unsaid="an SDK sends its setup first",
)
async def setup_first(emulating):
    async with emulating() as client, client.socket() as talker:
        await talker.type("Hello?")
        code, reason = await talker.until_closed()
        assert (code, reason) == (1007, "setup must be the first message and only the first")


@rule(
    "A stray field closes with its name",
    "reported by many",
    replaced("server.admission.first_setup", lambda frame: setup()),
    unsaid="an SDK knows no such field",
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
            async with client.socket() as talker:
                await talker.socket.send_str(json.dumps(frame))
                code, reason = await talker.until_closed()
                assert code == 1007
                assert reason.startswith("Invalid JSON payload received. ")
                assert at in reason


@rule(
    "A setup comes once",
    "https://ai.google.dev/api/live; words ours",
    replaced("session.session.Session._dispatch", idle),
    unsaid="an SDK sends one",
)
async def setup_once(emulating):
    async with emulating() as client, client.session() as talker:
        await talker.send(setup=setup())
        assert (await talker.until_closed())[0] == 1007


@rule(
    "A message is one of its kinds",
    "https://ai.google.dev/api/live",
    replaced("session.session.Session._dispatch", idle),
    unsaid="an SDK sends one kind in a message",
)
async def one_of(emulating):
    async with emulating() as client, client.session() as talker:
        await talker.send(realtimeInput={"text": "a"}, clientContent={"turnComplete": True})
        code, reason = await talker.until_closed()
        assert (code, "oneof field 'message_type' is already set" in reason) == (1007, True)


async def falls_through(emulating, model):
    async with emulating() as client:
        token = await client.token()
        code, reason = await client.refusal(setup(model=model), token)
        assert code == 1007
        assert "project-scoped features such as tuned models" in reason


@rule(
    "A bare model id by token falls through to tuned models",
    "probed 2026-08-10",
    replaced("protocol.models.find", lambda name, **_: MODELS[NEWEST]),
    unsaid="an SDK puts models/ before it",
)
async def bare_model(emulating):
    await falls_through(emulating, "gemini-3.8-live")


@rule(
    "A retired model by token does so too",
    "probed 2026-08-10",
    replaced("protocol.models.find", lambda name, **_: MODELS[NEWEST]),
)
async def retired_model(emulating):
    await falls_through(emulating, "models/gemini-live-2.5-flash-preview")


@rule(
    "A model that does not exist is not found",
    "measured 2026-09-18",
    replaced("protocol.models.find", lambda name, **_: MODELS[NEWEST]),
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
    "A setup that the model refuses costs no use of the token",
    "ours: the kinder reading",
    replaced("protocol.models.check", nothing),
)
async def refused_setup_costs_nothing(emulating):
    async with emulating() as client:
        token = await client.token()
        text = setup(generationConfig={"responseModalities": ["TEXT"]})
        assert (await client.refusal(text, token))[0] == 1007
        async with client.session(setup(model=MODEL), token):
            pass
