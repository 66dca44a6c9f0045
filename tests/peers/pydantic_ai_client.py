"""A conversation with pydantic-ai's agent for realtime models; prints a report as JSON."""

# ruff: noqa: T201 - prints its report

from __future__ import annotations

import asyncio
import json
import os
from contextlib import aclosing
from pathlib import Path
from typing import Any

from pydantic_ai import Agent
from pydantic_ai.messages import PartDeltaEvent, PartEndEvent, SpeechPart, SpeechPartDelta
from pydantic_ai.providers.google import GoogleProvider
from pydantic_ai.realtime import RealtimeTurnCompleteEvent
from pydantic_ai.realtime.google import GoogleRealtimeModel

CHUNK = 1280
speech = Path(os.environ["SPEECH_FILE"]).read_bytes()
agent = Agent()
calls: list[str] = []


@agent.tool_plain
def read_the_meter() -> str:
    """Return what the meter shows."""
    calls.append("read_the_meter")
    return "seventeen"


async def receive_turn(events: Any) -> dict[str, Any]:
    """Receive one turn; the agent answers function calls in it."""
    turn = {"said": "", "heard": "", "audio_bytes": 0}
    async for event in events:
        match event:
            case PartDeltaEvent(delta=SpeechPartDelta(audio_chunk=bytes(chunk))):
                turn["audio_bytes"] += len(chunk)
            case PartEndEvent(part=SpeechPart(speaker=speaker, transcript=str(text))):
                turn["heard" if speaker == "user" else "said"] += text
            case RealtimeTurnCompleteEvent():
                break
    return turn | {"calls": list(calls)}


async def main() -> None:
    """Speak, type, and ask for a function call."""
    provider = GoogleProvider(api_key="a-key-for-tests", base_url=os.environ["EMULATOR_URL"])
    model = GoogleRealtimeModel(os.environ["MODEL"], provider=provider)
    async with agent.realtime(model).session() as session, aclosing(aiter(session)) as events:
        for at in range(0, len(speech), CHUNK):
            await session.send_audio(speech[at : at + CHUNK])
        report = {"spoken": await receive_turn(events)}
        await session.send("My house has number 731.")
        report["typed"] = await receive_turn(events)
        await session.send("Please read the meter now.")
        report["tool"] = await receive_turn(events)
    print(json.dumps(report))


asyncio.run(main())
