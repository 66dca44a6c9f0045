"""Tools: calls, results, and what an interruption does to them."""

# ruff: noqa: ARG005 - a stand-in is as the thing it stands in for

from __future__ import annotations

import json
from dataclasses import replace

from conformance.table.rules import PACED, idle, nothing, replaced, rule
from emulator.talking import QUICK, content, function, setup, speech, transcript
from tokensvc.emulator.responses import scenario

TOOLS = "https://ai.google.dev/gemini-api/docs/live-api/tools"
METER = function("read_the_meter")
ASYNC_METER = function("read_the_meter", behavior="NON_BLOCKING")
ASK = "Please read the meter."


@rule(
    "A function is called when the words of its name are typed, whatever the name",
    "ours; google-genai's own test needs it",
    replaced("responses.echo.words", lambda text: {text}),
)
async def called(emulating):
    async with emulating(QUICK) as client:
        for name, ask in (
            ("read_the_meter", "Would you read the meter?"),
            ("openDoor", "Open the big door!"),
            ("lights.turn_off", "turn the lights off"),
        ):
            async with client.session(setup(tools=[function(name)])) as talker:
                await talker.type("Nothing of the kind.")
                assert not any("toolCall" in each for each in await talker.until_turn_complete())
                await talker.type(ask)
                call = await talker.call()
                assert call["name"] == name
                assert call["id"]


@rule(
    "A blocking call waits for its result, and the turn with it",
    TOOLS,
    replaced("session.turns.is_blocking", lambda tool: False),
)
async def blocking(emulating):
    async with emulating(QUICK) as client, client.session(setup(tools=[METER])) as talker:
        await talker.type(ASK)
        call = await talker.call()
        await client.seen(lambda last: last["counters"]["tool_calls"] == 1)
        assert client.last()["said"]["bytes"] == 0
        await talker.respond(call, {"reading": 4812})
        answer = await talker.until_turn_complete()
        assert "4812" in transcript(answer)
        turns = [each for each in talker.received if content(each).get("turnComplete")]
        assert len(turns) == 1


@rule(
    "A call that does not block lets the turn end; its result is spoken when idle",
    TOOLS,
    replaced("session.turns.is_blocking", lambda tool: True),
)
async def non_blocking(emulating):
    async with emulating(QUICK) as client, client.session(setup(tools=[ASYNC_METER])) as talker:
        await talker.type(ASK)
        call = await talker.call()
        first = await talker.until_turn_complete()
        assert "asked read_the_meter" in transcript(first)
        await talker.respond(call, {"reading": 99})
        assert "99" in transcript(await talker.until_turn_complete())


@rule(
    "A declaration without behavior is the model's default, or the option's",
    "model page against tools guide",
    replaced("conversation.plan._behavior", lambda *_: "NON_BLOCKING"),
)
async def default_behavior(emulating):
    bare = {"functionDeclarations": [{"name": "read_the_meter"}]}
    for model, option, blocks in (
        ("models/gemini-3.8-live", "by_model", False),
        ("models/gemini-3.8-live", "BLOCKING", True),
        ("models/gemini-3.1-flash-live-preview", "by_model", True),
        ("models/gemini-2.5-flash-native-audio-preview-12-2025", "by_model", True),
    ):
        async with (
            emulating(replace(QUICK, default_behavior=option)) as client,
            client.session(setup(model=model, tools=[bare])) as talker,
        ):
            await talker.type(ASK)
            call = await talker.call()
            if not blocks:
                await talker.until_turn_complete()
            await talker.respond(call, {"reading": 5})
            answer = await talker.until_turn_complete()
            assert "meter answered" in transcript(answer)
            assert client.last()["counters"]["answers"] == (1 if blocks else 2)


@rule("A result may be silent", TOOLS, replaced("session.turns.SILENT", "never"))
async def silent(emulating):
    async with emulating(QUICK) as client, client.session(setup(tools=[ASYNC_METER])) as talker:
        await talker.type(ASK)
        call = await talker.call()
        await talker.until_turn_complete()
        await talker.respond(call, {"reading": 7}, scheduling="SILENT")
        await client.seen(lambda last: last["counters"]["tool_answers"] == 1)
        await talker.type("Anything new?")
        assert "Anything new" in transcript(await talker.until_turn_complete())
        assert client.last()["counters"]["answers"] == 2
        assert {"kind": "answered", "text": '{"reading": 7}'} in (
            client.last()["context"]["remarks"]
        )


@rule(
    "A result may interrupt, or wait until the answer is over",
    TOOLS,
    replaced("session.turns.INTERRUPT", "never"),
)
async def interrupting_result(emulating):
    for scheduling, interrupts in (("INTERRUPT", True), ("WHEN_IDLE", False)):
        async with (
            emulating(replace(PACED, send_rate=30.0)) as client,
            client.session(setup(tools=[ASYNC_METER])) as talker,
        ):
            await talker.type(ASK)
            call = await talker.call()
            await talker.until(lambda message: content(message).get("modelTurn"))
            await talker.respond(call, {"reading": 3}, scheduling=scheduling)
            first = await talker.until_turn_complete()
            was = any(content(message).get("interrupted") for message in first)
            assert was is interrupts
            assert "meter answered" in transcript(await talker.until_turn_complete())


@rule(
    "A result may be one of several",
    "FunctionResponse.willContinue",
    replaced("session.turns.more_to_come", lambda result: False),
)
async def will_continue(emulating):
    async with emulating(QUICK) as client, client.session(setup(tools=[ASYNC_METER])) as talker:
        await talker.type(ASK)
        call = await talker.call()
        await talker.until_turn_complete()
        for part, more in ((1, True), (2, True), (3, False)):
            await talker.respond(call, {"part": part}, willContinue=more)
            assert f'"part": {part}' in transcript(await talker.until_turn_complete())
        await talker.respond(call, {"part": 4})
        await talker.type("And now?")
        await talker.until_turn_complete()
        assert client.last()["counters"]["tool_answers"] == 3


