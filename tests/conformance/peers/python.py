"""Google's Python SDK as a client of the emulator."""

from __future__ import annotations

import asyncio
import base64
import ssl
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

from google import genai
from google.genai import errors, types

from conformance.peers.sdk_config import live_config, token_config
from emulator import live_client
from emulator.live_client import KEY, QUICK, Client, ClosedByServerError, LiveSession, setup
from tokensvc.emulator import Emulator, ListenConfig, Options

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class PythonSession(LiveSession):
    """A session of the SDK. It is read all the time, because otherwise it would miss its close."""

    def __init__(self) -> None:
        super().__init__()
        self._sdk_session: Any = None
        self._reading: asyncio.Task[None] | None = None
        self._arrived: asyncio.Queue[dict[str, Any] | ClosedByServerError] = asyncio.Queue()

    def begin(self, session: Any) -> None:
        """Start reading: the session has been set up."""
        self._sdk_session = session
        self._reading = asyncio.create_task(self._read())

    async def stop(self) -> None:
        """Stop reading."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait([self._reading])

    async def send(self, **message: Any) -> None:
        ((kind, content),) = message.items()
        session = self._sdk_session
        match kind:
            case "realtimeInput":
                for name, value in content.items():
                    await session.send_realtime_input(**_input(name, value))
            case "clientContent":
                turns = [types.Content.model_validate(each) for each in content.get("turns", [])]
                complete = content.get("turnComplete", False)
                await session.send_client_content(turns=turns or None, turn_complete=complete)
            case "toolResponse":
                responses = [types.FunctionResponse.model_validate(each) for each in content["functionResponses"]]
                await session.send_tool_response(function_responses=responses)
            case _:
                tools = content.get("tools", {}).get("tools")
                await session.send_context_update(
                    system_instruction=content.get("systemInstruction"),
                    tools=tools and [types.Tool.model_validate(each) for each in tools],
                )

    async def next(self) -> dict[str, Any]:
        async with asyncio.timeout(live_client.TIMEOUT):
            arrived = await self._arrived.get()
        if isinstance(arrived, ClosedByServerError):
            raise arrived
        self.received.append(arrived)
        return arrived

    async def _read(self) -> None:
        """Read all messages; the SDK's own iterator stops at the end of each turn."""
        try:
            while True:
                async for message in self._sdk_session.receive():
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
    """Uses the SDK with one emulator."""

    trust: ssl.SSLContext

    def _sdk(self, key: str, version: str) -> genai.Client:
        # Set for both of its HTTP clients, since otherwise each loads all system certificates.
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
        requested = types.CreateAuthTokenConfig.model_validate(token_config(body))
        sdk = self._sdk(headers["x-goog-api-key"], version)
        try:
            token = await sdk.aio.auth_tokens.create(config=requested if body else None)
        except errors.APIError as error:
            return error.code, error.details
        return 200, token.model_dump(mode="json", by_alias=True, exclude_none=True)

    @asynccontextmanager
    async def session(
        self,
        requested: dict[str, Any] | None = None,
        token: str | None = None,
        *,
        version: str = "v1beta",
    ) -> AsyncIterator[LiveSession]:
        sdk = self._sdk(token or KEY["x-goog-api-key"], version)
        model, config = live_config(setup() if requested is None else requested)
        read = types.LiveConnectConfig.model_validate(config)
        session = PythonSession()
        async with AsyncExitStack() as stack:
            stack.push_async_callback(session.stop)
            try:
                connecting = sdk.aio.live.connect(model=model, config=read)
                sdk_session = await stack.enter_async_context(connecting)
            except errors.APIError as closed:
                raise ClosedByServerError((closed.code, closed.details)) from None
            session.begin(sdk_session)
            yield session


@asynccontextmanager
async def emulating(options: Options = QUICK, responder: Any = None) -> AsyncIterator[Client]:
    """Start an emulator with TLS and provide the SDK as its client."""
    async with Emulator(options, responder, ListenConfig(tls=True)) as emulator:
        client = PythonClient(emulator)
        client.trust = ssl.create_default_context(cafile=emulator.certificate_file)
        yield client
