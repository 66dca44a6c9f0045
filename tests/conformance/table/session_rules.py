"""Sessions: how long they last, what is in their context and what they cost."""

from __future__ import annotations

from dataclasses import replace

from conformance.table.rules import (
    FINDINGS,
    JAVASCRIPT,
    STOP_TEST,
    documented,
    ours,
    recorded,
    rule,
    without,
)
from emulator.live_client import QUICK, function, setup, speech, transcript
from tokensvc.emulator import Options

SESSIONS = "https://ai.google.dev/gemini-api/docs/live-api/session-management"
COMPRESSED = {"contextWindowCompression": {"slidingWindow": {}}}
JPEG = {"mimeType": "image/jpeg", "data": "/9g="}
# Skipping minutes leaves a connection as busy as it was.
BUSY = replace(QUICK, idle_timeout=1e6)


@rule(
    "goAway announces the end of a connection, which is then closed",
    recorded(
        "kazunori279/interpretab, README.md: 540 and 590 s; zeikar/charivo: 592 s on 3.1; the "
        "reason: pollen-robotics/reachy_mini_conversation_app issue 357"
    ),
    without(
        "session/deadlines.py",
        "self._connection_end = now + context.options.connection_life",
        "self._connection_end = inf",
    ),
)
async def connection_life(emulating):
    async with emulating(BUSY) as client, client.session(setup(**COMPRESSED)) as session:
        client.emulator.clock.skip(590 - 50)
        announced = await session.until(lambda message: "goAway" in message)
        assert announced[-1] == {"goAway": {"timeLeft": "50s"}}
        client.emulator.clock.skip(50)
        code, reason = await session.until_closed()
        assert code == 1008
        assert reason == (
            "Connection aborted because the client failed to close the connection after receiving "
            "a GoAway signal once the session durat"
        )


@rule(
    "A connection is closed after 480 s without a message",
    recorded(f"on 3.8 in three idle sessions: {FINDINGS}"),
    without(
        "session/deadlines.py",
        "idle_end = context.last_frame() + context.options.idle_timeout",
        "idle_end = inf",
    ),
    without("server/websocket.py", "                self.last_frame = self._clock.now()\n", ""),
)
async def idle_timeout(emulating):
    lasting = replace(QUICK, connection_life=7200)
    async with emulating(lasting) as client, client.session(setup(**COMPRESSED)) as session:
        client.emulator.clock.skip(470)
        await session.send(realtimeInput={"audioStreamEnd": True})
        await client.wait_until_received(1)
        client.emulator.clock.skip(20)
        await session.send_text("Still here.")
        await session.until_turn_complete()
        client.emulator.clock.skip(480)
        assert await session.until_closed() == (1011, "Internal error encountered.")


@rule(
    "After goAway the server is silent, by option",
    recorded("sierra-research/tau2-bench pull request 461"),
    without("session/deadlines.py", "if self._context.options.silent_after_go_away:", "if False:"),
)
async def silence_after_go_away(emulating):
    options = replace(BUSY, silent_after_go_away=True)
    async with emulating(options) as client, client.session(setup(**COMPRESSED)) as session:
        client.emulator.clock.skip(560)
        await session.until(lambda message: "goAway" in message)
        await session.send_text("Are you there?")
        await client.wait_until(lambda latest: latest["said"]["bytes"] > 0)
        client.emulator.clock.skip(50)
        before = len(session.received)
        assert (await session.until_closed())[0] == 1008
        assert len(session.received) == before


@rule(
    "Without compression, a conversation lasts 15 minutes",
    documented(SESSIONS),
    without("session/deadlines.py", "else options.audio_session", "else inf"),
)
async def audio_limit(emulating):
    async with emulating(replace(BUSY, connection_life=7200)) as client:
        async with client.session() as session:
            client.emulator.clock.skip(15 * 60)
            assert (await session.until_closed())[0] == 1008
        async with client.session(setup(**COMPRESSED)) as session:
            client.emulator.clock.skip(15 * 60)
            await session.send_text("Still here.")
            assert "Still here" in transcript(await session.until_turn_complete())


