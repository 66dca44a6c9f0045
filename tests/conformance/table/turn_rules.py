"""Turns: when speech begins and ends, who interrupts whom, and the order of what is sent."""

# ruff: noqa: ARG005, SLF001 - a stand-in is as the thing it stands in for

from __future__ import annotations

import asyncio
from dataclasses import replace

from conformance.table.rules import PACED, idle, replaced, rule
from emulator.talking import QUICK, content, setup, sound, speech, transcript
from tokensvc.emulator import Options
from tokensvc.emulator.session.turns import Floor

CAPABILITIES = "https://ai.google.dev/gemini-api/docs/live-api/capabilities"
AUDIO = {"responseModalities": ["AUDIO"]}
JPEG = {"mimeType": "image/jpeg", "data": "/9g="}
LONG = "Tell me about the weather, the sea and the mountains, and do not leave anything out."


@rule(
    "Speaking over an answer interrupts it: interrupted, turnComplete, no generationComplete",
    CAPABILITIES,
    replaced("session.turns.Floor.person_begins", idle),
)
async def interruption(emulating):
    async with emulating(PACED) as client, client.session() as talker:
        await talker.type(LONG)
        begun = await talker.until(lambda message: content(message).get("modelTurn"))
        await talker.say(speech(0.5, 0.0))
        rest = await talker.until_turn_complete()
        assert content(rest[-2]) == {"interrupted": True}
        assert not any("generationComplete" in content(message) for message in rest)
        last = client.last()
        assert last["counters"]["interruptions"] == 1
        (span,) = last["answers"]
        assert span["interrupted"]
        assert span["sent"] == len(sound(begun + rest)) < span["planned"]
        said = [each["text"] for each in last["context"]["remarks"] if each["kind"] == "said"]
        assert said == [transcript(begun + rest)], "only what was sent is remembered"


@rule(
    "An answer that is still playing can be interrupted too",
    "measured: turnComplete is held",
    replaced("session.turns.Floor.person_begins", idle),
)
async def interruption_while_playing(emulating):
    ahead = replace(PACED, send_rate=1000.0)
    async with emulating(ahead) as client, client.session() as talker:
        await talker.type(LONG)
        await talker.until(lambda message: "generationComplete" in content(message))
        await talker.say(speech(0.5, 0.0))
        rest = await talker.until_turn_complete()
        assert {"interrupted": True} in [content(message) for message in rest]


@rule(
    "NO_INTERRUPTION lets the answer finish and then takes the turn",
    CAPABILITIES,
    replaced("session.turns.Floor.person_begins", Floor.interrupt),
)
async def no_interruption(emulating):
    asked = setup(realtimeInputConfig={"activityHandling": "NO_INTERRUPTION"})
    async with emulating(replace(PACED, send_rate=20.0)) as client, client.session(asked) as talker:
        await talker.type("Short, please.")
        await talker.until(lambda message: content(message).get("modelTurn"))
        await talker.say(speech(0.5))
        first = await talker.until_turn_complete()
        assert not any(content(message).get("interrupted") for message in first)
        assert any(content(message).get("generationComplete") for message in first)
        second = await talker.until_turn_complete()
        assert transcript(second) == "[0.5 s of speech, played back]"


@rule(
    "Content from the client interrupts",
    "https://ai.google.dev/api/live, clientContent",
    replaced("session.turns.Floor.interrupt", idle),
)
async def content_interrupts(emulating):
    async with emulating(PACED) as client, client.session() as talker:
        await talker.type(LONG)
        await talker.until(lambda message: content(message).get("modelTurn"))
        turns = [{"role": "user", "parts": [{"text": "Stop."}]}]
        await talker.send(clientContent={"turns": turns, "turnComplete": True})
        rest = await talker.until_turn_complete()
        assert any(content(message).get("interrupted") for message in rest)


