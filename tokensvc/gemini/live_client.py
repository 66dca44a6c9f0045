"""A client of the Live API for `tokensvc probe`: opens a session with a token, and notes what came when."""

import asyncio
import base64
import json
import time
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import websockets
from google import genai
from google.genai import errors, types
from google.genai.live import AsyncSession
from websockets.asyncio.client import ClientConnection, connect

_RATE = 32_000  # bytes a second: 16 kHz, 16 bits
_CHUNK = 1280  # bytes: 40 ms
_SILENCE = 48_000  # bytes after speech: 1.5 s
_NAMING = ("modelTurn", "interrupted", "turnComplete", "generationComplete")  # these before the others
_PATIENCE = 20.0  # seconds for an answer
_UNLISTED = frozenset({"args", "modelTurn", "usageMetadata", "response"})  # only their presence is noted
_BROKEN = 1006  # RFC 6455: there was no close frame


class LiveRefused(Exception):  # noqa: N818 - the server's answer
    """The server refused a session, or closed it with *code*; 1006 if it did not answer."""

    def __init__(self, what: str, code: int = _BROKEN) -> None:
        super().__init__(what.strip())
        self.code = code

    @property
    def answered(self) -> bool:
        """Whether this is the server's answer."""
        return self.code != _BROKEN


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

    def __init__(self, send: Callable[[str, Any], Awaitable[None]]) -> None:
        """*send* sends a kind of message and its content."""
        self._send = send
        self._began = self._asked = self._at = time.monotonic()  # *_at*: when the last message came
        self._arrived: asyncio.Queue[tuple[float, dict[str, Any] | LiveRefused]] = asyncio.Queue()
        self.messages: list[dict[str, Any]] = []
        self.handle = ""

    async def send(self, kind: str, content: object, *, note: str = "") -> None:
        """Send a message, and note it as *note* or *kind*; audio is not noted one by one."""
        if note != "audio":
            self._note("client", note or kind)
        with _refusals():
            await self._send(kind, content)

    async def speak(self, pcm: bytes, *, marked: bool) -> None:
        """Send speech at 16 kHz in real time, and silence after it; *marked* if the session detects no activity."""
        self._note("client", "speech", seconds=round(len(pcm) / _RATE, 3))
        if marked:
            await self.send("realtimeInput", {"activityStart": {}}, note="audio")
        for start in range(0, len(pcm) + _SILENCE, _CHUNK):
            chunk = pcm[start : start + _CHUNK] or bytes(_CHUNK)
            audio = {"mimeType": "audio/pcm;rate=16000", "data": base64.b64encode(chunk).decode()}
            await self.send("realtimeInput", {"audio": audio}, note="audio")
            await asyncio.sleep(_CHUNK / _RATE)
            self._asked = time.monotonic() if start < len(pcm) else self._asked
        if marked:
            await self.send("realtimeInput", {"activityEnd": {}}, note="audio")

    async def ask(self, text: str, *, until_call: bool = False) -> Turn:
        """Type a text, and return the answer; see `turn`."""
        self._asked = time.monotonic()
        await self.send("realtimeInput", {"text": text}, note="text")
        return await self.turn(until_call=until_call)

    async def turn(self, *, until_call: bool = False) -> Turn:
        """Return what comes until the turn is complete, or something is called.

        Raises:
            LiveRefused: if the server closes the session.
            TimeoutError: if the turn does not end within 20 s.
        """
        turn = Turn()
        async with asyncio.timeout(_PATIENCE):
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
            self._note("server", "close", fields=[str(message.code)])
            raise message
        fields = sorted(set(_paths(message)))
        kinds = [path.removeprefix("serverContent.").split(".")[0] for path in fields]
        self._note("server", next((kind for kind in (*_NAMING, *kinds) if kind in kinds), ""), fields=fields)
        self.handle = message.get("sessionResumptionUpdate", {}).get("newHandle") or self.handle
        return message

    async def keep(self, messages: AsyncIterator[dict[str, Any]]) -> None:
        """Read *messages* as they come, so that each has the time of its arrival."""
        try:
            with _refusals():
                async for message in messages:
                    self._arrived.put_nowait((time.monotonic(), message))
        except LiveRefused as refused:
            self._arrived.put_nowait((time.monotonic(), refused))

    def _note(self, sender: str, kind: str, **more: object) -> None:
        at = self._at if sender == "server" else time.monotonic()
        self.messages.append({"at": round(at - self._began, 3), "from": sender, "kind": kind, **more})


