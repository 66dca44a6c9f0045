"""Resumption: handles, and what they restore."""

from __future__ import annotations

from dataclasses import replace

from conformance.table.rules import (
    FINDINGS,
    documented,
    ours,
    recorded,
    rule,
    without,
)
from emulator.live_client import QUICK, function, setup, speech, transcript

SESSIONS = "https://ai.google.dev/gemini-api/docs/live-api/session-management"
NATIVE_25 = "models/gemini-2.5-flash-native-audio-preview-12-2025"
LIVE_31 = "models/gemini-3.1-flash-live-preview"
# As documented, with which a test can get a handle at any time.
OFTEN = replace(QUICK, updates="requested", handle_state="snapshot", update_interval=0.01)
RESUMABLE = setup(sessionResumption={})


def resuming(handle):
    return setup(sessionResumption={"handle": handle})


def updates_in(messages):
    return [each["sessionResumptionUpdate"] for each in messages if is_update(each)]


def is_update(message):
    return "sessionResumptionUpdate" in message


@rule(
    "On 3.8 each connection gets one update, with a handle of 36 characters, asked for or not",
    recorded(
        "2026-09-29 and 2026-10-02 in 84 sessions: frontier-on-cloud/gemini-live-stop-test and gemini-live-resume-test"
    ),
    without("session/deadlines.py", "        if once:\n            self._next_update = inf\n", ""),
    without("session/deadlines.py", "if self._session.generating and not once:", "if False:"),
)
async def one_update(emulating):
    async with emulating(QUICK) as client:
        requested = setup()
        for _ in range(2):
            async with client.session(requested) as session:
                (update,) = updates_in(await session.until(is_update))
                assert update["resumable"] is True
                assert len(update["newHandle"]) == 36
                client.emulator.clock.skip(300)
                await session.send_text("Anything else?")
                assert updates_in(await session.until_turn_complete()) == []
            requested = resuming(update["newHandle"])


@rule(
    "That update comes 0.115 s after setupComplete, on a resumed connection at once",
    recorded(FINDINGS),
    without("session/deadlines.py", "self._next_update = now + first_update", "self._next_update = now"),
)
async def update_delay(emulating):
    async with emulating(replace(QUICK, update_delay=100.0)) as client:
        async with client.session() as session:
            await session.send_text("Anything?")
            assert updates_in(await session.until_turn_complete()) == []
            client.emulator.clock.skip(100)
            handle = await session.next_handle()
        async with client.session(resuming(handle)) as session:
            await session.until(is_update)


@rule(
    "On 3.1 updates are sent repeatedly, asked for or not",
    recorded("about every 1.2 s; zeikar/charivo, 2026-08-29"),
    without("protocol/models.py", 'updates="always"', 'updates="requested"'),
)
async def updates(emulating):
    async with emulating(QUICK) as client, client.session(setup(model=LIVE_31)) as session:
        (first,) = updates_in(await session.until(is_update))
        assert first.keys() == {"newHandle", "resumable"}
        client.emulator.clock.skip(1.2)
        assert await session.next_handle()


@rule(
    "On 2.5 updates are sent repeatedly on request",
    documented(SESSIONS),
    without(
        "session/deadlines.py",
        'context.plan.resumable or context.plan.updates != "requested"',
        "True",
    ),
)
async def updates_on_request(emulating):
    async with emulating(QUICK) as client:
        async with client.session(setup(model=NATIVE_25)) as session:
            await session.send_text("Anything?")
            await session.until_turn_complete()
            assert updates_in(session.received) == []
        async with client.session({**RESUMABLE, "model": NATIVE_25}) as session:
            for _ in range(2):
                assert await session.next_handle()
                client.emulator.clock.skip(1.2)


@rule(
    "Where updates are repeated, the session is not resumable during an answer",
    documented(SESSIONS),
    without("session/deadlines.py", "if self._session.generating and not once:", "if False:"),
)
async def not_resumable(emulating):
    slow = replace(OFTEN, send_rate=4.0, playback_rate=1.0)
    async with emulating(slow) as client, client.session(RESUMABLE) as session:
        await session.send_text("Tell me much about this, if you please, and take your time.")
        answer = await session.until(lambda message: "generationComplete" in str(message))
        assert {"resumable": False} in updates_in(answer)


