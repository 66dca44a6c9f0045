"""Hostility: what nobody's SDK would send is refused in order, and bounded in what it costs."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import logging
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest

from emulator.talking import KEY, PATIENCE, QUICK, emulating, function, setup
from tokensvc.emulator import Options
from tokensvc.emulator.server.emulator import SERVICE

METHOD = f"/ws/{SERVICE}.v1beta.GenerativeService.BidiGenerateContent"
UPGRADE = (
    "Host: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    f"Sec-WebSocket-Key: {base64.b64encode(bytes(16)).decode()}\r\n"
)


@pytest.fixture(autouse=True)
def _nothing_breaks(caplog):
    """No request of these ends in a traceback."""
    with caplog.at_level(logging.ERROR):
        yield
    assert not [record for record in caplog.records if record.exc_info]


def frame(message):
    """A client's frame, masked with zeros."""
    body = json.dumps(message).encode()
    return b"\x81\xfe" + len(body).to_bytes(2, "big") + bytes(4) + body


@asynccontextmanager
async def opened(client, path, headers=b""):
    """A WebSocket opened by hand, with bytes that no client library would send."""
    parts = urlsplit(client.emulator.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\n{UPGRADE}".encode() + headers + b"\r\n")
        await reader.readuntil(b"\r\n\r\n")
        yield reader, writer
    finally:
        writer.close()


@pytest.mark.parametrize(
    ("path", "headers", "reason"),
    [
        (f"{METHOD}Constrained", b"Authorization: Token \xff\xfe\r\n", b"Token not found"),
        (f"{METHOD}Constrained?access_token=%ff%fe", b"", b"Token not found"),
        (METHOD, b"x-goog-api-key: \xff\r\n", b"API key not valid"),
        (f"{METHOD}?key=%ff", b"", b"API key not valid"),
    ],
)
@pytest.mark.parametrize("options", [QUICK, Options(api_keys=("the-one",))])
async def test_credential_that_is_no_text(path, headers, reason, options):
    """It is a wrong one like any other."""
    async with emulating(options) as client, opened(client, path, headers) as (reader, writer):
        writer.write(frame({"setup": setup()}))
        assert reason in await reader.read(200)


async def test_text_in_another_encoding():
    """JSON is UTF-8; half a surrogate pair does not come in by UTF-16 either."""
    async with emulating() as client, client.session() as talker:
        text = json.dumps({"realtimeInput": {"text": "\ud800"}})
        await talker.socket.send_bytes(text.encode("utf-16"))
        assert await talker.until_closed() == (
            1007,
            "Invalid JSON payload received. Unexpected token.",
        )


async def test_number_that_is_too_large():
    """One with a thousand digits is no float."""
    async with emulating() as client:
        generation = b'{"generationConfig": {"temperature": 1' + b"0" * 1000 + b"}}"
        status, answer = await client.mint(b'{"bidiGenerateContentSetup": ' + generation + b"}")
        assert status == 400
        assert "(TYPE_FLOAT)" in answer["error"]["message"]


async def test_body_that_is_too_large():
    """It is refused as other bodies are."""
    async with emulating() as client:
        url = f"{client.emulator.url}/v1beta/auth_tokens"
        async with client.http.post(
            url, data=io.BytesIO(b" " * 2_000_000), headers=KEY
        ) as response:
            error = (await response.json())["error"]
        assert (response.status, error["status"]) == (400, "INVALID_ARGUMENT")


async def test_many_large_bodies(monkeypatch):
    """The oldest tokens are forgotten before they fill the memory."""
    monkeypatch.setattr("tokensvc.emulator.provisioning.tokens.ROOM", 1_000_000)
    labels = {"bidiGenerateContentSetup": setup(labels={"a": "b" * 300_000})}
    async with emulating() as client:
        names = [await client.token(**labels) for _ in range(6)]
        assert len(client.emulator.tokens.tokens) == 3
        assert await client.refusal(token=names[0]) == (1011, "Token not found")
        async with client.session(token=names[-1]):
            pass


@pytest.mark.parametrize("name", ["9" * 5000, "..%2f..%2fetc%2fpasswd", "%ff", "٣", "1%00"])
@pytest.mark.parametrize("view", ["", "/heard.wav"])
async def test_name_that_is_no_session(name, view):
    """No name leads anywhere else."""
    async with (
        emulating() as client,
        client.session(),
        client.http.get(f"{client.emulator.url}/emulator/sessions/{name}{view}") as response,
    ):
        assert response.status == 404


@pytest.mark.parametrize(
    "body", [b"{", b"\xff", b"[]", b'{"seconds": 1e999}', b'{"seconds": 3e11}']
)
async def test_time_that_cannot_be_skipped(body):
    """What is no number, or past the calendar, changes nothing."""
    async with emulating() as client:
        url = f"{client.emulator.url}/emulator/skip"
        async with client.http.post(url, data=body) as response:
            assert response.status == 400
        async with client.session():
            pass


async def test_function_whose_name_has_no_word():
    """It is not called by everything that is said."""
    async with emulating() as client, client.session(setup(tools=[function("_")])) as talker:
        await talker.type("Hello.")
        assert not any("toolCall" in message for message in await talker.until_turn_complete())


async def test_remarks_of_nothing():
    """Even empty ones fill a context, so that it has an end."""
    turns = [{"role": "user", "parts": [{"text": ""}] * 50_000}]
    async with emulating() as client, client.session() as talker:
        for _ in range(4):
            await talker.send(clientContent={"turns": turns})
        assert (await talker.until_closed())[0] == 1007


def served():
    """How many connections the emulator, in this very loop, still serves."""
    names = [task.get_coro().__qualname__ for task in asyncio.all_tasks()]
    return names.count("RequestHandler.start")


async def test_client_that_reads_nothing(monkeypatch):
    """Its connection ends when its time is over, and is cut off when even the close is not read."""
    monkeypatch.setattr("tokensvc.emulator.server.websocket.PARTING", 0.2)
    lasting = Options(latency=0.0, send_rate=1e6, playback_rate=1e6, connection_life=60.0)
    told = {"realtimeInput": {"text": "Tell me everything that there is to tell of it. " * 500}}
    async with emulating(lasting) as client, opened(client, f"{METHOD}?key=any") as (_, writer):
        writer.transport.pause_reading()
        writer.write(frame({"setup": setup(sessionResumption={})}))
        await client.seen(lambda last: last["state"] == "live")
        outlet = client.emulator.register.find("last").scene.outlet
        while not outlet.waiting:
            writer.write(frame(told))
            await asyncio.sleep(0.01)
        client.emulator.clock.skip(61)
        assert (await client.closed())["close"]["code"] == 1011
        async with asyncio.timeout(PATIENCE):
            while served():  # noqa: ASYNC110 - it looks in from outside
                await asyncio.sleep(0.01)
