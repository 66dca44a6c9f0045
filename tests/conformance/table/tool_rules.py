"""Tools: calls, results, and what an interruption does to them."""

from __future__ import annotations

import json
import re
from dataclasses import replace

from conformance.table.rules import (
    PACED,
    STOP_TEST,
    documented,
    ours,
    recorded,
    rule,
    without,
    without_updates,
)
from emulator.live_client import QUICK, content, function, setup, speech, transcript
from tokensvc.emulator.responses.scenario import read_scenario

TOOLS = "https://ai.google.dev/gemini-api/docs/live-api/tools"
METER = function("read_the_meter")
ASYNC_METER = function("read_the_meter", behavior="NON_BLOCKING")
ASK = "Please read the meter."


@rule(
    "A function is called when the words of its name are typed",
    ours("a test of google-genai needs it"),
    without("responses/echo.py", "mentions(typed, tool.name)", "tool.name in typed"),
)
async def called(emulating):
    async with emulating(QUICK) as client:
        for name, ask in (
            ("read_the_meter", "Would you read the meter?"),
            ("openDoor", "Open the big door!"),
            ("lights.turn_off", "turn the lights off"),
        ):
            async with client.session(setup(tools=[function(name)])) as session:
                await session.send_text("Nothing of the kind.")
                assert not any("toolCall" in each for each in await session.until_turn_complete())
                await session.send_text(ask)
                call = await session.next_call()
                assert call["name"] == name
                assert call["id"]


@rule(
    "The turn waits for the result of a blocking call",
    documented(TOOLS),
    without("session/turns.py", "blocking = tool is None or tool.blocking", "blocking = False"),
)
async def blocking(emulating):
    async with emulating(QUICK) as client, client.session(setup(tools=[METER])) as session:
        await session.send_text(ASK)
        call = await session.next_call()
        await client.wait_until(lambda latest: latest["counters"]["tool_calls"] == 1)
        assert client.latest()["said"]["bytes"] == 0
        await session.send_result(call, {"reading": 4812})
        answer = await session.until_turn_complete()
        assert "4812" in transcript(answer)
        turns = [each for each in session.received if content(each).get("turnComplete")]
        assert len(turns) == 1


@rule(
    "The turn ends with a call that does not block; its result is spoken when idle",
    recorded(STOP_TEST),
    without("session/turns.py", "blocking = tool is None or tool.blocking", "blocking = True"),
)
async def non_blocking(emulating):
    async with emulating(QUICK) as client, client.session(setup(tools=[ASYNC_METER])) as session:
        await session.send_text(ASK)
        call = await session.next_call()
        generated, ended = without_updates(await session.until_turn_complete())
        assert content(generated) == {"generationComplete": True}
        assert ended["usageMetadata"]["responseTokenCount"] > 0, "the call counts"
        await session.send_result(call, {"reading": 99})
        assert "99" in transcript(await session.until_turn_complete())


@rule(
    "A function without behavior has the model's default, or the option's",
    documented(f"https://ai.google.dev/gemini-api/docs/models/gemini-3.8-live and {TOOLS}, which disagree"),
    without(
        "conversation/plan.py",
        "return default if default in model.behaviors else model.behaviors[0]",
        'return "NON_BLOCKING"',
    ),
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
            client.session(setup(model=model, tools=[bare])) as session,
        ):
            await session.send_text(ASK)
            call = await session.next_call()
            if not blocks:
                await session.until_turn_complete()
            await session.send_result(call, {"reading": 5})
            answer = await session.until_turn_complete()
            assert "meter answered" in transcript(answer)
            assert client.latest()["counters"]["answers"] == (1 if blocks else 2)


@rule(
    "A SILENT result is not answered",
    documented(TOOLS),
    without("session/turns.py", "elif result.scheduling != SILENT:", "else:"),
)
async def silent(emulating):
    async with emulating(QUICK) as client, client.session(setup(tools=[ASYNC_METER])) as session:
        await session.send_text(ASK)
        call = await session.next_call()
        await session.until_turn_complete()
        await session.send_result(call, {"reading": 7}, scheduling="SILENT")
        await client.wait_until(lambda latest: latest["counters"]["tool_answers"] == 1)
        await session.send_text("Anything new?")
        assert "Anything new" in transcript(await session.until_turn_complete())
        assert client.latest()["counters"]["answers"] == 2
        assert {"kind": "answered", "text": '{"reading": 7}'} in (client.latest()["context"]["entries"])


@rule(
    "An INTERRUPT result interrupts the answer; WHEN_IDLE waits for its end",
    documented(TOOLS),
    without("session/turns.py", "result.scheduling == INTERRUPT", "False"),
)
async def interrupting_result(emulating):
    for scheduling, interrupts in (("INTERRUPT", True), ("WHEN_IDLE", False)):
        async with (
            emulating(replace(PACED, send_rate=30.0)) as client,
            client.session(setup(tools=[ASYNC_METER])) as session,
        ):
            await session.send_text(ASK)
            call = await session.next_call()
            await session.until_turn_complete()
            await session.send_text("What do you know?")
            await session.until(lambda message: content(message).get("modelTurn"))
            await session.send_result(call, {"reading": 3}, scheduling=scheduling)
            first = await session.until_turn_complete()
            was = any(content(message).get("interrupted") for message in first)
            assert was is interrupts
            assert "meter answered" in transcript(await session.until_turn_complete())


