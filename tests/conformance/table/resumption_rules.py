"""Resumption: handles, what they bring back, and when they do not."""

# ruff: noqa: ARG005, FBT003 - a stand-in is as the thing it stands in for

from __future__ import annotations

from dataclasses import replace

from conformance.table.rules import idle, nothing, replaced, rule
from emulator.talking import QUICK, setup, speech, transcript
from tokensvc.emulator.conversation.context import Conversation

SESSIONS = "https://ai.google.dev/gemini-api/docs/live-api/session-management"
OFTEN = replace(QUICK, update_interval=0.01)
RESUMABLE = setup(sessionResumption={})


def resuming(handle):
    return setup(sessionResumption={"handle": handle})


@rule(
    "Updates with a handle come again and again",
    "measured: about every 1.2 s",
    replaced("session.deadlines.Timekeeper._update", idle),
)
async def updates(emulating):
    async with emulating(QUICK) as client, client.session(RESUMABLE) as talker:
        first = await talker.next()
        assert first["sessionResumptionUpdate"].keys() == {"newHandle", "resumable"}
        client.emulator.clock.skip(1.2)
        second = await talker.next()
        assert second["sessionResumptionUpdate"]["resumable"] is True


@rule(
    "They come if asked for, or always by option",
    SESSIONS + " against a measurement",
    replaced("session.deadlines.Timekeeper._wanted", lambda self: True),
)
async def updates_on_request(emulating):
    async with emulating(OFTEN) as client, client.session(setup()) as talker:
        await talker.type("Anything?")
        await talker.until_turn_complete()
        assert not any("sessionResumptionUpdate" in message for message in talker.received)
    always = replace(OFTEN, updates="always")
    async with emulating(always) as client, client.session(setup()) as talker:
        assert await talker.handle()


@rule(
    "While an answer is made there is nothing to resume",
    SESSIONS,
    replaced("session.session.Session.generating", False),
)
async def not_resumable(emulating):
    slow = replace(OFTEN, send_rate=4.0, playback_rate=1.0)
    async with emulating(slow) as client, client.session(RESUMABLE) as talker:
        await talker.type("Tell me much about this, if you please, and take your time.")
        answer = await talker.until(lambda message: "generationComplete" in str(message))
        updates = [
            message["sessionResumptionUpdate"]
            for message in answer
            if "sessionResumptionUpdate" in message
        ]
        assert {"resumable": False} in updates


@rule(
    "The context is kept over a resume",
    SESSIONS + "; measured 2026-09-18",
    replaced(
        "conversation.context.Conversation.as_of", lambda self, length: Conversation(0, self.began)
    ),
)
async def context_kept(emulating):
    async with emulating(OFTEN) as client:
        async with client.session(RESUMABLE) as talker:
            await talker.type("My bicycle is green.")
            await talker.until_turn_complete()
            handle = await talker.handle()
        async with client.session(resuming(handle)) as talker:
            await talker.type("What colour is it?")
            assert "bicycle is green" in transcript(await talker.until_turn_complete())
            assert client.last()["resumed"]


@rule(
    "Another token resumes the same conversation",
    "measured 2026-09-18",
    replaced(
        "conversation.context.Conversation.as_of", lambda self, length: Conversation(0, self.began)
    ),
)
async def other_token(emulating):
    async with emulating(OFTEN) as client:
        first = await client.token(bidiGenerateContentSetup=RESUMABLE)
        async with client.session(token=first) as talker:
            await talker.type("I live in Oslo.")
            await talker.until_turn_complete()
            handle = await talker.handle()
        second = await client.token(bidiGenerateContentSetup=resuming(handle))
        async with client.session(token=second) as talker:
            await talker.type("Where?")
            assert "Oslo" in transcript(await talker.until_turn_complete())


@rule(
    "A handle does not resume while the old connection is open",
    "sip-to-ai pull request 14",
    replaced("conversation.handles.HandleBook._is_open", lambda self, lineage: False),
)
async def still_open(emulating):
    async with emulating(OFTEN) as client, client.session(RESUMABLE) as talker:
        handle = await talker.handle()
        assert (await client.refusal(resuming(handle)))[0] == 1011


@rule(
    "An older handle loses what came after it",
    SESSIONS,
    replaced("conversation.context.Conversation.length", 10**6),
)
async def snapshot(emulating):
    async with emulating(OFTEN) as client:
        early, late = await two_handles(client)
        async with client.session(resuming(early)) as talker:
            await talker.type("What do you know?")
            told = transcript(await talker.until_turn_complete())
            assert "first thing" in told
            assert "second thing" not in told
        async with client.session(resuming(late)) as talker:
            await talker.type("What do you know?")
            assert "second thing" in transcript(await talker.until_turn_complete())


async def two_handles(client):
    """A handle from between two remarks, and one from after both."""
    async with client.session(RESUMABLE) as talker:
        await talker.type("This is the first thing.")
        await talker.until_turn_complete()
        early = await talker.handle()
        await talker.type("This is the second thing.")
        await talker.until_turn_complete()
        await talker.next()
        late = await talker.handle()
    return early, late


@rule(
    "By option, any handle resumes the conversation as it ended",
    "open; both are testable",
    replaced("conversation.handles.AT_CLOSE", "never"),
)
async def at_close(emulating):
    async with emulating(replace(OFTEN, handle_state="at_close")) as client:
        early, _ = await two_handles(client)
        async with client.session(resuming(early)) as talker:
            await talker.type("What do you know?")
            assert "second thing" in transcript(await talker.until_turn_complete())


