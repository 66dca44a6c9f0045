"""A minimal Live client on a raw WebSocket; `conformance/peers` has SDKs behind its interface."""

from __future__ import annotations

import asyncio
import base64
import json
import os
from abc import ABC, abstractmethod
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import numpy as np

from tokensvc.emulator import Emulator, Options
from tokensvc.emulator.audio.pcm import IN_RATE, OUT_RATE, SyntheticVoice, resample, to_pcm
from tokensvc.emulator.server.emulator import SERVICE
from tokensvc.emulator.server.inspection import session_view

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

KEY = {"x-goog-api-key": "a-key-for-tests"}
MODEL = "models/gemini-3.8-live"
# Seconds; a mutant's tests wait in vain, and should not for long.
TIMEOUT = float(os.environ.get("LIVE_CLIENT_TIMEOUT", "20"))
CHUNK = IN_RATE * 40 // 1000 * 2

# Without delays, so that a test takes no longer than it must.
QUICK = Options(
    latency=0.0,
    send_rate=1000.0,
    playback_rate=1000.0,
    update_delay=0.0,
    resume_lock=0.0,
    refusal_delay=0.0,
)


def setup(**fields: Any) -> dict[str, Any]:
    """Return a setup that every model accepts, with both transcripts; *fields* are added to it."""
    return {
        "model": MODEL,
        "generationConfig": {"responseModalities": ["AUDIO"]},
        "inputAudioTranscription": {},
        "outputAudioTranscription": {},
        **fields,
    }


def function(name: str, **fields: Any) -> dict[str, Any]:
    """Return a tool that declares one blocking function."""
    declared = {"name": name, "description": name, "behavior": "BLOCKING", **fields}
    return {"functionDeclarations": [declared]}


def speech(seconds: float = 1.0, silence: float = 1.2, seed: str = "a voice in the tests") -> bytes:
    """Return PCM at 16 kHz: a voice, then silence."""
    words = SyntheticVoice((seed * 40)[: int(seconds / 0.055)].replace(" ", "-"), "Tester")
    said = words.read(words.size)
    spoken = resample(said, OUT_RATE, IN_RATE)
    return to_pcm(np.concatenate([spoken, np.zeros(int(silence * IN_RATE), np.int16)]))


class ClosedByServerError(AssertionError):
    """Raised when the server closes the session while a message is awaited."""


class LiveSession(ABC):
    """The client side of one Live session, however it is connected."""

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []

    @abstractmethod
    async def send(self, **message: Any) -> None:
        """Send one message."""

    @abstractmethod
    async def next(self) -> dict[str, Any]:
        """Return the next message.

        Raises ClosedByServerError if the session is closed instead.
        """

    async def send_audio(self, pcm: bytes, rate: int = IN_RATE) -> None:
        """Send audio in chunks, as fast as possible."""
        for at in range(0, len(pcm), CHUNK):
            blob = {
                "data": base64.b64encode(pcm[at : at + CHUNK]).decode(),
                "mimeType": f"audio/pcm;rate={rate}",
            }
            await self.send(realtimeInput={"audio": blob})

    async def send_text(self, text: str) -> None:
        await self.send(realtimeInput={"text": text})

    async def send_result(self, call: dict[str, Any], response: Any, **fields: Any) -> None:
        """Send the result of a function call."""
        result = {"id": call["id"], "name": call["name"], "response": response, **fields}
        await self.send(toolResponse={"functionResponses": [result]})

    async def until(self, condition: Callable[[dict[str, Any]], Any]) -> list[dict[str, Any]]:
        """Return the messages up to and including the first that fulfils *condition*."""
        messages = [await self.next()]
        while not condition(messages[-1]):
            messages.append(await self.next())
        return messages

    async def until_turn_complete(self) -> list[dict[str, Any]]:
        return await self.until(lambda message: content(message).get("turnComplete"))

    async def until_closed(self) -> tuple[int, str]:
        """Wait for the close; return its code and reason."""
        try:
            async with asyncio.timeout(TIMEOUT):  # some models send updates all the time
                while True:
                    await self.next()
        except ClosedByServerError as closed:
            return closed.args[0]

    async def next_call(self) -> dict[str, Any]:
        """Return the next function call."""
        messages = await self.until(lambda message: "toolCall" in message)
        return messages[-1]["toolCall"]["functionCalls"][0]

    async def next_handle(self) -> str:
        """Return the next resumption handle."""
        messages = await self.until(lambda message: message.get("sessionResumptionUpdate", {}).get("resumable"))
        return messages[-1]["sessionResumptionUpdate"]["newHandle"]