@rule(
    "A call may have several results",
    documented("https://ai.google.dev/api/caching, FunctionResponse.willContinue"),
    without("session/turns.py", "if not result.more:", "if True:"),
)
async def will_continue(emulating):
    async with emulating(QUICK) as client, client.session(setup(tools=[ASYNC_METER])) as session:
        await session.send_text(ASK)
        call = await session.next_call()
        await session.until_turn_complete()
        for part, more in ((1, True), (2, True), (3, False)):
            await session.send_result(call, {"part": part}, willContinue=more)
            assert f'"part": {part}' in transcript(await session.until_turn_complete())
        await session.send_result(call, {"part": 4})
        await session.send_text("And now?")
        await session.until_turn_complete()
        assert client.latest()["counters"]["tool_answers"] == 3


@rule(
    "An interruption cancels blocking calls by id, but not on 3.8, or by option",
    recorded(f"never in 41 sessions on 3.8: {STOP_TEST}; for other models {TOOLS}"),
    without("protocol/models.py", 'cancellations="never"', 'cancellations="sent"'),
)
async def cancellation(emulating):
    older, newest = "models/gemini-3.1-flash-live-preview", "models/gemini-3.8-live"
    for model, option, cancels in (
        (older, "by_model", True),
        (newest, "by_model", False),
        (newest, "sent", True),
        (older, "never", False),
    ):
        async with (
            emulating(replace(QUICK, cancellations=option)) as client,
            client.session(setup(model=model, tools=[METER])) as session,
        ):
            await session.send_text(ASK)
            call = await session.next_call()
            await session.send_audio(speech(0.5, 0.0))
            rest = without_updates(await session.until_turn_complete())
            assert [next(iter(content(each) or each)) for each in rest] == [
                "voiceActivity",
                *(["toolCallCancellation"] if cancels else []),
                "interrupted",
                "turnComplete",
            ]
            if cancels:
                assert rest[1]["toolCallCancellation"] == {"ids": [call["id"]]}
            assert client.latest()["counters"]["tool_cancellations"] == int(cancels)


@rule(
    "The result of a blocking call that was interrupted is ignored",
    recorded(STOP_TEST),
    without(
        "session/turns.py",
        "del self._pending[call_id]\n        return",
        "_ = call_id\n        return",
    ),
)
async def interrupted_call(emulating):
    async with emulating(QUICK) as client, client.session(setup(tools=[METER])) as session:
        await session.send_text(ASK)
        call = await session.next_call()
        await session.send_text(f"No, stop. {ASK}")
        again = await session.next_call()
        assert again["id"] != call["id"], "the model may call again"
        await session.send_result(call, {"reading": 666})
        await session.send_result(again, {"reading": 4812})
        assert "4812" in transcript(await session.until_turn_complete())
        assert client.latest()["counters"]["tool_answers"] == 1


@rule(
    "A late or unknown result is ignored",
    documented(TOOLS),
    without(
        "session/session.py",
        'log.debug("result for unknown call ignored")',
        "raise CloseError(CloseReasons.invalid_argument)",
    ),
)
async def late_result(emulating):
    async with emulating(QUICK) as client, client.session(setup(tools=[METER])) as session:
        await session.send_result({"id": "made-up", "name": "read_the_meter"}, {"reading": 666})
        await session.send_text("What do you know?")
        assert "666" not in transcript(await session.until_turn_complete())
        assert client.latest()["counters"]["tool_answers"] == 0


@rule(
    "A result without an id is refused",
    documented("https://ai.google.dev/api/live"),
    without("session/session.py", 'if not answer.get("id"):', 'if not answer.setdefault("id", "any"):'),
    unsupported="an SDK refuses it itself",
)
async def no_id(emulating):
    async with emulating(QUICK) as client, client.session(setup(tools=[METER])) as session:
        await session.send(toolResponse={"functionResponses": [{"name": "read_the_meter"}]})
        assert (await session.until_closed())[0] == 1007


@rule(
    "A result that is not an object is refused",
    documented("https://protobuf.dev/programming-guides/json, Struct"),
    without("protocol/messages.py", '"response": "Struct",', '"response": "any",'),
    unsupported="an SDK refuses it itself",
)
async def no_object(emulating):
    async with emulating(QUICK) as client, client.session(setup(tools=[METER])) as session:
        await session.send_text(ASK)
        call = await session.next_call()
        await session.send_result(call, "4812")
        path = "tool_response.function_responses[0].response"
        kind = "type.googleapis.com/google.protobuf.Struct"
        assert await session.until_closed() == (
            1007,
            f"Invalid value at '{path}' ({kind}), \"4812\"",
        )


