"""A conversation with LiveKit's realtime model for Google; prints a report as JSON."""

# ruff: noqa: T201 - prints its report

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

from google.genai import types
from livekit import rtc
from livekit.agents import function_tool
from livekit.agents.llm import FunctionCallOutput
from livekit.plugins.google.realtime import RealtimeModel

CHUNK = 1280
speech = Path(os.environ["SPEECH_FILE"]).read_bytes()


@function_tool
async def read_the_meter() -> str:
    """Return what the meter shows."""
    return "seventeen"


class Conversation:
    """A session, its answers in the order in which they begin, and what was heard."""

    def __init__(self) -> None:
        options = types.HttpOptions(base_url=os.environ["EMULATOR_URL"], api_version="v1beta")
        self.session = RealtimeModel(
            model=os.environ["MODEL"], api_key="a-key-for-tests", http_options=options
        ).session()
        self.heard = ""
        self._answers: asyncio.Queue[Any] = asyncio.Queue()
        self.session.on("generation_created", self._answers.put_nowait)
        self.session.on("input_audio_transcription_completed", self._hear)

    def _hear(self, event: Any) -> None:
        self.heard = event.transcript

    def speak(self) -> None:
        """Send the speech."""
        for at in range(0, len(speech), CHUNK):
            data = speech[at : at + CHUNK]
            self.session.push_audio(rtc.AudioFrame(data, 16_000, 1, len(data) // 2))

    async def type(self, text: str) -> None:
        """Send a text and ask for an answer."""
        context = self.session.chat_ctx
        context.add_message(role="user", content=text)
        await self.session.update_chat_ctx(context)
        await self.session.generate_reply()

    async def receive_answer(self, expected: str) -> dict[str, Any]:
        """Receive until *expected* is said; answer function calls."""
        turn: dict[str, Any] = {"said": "", "heard": "", "audio_bytes": 0, "calls": []}
        while not turn["said"] or expected not in turn["said"]:
            answer = await self._answers.get()
            async for message in answer.message_stream:
                async for text in message.text_stream:
                    turn["said"] += text
                async for frame in message.audio_stream:
                    turn["audio_bytes"] += len(frame.data) * 2
            async for call in answer.function_stream:
                turn["calls"].append(call.name)
                context = self.session.chat_ctx
                output = await read_the_meter()
                context.items += [
                    call,
                    FunctionCallOutput(name=call.name, call_id=call.call_id, output=output, is_error=False),
                ]
                await self.session.update_chat_ctx(context)
        return turn | {"heard": self.heard}


async def main() -> None:
    """Speak, type, and ask for a function call."""
    conversation = Conversation()
    await conversation.session.update_tools([read_the_meter])
    conversation.speak()
    report = {"spoken": await conversation.receive_answer("")}
    await conversation.type("My house has number 731.")
    report["typed"] = await conversation.receive_answer("731")
    await conversation.type("Please read the meter now.")
    report["tool"] = await conversation.receive_answer("seventeen")
    await conversation.session.aclose()
    print(json.dumps(report))


asyncio.run(main())
