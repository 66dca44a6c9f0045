"""Hostile clients: input that no SDK would send is refused, and its cost is limited."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import logging
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

import pytest

from emulator.live_client import KEY, QUICK, TIMEOUT, emulating, function, setup
from tokensvc.emulator import Options
from tokensvc.emulator.provisioning.tokens import CAPACITY_BYTES
from tokensvc.emulator.server.emulator import SERVICE
from tokensvc.emulator.server.websocket import CLOSE_TIMEOUT

METHOD = f"/ws/{SERVICE}.v1beta.GenerativeService.BidiGenerateContent"
UPGRADE = (
    "Host: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    f"Sec-WebSocket-Key: {base64.b64encode(bytes(16)).decode()}\r\n"
)


@pytest.fixture(autouse=True)
def _no_traceback(caplog):
    """Fail a test that makes the emulator log a traceback."""
    with caplog.at_level(logging.ERROR):
        yield
    assert not [record for record in caplog.records if record.exc_info]


def frame(message):
    """Encode a client's frame, masked with zeros."""
    body = json.dumps(message).encode()
    return b"\x81\xfe" + len(body).to_bytes(2, "big") + bytes(4) + body


@asynccontextmanager
async def opened(client, path, headers=b""):
    """Open a WebSocket by hand, with bytes that no client library would send."""
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
async def test_undecodable_credential_is_an_invalid_one(path, headers, reason, options):
    async with emulating(options) as client, opened(client, path, headers) as (reader, writer):
        writer.write(frame({"setup": setup()}))
        assert reason in await reader.read(200)


async def test_utf_16_frame_is_invalid_json():
    """UTF-16 would let a lone surrogate in."""
    async with emulating() as client, client.session() as session:
        text = json.dumps({"realtimeInput": {"text": "\ud800"}})
        await session.socket.send_bytes(text.encode("utf-16"))
        assert await session.until_closed() == (
            1007,
            "Invalid JSON payload received. Unexpected token.",
        )


async def test_number_with_a_thousand_digits_is_not_a_float():
    async with emulating() as client:
        generation = b'{"generationConfig": {"temperature": 1' + b"0" * 1000 + b"}}"
        status, answer = await client.mint(b'{"bidiGenerateContentSetup": ' + generation + b"}")
        assert status == 400
        assert "(TYPE_FLOAT)" in answer["error"]["message"]


async def test_too_large_body_is_an_invalid_argument():
    async with emulating() as client:
        url = f"{client.emulator.url}/v1beta/auth_tokens"
        async with client.http.post(url, data=io.BytesIO(b" " * 2_000_000), headers=KEY) as response:
            error = (await response.json())["error"]
        assert (response.status, error["status"]) == (400, "INVALID_ARGUMENT")


async def test_oldest_tokens_are_dropped_to_bound_memory():
    half = b"{}".ljust(CAPACITY_BYTES // 2)  # more than the endpoint accepts, to need only two
    async with emulating() as client:
        tokens = client.emulator.tokens
        names = [tokens.mint(body, "v1beta") for body in (half, half, b"{}")]
        assert len(tokens.tokens) == 2
        assert await client.refusal(token=names[0]) == (1011, "Token not found")
        async with client.session(token=names[-1]):
            pass


@pytest.mark.parametrize("name", ["9" * 5000, "..%2f..%2fetc%2fpasswd", "%ff", "٣", "1%00"])
@pytest.mark.parametrize("view", ["", "/heard.wav"])
async def test_unknown_session_id_is_not_found(name, view):
    async with (
        emulating() as client,
        client.session(),
        client.http.get(f"{client.emulator.url}/emulator/sessions/{name}{view}") as response,
    ):
        assert response.status == 404


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[]", b'{"seconds": 1e999}', b'{"seconds": 3e11}'])
async def test_invalid_skip_is_refused_and_changes_nothing(body):
    async with emulating() as client:
        url = f"{client.emulator.url}/emulator/skip"
        async with client.http.post(url, data=body) as response:
            assert response.status == 400
        async with client.session():
            pass


async def test_function_without_a_word_in_its_name_is_never_called():
    async with emulating() as client, client.session(setup(tools=[function("_")])) as session:
        await session.send_text("Hello.")
        assert not any("toolCall" in message for message in await session.until_turn_complete())


async def test_empty_entries_count_towards_the_context():
    """Each entry costs at least one token, so that memory is bounded."""
    turns = [{"role": "user", "parts": [{"text": ""}] * 50_000}]
    async with emulating() as client, client.session() as session:
        for _ in range(4):
            await session.send(clientContent={"turns": turns})
        assert (await session.until_closed())[0] == 1007


def skip(monkeypatch, seconds):
    """Move the clock of the event loop ahead, so that its timeouts expire."""
    loop = asyncio.get_running_loop()
    now = loop.time
    monkeypatch.setattr(loop, "time", lambda: now() + seconds)


async def test_client_that_reads_nothing_is_disconnected(monkeypatch):
    """The connection is aborted, so that it costs no more, even if the client reads too late."""
    lasting = Options(latency=0.0, send_rate=1e6, playback_rate=1e6, connection_life=60.0)
    message = {"realtimeInput": {"text": "Tell me everything that there is to tell of it. " * 500}}
    path = f"{METHOD}?key=any"
    async with emulating(lasting) as client, opened(client, path) as (reader, writer):
        writer.transport.pause_reading()
        writer.write(frame({"setup": setup(sessionResumption={})}))
        await client.wait_until(lambda latest: latest["state"] == "live")
        sender = client.emulator.connections.find("last").session.sender
        while not sender.waiting:
            writer.write(frame(message))
            await asyncio.sleep(0.01)
        client.emulator.clock.skip(61)
        assert (await client.wait_until_closed())["close"]["code"] == 1008
        skip(monkeypatch, CLOSE_TIMEOUT)
        writer.transport.resume_reading()
        received = b""
        async with asyncio.timeout(TIMEOUT):
            with suppress(ConnectionResetError):
                while part := await reader.read(1_000_000):
                    received += part
        assert b"Connection aborted" not in received