@rule(
    "Scheduling is only accepted for models that support it",
    documented("https://ai.google.dev/gemini-api/docs/models/gemini-3.8-live and the other models' pages"),
    without("session/session.py", "raise CloseError(CloseReasons.scheduling)", "pass"),
)
async def no_scheduling(emulating):
    model = "models/gemini-3.1-flash-live-preview"
    async with (
        emulating(QUICK) as client,
        client.session(setup(model=model, tools=[METER])) as session,
    ):
        await session.send_text(ASK)
        call = await session.next_call()
        await session.send_result(call, {}, scheduling="INTERRUPT")
        assert (await session.until_closed())[0] == 1007


@rule(
    "The same call may be sent twice",
    recorded("mastra-ai/mastra issue 22985; in a scenario"),
    without("session/turns.py", "if call.repeated:", "if False:"),
)
async def twice(emulating):
    script = read_scenario({"turn": [{"call": "read_the_meter", "twice": True, "then": "Done."}]})
    async with (
        emulating(QUICK, script.responder) as client,
        client.session(setup(tools=[METER])) as session,
    ):
        await session.send_text("Go.")
        call = await session.next_call()
        again = await session.until(lambda message: content(message).get("modelTurn"))
        assert content(again[-1])["modelTurn"]["parts"] == [{"functionCall": call}]


@rule(
    "Calls that are made together come in one toolCall on 3.8, one by one on other models",
    recorded(STOP_TEST),
    without("session/turns.py", "if is_call and self._context.plan.model.joins_calls:", "if False:"),
)
async def several_calls(emulating):
    tools = [function("read_the_meter"), function("open_the_door")]
    older, newest = "models/gemini-3.1-flash-live-preview", "models/gemini-3.8-live"
    for model, joined in ((newest, 2), (older, 1)):
        async with (
            emulating(QUICK) as client,
            client.session(setup(model=model, tools=tools)) as session,
        ):
            await session.send_text("Read the meter and open the door.")
            answered = 0
            while answered < 2:
                message = (await session.until(lambda each: "toolCall" in each))[-1]
                calls = message["toolCall"]["functionCalls"]
                assert len(calls) == joined
                for call in calls:
                    await session.send_result(call, {"done": call["name"]})
                answered += len(calls)
            answer = transcript(await session.until_turn_complete())
            assert "open_the_door answered" in answer


@rule(
    "On 3.8 the id of a call is fc_ and 20 digits if it blocks, otherwise call_ and 6 digits",
    recorded(STOP_TEST),
    without("session/fields.py", "if not short:", "if True:"),
)
async def call_ids(emulating):
    for tool, form in ((METER, r"fc_\d{20}"), (ASYNC_METER, r"call_\d{6}")):
        async with emulating(QUICK) as client, client.session(setup(tools=[tool])) as session:
            await session.send_text(ASK)
            assert re.fullmatch(form, (await session.next_call())["id"])


@rule(
    "Arguments have the declared types",
    ours("what a test of a client needs"),
    without("responses/echo.py", 'kind = str(schema.get("type", "STRING")).upper()', 'kind = "STRING"'),
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
    heat = function("heat", parameters={"type": "OBJECT", "properties": properties, "required": [*properties]})
    async with emulating(QUICK) as client, client.session(setup(tools=[heat])) as session:
        await session.send_text("Heat the hall to 21.5 degrees")
        assert (await session.next_call())["args"] == {
            "room": "hall",
            "degrees": 21.5,
            "count": 21,
            "on": True,
            "note": "Heat the hall to 21.5 degrees",
            "days": [21],
        }


@rule(
    "A search results in grounding metadata",
    documented(TOOLS),
    without("session/turns.py", "metadata = grounding(step)", "metadata = {}"),
)
async def search(emulating):
    async with (
        emulating(QUICK) as client,
        client.session(setup(tools=[{"googleSearch": {}}])) as session,
    ):
        await session.send_text("Search for otters.")
        answer = await session.until_turn_complete()
        (grounding,) = [content(each)["groundingMetadata"] for each in answer if "groundingMetadata" in content(each)]
        assert grounding["webSearchQueries"] == ["Search for otters."]
        assert grounding["groundingChunks"]
        assert json.dumps(grounding)


@rule(
    "Where updates are repeated, the session is not resumable during a function call",
    documented("https://ai.google.dev/gemini-api/docs/live-api/session-management"),
    without("session/turns.py", "self._answering or bool(self._pending)", "self._answering"),
)
async def not_resumable(emulating):
    model = "models/gemini-2.5-flash-native-audio-preview-12-2025"
    requested = setup(model=model, tools=[ASYNC_METER], sessionResumption={})
    async with emulating(QUICK) as client, client.session(requested) as session:
        await session.next_handle()
        await session.send_text(ASK)
        call = await session.next_call()
        await session.until_turn_complete()
        client.emulator.clock.skip(1.2)
        update = await session.until(lambda message: "sessionResumptionUpdate" in message)
        assert update[-1]["sessionResumptionUpdate"] == {"resumable": False}
        await session.send_result(call, {"reading": 1})
        await session.until_turn_complete()
        client.emulator.clock.skip(1.2)
        assert await session.next_handle()