@rule(
    "Without compression, a conversation with video lasts 2 minutes",
    documented(SESSIONS),
    without(
        "session/deadlines.py",
        "options.video_session if conversation.video else options.audio_session",
        "options.audio_session",
    ),
)
async def video_limit(emulating):
    async with emulating(Options(latency=0.0)) as client, client.session() as session:
        await session.send(realtimeInput={"video": JPEG})
        await session.send(realtimeInput={"audioStreamEnd": True})
        await client.wait_until_received(2)
        client.emulator.clock.skip(121)
        assert (await session.until_closed())[0] == 1008


@rule(
    "These limits are the conversation's, not the connection's",
    documented(SESSIONS),
    without(
        "server/live.py",
        "conversation.instruction_tokens = instruction_tokens",
        "conversation.instruction_tokens = instruction_tokens\n            conversation.began = self.clock.now()",
    ),
)
async def limit_over_resume(emulating):
    # `until_closed` can only time out if no updates arrive while it waits.
    async with emulating(replace(QUICK, update_interval=3600)) as client:
        async with client.session(setup(sessionResumption={})) as session:
            handle = await session.next_handle()
        client.emulator.clock.skip(500)
        async with client.session(setup(sessionResumption={"handle": handle})) as session:
            client.emulator.clock.skip(401)
            assert (await session.until_closed())[0] == 1008


@rule(
    "Compression drops the oldest entries until a user's turn is first",
    documented(SESSIONS),
    without(
        "conversation/context.py",
        "left <= target and self.entries[index].from_user",
        "left <= target",
    ),
)
async def compression(emulating):
    window = {"triggerTokens": 3100, "slidingWindow": {"targetTokens": 3000}}
    async with (
        emulating() as client,
        client.session(setup(contextWindowCompression=window)) as session,
    ):
        for number in range(3):
            # Each text costs 1000 tokens, and each answer less than 500.
            await session.send_text(f"This is text {number}." + 800 * " word")
            await session.until_turn_complete()
        context = client.latest()["context"]
        # Dropping the first text was enough for the target, but left its answer first.
        assert [entry["kind"] for entry in context["entries"]] == ["typed", "said", "typed", "said"]
        assert context["entries"][0]["text"].startswith("This is text 1.")
        assert context["compressions"] == 1


@rule(
    "Initial history is accepted first, and not answered",
    documented(SESSIONS),
    without(
        "session/session.py",
        "self._history_pending = context.plan.initial_history",
        "self._history_pending = False",
    ),
    unsupported={JAVASCRIPT: "its config has no historyConfig"},
)
async def history(emulating):
    requested = setup(historyConfig={"initialHistoryInClientContent": True})
    turns = [
        {"role": "user", "parts": [{"text": "My cat is called Ada."}]},
        {"role": "model", "parts": [{"text": "A fine name."}]},
    ]
    async with emulating() as client, client.session(requested) as session:
        await session.send(clientContent={"turns": turns, "turnComplete": True})
        await session.send_text("What is my cat called?")
        answer = await session.until_turn_complete()
        assert "Ada" in transcript(answer)
        assert client.latest()["counters"]["answers"] == 1


@rule(
    "2.5 answers the initial history, by option",
    ours("not known"),
    without("conversation/plan.py", 'options.history_config == "ignored"', "False"),
    unsupported={JAVASCRIPT: "its config has no historyConfig"},
)
async def answered_history(emulating):
    history = {"initialHistoryInClientContent": True}
    turns = [{"role": "user", "parts": [{"text": "My cat is called Ada."}]}]
    async with emulating(replace(QUICK, history_config="ignored")) as client:
        for model, answered in (
            ("models/gemini-2.5-flash-native-audio-preview-12-2025", True),
            ("models/gemini-3.8-live", False),
        ):
            requested = setup(model=model, historyConfig=history)
            async with client.session(requested) as session:
                await session.send(clientContent={"turns": turns, "turnComplete": True})
                if answered:
                    assert "Ada" in transcript(await session.until_turn_complete())
                await session.send_text("What is my cat called?")
                await session.until_turn_complete()
                assert client.latest()["counters"]["answers"] == 1 + answered