@rule(
    "A resumption keeps the context",
    recorded(f"{FINDINGS}; {SESSIONS}"),
    without(
        "conversation/context.py",
        "entries=self.entries[: max(0, length - self.dropped)]",
        "entries=[]",
    ),
)
async def context_kept(emulating):
    async with emulating(OFTEN) as client:
        async with client.session(RESUMABLE) as session:
            await session.send_text("My bicycle is green.")
            await session.until_turn_complete()
            handle = await session.next_handle()
        async with client.session(resuming(handle)) as session:
            await session.send_text("What colour is it?")
            assert "bicycle is green" in transcript(await session.until_turn_complete())
            assert client.latest()["resumed"]


@rule(
    "Another token can resume the conversation",
    documented("https://ai.google.dev/gemini-api/docs/live-api/ephemeral-tokens"),
    without(
        "server/admission.py",
        "if handle else None",
        "if handle and (token is None or token.fresh_sessions) else None",
    ),
)
async def other_token(emulating):
    async with emulating(OFTEN) as client:
        first = await client.token(bidiGenerateContentSetup=RESUMABLE)
        async with client.session(token=first) as session:
            await session.send_text("I live in Oslo.")
            await session.until_turn_complete()
            handle = await session.next_handle()
        second = await client.token(bidiGenerateContentSetup=resuming(handle))
        async with client.session(token=second) as session:
            await session.send_text("Where?")
            assert "Oslo" in transcript(await session.until_turn_complete())


@rule(
    "On 2.5 and 3.1, an older handle resumes without what came after it, or with it by option",
    documented(SESSIONS),
    without("conversation/handles.py", 'if saved.handle_state == "at_close":', "if True:"),
)
async def snapshot(emulating):
    async with emulating(replace(QUICK, update_interval=0.01)) as client:
        early, late = await two_handles(client, NATIVE_25)
        early, late = ({**resuming(each), "model": NATIVE_25} for each in (early, late))
        async with client.session(early) as session:
            await session.send_text("What do you know?")
            answer = transcript(await session.until_turn_complete())
            assert "first thing" in answer
            assert "second thing" not in answer
        async with client.session(late) as session:
            await session.send_text("What do you know?")
            assert "second thing" in transcript(await session.until_turn_complete())
    async with emulating(replace(OFTEN, handle_state="at_close")) as client:
        early, _ = await two_handles(client, NATIVE_25)
        async with client.session({**resuming(early), "model": NATIVE_25}) as session:
            await session.send_text("What do you know?")
            assert "second thing" in transcript(await session.until_turn_complete())


async def two_handles(client, model):
    """Return a handle from between two turns, and one from after both."""
    async with client.session({**RESUMABLE, "model": model}) as session:
        await session.send_text("This is the first thing.")
        await session.until_turn_complete()
        early = await session.next_handle()
        await session.send_text("This is the second thing.")
        await session.until_turn_complete()
        await session.next()
        late = await session.next_handle()
    return early, late


@rule(
    "On 3.8 a handle stands for the session as it is when its connection ends",
    recorded(f"in 15 resumptions: {FINDINGS}"),
    without("conversation/handles.py", 'if saved.handle_state == "at_close":', "if False:"),
)
async def at_close(emulating):
    async with emulating(QUICK) as client:
        async with client.session(RESUMABLE) as session:
            handle = await session.next_handle()
            await session.send_audio(speech(1.0))
            await session.until_turn_complete()
        async with client.session(resuming(handle)) as session:
            await session.send_text("What do you know?")
            assert "1.0 s of speech" in transcript(await session.until_turn_complete())
            last = client.emulator.connections.find("last")
            assert client.emulator.connections.context_pcm(last) == speech(1.0)


