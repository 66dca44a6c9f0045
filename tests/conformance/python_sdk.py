"""Conversations with Google's Python SDK, on any server of the Live API.

Run as a program, it holds one and prints a report. Environment variables:

* ``GOOGLE_GEMINI_BASE_URL`` (https) and ``SSL_CERT_FILE``: the Live API, as for the SDK itself.
* ``TOKEN_SERVICE_URL``: a token service, whose ``POST /token`` provides the token. Without it, the
  token is minted with ``GEMINI_API_KEY``.
* ``TOKEN_SERVICE_AUTHORIZATION``: the token service's ``Authorization`` header, if it requires one.
* ``SPEECH_FILE``: raw PCM, 16 kHz, ending in a second of silence.
* ``TOOL``: the declared function to call, by default ``get_local_time``.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import urllib.request
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from google import genai
from google.genai import types

if TYPE_CHECKING:
    import ssl

VERSION = "v1beta"
MODEL = "gemini-3.8-live"
CHUNK = 1280
DEADLINE = 60


@dataclass
class Turn:
    """What was received in one turn."""

    said: str = ""
    heard: str = ""
    audio_bytes: int = 0
    calls: list[str] = field(default_factory=list)
    complete: bool = False


def client_for(base_url: str, key: str, trust: ssl.SSLContext | None = None) -> genai.Client:
    """Create a client; *trust* is for a certificate that the environment does not name."""
    arguments = {"ssl": trust} if trust else None
    return genai.Client(
        api_key=key,
        http_options=types.HttpOptions(base_url=base_url, api_version=VERSION, async_client_args=arguments),
    )


def locked_config(tool: str) -> types.LiveConnectConfig:
    """Return a config with everything that the conversation below uses."""
    declared = types.FunctionDeclaration(name=tool, description="Returns a word.", behavior=types.Behavior.BLOCKING)
    return types.LiveConnectConfig(
        response_modalities=[types.Modality.AUDIO],
        input_audio_transcription=types.AudioTranscriptionConfig(),
        output_audio_transcription=types.AudioTranscriptionConfig(),
        session_resumption=types.SessionResumptionConfig(),
        tools=[types.Tool(function_declarations=[declared])],
    )


async def mint(client: genai.Client, tool: str, uses: int = 1) -> str:
    """Mint a fully locked token."""
    token = await client.aio.auth_tokens.create(
        config=types.CreateAuthTokenConfig(
            uses=uses,
            live_connect_constraints=types.LiveConnectConstraints(model=MODEL, config=locked_config(tool)),
        )
    )
    assert token.name is not None
    return token.name


def ask_service(url: str) -> str:
    """Return a token from a token service."""
    headers = {"Content-Type": "application/json"}
    if credential := os.environ.get("TOKEN_SERVICE_AUTHORIZATION"):
        headers["Authorization"] = credential
    request = urllib.request.Request(f"{url}/token", b"{}", headers, method="POST")  # noqa: S310 - ours
    with urllib.request.urlopen(request, timeout=DEADLINE) as response:  # noqa: S310 - ours
        token: str = json.load(response)["token"]
    return token


async def receive_turn(session: Any, tool_result: dict[str, Any]) -> Turn:
    """Receive one turn; every function call in it gets *tool_result* as its result."""
    turn = Turn()
    while not turn.complete:
        async for message in session.receive():
            if message.tool_call:
                for call in message.tool_call.function_calls:
                    turn.calls.append(call.name)
                    answer = types.FunctionResponse(id=call.id, name=call.name, response=tool_result)
                    await session.send_tool_response(function_responses=answer)
            if message.server_content:
                take(turn, message.server_content)
    return turn


def take(turn: Turn, content: types.LiveServerContent) -> None:
    """Add a message to the turn."""
    if content.model_turn:
        for part in content.model_turn.parts or []:
            if part.inline_data and part.inline_data.data:
                turn.audio_bytes += len(part.inline_data.data)
    if content.output_transcription:
        turn.said += content.output_transcription.text or ""
    if content.input_transcription:
        turn.heard += content.input_transcription.text or ""
    turn.complete = bool(content.turn_complete)


async def converse(client: genai.Client, tool: str, speech: bytes) -> dict[str, Turn]:
    """Hold a spoken, a typed and a tool-calling turn; the client's own config is empty."""
    turns = {}
    tool_result = {"answer": "seventeen"}
    async with (
        asyncio.timeout(DEADLINE),
        client.aio.live.connect(model=MODEL, config=types.LiveConnectConfig()) as session,
    ):
        for at in range(0, len(speech), CHUNK):
            blob = types.Blob(data=speech[at : at + CHUNK], mime_type="audio/pcm;rate=16000")
            await session.send_realtime_input(audio=blob)
        turns["spoken"] = await receive_turn(session, tool_result)
        await session.send_realtime_input(text="My house has number 731.")
        turns["typed"] = await receive_turn(session, tool_result)
        await session.send_realtime_input(text=f"Please {tool.replace('_', ' ')} now.")
        turns["tool"] = await receive_turn(session, tool_result)
    return turns


async def main(speech: bytes) -> None:
    """Hold a conversation and print the report."""
    base_url = os.environ["GOOGLE_GEMINI_BASE_URL"]
    tool = os.environ.get("TOOL", "get_local_time")
    if service := os.environ.get("TOKEN_SERVICE_URL"):
        token = ask_service(service)
    else:
        token = await mint(client_for(base_url, os.environ["GEMINI_API_KEY"]), tool)
    turns = await converse(client_for(base_url, token), tool, speech)
    json.dump({name: asdict(turn) for name, turn in turns.items()}, sys.stdout)


if __name__ == "__main__":
    asyncio.run(main(Path(os.environ["SPEECH_FILE"]).read_bytes()))
