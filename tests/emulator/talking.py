"""A client of few words, on a raw socket; the SDKs are others (`conformance/peers`)."""

from __future__ import annotations

import asyncio
import base64
import json
from abc import ABC, abstractmethod
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import numpy as np

from tokensvc.emulator import Emulator, Options
from tokensvc.emulator.audio.pcm import IN_RATE, OUT_RATE, Voice, resample, to_pcm
from tokensvc.emulator.server.emulator import SERVICE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

KEY = {"x-goog-api-key": "a-key-for-tests"}
MODEL = "models/gemini-3.8-live"
PATIENCE = 20.0
CHUNK = IN_RATE * 40 // 1000 * 2

# Everything at once, so that a test lasts no longer than it must.
QUICK = Options(latency=0.0, send_rate=1000.0, playback_rate=1000.0)


def setup(**fields: Any) -> dict[str, Any]:
    """A setup that every model takes, with both transcripts; *fields* are added or replaced."""
    return {
        "model": MODEL,
        "generationConfig": {"responseModalities": ["AUDIO"]},
        "inputAudioTranscription": {},
        "outputAudioTranscription": {},
        **fields,
    }


def function(name: str, **fields: Any) -> dict[str, Any]:
    """A tool that declares one blocking function."""
    declared = {"name": name, "description": name, "behavior": "BLOCKING", **fields}
    return {"functionDeclarations": [declared]}


def speech(seconds: float = 1.0, silence: float = 1.2, seed: str = "a voice in the tests") -> bytes:
    """PCM at 16 kHz: a voice, then silence."""
    words = Voice((seed * 40)[: int(seconds / 0.055)].replace(" ", "-"), "Tester")
    said = words.take(words.size)
    spoken = resample(said, OUT_RATE, IN_RATE)
    return to_pcm(np.concatenate([spoken, np.zeros(int(silence * IN_RATE), np.int16)]))


class ClosedByServerError(AssertionError):
    """The socket was closed while something was waited for."""


class Talker(ABC):
    """One Live connection, whoever speaks on it."""

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []

    @abstractmethod
    async def send(self, **message: Any) -> None:
        """Send one message."""

    @abstractmethod
    async def next(self) -> dict[str, Any]:
        """The next message; raises `ClosedByServerError`."""

    async def say(self, pcm: bytes, rate: int = IN_RATE) -> None:
        """Send sound in chunks, as fast as it goes."""
        for at in range(0, len(pcm), CHUNK):
            blob = {
                "data": base64.b64encode(pcm[at : at + CHUNK]).decode(),
                "mimeType": f"audio/pcm;rate={rate}",
            }
            await self.send(realtimeInput={"audio": blob})

    async def type(self, text: str) -> None:
        await self.send(realtimeInput={"text": text})

    async def until(self, condition: Callable[[dict[str, Any]], Any]) -> list[dict[str, Any]]:
        """Messages up to and with the first of which *condition* holds."""
        messages = [await self.next()]
        while not condition(messages[-1]):
            messages.append(await self.next())
        return messages

    async def until_turn_complete(self) -> list[dict[str, Any]]:
        return await self.until(lambda message: content(message).get("turnComplete"))

    async def until_closed(self) -> tuple[int, str]:
        """Code and reason of the close."""
        try:
            while True:
                await self.next()
        except ClosedByServerError as closed:
            return closed.args[0]

    async def call(self) -> dict[str, Any]:
        """The next function call."""
        messages = await self.until(lambda message: "toolCall" in message)
        return messages[-1]["toolCall"]["functionCalls"][0]

    async def respond(self, call: dict[str, Any], response: Any, **fields: Any) -> None:
        answer = {"id": call["id"], "name": call["name"], "response": response, **fields}
        await self.send(toolResponse={"functionResponses": [answer]})

    async def handle(self) -> str:
        """The next handle that can be resumed from."""
        messages = await self.until(
            lambda message: message.get("sessionResumptionUpdate", {}).get("resumable")
        )
        return messages[-1]["sessionResumptionUpdate"]["newHandle"]