@rule(
    "Under a full lock with resumption the client's own handle counts, or not by option",
    "the tokens page resumes so; the reference says the setup is ignored",
    replaced("server.admission.Gate._handle", lambda self, setup, asked, token: ""),
)
async def client_handle(emulating):
    for way, remembered in (("honoured", True), ("ignored", False)):
        async with emulating(replace(OFTEN, client_handle=way)) as client:
            token = await client.token(uses=2, bidiGenerateContentSetup=RESUMABLE)
            async with client.session(token=token) as talker:
                await talker.type("My number is 5150.")
                await talker.until_turn_complete()
                handle = await talker.handle()
            async with client.session({"sessionResumption": {"handle": handle}}, token) as talker:
                await talker.type("Which number?")
                told = transcript(await talker.until_turn_complete())
                assert ("5150" in told) is remembered
                assert client.last()["effective_setup"] == RESUMABLE


@rule(
    "Under a full lock without resumption the client's handle is nothing",
    "https://ai.google.dev/api/live",
    replaced(
        "server.admission.Gate._handle",
        lambda self, setup, asked, token: asked.get("sessionResumption", {}).get("handle", ""),
    ),
)
async def locked_out(emulating):
    async with emulating(OFTEN) as client:
        token = await client.token(bidiGenerateContentSetup=setup())
        async with client.session({"sessionResumption": {"handle": "made-up"}}, token):
            assert client.last()["resumed"] is False


@rule(
    "Resuming costs no use and has no window",
    "ephemeral-tokens page; measured 2026-09-18",
    replaced("conversation.handles.HandleBook.resume", lambda self, handle, model: None),
)
async def no_use(emulating):
    async with emulating(OFTEN) as client:
        token = await client.token(bidiGenerateContentSetup=RESUMABLE)
        async with client.session(token=token) as talker:
            handle = await talker.handle()
        client.emulator.clock.skip(120)
        for _ in range(3):
            async with client.session({"sessionResumption": {"handle": handle}}, token) as talker:
                handle = await talker.handle()
        assert next(iter(client.emulator.tokens.tokens.values())).resumed_sessions == 3


@rule(
    "A handle lasts two hours from the end of its connection",
    SESSIONS,
    replaced("conversation.handles.HandleBook._expired", lambda self, kept: False),
)
async def handle_life(emulating):
    async with emulating(OFTEN) as client:
        async with client.session(RESUMABLE) as talker:
            handle = await talker.handle()
        await client.closed()
        client.emulator.clock.skip(2 * 3600 - 10)
        async with client.session(resuming(handle)):
            pass
        await client.closed()
        client.emulator.clock.skip(20)
        assert await client.refusal(resuming(handle)) == (
            1008,
            "BidiGenerateContent session expired",
        )


@rule(
    "A handle nobody gave out is refused",
    "seen in clients' code",
    replaced("conversation.handles.HandleBook.resume", lambda self, handle, model: None),
)
async def made_up_handle(emulating):
    async with emulating(OFTEN) as client:
        for handle in ("made-up", "A" * 54, "ä"):
            assert await client.refusal(resuming(handle)) == (
                1008,
                "Invalid session resumption handle",
            )
        async with emulating(OFTEN) as other, other.session(RESUMABLE) as talker:
            handle = await talker.handle()
        assert (await client.refusal(resuming(handle)))[0] == 1008


@rule(
    "The model cannot change on a resume",
    SESSIONS,
    replaced("conversation.handles.HandleBook._same_model", lambda self, kept, model: True),
)
async def other_model(emulating):
    async with emulating(OFTEN) as client:
        async with client.session(RESUMABLE) as talker:
            handle = await talker.handle()
        other = {**resuming(handle), "model": "models/gemini-3.1-flash-live-preview"}
        assert (await client.refusal(other))[0] == 1007


@rule(
    "What counts as heard is the sound up to the handle, and after the resume",
    "ours",
    replaced(
        "conversation.handles.HandleBook.handle",
        lambda self, connection, heard: self._sealed(
            connection, self._kept[connection].conversation.length, 0
        ),
    ),
)
async def heard_over_a_resume(emulating):
    async with emulating(OFTEN) as client:
        async with client.session(RESUMABLE) as talker:
            await talker.say(speech(1.0, seed="one"))
            await talker.until_turn_complete()
            await talker.next()
            handle = await talker.handle()
            await talker.say(speech(0.5, seed="lost"))
            await talker.until_turn_complete()
        async with client.session(resuming(handle)) as talker:
            await talker.say(speech(0.7, seed="two"))
            await talker.until_turn_complete()
            last = client.emulator.register.find("last")
            assert client.emulator.register.context_pcm(last) == (
                speech(1.0, seed="one") + speech(0.7, seed="two")
            )


@rule(
    "A bad handle is refused before a use is spent",
    "ours: the kinder reading",
    replaced("server.admission.Gate._handle", nothing),
)
async def bad_handle_costs_nothing(emulating):
    async with emulating(OFTEN) as client:
        token = await client.token(bidiGenerateContentSetup=RESUMABLE)
        bad = {"sessionResumption": {"handle": "made-up"}}
        assert (await client.refusal(bad, token))[0] == 1008
        async with client.session(token=token):
            pass