@rule(
    "turnComplete is held until the answer would have played",
    "documented; measured to 30 ms",
    replaced("session.turns.Floor._hold", idle),
)
async def held_turn_complete(emulating):
    async with emulating(replace(PACED, send_rate=1000.0)) as client, client.session() as talker:
        await talker.type("Hi")
        begun = await talker.until(lambda message: content(message).get("modelTurn"))
        start = asyncio.get_running_loop().time()
        rest = await talker.until_turn_complete()
        seconds = len(sound(begun + rest)) / 48_000
        assert seconds > 0.5
        assert asyncio.get_running_loop().time() - start > seconds / PACED.playback_rate - 0.1
        order = [next(iter(content(message))) for message in rest if content(message)]
        assert order.index("generationComplete") < order.index("turnComplete")


@rule(
    "Sound is sent ahead of its playing, in bursts",
    "measured: unbounded queues are normal",
    replaced("session.speech.BURST", 10**6),
)
async def bursts(emulating):
    async with emulating(PACED) as client, client.session() as talker:
        await talker.type(LONG)
        await talker.until(lambda message: content(message).get("modelTurn"))
        start = asyncio.get_running_loop().time()
        answer = await talker.until(lambda message: "generationComplete" in content(message))
        took = asyncio.get_running_loop().time() - start
        seconds = len(sound(answer)) / 48_000
        assert seconds / 16 < took < seconds / 2


@rule(
    "Transcripts come as fragments, each side's if the setup has it",
    CAPABILITIES,
    replaced(
        "conversation.plan.Plan.of",
        lambda setup, model, default: PLAN_OF(
            {**setup, "inputAudioTranscription": {}, "outputAudioTranscription": {}}, model
        ),
    ),
)
async def transcripts(emulating):
    async with emulating(QUICK) as client:
        for fields in ((), ("inputAudioTranscription",), ("outputAudioTranscription",)):
            asked = {"model": setup()["model"], "generationConfig": AUDIO}
            asked |= {field: {} for field in fields}
            async with client.session(asked) as talker:
                await talker.say(speech(0.8))
                answer = await talker.until_turn_complete()
                heard = transcript(answer, "inputTranscription")
                assert heard == ("[0.8 s of speech]" if fields[:1] == INPUT else "")
                told = transcript(answer)
                assert bool(told) is (fields == ("outputAudioTranscription",))


INPUT = ("inputAudioTranscription",)
PLAN_OF = __import__("tokensvc.emulator.conversation.plan", fromlist=["Plan"]).Plan.of


@rule(
    "Input transcripts come in parts, whole, or cumulatively, by option",
    "reports differ",
    replaced("session.session.Session._fragments", lambda self, text: [text]),
)
async def input_transcripts(emulating):
    ways = {
        "fragments": ["[0.8 s ", "of speech]"],
        "final": ["[0.8 s of speech]"],
        "cumulative": ["[0.8 s ", "[0.8 s of speech]"],
    }
    for way, expected in ways.items():
        async with (
            emulating(replace(QUICK, input_transcripts=way)) as client,
            client.session() as talker,
        ):
            await talker.say(speech(0.8))
            answer = await talker.until_turn_complete()
            parts = [content(message).get("inputTranscription") for message in answer]
            assert [part["text"] for part in parts if part] == expected
            assert [part for part in parts if part][-1]["finished"]


@rule(
    "From 3.1 on an event may carry several parts",
    "models' pages",
    replaced("session.speech.Speaker._parts", lambda self, piece: [PARTS(self, piece)[0]]),
)
async def several_parts(emulating):
    for model, most in (
        ("models/gemini-3.8-live", 2),
        ("models/gemini-2.5-flash-native-audio-preview-12-2025", 1),
    ):
        async with emulating(QUICK) as client, client.session(setup(model=model)) as talker:
            await talker.type(LONG)
            answer = await talker.until_turn_complete()
            counts = [
                len(content(each)["modelTurn"]["parts"])
                for each in answer
                if "modelTurn" in content(each)
            ]
            assert max(counts) == most
            assert len(sound(answer)) == client.last()["answers"][0]["planned"]