@rule(
    "A fresh session of 3.8 or 2.5 is told what was said before, and answers only the last turn",
    recorded(f"3.8 in nine recoveries: {FINDINGS}, stage 2; 2.5: its model page"),
    without(
        "session/session.py",
        "self._add_turns(earlier)\n            self._answered_length = context.conversation.length",
        "self._add_turns(earlier)",
    ),
)
async def told_history(emulating):
    turns = [
        {"role": "user", "parts": [{"text": "Book a table at 19:39."}]},
        {"role": "model", "parts": [{"text": "A table is free."}]},
        {"role": "user", "parts": [{"text": "The connection was lost. Continue."}]},
    ]
    tools = [function("book_a_table")]
    async with emulating() as client:
        for model in ("gemini-3.8-live", "gemini-2.5-flash-native-audio-preview-12-2025"):
            async with client.session(setup(model=f"models/{model}", tools=tools)) as session:
                await session.send(clientContent={"turns": turns, "turnComplete": True})
                answer = await session.until_turn_complete()
                assert "19:39" in transcript(answer)
                assert "A table is free" not in transcript(answer), "the model's own words"
                assert not any("toolCall" in message for message in answer)


@rule(
    "A fresh session of 3.1 is told what was said before as its initial history",
    documented("https://ai.google.dev/api/live, HistoryConfig; no recording of it is known"),
    without(
        "session/session.py",
        "self._history_pending = context.plan.initial_history",
        "self._history_pending = False",
    ),
    unsupported={JAVASCRIPT: "its config has no historyConfig"},
)
async def initial_history_31(emulating):
    requested = setup(
        model="models/gemini-3.1-flash-live-preview",
        historyConfig={"initialHistoryInClientContent": True},
    )
    turns = [{"role": "user", "parts": [{"text": "A table at 19:39."}]}]
    async with emulating(QUICK) as client, client.session(requested) as session:
        await session.send(clientContent={"turns": turns, "turnComplete": True})
        await session.send_text("The connection was lost. Continue.")
        assert "19:39" in transcript(await session.until_turn_complete())
        assert client.latest()["counters"]["answers"] == 1


@rule(
    "A note in square brackets is recited, and calls no function",
    ours(f"a model that was told what became of its calls issued none again in 7 of 7, {FINDINGS}"),
    without(
        "responses/echo.py",
        'typed = re.sub(r"\\[[^\\]]*\\]", "", turn.typed)',
        "typed = turn.typed",
    ),
)
async def note(emulating):
    tools = [function("book_table")]
    async with emulating() as client, client.session(setup(tools=tools)) as session:
        await session.send_text("[System note: the result of book_table is 1739.]")
        assert "1739" in transcript(await session.until_turn_complete())
        await session.send_text("What do I see?\n\n[System note: a page to book a table.]")
        assert "What do I see?" in transcript(await session.until_turn_complete())
        assert client.latest()["counters"]["tool_calls"] == 0


@rule(
    "Each turn's usage counts the whole context, by modality",
    documented("https://ai.google.dev/api/live, UsageMetadata"),
    without(
        "session/turns.py",
        "self._prompt = list(context.conversation.entries)",
        "self._prompt = context.conversation.entries[-1:]",
    ),
)
async def usage(emulating):
    async with emulating() as client, client.session() as session:
        await session.send_audio(speech(2.0))
        first = (await session.until_turn_complete())[-1]["usageMetadata"]
        details = {each["modality"]: each["tokenCount"] for each in first["promptTokensDetails"]}
        assert 45 <= details["AUDIO"] <= 55
        assert 45 <= first["responseTokenCount"] <= 62
        assert first["totalTokenCount"] == first["promptTokenCount"] + first["responseTokenCount"]
        await session.send_text("And now in writing.")
        second = (await session.until_turn_complete())[-1]["usageMetadata"]
        assert second["promptTokenCount"] >= first["totalTokenCount"]
        assert {"TEXT", "AUDIO"} == {each["modality"] for each in second["promptTokensDetails"]}


