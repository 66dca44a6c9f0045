"""A client of the Live API for `tokensvc probe`: opens a session with a token, and notes what came when."""

import asyncio
import base64
import json
import time
import warnings
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import websockets
from google import genai
from google.genai import errors, types
from google.genai.live import AsyncSession
from websockets.asyncio.client import ClientConnection, connect

CHUNK = 1280  # bytes: 40 ms of sound at 16 kHz
_NAMING = ("modelTurn", "interrupted", "turnComplete", "generationComplete")  # these before the others
_PATIENCE = 20.0  # seconds for an answer
_UNLISTED = frozenset({"args", "modelTurn", "usageMetadata", "response"})  # only their presence is noted


class LiveRefused(Exception):  # noqa: N818 - the server's answer
    """The server refused a session, or closed it; *answered* unless it could not be reached."""

    def __init__(self, what: str, *, answered: bool) -> None:
        super().__init__(what)
        self.answered = answered


@dataclass
class Turn:
    """What came until the end of an answer: transcripts, bytes of sound, and calls of functions."""

    heard: str = ""
    said: str = ""
    sound: int = 0
    calls: list[dict[str, Any]] = field(default_factory=list)
    first_sound: float = 0.0  # seconds from the end of the question


class LiveConnection:
    """One session. *messages* lists the kind, the fields and the time of each message, without content."""

    def __init__(self, socket: "ClientConnection | _SdkSocket") -> None:
        self._socket = socket
        self._began = self._asked = time.monotonic()
        self._arrived: asyncio.Queue[tuple[float, dict[str, Any] | LiveRefused]] = asyncio.Queue()
        self._reading = asyncio.create_task(self._read())
        self.messages: list[dict[str, Any]] = []
        self.handle = ""
        self._at = self._began  # when the last message came

    async def close(self) -> None:
        """Close the socket."""
        self._reading.cancel()
        await self._socket.close()

    async def send(self, kind: str, content: object, *, note: str = "") -> None:
        """Send a message, and note it as *note* or *kind*; audio is not noted one by one."""
        if note != "audio":
            self._note("client", note or kind)
        try:
            await self._socket.send(json.dumps({kind: content}))
        except websockets.ConnectionClosed as closed:
            raise _closed(closed) from None
        except errors.APIError as refused:
            raise _closed_for_sdk(refused) from None

    async def speak(self, pcm: bytes, *, silence: float, marked: bool) -> None:
        """Send speech at 16 kHz in real time, and *silence* after it, in seconds.

        It is *marked* if the session does not detect activity itself.
        """
        self._note("client", "speech", seconds=round(len(pcm) / 32_000, 3))
        if marked:
            await self.send("realtimeInput", {"activityStart": {}}, note="audio")
        for start in range(0, len(pcm) + int(silence * 32_000), CHUNK):
            chunk = pcm[start : start + CHUNK] or bytes(CHUNK)
            audio = {"mimeType": "audio/pcm;rate=16000", "data": base64.b64encode(chunk).decode()}
            await self.send("realtimeInput", {"audio": audio}, note="audio")
            await asyncio.sleep(CHUNK / 32_000)
            self._asked = time.monotonic() if start < len(pcm) else self._asked
        if marked:
            await self.send("realtimeInput", {"activityEnd": {}}, note="audio")

    async def ask(self, text: str) -> Turn:
        """Type a text, and return the answer."""
        self._asked = time.monotonic()
        await self.send("realtimeInput", {"text": text}, note="text")
        return await self.turn()

    async def turn(self, *, until_call: bool = False, patience: float = _PATIENCE) -> Turn:
        """Return what comes until the turn is complete, or something is called.

        Raises:
            LiveRefused: if the server closes the session.
            TimeoutError: if the turn does not end within *patience* seconds.
        """
        turn = Turn()
        async with asyncio.timeout(patience):
            while True:
                message = await self.receive()
                content = message.get("serverContent", {})
                turn.heard += content.get("inputTranscription", {}).get("text", "")
                turn.said += content.get("outputTranscription", {}).get("text", "")
                for part in content.get("modelTurn", {}).get("parts", []):
                    turn.first_sound = turn.first_sound or self._at - self._asked
                    turn.sound += len(part.get("inlineData", {}).get("data", ""))
                turn.calls += message.get("toolCall", {}).get("functionCalls", [])
                if content.get("turnComplete") or (until_call and turn.calls):
                    return turn

    async def receive(self) -> dict[str, Any]:
        """Return the next message.

        Raises:
            LiveRefused: if the server closes the session.
        """
        self._at, message = await self._arrived.get()
        if isinstance(message, LiveRefused):
            self._note("server", "close", fields=[str(message).split()[2]] if message.answered else ["1006"])
            raise message
        fields = sorted(set(_paths(message)))
        kinds = [path.removeprefix("serverContent.").split(".")[0] for path in fields]
        self._note("server", next((kind for kind in (*_NAMING, *kinds) if kind in kinds), ""), fields=fields)
        self.handle = message.get("sessionResumptionUpdate", {}).get("newHandle") or self.handle
        return message

    async def _read(self) -> None:
        """Read all the time, so that each message gets the time of its arrival."""
        try:
            async for frame in self._socket:
                self._arrived.put_nowait((time.monotonic(), json.loads(frame)))
            if isinstance(self._socket, ClientConnection):
                await self._socket.recv()  # raises how it was closed
        except websockets.ConnectionClosed as closed:
            self._arrived.put_nowait((time.monotonic(), _closed(closed)))
        except errors.APIError as refused:
            self._arrived.put_nowait((time.monotonic(), _closed_for_sdk(refused)))

    def _note(self, sender: str, kind: str, **more: object) -> None:
        at = self._at if sender == "server" else time.monotonic()
        self.messages.append({"at": round(at - self._began, 3), "from": sender, "kind": kind, **more})