@rule(
    "A call without a result survives a resumption, and its result is used",
    recorded(f"14 times on 3.8, up to 154 s after the call: {FINDINGS}"),
    without(
        "conversation/context.py",
        "pending_calls=dict(self.pending_calls) if length == self.length else {}",
        "pending_calls={}",
    ),
)
async def pending_call(emulating):
    async with emulating(QUICK) as client:
        for behavior in ("NON_BLOCKING", "BLOCKING"):
            tools = [function("read_the_meter", behavior=behavior)]
            async with client.session(setup(tools=tools)) as session:
                handle = await session.next_handle()
                await session.send_text("Please read the meter.")
                call = await session.next_call()
            client.emulator.clock.skip(150)
            async with client.session({**resuming(handle), "tools": tools}) as session:
                await session.send_text("Did you read it?")
                assert "4812" not in transcript(await session.until_turn_complete())
                await session.send_result(call, {"reading": 4812})
                assert "4812" in transcript(await session.until_turn_complete())


@rule(
    "Under a full lock with resumption, the client's handle applies, or is ignored by option",
    documented(
        "https://ai.google.dev/gemini-api/docs/live-api/ephemeral-tokens resumes this way; "
        "https://ai.google.dev/api/live says that the setup is ignored"
    ),
    without(
        "server/admission.py",
        'client: str = client_setup.get("sessionResumption", {}).get("handle", "")',
        'client = ""',
    ),
)
async def client_handle(emulating):
    for mode, remembered in (("own", True), ("honoured", True), ("ignored", False)):
        async with emulating(replace(OFTEN, client_handle=mode)) as client:
            token = await client.token(uses=2, bidiGenerateContentSetup=RESUMABLE)
            async with client.session(token=token) as session:
                await session.send_text("My number is 5150.")
                await session.until_turn_complete()
                handle = await session.next_handle()
            async with client.session({"sessionResumption": {"handle": handle}}, token) as session:
                await session.send_text("Which number?")
                answer = transcript(await session.until_turn_complete())
                assert ("5150" in answer) is remembered
                assert client.latest()["effective_setup"] == RESUMABLE
            other = await client.token(bidiGenerateContentSetup=RESUMABLE)
            async with client.session({"sessionResumption": {"handle": handle}}, other):
                assert client.latest()["resumed"] is (mode == "honoured")


@rule(
    "Under a full lock without resumption, the client's handle is ignored",
    documented("https://ai.google.dev/api/live"),
    without("server/admission.py", 'if "sessionResumption" not in setup or ', "if "),
)
async def locked_out(emulating):
    async with emulating(OFTEN) as client:
        token = await client.token(bidiGenerateContentSetup=setup())
        async with client.session({"sessionResumption": {"handle": "made-up"}}, token):
            assert client.latest()["resumed"] is False


@rule(
    "Resuming does not use up the token, and may be done after its window",
    documented("https://ai.google.dev/gemini-api/docs/live-api/ephemeral-tokens"),
    without("provisioning/tokens.py", "if resuming:", "if False:"),
)
async def no_use(emulating):
    async with emulating(OFTEN) as client:
        token = await client.token(bidiGenerateContentSetup=RESUMABLE)
        async with client.session(token=token) as session:
            handle = await session.next_handle()
        client.emulator.clock.skip(120)
        for _ in range(3):
            async with client.session({"sessionResumption": {"handle": handle}}, token) as session:
                handle = await session.next_handle()
        assert next(iter(client.emulator.tokens.tokens.values())).resumed_sessions == 3


@rule(
    "The audio in the context is that up to the snapshot, and that after the resumption",
    ours("what a test of a client needs"),
    without("server/connections.py", "earlier.heard.pcm(size)", "earlier.heard.pcm()"),
)
async def heard_over_a_resume(emulating):
    async with emulating(OFTEN) as client:
        async with client.session(RESUMABLE) as session:
            await session.send_audio(speech(1.0, seed="one"))
            await session.until_turn_complete()
            await session.next()
            handle = await session.next_handle()
            await session.send_audio(speech(0.5, seed="lost"))
            await session.until_turn_complete()
        async with client.session(resuming(handle)) as session:
            await session.send_audio(speech(0.7, seed="two"))
            await session.until_turn_complete()
            last = client.emulator.connections.find("last")
            assert client.emulator.connections.context_pcm(last) == (speech(1.0, seed="one") + speech(0.7, seed="two"))
