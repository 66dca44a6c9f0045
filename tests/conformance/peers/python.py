"""Google's Python SDK as a peer of the emulator: the rows' own words, said by it."""

from __future__ import annotations

import asyncio
import base64
import ssl
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

from google import genai
from google.genai import errors, types

from conformance.peers.asking import live_config, token_config
from emulator import talking
from emulator.talking import KEY, QUICK, Client, ClosedByServerError, Talker, setup
from tokensvc.emulator import Emulator, Options, Place

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class PythonTalker(Talker):
    """A session of the SDK, read all the time: unread, it would not even see its own close."""

    def __init__(self) -> None:
        super().__init__()
        self._session: Any = None
        self._reading: asyncio.Task[None] | None = None
        self._arrived: asyncio.Queue[dict[str, Any] | ClosedByServerError] = asyncio.Queue()

    def begin(self, session: Any) -> None:
        """The session has been set up."""
        self._session = session
        self._reading = asyncio.create_task(self._read())

    async def stop(self) -> None:
        """It is over."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait([self._reading])

    async def send(self, **message: Any) -> None:
        ((kind, content),) = message.items()
        session = self._session
        match kind:
            case "realtimeInput":
                for name, value in content.items():
                    await session.send_realtime_input(**_input(name, value))
            case "clientContent":
                turns = [types.Content.model_validate(each) for each in content.get("turns", [])]
                complete = content.get("turnComplete", False)
                await session.send_client_content(turns=turns or None, turn_complete=complete)
            case "toolResponse":
                responses = [
                    types.FunctionResponse.model_validate(each)
                    for each in content["functionResponses"]
                ]
                await session.send_tool_response(function_responses=responses)
            case _:
                tools = content.get("tools", {}).get("tools")
                await session.send_context_update(
                    system_instruction=content.get("systemInstruction"),
                    tools=tools and [types.Tool.model_validate(each) for each in tools],
                )

    async def next(self) -> dict[str, Any]:
        async with asyncio.timeout(talking.PATIENCE):
            arrived = await self._arrived.get()
        if isinstance(arrived, ClosedByServerError):
            raise arrived
        self.received.append(arrived)
        return arrived

    async def _read(self) -> None:
        """Take all messages, past the ends of turns at which the SDK stops."""
        try:
            while True:
                async for message in self._session.receive():
                    shown = message.model_dump(mode="json", by_alias=True, exclude_none=True)
                    self._arrived.put_nowait(shown)
        except errors.APIError as closed:
            self._arrived.put_nowait(ClosedByServerError((closed.code, closed.details)))


def _input(name: str, value: Any) -> dict[str, Any]:
    match name:
        case "audio" | "video":
            return {name: _blob(value)}
        case "mediaChunks":
            return {"media": _blob(value[0])}
        case "activityStart":
            return {"activity_start": types.ActivityStart()}
        case "activityEnd":
            return {"activity_end": types.ActivityEnd()}
        case "audioStreamEnd":
            return {"audio_stream_end": value}
    return {name: value}


def _blob(value: dict[str, str]) -> types.Blob:
    return types.Blob(data=base64.b64decode(value["data"]), mime_type=value["mimeType"])


class PythonClient(Client):
    """Talks to one emulator by the SDK."""

    trust: ssl.SSLContext

    def _sdk(self, key: str, version: str) -> genai.Client:
        # Named for both of its HTTP clients, or it would load every certificate there is.
        options = types.HttpOptions(
            base_url=self.emulator.url,
            api_version=version,
            client_args={"verify": self.trust},
            async_client_args={"ssl": self.trust},
        )
        return genai.Client(api_key=key, http_options=options)

    async def mint(
        self,
        body: Any = None,
        *,
        version: str = "v1beta",
        headers: dict[str, str] = KEY,
    ) -> tuple[int, dict[str, Any]]:
        asked = types.CreateAuthTokenConfig.model_validate(token_config(body))
        sdk = self._sdk(headers["x-goog-api-key"], version)
        try:
            token = await sdk.aio.auth_tokens.create(config=asked if body else None)
        except errors.APIError as error:
            return error.code, error.details
        return 200, token.model_dump(mode="json", by_alias=True, exclude_none=True)

    @asynccontextmanager
    async def session(
        self,
        asked: dict[str, Any] | None = None,
        token: str | None = None,
        *,
        version: str = "v1beta",
    ) -> AsyncIterator[Talker]:
        sdk = self._sdk(token or KEY["x-goog-api-key"], version)
        model, config = live_config(setup() if asked is None else asked)
        read = types.LiveConnectConfig.model_validate(config)
        talker = PythonTalker()
        async with AsyncExitStack() as stack:
            stack.push_async_callback(talker.stop)
            try:
                connecting = sdk.aio.live.connect(model=model, config=read)
                session = await stack.enter_async_context(connecting)
            except errors.APIError as closed:
                raise ClosedByServerError((closed.code, closed.details)) from None
            talker.begin(session)
            yield talker


@asynccontextmanager
async def emulating(options: Options = QUICK, mind: Any = None) -> AsyncIterator[Client]:
    """An emulator of the row's own, over TLS, and the SDK for it."""
    async with Emulator(options, mind, Place(tls=True)) as emulator:
        client = PythonClient(emulator)
        client.trust = ssl.create_default_context(cafile=emulator.certificate_file)
        yield client