@rule(
    "On 3.8 a first turn costs 515 tokens or more, and thoughts that nobody requested",
    recorded(f"{STOP_TEST}: 515 to 768 with an instruction and one tool"),
    without("protocol/models.py", "    overhead=520,\n    thinks=True,\n", ""),
)
async def overhead(emulating):
    instruction = {"parts": [{"text": "You are the voice of a small museum."}]}
    requested = setup(systemInstruction=instruction, tools=[function("look_up")])
    async with emulating(QUICK) as client, client.session(requested) as session:
        await session.send_audio(speech(2.0))
        usage = (await session.until_turn_complete())[-1]["usageMetadata"]
        prompt = usage["promptTokenCount"]
        assert 515 <= prompt <= 768
        assert prompt > sum(each["tokenCount"] for each in usage["promptTokensDetails"])
        assert 72 <= usage["thoughtsTokenCount"] <= 158
        assert usage["totalTokenCount"] == prompt + usage["responseTokenCount"]


@rule(
    "A video frame costs what its resolution says",
    documented("https://ai.google.dev/api/generate-content, MediaResolution"),
    without(
        "conversation/plan.py",
        '_FRAME_TOKENS.get(generation.get("mediaResolution", ""), 258)',
        "258",
    ),
)
async def frame_cost(emulating):
    async with emulating() as client:
        for resolution, cost in ((None, 258), ("MEDIA_RESOLUTION_LOW", 64)):
            generation = {"responseModalities": ["AUDIO"]}
            if resolution:
                generation["mediaResolution"] = resolution
            async with client.session(setup(generationConfig=generation)) as session:
                await session.send(realtimeInput={"video": JPEG})
                await session.send_text("What do you see?")
                usage = (await session.until_turn_complete())[-1]["usageMetadata"]
                details = {each["modality"]: each["tokenCount"] for each in usage["promptTokensDetails"]}
                assert details["VIDEO"] == cost


@rule(
    "A locked session cannot change its configuration; by option, the change is ignored or made",
    ours("the stricter reading"),
    without(
        "session/session.py", "context.options.context_update if self._locked else", "'honoured' if self._locked else"
    ),
)
async def context_update(emulating):
    update = {"systemInstruction": {"parts": [{"text": "Now serve me."}]}}
    async with emulating(QUICK) as client:
        token = await client.token(bidiGenerateContentSetup=setup())
        async with client.session(token=token) as session:
            await session.send(contextUpdate=update)
            await session.send_text("Well?")
            code, reason = await session.until_closed()
            assert (code, reason) == (
                1008,
                "Operation is not implemented, or supported, or enabled.",
            )
        async with client.session() as session:
            await session.send(contextUpdate={"tools": {"tools": [function("look_up")]}})
            await session.send_text("Look up the sky.")
            assert (await session.next_call())["name"] == "look_up"
    for mode in ("honoured", "ignored"):
        async with emulating(replace(QUICK, context_update=mode)) as client:
            token = await client.token(bidiGenerateContentSetup=setup())
            async with client.session(token=token) as session:
                await session.send(contextUpdate={"tools": {"tools": [function("look_up")]}})
                await session.send_text("Look up the sky.")
                await (session.next_call() if mode == "honoured" else session.until_turn_complete())
                counters = client.latest()["counters"]
                assert (counters["context_updates"], counters["tool_calls"]) == (1, int(mode == "honoured"))