class SocketTalker(Talker):
    """A raw socket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        super().__init__()
        self.socket = socket

    async def send(self, **message: Any) -> None:
        await self.socket.send_str(json.dumps(message))

    async def next(self) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE):
            frame = await self.socket.receive()
        if frame.type not in {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY}:
            raise ClosedByServerError((self.socket.close_code, frame.extra or ""))
        message: dict[str, Any] = json.loads(frame.data)
        self.received.append(message)
        return message


def content(message: dict[str, Any]) -> dict[str, Any]:
    return message.get("serverContent", {})


def sound(messages: list[dict[str, Any]]) -> bytes:
    """All PCM in *messages*, in either alphabet."""
    return b"".join(
        base64.b64decode(part["inlineData"]["data"].replace("-", "+").replace("_", "/"))
        for message in messages
        for part in content(message).get("modelTurn", {}).get("parts", [])
        if "inlineData" in part
    )


def transcript(messages: list[dict[str, Any]], kind: str = "outputTranscription") -> str:
    return "".join(content(message).get(kind, {}).get("text", "") for message in messages)


class Client(ABC):
    """Talks to one emulator, and looks into it."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator

    @abstractmethod
    async def mint(
        self, body: Any = None, *, version: str = "v1beta", headers: dict[str, str] = KEY
    ) -> tuple[int, dict[str, Any]]:
        """Status and answer of a mint."""

    @abstractmethod
    def session(
        self, asked: dict[str, Any] | None = None, token: str | None = None, **named: Any
    ) -> AbstractAsyncContextManager[Talker]:
        """A session that has been set up, by token, else by a key."""

    def in_two_headers(self, token: str) -> dict[str, Any]:
        """What makes a session present *token* in two headers; nothing, for who does it anyway."""
        del token
        return {}

    async def token(self, **body: Any) -> str:
        """A token's name."""
        status, answer = await self.mint(body)
        assert status == 200, answer
        name: str = answer["name"]
        return name

    async def refusal(
        self, asked: dict[str, Any] | None = None, token: str | None = None, **named: Any
    ) -> tuple[int, str]:
        """Code and reason with which a setup is closed at once."""
        try:
            async with self.session(asked, token, **named):
                pass
        except ClosedByServerError as closed:
            refused: tuple[int, str] = closed.args[0]
            return refused
        raise AssertionError("it was taken")

    async def seen(self, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The newest connection, once *condition* holds of it."""
        async with asyncio.timeout(PATIENCE):
            while not condition(self.last()):  # noqa: ASYNC110 - it looks in from outside
                await asyncio.sleep(0.002)
        return self.last()

    async def taken(self, count: int) -> None:
        """Return when the emulator has taken *count* messages after the setup."""
        await self.seen(lambda last: last["counters"]["messages"] >= count)

    async def closed(self) -> dict[str, Any]:
        """The newest connection, once it is closed."""
        return await self.seen(lambda last: last["state"] == "closed")

    def last(self) -> dict[str, Any]:
        """The newest connection, as the inspection shows it."""
        return self.emulator.register.everything()[-1].shown()


class SocketClient(Client):
    """By HTTP and raw sockets."""

    def __init__(self, emulator: Emulator, http: aiohttp.ClientSession) -> None:
        super().__init__(emulator)
        self.http = http

    async def mint(
        self, body: Any = None, *, version: str = "v1beta", headers: dict[str, str] = KEY
    ) -> tuple[int, dict[str, Any]]:
        """The same; *body* may be bytes as they are."""
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
    ) -> AsyncIterator[SocketTalker]:
        """A socket opened and nothing said yet; by token, else by a key."""
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
            yield SocketTalker(socket)

    @asynccontextmanager
    async def session(
        self, asked: dict[str, Any] | None = None, token: str | None = None, **named: Any
    ) -> AsyncIterator[Talker]:
        async with self.socket(token, **named) as talker:
            await talker.send(setup=setup() if asked is None else asked)
            assert await talker.next() == {"setupComplete": {}}
            yield talker


@asynccontextmanager
async def emulating(options: Options = QUICK, mind: Any = None) -> AsyncIterator[SocketClient]:
    """An emulator of the test's own, and a client to it."""
    async with Emulator(options, mind) as emulator, aiohttp.ClientSession() as http:
        yield SocketClient(emulator, http)
