"""Facts of the Live API that an SDK can express, by Google's Python SDK.

`sdk_facts.mjs` does the same by the JavaScript SDK; `test_sdk_facts.py` says what must come out.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from google.genai import errors, types

from conformance.python_sdk import CHUNK, MODEL, Turn, client_for, take
from emulator.talking import speech

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator

    from tokensvc.emulator import Emulator

KEY = "a-key-for-tests"
LONG = "Tell me about the weather, the sea and the mountains, and do not leave anything out."
ASK = "Please read the meter."
JPEG = types.Blob(data=b"\xff\xd8", mime_type="image/jpeg")


@dataclass
class Site:
    """An emulator, and the SDK pointed at it."""

    emulator: Emulator
    trust: ssl.SSLContext

    async def mint(self, **config: Any) -> str:
        client = client_for(self.emulator.url, KEY, self.trust)
        token = await client.aio.auth_tokens.create(config=config)
        return token.name

    @asynccontextmanager
    async def session(
        self, key: str = KEY, model: str = MODEL, **config: Any
    ) -> AsyncIterator[Any]:
        client = client_for(self.emulator.url, key, self.trust)
        asked = {
            "response_modalities": ["AUDIO"],
            "output_audio_transcription": {},
            "input_audio_transcription": {},
            **config,
        }
        async with client.aio.live.connect(model=model, config=asked) as session:
            yield session

    async def refusal(self, key: str = KEY, **named: Any) -> str:
        try:
            async with self.session(key, **named):
                return "taken"
        except errors.APIError as error:
            return f"{error.code} {error.details}"

    def last(self) -> dict[str, Any]:
        return self.emulator.register.everything()[-1].shown()


def tool(behavior: str = "BLOCKING") -> list[types.Tool]:
    declared = types.FunctionDeclaration(name="read_the_meter", behavior=behavior)
    return [types.Tool(function_declarations=[declared])]


async def say(session: Any, pcm: bytes) -> None:
    for at in range(0, len(pcm), CHUNK):
        blob = types.Blob(data=pcm[at : at + CHUNK], mime_type="audio/pcm;rate=16000")
        await session.send_realtime_input(audio=blob)


async def messages(session: Any) -> AsyncIterator[Any]:
    """All messages, past the ends of turns at which the SDK stops."""
    while True:
        async for message in session.receive():
            yield message


async def first(session: Any, field: str) -> Any:
    """The first message that has *field*."""
    async for message in messages(session):
        found = getattr(message, field, None) or getattr(message.server_content, field, None)
        if found:
            return found
    raise AssertionError(field)


async def turn(session: Any) -> Turn:
    whole = Turn()
    async for message in messages(session):
        if message.server_content:
            take(whole, message.server_content)
        if whole.complete:
            break
    return whole


async def used_up(site: Site) -> Any:
    token = await site.mint()
    async with site.session(token):
        pass
    return await site.refusal(token)


async def window_passed(site: Site) -> Any:
    token = await site.mint()
    site.emulator.clock.skip(61)
    return (await site.refusal(token))[:12]


async def ends_mid_session(site: Site) -> Any:
    token = await site.mint()
    async with site.session(token) as session:
        site.emulator.clock.skip(1801)
        with pytest.raises(errors.APIError) as closed:
            await first(session, "turn_complete")
        return f"{closed.value.code} {closed.value.details}"


async def text_modality(site: Site) -> Any:
    return await site.refusal(response_modalities=["TEXT"])


async def unknown_model(site: Site) -> Any:
    return (await site.refusal(model="gemini-99"))[:32]


async def odd_mask(site: Site) -> Any:
    try:
        return await site.mint(lock_additional_fields=["config"])
    except errors.ClientError as error:
        return f"{error.code} {error.message}"


async def partial_lock(site: Site) -> Any:
    config = {"response_modalities": ["AUDIO"], "temperature": 0.25}
    token = await site.mint(
        live_connect_constraints={"model": MODEL, "config": config}, lock_additional_fields=["seed"]
    )
    async with site.session(token, temperature=1.9, seed=5, system_instruction="Mine."):
        effective = site.last()["effective_setup"]
    return [
        effective["generationConfig"],
        effective["systemInstruction"]["parts"][0]["text"],
    ]


async def interruption(site: Site) -> Any:
    async with site.session() as session:
        await session.send_realtime_input(text=LONG)
        await first(session, "model_turn")
        await say(session, speech(0.5, 0.0))
        seen = []
        async for message in messages(session):
            content = message.server_content
            names = ("interrupted", "generation_complete", "turn_complete")
            seen += [name for name in names if content and getattr(content, name)]
            if "turn_complete" in seen:
                break
        return [name.replace("_c", "C") for name in seen]


async def manual_activity(site: Site) -> Any:
    detection = {"automatic_activity_detection": {"disabled": True}}
    async with site.session(realtime_input_config=detection) as session:
        await session.send_realtime_input(activity_start=types.ActivityStart())
        await say(session, speech(1.5, 0.0)[:32_000])
        await session.send_realtime_input(activity_end=types.ActivityEnd())
        return (await turn(session)).heard


async def stream_end(site: Site) -> Any:
    async with site.session() as session:
        await say(session, speech(1.0, 0.0))
        await session.send_realtime_input(audio_stream_end=True)
        return (await turn(session)).heard


async def no_interruption(site: Site) -> Any:
    handling = {"activity_handling": "NO_INTERRUPTION"}
    async with site.session(realtime_input_config=handling) as session:
        await session.send_realtime_input(text="Short, please.")
        await first(session, "model_turn")
        await say(session, speech(1.0))
        told = [(await turn(session)).said, (await turn(session)).said]
        return ["Short" in told[0], "played back" in told[1]]


async def resume(site: Site) -> Any:
    async with site.session(session_resumption={}) as session:
        await session.send_realtime_input(text="I live in Oslo.")
        await turn(session)
        site.emulator.clock.skip(2)
        while not (update := await first(session, "session_resumption_update")).resumable:
            pass
        open_still = await site.refusal(session_resumption={"handle": update.new_handle})
    async with site.session(session_resumption={"handle": update.new_handle}) as session:
        await session.send_realtime_input(text="Where do I live?")
        return [open_still[:4], "Oslo" in (await turn(session)).said]


async def go_away(site: Site) -> Any:
    async with site.session(context_window_compression={"sliding_window": {}}) as session:
        site.emulator.clock.skip(551)
        left = (await first(session, "go_away")).time_left
        return 40 < float(left.removesuffix("s")) < 50


async def blocking_tool(site: Site) -> Any:
    async with site.session(tools=tool()) as session:
        await session.send_realtime_input(text=ASK)
        (call,) = (await first(session, "tool_call")).function_calls
        answer = types.FunctionResponse(id=call.id, name=call.name, response={"reading": 4812})
        await session.send_tool_response(function_responses=answer)
        return [call.name, "4812" in (await turn(session)).said]


async def cancelled_tool(site: Site) -> Any:
    async with site.session(tools=tool()) as session:
        await session.send_realtime_input(text=ASK)
        (call,) = (await first(session, "tool_call")).function_calls
        await say(session, speech(0.5, 0.0))
        return (await first(session, "tool_call_cancellation")).ids == [call.id]


async def scheduled_tool(site: Site) -> Any:
    async with site.session(tools=tool("NON_BLOCKING")) as session:
        await session.send_realtime_input(text=ASK)
        (call,) = (await first(session, "tool_call")).function_calls
        await first(session, "model_turn")
        answer = types.FunctionResponse(
            id=call.id, name=call.name, response={"reading": 3}, scheduling="INTERRUPT"
        )
        await session.send_tool_response(function_responses=answer)
        interrupted = await first(session, "interrupted")
        await turn(session)
        return [interrupted, "answered" in (await turn(session)).said]


async def video(site: Site) -> Any:
    async with site.session() as session:
        await session.send_realtime_input(video=JPEG)
        await session.send_realtime_input(text="What is it?")
        said = (await turn(session)).said
        return [site.last()["counters"]["video_frames"], "1 video frames" in said]


async def context(site: Site) -> Any:
    async with site.session() as session:
        for text in ("Remember the number 1739.", "Which number was it?"):
            content = types.Content(role="user", parts=[types.Part(text=text)])
            await session.send_client_content(turns=content, turn_complete=True)
            said = (await turn(session)).said
        return "1739" in said


async def usage(site: Site) -> Any:
    async with site.session() as session:
        await say(session, speech(1.0))
        counted = await first(session, "usage_metadata")
        whole = counted.prompt_token_count + counted.response_token_count
        return [whole == counted.total_token_count, counted.response_token_count > 20]