@asynccontextmanager
async def live_session(url: str, token: str, setup: Mapping[str, Any]) -> AsyncIterator[LiveConnection]:
    """Open a session at *url* as a browser does, with *setup* as the client's own.

    Raises:
        LiveRefused: if the server refuses it.
    """
    try:
        # As Google's limits are long, and it answers pings late.
        socket = await connect(f"{url}?access_token={token}", ping_interval=None, max_size=None, open_timeout=10)
    except websockets.InvalidStatus as refused:
        raise LiveRefused(f"HTTP status {refused.response.status_code}", answered=True) from None
    except (OSError, websockets.WebSocketException) as error:  # not its text, which may hold the URL
        raise LiveRefused(f"no connection ({type(error).__name__})", answered=False) from None
    connection = LiveConnection(socket)
    try:
        await connection.send("setup", setup)
        async with asyncio.timeout(_PATIENCE):
            while "setupComplete" not in await connection.receive():
                pass
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def sdk_session(origin: str, version: str, token: str, model: str) -> AsyncIterator[LiveConnection]:
    """Open a session with Google's own SDK, which needs TLS.

    Raises:
        LiveRefused: if the server refuses it.
    """
    warnings.filterwarnings("ignore", message="The SDK's ephemeral token")  # it is said to be experimental
    client = genai.Client(api_key=token, http_options=types.HttpOptions(base_url=origin, api_version=version))
    async with AsyncExitStack() as stack:
        try:
            session = await stack.enter_async_context(client.aio.live.connect(model=model, config={}))
        except errors.APIError as refused:
            raise _closed_for_sdk(refused) from None
        connection = LiveConnection(_SdkSocket(session))
        stack.push_async_callback(connection.close)
        yield connection


class _SdkSocket:
    """Sends and receives the API's messages by the SDK's methods."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def send(self, text: str) -> None:
        [(kind, content)] = json.loads(text).items()
        if kind == "toolResponse":
            answers = [types.FunctionResponse(**each) for each in content["functionResponses"]]
            await self._session.send_tool_response(function_responses=answers)
        else:
            realtime = types.LiveClientRealtimeInput.model_validate(content)
            await self._session.send_realtime_input(**realtime.model_dump(exclude_none=True))

    async def __aiter__(self) -> AsyncIterator[str]:
        while True:
            async for message in self._session.receive():
                yield message.model_dump_json(by_alias=True, exclude_none=True)

    async def close(self) -> None:
        await self._session.close()


def _closed_for_sdk(refused: errors.APIError) -> LiveRefused:
    return LiveRefused(f"closed with {refused.code} {refused.details}", answered=True)


def _closed(closed: websockets.ConnectionClosed) -> LiveRefused:
    what = f"closed with {closed.rcvd.code} {closed.rcvd.reason}" if closed.rcvd else "the connection broke"
    return LiveRefused(what.strip(), answered=closed.rcvd is not None)


def _paths(message: object, prefix: str = "") -> Iterator[str]:
    """Yield the dotted paths of a message's fields."""
    if isinstance(message, list):
        for item in message:
            yield from _paths(item, prefix)
    elif isinstance(message, dict) and message and prefix.rpartition(".")[2] not in _UNLISTED:
        for name, value in message.items():
            if (name, value) != ("serverContent", {}):
                yield from _paths(value, f"{prefix}.{name}" if prefix else name)
    elif prefix:
        yield prefix