class SocketSession(LiveSession):
    """A session on a raw WebSocket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        super().__init__()
        self.socket = socket

    async def send(self, **message: Any) -> None:
        await self.socket.send_str(json.dumps(message))

    async def next(self) -> dict[str, Any]:
        async with asyncio.timeout(TIMEOUT):
            frame = await self.socket.receive()
        if frame.type not in {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY}:
            raise ClosedByServerError((self.socket.close_code, frame.extra or ""))
        message: dict[str, Any] = json.loads(frame.data)
        self.received.append(message)
        return message


def content(message: dict[str, Any]) -> dict[str, Any]:
    return message.get("serverContent", {})


def sound(messages: list[dict[str, Any]]) -> bytes:
    """Return all PCM in *messages*, from standard or URL-safe base64."""
    return b"".join(
        base64.b64decode(part["inlineData"]["data"].replace("-", "+").replace("_", "/"))
        for message in messages
        for part in content(message).get("modelTurn", {}).get("parts", [])
        if "inlineData" in part
    )


def transcript(messages: list[dict[str, Any]], kind: str = "outputTranscription") -> str:
    return "".join(content(message).get(kind, {}).get("text", "") for message in messages)


class Client(ABC):
    """A client of one emulator, with access to what the emulator has recorded."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator

    @abstractmethod
    async def mint(
        self, body: Any = None, *, version: str = "v1beta", headers: dict[str, str] = KEY
    ) -> tuple[int, dict[str, Any]]:
        """Request a token; return the HTTP status and the body."""

    @abstractmethod
    def session(
        self, requested: dict[str, Any] | None = None, token: str | None = None, **named: Any
    ) -> AbstractAsyncContextManager[LiveSession]:
        """Open a session, with *token* or else with an API key, and wait for setupComplete."""

    def in_two_headers(self, token: str) -> dict[str, Any]:
        """Return what makes `session` send *token* in two headers; an SDK may do so anyway."""
        del token
        return {}

    async def token(self, **body: Any) -> str:
        """Mint a token and return its name."""
        status, answer = await self.mint(body)
        assert status == 200, answer
        name: str = answer["name"]
        return name

    async def refusal(
        self, requested: dict[str, Any] | None = None, token: str | None = None, **named: Any
    ) -> tuple[int, str]:
        """Open a session that is refused; return the code and reason of the close."""
        try:
            async with self.session(requested, token, **named):
                pass
        except ClosedByServerError as closed:
            refused: tuple[int, str] = closed.args[0]
            return refused
        raise AssertionError("The session was not refused.")

    async def wait_until(self, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Return the latest connection once it fulfils *condition*."""
        async with asyncio.timeout(TIMEOUT):
            while not condition(self.latest()):  # noqa: ASYNC110 - the emulator has no event for it
                await asyncio.sleep(0.002)
        return self.latest()

    async def wait_until_received(self, count: int) -> None:
        """Wait until the emulator has received *count* messages after the setup."""
        await self.wait_until(lambda latest: latest["counters"]["messages"] >= count)

    async def wait_until_closed(self) -> dict[str, Any]:
        """Return the latest connection once it is closed."""
        return await self.wait_until(lambda latest: latest["state"] == "closed")

    def latest(self) -> dict[str, Any]:
        """Return the latest connection, as the inspection endpoints show it."""
        return session_view(self.emulator.connections.all()[-1])


class SocketClient(Client):
    """A client that uses HTTP and raw WebSockets."""

    def __init__(self, emulator: Emulator, http: aiohttp.ClientSession) -> None:
        super().__init__(emulator)
        self.http = http

    async def mint(
        self, body: Any = None, *, version: str = "v1beta", headers: dict[str, str] = KEY
    ) -> tuple[int, dict[str, Any]]:
        """Request a token; a *body* of bytes is sent as it is."""
        raw = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
        url = f"{self.emulator.url}/{version}/auth_tokens"
        async with self.http.post(url, data=raw, headers=headers) as response:
            return response.status, await response.json()

    def in_two_headers(self, token: str) -> dict[str, Any]:
        return {
            "headers": {"Authorization": f"Token {token}", "x-goog-api-key": token},
            "query": "",
        }

    @asynccontextmanager
    async def socket(
        self,
        token: str | None = None,
        *,
        version: str = "v1beta",
        constrained: bool | None = None,
        query: str | None = None,
        headers: dict[str, str] | None = None,
        slashes: str = "/",
    ) -> AsyncIterator[SocketSession]:
        """Open a WebSocket, with *token* or else with an API key, and send nothing yet."""
        if constrained is None:
            constrained = token is not None
        if query is None:
            query = f"?access_token={token}" if token else ""
        if headers is None:
            headers = {} if token else KEY
        method = "BidiGenerateContent" + ("Constrained" if constrained else "")
        path = f"{slashes}ws/{SERVICE}.{version}.GenerativeService.{method}{query}"
        url = self.emulator.url.replace("http", "ws", 1) + path
        async with self.http.ws_connect(url, headers=headers, max_msg_size=0) as socket:
            yield SocketSession(socket)

    @asynccontextmanager
    async def session(
        self, requested: dict[str, Any] | None = None, token: str | None = None, **named: Any
    ) -> AsyncIterator[LiveSession]:
        async with self.socket(token, **named) as session:
            await session.send(setup=setup() if requested is None else requested)
            assert await session.next() == {"setupComplete": {}}
            yield session


@asynccontextmanager
async def emulating(options: Options = QUICK, responder: Any = None) -> AsyncIterator[SocketClient]:
    """Start an emulator and provide a client for it."""
    async with Emulator(options, responder) as emulator, aiohttp.ClientSession() as http:
        yield SocketClient(emulator, http)