PARTS = __import__("tokensvc.emulator.session.speech", fromlist=["Speaker"]).Speaker._parts


@rule(
    "Extended thinking says with turnComplete whether it is done",
    "its model page",
    replaced("session.turns.Floor._status", lambda self: {}),
)
async def interaction_status(emulating):
    model = "models/gemini-3.8-live-extended-thinking"
    async with emulating(QUICK) as client, client.session(setup(model=model)) as talker:
        await talker.type("Done?")
        answer = await talker.until_turn_complete()
        assert content(answer[-1])["interactionStatus"] == "IDLE"


@rule(
    "Thoughts come as parts marked so, if asked for",
    "native models; measured",
    replaced("conversation.plan.thoughts_of", lambda setup: True),
)
async def thoughts(emulating):
    model = "models/gemini-3.1-flash-live-preview"
    for asked in (True, False):
        generation = {**AUDIO, "thinkingConfig": {"includeThoughts": asked}}
        async with (
            emulating(QUICK) as client,
            client.session(setup(model=model, generationConfig=generation)) as talker,
        ):
            await talker.type("Think.")
            answer = await talker.until_turn_complete()
            parts = [
                part
                for each in answer
                for part in content(each).get("modelTurn", {}).get("parts", [])
            ]
            assert any(part.get("thought") for part in parts) is asked
            assert ("thoughtsTokenCount" in answer[-1]["usageMetadata"]) is asked
            assert "Turn 1 came" not in transcript(answer)


@rule(
    "Frames count always from 3.1 on, on 2.5 only while somebody speaks",
    CAPABILITIES,
    replaced("session.session.ONLY_ACTIVITY", "never"),
)
async def turn_coverage(emulating):
    native = "models/gemini-2.5-flash-native-audio-preview-12-2025"
    only, every = "TURN_INCLUDES_ONLY_ACTIVITY", "TURN_INCLUDES_ALL_INPUT"
    for model, coverage, counted in (
        ("models/gemini-3.8-live", None, True),
        ("models/gemini-3.8-live", only, False),
        (native, None, False),
        (native, every, True),
    ):
        config = {"realtimeInputConfig": {"turnCoverage": coverage}} if coverage else {}
        async with (
            emulating(QUICK) as client,
            client.session(setup(model=model, **config)) as talker,
        ):
            await talker.send(realtimeInput={"video": JPEG})
            await talker.type("What was it?")
            answer = await talker.until_turn_complete()
            assert ("1 video frames" in transcript(answer)) is counted
            assert client.last()["counters"]["video_frames"] == 1


@rule(
    "The context grows turn by turn",
    "google-genai's own test",
    replaced("responses.echo.recital", lambda conversation: "I forgot."),
)
async def context(emulating):
    async with emulating(QUICK) as client, client.session() as talker:
        turns = [{"role": "user", "parts": [{"text": "Remember the number 1739."}]}]
        await talker.send(clientContent={"turns": turns, "turnComplete": True})
        await talker.until_turn_complete()
        turns = [{"role": "user", "parts": [{"text": "Which number was it?"}]}]
        await talker.send(clientContent={"turns": turns})
        await talker.send(clientContent={"turnComplete": True})
        assert "1739" in transcript(await talker.until_turn_complete())


@rule(
    "3.1 takes content only at the start, by option",
    "its model page against Google's own test",
    replaced("session.session.Session._client_content", idle),
)
async def initial_only(emulating):
    options = Options(mid_session_content="refused")
    model = "models/gemini-3.1-flash-live-preview"
    async with emulating(options) as client, client.session(setup(model=model)) as talker:
        await talker.send(clientContent={"turnComplete": True})
        assert await talker.until_closed() == (
            1007,
            "Request contains an invalid argument.",
        )
