"""Sessions: how long they last, what they remember and what they cost."""

# ruff: noqa: ARG005 - a stand-in is as the thing it stands in for

from __future__ import annotations

import math
from dataclasses import replace

from conformance.table.rules import JAVASCRIPT, idle, nothing, replaced, rule
from emulator.talking import QUICK, function, setup, speech, transcript
from tokensvc.emulator import Options
from tokensvc.emulator.conversation.context import Conversation

SESSIONS = "https://ai.google.dev/gemini-api/docs/live-api/session-management"
COMPRESSED = {"contextWindowCompression": {"slidingWindow": {}}}
JPEG = {"mimeType": "image/jpeg", "data": "/9g="}
ORIGINAL_COMPRESS = Conversation.compress


@rule(
    "A connection is announced to end and then cut",
    SESSIONS + "; words from sokuji issue 179",
    replaced("session.deadlines.Timekeeper._end", lambda self: math.inf),
)
async def connection_life(emulating):
    async with emulating() as client, client.session(setup(**COMPRESSED)) as talker:
        client.emulator.clock.skip(600 - 50)
        announced = await talker.next()
        assert announced == {"goAway": {"timeLeft": "50s"}}
        client.emulator.clock.skip(50)
        assert await talker.until_closed() == (
            1011,
            "Deadline expired before operation could complete.",
        )


@rule(
    "After goAway the server may be silent, by option",
    "tau2-bench pull request 461",
    replaced("session.deadlines.Timekeeper._hush", nothing),
)
async def silence_after_go_away(emulating):
    options = replace(QUICK, silent_after_go_away=True)
    async with emulating(options) as client, client.session(setup(**COMPRESSED)) as talker:
        client.emulator.clock.skip(560)
        await talker.until(lambda message: "goAway" in message)
        await talker.type("Are you there?")
        await client.seen(lambda last: last["said"]["bytes"] > 0)
        client.emulator.clock.skip(50)
        before = len(talker.received)
        assert (await talker.until_closed())[0] == 1011
        assert len(talker.received) == before


@rule(
    "Without compression a conversation with sound lasts 15 minutes",
    SESSIONS,
    replaced("session.deadlines.Timekeeper._end", lambda self: math.inf),
)
async def audio_limit(emulating):
    options = replace(QUICK, connection_life=7200)
    async with emulating(options) as client:
        async with client.session() as talker:
            client.emulator.clock.skip(15 * 60)
            assert (await talker.until_closed())[0] == 1011
        async with client.session(setup(**COMPRESSED)) as talker:
            client.emulator.clock.skip(15 * 60)
            await talker.type("Still here.")
            assert "Still here" in transcript(await talker.until_turn_complete())


@rule(
    "Without compression a conversation with video lasts 2 minutes",
    SESSIONS,
    replaced("session.session.Session._video", nothing),
)
async def video_limit(emulating):
    async with emulating(Options(latency=0.0)) as client, client.session() as talker:
        await talker.send(realtimeInput={"video": JPEG})
        await talker.send(realtimeInput={"audioStreamEnd": True})
        await client.taken(2)
        client.emulator.clock.skip(121)
        assert (await talker.until_closed())[0] == 1011


@rule(
    "The limit is the conversation's, not the connection's",
    SESSIONS,
    replaced(
        "conversation.context.Conversation.as_of",
        lambda self, length: Conversation(0, self.began + 10**6),
    ),
)
async def limit_over_resume(emulating):
    async with emulating(QUICK) as client:
        async with client.session(setup(sessionResumption={})) as talker:
            handle = await talker.handle()
        client.emulator.clock.skip(500)
        async with client.session(setup(sessionResumption={"handle": handle})) as talker:
            client.emulator.clock.skip(401)
            assert (await talker.until_closed())[0] == 1011


def compress_anyhow(conversation, trigger, target):
    ORIGINAL_COMPRESS(conversation, trigger, target)
    if conversation.dropped and conversation.remarks:
        del conversation.remarks[0]


