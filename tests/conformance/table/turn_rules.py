"""Turns: interruptions, and the order and content of what is sent."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from conformance.table.rules import (
    LOGS_25,
    PACED,
    RESUME_TEST,
    SMOKE_31,
    STOP_TEST,
    documented,
    recorded,
    rule,
    without,
)
from emulator.live_client import QUICK, content, setup, sound, speech, transcript
from tokensvc.emulator import Options

CAPABILITIES = "https://ai.google.dev/gemini-api/docs/live-api/capabilities"
AUDIO = {"responseModalities": ["AUDIO"]}
JPEG = {"mimeType": "image/jpeg", "data": "/9g="}
LONG = "Tell me about the weather, the sea and the mountains, and do not leave anything out."


@rule(
    "Speech interrupts an answer: interrupted, turnComplete, no generationComplete",
    documented(CAPABILITIES),
    without("session/turns.py", "if self._context.plan.interruptible:", "if False:"),
)
async def interruption(emulating):
    async with emulating(PACED) as client, client.session() as session:
        await session.send_text(LONG)
        first_messages = await session.until(lambda message: content(message).get("modelTurn"))
        await session.send_audio(speech(0.5, 0.0))
        rest = await session.until_turn_complete()
        assert content(rest[-2]) == {"interrupted": True}
        assert not any("generationComplete" in content(message) for message in rest)
        latest = client.latest()
        assert latest["counters"]["interruptions"] == 1
        (record,) = latest["answers"]
        assert record["interrupted"]
        assert record["sent"] == len(sound(first_messages + rest)) < record["planned"]
        said = [each["text"] for each in latest["context"]["entries"] if each["kind"] == "said"]
        assert said == [transcript(first_messages + rest)], "only what was sent is remembered"


@rule(
    "An answer can be interrupted while it is still playing",
    recorded(STOP_TEST),
    without(
        "session/turns.py",
        "await context.clock.sleep_until(self._speaker.plays_until)",
        "self._task = None; await context.clock.sleep_until(self._speaker.plays_until)",
    ),
)
async def interruption_while_playing(emulating):
    ahead = replace(PACED, send_rate=1000.0)
    async with emulating(ahead) as client, client.session() as session:
        await session.send_text(LONG)
        await session.until(lambda message: "generationComplete" in content(message))
        await session.send_audio(speech(0.5, 0.0))
        rest = await session.until_turn_complete()
        assert {"interrupted": True} in [content(message) for message in rest]


@rule(
    "With NO_INTERRUPTION, the turn is taken after the answer has finished",
    documented(CAPABILITIES),
    without(
        "conversation/plan.py",
        'interruptible=realtime.get("activityHandling") != "NO_INTERRUPTION"',
        "interruptible=True",
    ),
)
async def no_interruption(emulating):
    requested = setup(realtimeInputConfig={"activityHandling": "NO_INTERRUPTION"})
    async with (
        emulating(replace(PACED, send_rate=20.0)) as client,
        client.session(requested) as session,
    ):
        await session.send_text("Short, please.")
        await session.until(lambda message: content(message).get("modelTurn"))
        await session.send_audio(speech(0.5))
        first = await session.until_turn_complete()
        assert not any(content(message).get("interrupted") for message in first)
        assert any(content(message).get("generationComplete") for message in first)
        second = await session.until_turn_complete()
        assert transcript(second) == "[0.5 s of speech, played back]"


@rule(
    "clientContent interrupts an answer",
    documented("https://ai.google.dev/api/live, clientContent"),
    without("session/session.py", "await self._turns.interrupt()", "pass"),
)
async def content_interrupts(emulating):
    async with emulating(PACED) as client, client.session() as session:
        await session.send_text(LONG)
        await session.until(lambda message: content(message).get("modelTurn"))
        turns = [{"role": "user", "parts": [{"text": "Stop."}]}]
        await session.send(clientContent={"turns": turns})
        rest = await session.until_turn_complete()
        assert any(content(message).get("interrupted") for message in rest)


@rule(
    "turnComplete is held back until the answer has been played",
    recorded(STOP_TEST),
    without("session/turns.py", "await context.clock.sleep_until(self._speaker.plays_until)", "pass"),
)
async def held_turn_complete(emulating):
    async with emulating(replace(PACED, send_rate=1000.0)) as client, client.session() as session:
        await session.send_text("Tell me about the weather and the sea.")
        first_messages = await session.until(lambda message: content(message).get("modelTurn"))
        start = asyncio.get_running_loop().time()
        rest = await session.until_turn_complete()
        seconds = len(sound(first_messages + rest)) / 48_000
        assert seconds > 2.5
        # On a busy machine the first message may have arrived late.
        assert asyncio.get_running_loop().time() - start > seconds / PACED.playback_rate / 2
        order = [next(iter(content(message))) for message in rest if content(message)]
        assert order.index("generationComplete") < order.index("turnComplete")


@rule(
    "Audio is sent ahead of its playback, in bursts",
    recorded(f"{STOP_TEST}: 4 to 5 times real time"),
    without("session/speech.py", "if number % BURST == 0:", "if False:"),
)
async def bursts(emulating):
    async with emulating(PACED) as client, client.session() as session:
        await session.send_text(LONG)
        await session.until(lambda message: content(message).get("modelTurn"))
        start = asyncio.get_running_loop().time()
        answer = await session.until(lambda message: "generationComplete" in content(message))
        took = asyncio.get_running_loop().time() - start
        seconds = len(sound(answer)) / 48_000
        assert seconds / 16 < took < seconds / 2


@rule(
    "Transcripts are sent in fragments, for each side that the setup asks for",
    documented(CAPABILITIES),
    without("conversation/plan.py", '"inputAudioTranscription" in setup', "True"),
    without("conversation/plan.py", '"outputAudioTranscription" in setup', "True"),
)
async def transcripts(emulating):
    async with emulating(QUICK) as client:
        for fields in ((), ("inputAudioTranscription",), ("outputAudioTranscription",)):
            requested = {"model": setup()["model"], "generationConfig": AUDIO}
            requested |= {field: {} for field in fields}
            async with client.session(requested) as session:
                await session.send_audio(speech(0.8))
                answer = await session.until_turn_complete()
                heard = transcript(answer, "inputTranscription")
                assert heard == ("[0.8 s of speech]" if fields[:1] == INPUT else "")
                spoken = transcript(answer)
                assert bool(spoken) is (fields == ("outputAudioTranscription",))


INPUT = ("inputAudioTranscription",)


@rule(
    "An input transcript is one message, or fragments on 2.5, or grows from the start by option",
    recorded(f"{STOP_TEST}; {SMOKE_31}; {LOGS_25}"),
    without("session/session.py", 'if form == "final" or split < 1:', "if True:"),
)
async def input_transcripts(emulating):
    whole, fragments = ["[0.8 s of speech]"], ["[0.8 s", " of speech]"]
    for model, form, expected in (
        ("models/gemini-3.8-live", "by_model", whole),
        ("models/gemini-3.1-flash-live-preview", "by_model", whole),
        ("models/gemini-2.5-flash-native-audio-preview-12-2025", "by_model", fragments),
        ("models/gemini-3.8-live", "fragments", fragments),
        ("models/gemini-3.8-live", "cumulative", ["[0.8 s", "[0.8 s of speech]"]),
    ):
        async with (
            emulating(replace(QUICK, input_transcripts=form)) as client,
            client.session(setup(model=model)) as session,
        ):
            await session.send_audio(speech(0.8))
            answer = await session.until_turn_complete()
            parts = [content(message).get("inputTranscription") for message in answer]
            assert [part for part in parts if part] == [{"text": text} for text in expected]


@rule(
    "A message has one part, or by option several from 3.1 on",
    recorded(f"{STOP_TEST}; the model pages speak of several"),
    without("session/speech.py", 'if context.options.parts == "several" and', "if"),
    without("session/speech.py", "context.plan.model.several_parts and half", "half"),
)
async def several_parts(emulating):
    newest, older = "models/gemini-3.8-live", "models/gemini-2.5-flash-native-audio-preview-12-2025"
    for model, parts, most in (
        (newest, "one", 1),
        (newest, "several", 2),
        (older, "several", 1),
    ):
        async with (
            emulating(replace(QUICK, parts=parts)) as client,
            client.session(setup(model=model)) as session,
        ):
            await session.send_text(LONG)
            answer = await session.until_turn_complete()
            counts = [len(each["parts"]) for each in model_turns(answer)]
            assert max(counts) == most
            assert len(sound(answer)) == client.latest()["answers"][0]["planned"]


def model_turns(messages):
    return [content(each)["modelTurn"] for each in messages if "modelTurn" in content(each)]


@rule(
    "A message has 40 to 680 ms of sound",
    recorded(f"{STOP_TEST}; {RESUME_TEST}"),
    without("session/speech.py", "CHUNK_MS = (40, 280, 160, 680, 200, 360)", "CHUNK_MS = (800,)"),
)
async def chunks(emulating):
    async with emulating(QUICK) as client, client.session() as session:
        await session.send_text(LONG)
        answer = await session.until_turn_complete()
        *lengths, _last = [len(sound([each])) / 48 for each in answer if sound([each])]
        assert min(lengths) == 40
        assert max(lengths) == 680


@rule(
    "modelTurn has a role on 3.8",
    recorded(f"{STOP_TEST}; {LOGS_25}"),
    without("protocol/models.py", '{"role": "model"} if self.names_role else {}', "{}"),
)
async def role(emulating):
    for model, expected in (
        ("models/gemini-3.8-live", {"model"}),
        ("models/gemini-2.5-flash-native-audio-preview-12-2025", {None}),
    ):
        async with emulating(QUICK) as client, client.session(setup(model=model)) as session:
            await session.send_text(LONG)
            answer = await session.until_turn_complete()
            assert {each.get("role") for each in model_turns(answer)} == expected


@rule(
    "An output transcript comes in pieces of 2 to 5 words, each in one message with sound",
    recorded(f"{STOP_TEST}; {RESUME_TEST}"),
    without("session/speech.py", "FEWEST_WORDS = 2", "FEWEST_WORDS = 1"),
)
async def transcript_with_sound(emulating):
    async with emulating(QUICK) as client, client.session() as session:
        await session.send_text(LONG)
        answer = await session.until_turn_complete()
        spoken = [each for each in answer if "outputTranscription" in content(each)]
        assert all(sound([each]) for each in spoken)
        *pieces, _last = [content(each)["outputTranscription"]["text"] for each in spoken]
        assert {len(piece.split()) for piece in pieces} <= {2, 3, 4, 5}
        cuts = {(piece.startswith(" "), piece.endswith(" ")) for piece in pieces}
        assert len(cuts) > 1, "before a space or after it"
        assert LONG in transcript(answer)


@rule(
    "Messages without content may come between those with sound",
    recorded(STOP_TEST),
    without(
        "session/speech.py",
        '{2: {}, 5: {"serverContent": {}}}',
        "{}",
    ),
)
async def empty_messages(emulating):
    async with emulating(QUICK) as client, client.session() as session:
        await session.send_text(LONG)
        answer = await session.until_turn_complete()
        empty = [each for each in answer if each in ({}, {"serverContent": {}})]
        assert {} in empty
        assert {"serverContent": {}} in empty
        assert len(sound(answer)) == client.latest()["answers"][0]["planned"]


@rule(
    "The usage of an interrupted answer is what was made of it, even if that was all",
    recorded(STOP_TEST),
    without("session/speech.py", "return self._tokens", "return self._tokens if answer else 0"),
)
async def interrupted_usage(emulating):
    async with (
        emulating(replace(PACED, send_rate=1000.0)) as client,
        client.session() as session,
    ):
        await session.send_text(LONG)
        made = await session.until(lambda message: "generationComplete" in content(message))
        await session.send_audio(speech(0.5, 0.0))
        usage = (await session.until_turn_complete())[-1]["usageMetadata"]
        assert usage["responseTokenCount"] == round(25 * len(sound(made)) / 48_000)


@rule(
    "The extended thinking model sends interactionStatus with turnComplete",
    documented("https://ai.google.dev/gemini-api/docs/models/gemini-3.8-live-extended-thinking"),
    without("session/turns.py", "if context.plan.model.status:", "if False:"),
)
async def interaction_status(emulating):
    model = "models/gemini-3.8-live-extended-thinking"
    generation = {**AUDIO, "thinkingConfig": {"thinkingLevel": "LOW"}}
    requested = setup(model=model, generationConfig=generation)
    async with emulating(QUICK) as client, client.session(requested) as session:
        await session.send_text("Done?")
        answer = await session.until_turn_complete()
        assert content(answer[-1])["interactionStatus"] == "IDLE"


@rule(
    "Thoughts are sent on request, as parts marked as such",
    documented("https://ai.google.dev/gemini-api/docs/live-api/thinking"),
    without("responses/echo.py", "if plan.thoughts:", "if True:"),
)
async def thoughts(emulating):
    model = "models/gemini-3.1-flash-live-preview"
    for requested in (True, False):
        generation = {**AUDIO, "thinkingConfig": {"includeThoughts": requested}}
        async with (
            emulating(QUICK) as client,
            client.session(setup(model=model, generationConfig=generation)) as session,
        ):
            await session.send_text("Think.")
            answer = await session.until_turn_complete()
            parts = [part for each in answer for part in content(each).get("modelTurn", {}).get("parts", [])]
            assert any(part.get("thought") for part in parts) is requested
            assert ("thoughtsTokenCount" in answer[-1]["usageMetadata"]) is requested
            assert "Turn 1 came" not in transcript(answer)


@rule(
    "Video frames always count from 3.1 on; on 2.5 they count during speech only",
    documented(CAPABILITIES),
    without("session/session.py", "context.plan.coverage != ONLY_ACTIVITY", "True"),
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
            client.session(setup(model=model, **config)) as session,
        ):
            await session.send(realtimeInput={"video": JPEG})
            await session.send_text("What was it?")
            answer = await session.until_turn_complete()
            assert ("1 video frames" in transcript(answer)) is counted
            assert client.latest()["counters"]["video_frames"] == 1


@rule(
    "The context grows with each turn",
    documented("google-genai, its own test"),
    without("conversation/context.py", "self.entries.append(entry)", "self.entries = [entry]"),
)
async def context(emulating):
    async with emulating(QUICK) as client, client.session() as session:
        turns = [{"role": "user", "parts": [{"text": "Remember the number 1739."}]}]
        await session.send(clientContent={"turns": turns, "turnComplete": True})
        await session.until_turn_complete()
        turns = [{"role": "user", "parts": [{"text": "Which number was it?"}]}]
        await session.send(clientContent={"turns": turns})
        await session.send(clientContent={"turnComplete": True})
        assert "1739" in transcript(await session.until_turn_complete())


@rule(
    "clientContent without turnComplete is not answered, and known in the next turn",
    documented("https://ai.google.dev/api/live, clientContent; googleapis/python-genai issue 350"),
    without("session/session.py", "        if complete:\n", "        if True:\n"),
)
async def incomplete_content(emulating):
    async with emulating(QUICK) as client, client.session() as session:

        async def show(number):
            turns = [{"role": "user", "parts": [{"text": f"[System note: page {number}.]"}]}]
            await session.send(clientContent={"turns": turns, "turnComplete": False})

        await show(1739)
        await session.send_text("What is it?")
        assert "1739" in transcript(await session.until_turn_complete())
        await show(1740)
        await session.send_audio(speech(0.5))
        assert "1740" in transcript(await session.until_turn_complete())
        assert client.latest()["counters"]["answers"] == 2


@rule(
    "By option, speech after a clientContent without turnComplete is answered at the turnComplete",
    documented(
        "https://github.com/google-gemini/live-api-web-console/issues/60, of January 2025; "
        "google-gemini/deprecated-generative-ai-python issue 682"
    ),
    without("session/session.py", "            if self._content_open:\n", "            if False:\n"),
)
async def awaited_content(emulating):
    options = replace(QUICK, incomplete_content="awaited")
    async with emulating(options) as client, client.session() as session:
        turns = [{"role": "user", "parts": [{"text": "[System note: the page shows 1739.]"}]}]
        await session.send(clientContent={"turns": turns, "turnComplete": False})
        await session.send_audio(speech(0.5))
        await session.until(lambda message: content(message).get("inputTranscription"))
        await session.send(clientContent={"turnComplete": True})
        assert "1739" in transcript(await session.until_turn_complete())
        assert client.latest()["counters"]["answers"] == 1


@rule(
    "3.1 accepts clientContent at the start only",
    recorded(
        "https://github.com/livekit/agents/pull/5262, a minimal script; https://github.com/yagudaev/voiceclaw/pull/248"
    ),
    without(
        "session/session.py",
        'if model.only_initial_content and context.options.mid_session_content == "refused":',
        "if False:",
    ),
)
async def initial_only(emulating):
    model = "models/gemini-3.1-flash-live-preview"
    async with emulating(Options()) as client, client.session(setup(model=model)) as session:
        await session.send(clientContent={"turnComplete": True})
        assert await session.until_closed() == (
            1007,
            "Request contains an invalid argument.",
        )