@asynccontextmanager
async def live_session(url: str, token: str, setup: Mapping[str, Any]) -> AsyncIterator[LiveConnection]:
    """Open a session at *url* as a browser does, with *setup* as the client's own.

    Raises:
        LiveRefused: if the server refuses it.
    """
    # Google's limits are long, and it answers pings late.
    connecting = connect(f"{url}?access_token={token}", ping_interval=None, max_size=None, open_timeout=10)
    async with AsyncExitStack() as stack:
        with _refusals():
            socket = await stack.enter_async_context(connecting)
        connection = LiveConnection(lambda kind, content: socket.send(json.dumps({kind: content})))
        stack.callback(asyncio.create_task(connection.keep(_frames(socket))).cancel)
        await connection.send("setup", setup)
        async with asyncio.timeout(_PATIENCE):
            while "setupComplete" not in await connection.receive():
                pass
        yield connection


@asynccontextmanager
async def sdk_session(origin: str, version: str, token: str, model: str) -> AsyncIterator[LiveConnection]:
    """Open a session with Google's own SDK, which needs TLS.

    Raises:
        LiveRefused: if the server refuses it.
    """
    warnings.filterwarnings("ignore", message="The SDK's ephemeral token")  # it is said to be experimental
    client = genai.Client(api_key=token, http_options=types.HttpOptions(base_url=origin, api_version=version))

    async def send(kind: str, content: Any) -> None:  # noqa: ANN401 - JSON
        if kind == "toolResponse":
            answers = [types.FunctionResponse(**each) for each in content["functionResponses"]]
            await session.send_tool_response(function_responses=answers)
        else:
            realtime = types.LiveClientRealtimeInput.model_validate(content)
            await session.send_realtime_input(**realtime.model_dump(exclude_none=True))

    async with AsyncExitStack() as stack:
        with _refusals():
            session = await stack.enter_async_context(client.aio.live.connect(model=model, config={}))
        connection = LiveConnection(send)
        stack.callback(asyncio.create_task(connection.keep(_sdk_messages(session))).cancel)
        yield connection


async def _frames(socket: ClientConnection) -> AsyncIterator[dict[str, Any]]:
    while True:
        yield json.loads(await socket.recv())


async def _sdk_messages(session: AsyncSession) -> AsyncIterator[dict[str, Any]]:
    while True:
        async for message in session.receive():  # those of one turn
            yield message.model_dump(mode="json", by_alias=True, exclude_none=True)


@contextmanager
def _refusals() -> Iterator[None]:
    """Raise as `LiveRefused` what websockets and the SDK raise, without an error's text, which may hold the URL."""
    try:
        yield
    except websockets.InvalidStatus as refused:
        status = refused.response.status_code
        raise LiveRefused(f"HTTP status {status}", status) from None
    except websockets.ConnectionClosed as closed:
        if closed.rcvd is None:
            raise LiveRefused("the connection broke") from None
        raise LiveRefused(f"closed with {closed.rcvd.code} {closed.rcvd.reason}", closed.rcvd.code) from None
    except errors.APIError as refused:
        raise LiveRefused(f"closed with {refused.code} {refused.details}", refused.code) from None
    except (OSError, websockets.WebSocketException) as error:
        raise LiveRefused(f"no connection ({type(error).__name__})") from None


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