@rule(
    "An interruption cancels what blocks, by id, before it says so",
    TOOLS,
    replaced("session.turns.Floor._discard", lambda self: []),
)
async def cancellation(emulating):
    async with emulating(QUICK) as client, client.session(setup(tools=[METER])) as talker:
        await talker.type(ASK)
        call = await talker.call()
        await talker.say(speech(0.5, 0.0))
        rest = await talker.until_turn_complete()
        assert [next(iter(content(each) or each)) for each in rest] == [
            "toolCallCancellation",
            "interrupted",
            "turnComplete",
        ]
        assert rest[0]["toolCallCancellation"] == {"ids": [call["id"]]}
        assert client.last()["counters"]["tool_cancellations"] == 1


@rule(
    "A late or made-up result changes nothing",
    TOOLS,
    replaced("session.turns.Floor.result", lambda self, result: self.late(result)),
)
async def late_result(emulating):
    async with emulating(QUICK) as client, client.session(setup(tools=[METER])) as talker:
        await talker.respond({"id": "made-up", "name": "read_the_meter"}, {"reading": 666})
        await talker.type("What do you know?")
        assert "666" not in transcript(await talker.until_turn_complete())
        assert client.last()["counters"]["tool_answers"] == 0


@rule(
    "A result without an id is refused",
    "https://ai.google.dev/api/live",
    replaced("session.session.Session._tool_response", idle),
    unsaid="an SDK refuses it itself",
)
async def no_id(emulating):
    async with emulating(QUICK) as client, client.session(setup(tools=[METER])) as talker:
        await talker.send(toolResponse={"functionResponses": [{"name": "read_the_meter"}]})
        assert (await talker.until_closed())[0] == 1007


@rule(
    "Scheduling is for models that have it",
    "models' pages",
    replaced("session.session.Session._check_scheduling", nothing),
)
async def no_scheduling(emulating):
    model = "models/gemini-3.1-flash-live-preview"
    async with (
        emulating(QUICK) as client,
        client.session(setup(model=model, tools=[METER])) as talker,
    ):
        await talker.type(ASK)
        call = await talker.call()
        await talker.respond(call, {}, scheduling="INTERRUPT")
        assert (await talker.until_closed())[0] == 1007


@rule(
    "The same call may come twice",
    "mastra issue 22985; by scenario",
    replaced("session.turns.Floor._repeat", idle),
)
async def twice(emulating):
    script = scenario.read({"turn": [{"call": "read_the_meter", "twice": True, "then": "Done."}]})
    async with (
        emulating(QUICK, script.mind) as client,
        client.session(setup(tools=[METER])) as talker,
    ):
        await talker.type("Go.")
        call = await talker.call()
        again = await talker.until(lambda message: content(message).get("modelTurn"))
        assert content(again[-1])["modelTurn"]["parts"] == [{"functionCall": call}]


@rule(
    "Arguments follow the declared types",
    "ours",
    replaced("responses.echo.arguments", lambda *_: {}),
)
async def arguments(emulating):
    properties = {
        "room": {"type": "STRING", "enum": ["kitchen", "hall"]},
        "degrees": {"type": "NUMBER"},
        "count": {"type": "INTEGER"},
        "on": {"type": "BOOLEAN"},
        "note": {"type": "STRING"},
        "days": {"type": "ARRAY", "items": {"type": "INTEGER"}},
    }
    heat = function(
        "heat", parameters={"type": "OBJECT", "properties": properties, "required": [*properties]}
    )
    async with emulating(QUICK) as client, client.session(setup(tools=[heat])) as talker:
        await talker.type("Heat the hall to 21.5 degrees")
        assert (await talker.call())["args"] == {
            "room": "hall",
            "degrees": 21.5,
            "count": 21,
            "on": True,
            "note": "Heat the hall to 21.5 degrees",
            "days": [21],
        }


@rule("A search comes back as grounding", TOOLS, replaced("session.turns.grounding", lambda *_: {}))
async def search(emulating):
    async with (
        emulating(QUICK) as client,
        client.session(setup(tools=[{"googleSearch": {}}])) as talker,
    ):
        await talker.type("Search for otters.")
        answer = await talker.until_turn_complete()
        (grounding,) = [
            content(each)["groundingMetadata"]
            for each in answer
            if "groundingMetadata" in content(each)
        ]
        assert grounding["webSearchQueries"] == ["Search for otters."]
        assert grounding["groundingChunks"]
        assert json.dumps(grounding)


@rule(
    "While a function is out there is nothing to resume",
    "https://ai.google.dev/gemini-api/docs/live-api/session-management",
    replaced("session.turns.Floor.generating", by=False),
)
async def not_resumable(emulating):
    asked = setup(tools=[ASYNC_METER], sessionResumption={})
    async with emulating(QUICK) as client, client.session(asked) as talker:
        await talker.handle()
        await talker.type(ASK)
        call = await talker.call()
        await talker.until_turn_complete()
        client.emulator.clock.skip(1.2)
        update = await talker.until(lambda message: "sessionResumptionUpdate" in message)
        assert update[-1]["sessionResumptionUpdate"] == {"resumable": False}
        await talker.respond(call, {"reading": 1})
        await talker.until_turn_complete()
        client.emulator.clock.skip(1.2)
        assert await talker.handle()