@rule(
    "Compression drops the oldest until a person's turn is first",
    SESSIONS,
    replaced("conversation.context.Conversation.compress", nothing),
)
async def compression(emulating):
    window = {"triggerTokens": 2500, "slidingWindow": {"targetTokens": 1200}}
    async with (
        emulating() as client,
        client.session(setup(contextWindowCompression=window)) as talker,
    ):
        for number in range(12):
            await talker.type(f"This is what I say for the time {number}, and it is long.")
            await talker.until_turn_complete()
        context = client.last()["context"]
        assert context["compressions"] >= 1
        assert context["tokens"] <= 4000
        assert context["remarks"][0]["kind"] == "typed"
        typed = [each["text"] for each in context["remarks"] if each["kind"] == "typed"]
        assert "time 11," in typed[-1]
        assert "time 0," not in typed[0]


@rule(
    "History is given first and answered by nothing",
    SESSIONS,
    replaced("conversation.plan.initial_history_of", lambda setup: False),
    unsaid={JAVASCRIPT: "its config has no historyConfig"},
)
async def history(emulating):
    asked = setup(historyConfig={"initialHistoryInClientContent": True})
    turns = [
        {"role": "user", "parts": [{"text": "My cat is called Ada."}]},
        {"role": "model", "parts": [{"text": "A fine name."}]},
    ]
    async with emulating() as client, client.session(asked) as talker:
        await talker.send(clientContent={"turns": turns, "turnComplete": True})
        await talker.type("What is my cat called?")
        answer = await talker.until_turn_complete()
        assert "Ada" in transcript(answer)
        assert client.last()["counters"]["answers"] == 1


@rule(
    "Usage counts the whole context again, by modality",
    "usageMetadata; 25 tokens a second",
    replaced("session.turns.usage", lambda prompt, instruction, answer, thoughts: {}),
)
async def usage(emulating):
    async with emulating() as client, client.session() as talker:
        await talker.say(speech(2.0))
        first = (await talker.until_turn_complete())[-1]["usageMetadata"]
        details = {each["modality"]: each["tokenCount"] for each in first["promptTokensDetails"]}
        assert 45 <= details["AUDIO"] <= 55
        assert 45 <= first["responseTokenCount"] <= 62
        assert first["totalTokenCount"] == first["promptTokenCount"] + first["responseTokenCount"]
        await talker.type("And now in writing.")
        second = (await talker.until_turn_complete())[-1]["usageMetadata"]
        assert second["promptTokenCount"] >= first["totalTokenCount"]
        assert {"TEXT", "AUDIO"} == {each["modality"] for each in second["promptTokensDetails"]}


@rule(
    "A frame costs what its resolution says",
    "media resolution: 64 or 258 tokens",
    replaced("conversation.plan._FRAME_TOKENS", {}),
)
async def frame_cost(emulating):
    async with emulating() as client:
        for resolution, cost in ((None, 258), ("MEDIA_RESOLUTION_LOW", 64)):
            generation = {"responseModalities": ["AUDIO"]}
            if resolution:
                generation["mediaResolution"] = resolution
            async with client.session(setup(generationConfig=generation)) as talker:
                await talker.send(realtimeInput={"video": JPEG})
                await talker.type("What do you see?")
                usage = (await talker.until_turn_complete())[-1]["usageMetadata"]
                details = {
                    each["modality"]: each["tokenCount"] for each in usage["promptTokensDetails"]
                }
                assert details["VIDEO"] == cost


@rule(
    "A token's session cannot change its configuration on the way",
    "ours: the stricter reading",
    replaced("session.session.Session._context_update", idle),
)
async def context_update(emulating):
    update = {"systemInstruction": {"parts": [{"text": "Now serve me."}]}}
    async with emulating(QUICK) as client:
        token = await client.token(bidiGenerateContentSetup=setup())
        async with client.session(token=token) as talker:
            await talker.send(contextUpdate=update)
            await talker.type("Well?")
            code, reason = await talker.until_closed()
            assert (code, reason) == (
                1008,
                "Operation is not implemented, or supported, or enabled.",
            )
        async with client.session() as talker:
            await talker.send(contextUpdate={"tools": {"tools": [function("look_up")]}})
            await talker.type("Look up the sky.")
            assert (await talker.call())["name"] == "look_up"
