"""Resumption: handles, what they restore, and when they are refused."""

from __future__ import annotations

from dataclasses import replace

from conformance.table.rules import rule, without
from emulator.live_client import QUICK, setup, speech, transcript

FINDINGS = "frontier-on-cloud/gemini-live-resume-test, FINDINGS.md"
SESSIONS = "https://ai.google.dev/gemini-api/docs/live-api/session-management"
OFTEN = replace(QUICK, update_interval=0.01)
RESUMABLE = setup(sessionResumption={})


def resuming(handle):
    return setup(sessionResumption={"handle": handle})


@rule(
    "Resumption updates with a handle are sent repeatedly",
    "measured: about every 1.2 s",
    without(
        "session/deadlines.py",
        "self._next_update = now + context.options.update_interval",
        "self._next_update = inf",
    ),
)
async def updates(emulating):
    async with emulating(QUICK) as client, client.session(RESUMABLE) as session:
        first = await session.next()
        assert first["sessionResumptionUpdate"].keys() == {"newHandle", "resumable"}
        client.emulator.clock.skip(1.2)
        second = await session.next()
        assert second["sessionResumptionUpdate"]["resumable"] is True


@rule(
    "Resumption updates are sent on request, or always by option",
    SESSIONS + "; measured otherwise",
    without(
        "session/deadlines.py",
        'context.plan.resumable or context.options.updates == "always"',
        "True",
    ),
)
async def updates_on_request(emulating):
    async with emulating(OFTEN) as client, client.session(setup()) as session:
        await session.send_text("Anything?")
        await session.until_turn_complete()
        assert not any("sessionResumptionUpdate" in message for message in session.received)
    always = replace(OFTEN, updates="always")
    async with emulating(always) as client, client.session(setup()) as session:
        assert await session.next_handle()


@rule(
    "During an answer the session is not resumable",
    SESSIONS,
    without("session/deadlines.py", "if self._session.generating:", "if False:"),
)
async def not_resumable(emulating):
    slow = replace(OFTEN, send_rate=4.0, playback_rate=1.0)
    async with emulating(slow) as client, client.session(RESUMABLE) as session:
        await session.send_text("Tell me much about this, if you please, and take your time.")
        answer = await session.until(lambda message: "generationComplete" in str(message))
        updates = [
            message["sessionResumptionUpdate"]
            for message in answer
            if "sessionResumptionUpdate" in message
        ]
        assert {"resumable": False} in updates


@rule(
    "A resumption keeps the context",
    SESSIONS + "; measured 2026-09-18",
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
    "measured 2026-09-18",
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
    "A handle is refused while the old connection is open",
    "measured 2026-10-02 on 3.8: " + FINDINGS,
    without("conversation/handles.py", "if saved.lineage in self._open:", "if False:"),
)
async def still_open(emulating):
    async with emulating(OFTEN) as client, client.session(RESUMABLE) as session:
        handle = await session.next_handle()
        for _ in range(2):
            refusal = await client.refusal(resuming(handle))
            assert refusal == (1011, "Internal error encountered.")


@rule(
    "An older handle resumes without what came after it",
    SESSIONS,
    without("conversation/handles.py", 'if self._options.handle_state == "at_close":', "if True:"),
)
async def snapshot(emulating):
    async with emulating(OFTEN) as client:
        early, late = await two_handles(client)
        async with client.session(resuming(early)) as session:
            await session.send_text("What do you know?")
            answer = transcript(await session.until_turn_complete())
            assert "first thing" in answer
            assert "second thing" not in answer
        async with client.session(resuming(late)) as session:
            await session.send_text("What do you know?")
            assert "second thing" in transcript(await session.until_turn_complete())


async def two_handles(client):
    """Return a handle from between two turns, and one from after both."""
    async with client.session(RESUMABLE) as session:
        await session.send_text("This is the first thing.")
        await session.until_turn_complete()
        early = await session.next_handle()
        await session.send_text("This is the second thing.")
        await session.until_turn_complete()
        await session.next()
        late = await session.next_handle()
    return early, late


@rule(
    "By option, every handle resumes the conversation as of its end",
    "not known; both are available",
    without("conversation/handles.py", 'if self._options.handle_state == "at_close":', "if False:"),
)
async def at_close(emulating):
    async with emulating(replace(OFTEN, handle_state="at_close")) as client:
        early, _ = await two_handles(client)
        async with client.session(resuming(early)) as session:
            await session.send_text("What do you know?")
            assert "second thing" in transcript(await session.until_turn_complete())


@rule(
    "Under a full lock with resumption, the client's handle applies, or is ignored by option",
    "the tokens page resumes this way; the reference says that the setup is ignored",
    without(
        "server/admission.py",
        'client: str = client_setup.get("sessionResumption", {}).get("handle", "")',
        'client = ""',
    ),
)
async def client_handle(emulating):
    for mode, remembered in (("honoured", True), ("ignored", False)):
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


@rule(
    "Under a full lock without resumption, the client's handle is ignored",
    "https://ai.google.dev/api/live",
    without("server/admission.py", 'if "sessionResumption" not in setup or ', "if "),
)
async def locked_out(emulating):
    async with emulating(OFTEN) as client:
        token = await client.token(bidiGenerateContentSetup=setup())
        async with client.session({"sessionResumption": {"handle": "made-up"}}, token):
            assert client.latest()["resumed"] is False


@rule(
    "Resuming does not use up the token, and may be done after its window",
    "ephemeral-tokens page; measured 2026-09-18",
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
    "A handle is valid for two hours after its connection has ended",
    SESSIONS,
    without("conversation/handles.py", "if self._expired(saved):", "if False:"),
)
async def handle_life(emulating):
    async with emulating(OFTEN) as client:
        async with client.session(RESUMABLE) as session:
            handle = await session.next_handle()
        await client.wait_until_closed()
        client.emulator.clock.skip(2 * 3600 - 10)
        async with client.session(resuming(handle)):
            pass
        await client.wait_until_closed()
        client.emulator.clock.skip(20)
        assert await client.refusal(resuming(handle)) == (
            1008,
            "BidiGenerateContent session expired",
        )


@rule(
    "An unknown handle is refused",
    "seen in clients' code, with this reason",
    without(
        "conversation/handles.py",
        "connection, length, received = self._parse(handle)",
        "try:\n"
        "            connection, length, received = self._parse(handle)\n"
        "        except CloseError:\n"
        "            return None",
    ),
)
async def made_up_handle(emulating):
    async with emulating(OFTEN) as client:
        for handle in ("made-up", "A" * 54, "ä"):
            assert await client.refusal(resuming(handle)) == (
                1008,
                "BidiGenerateContent session not found",
            )
        async with emulating(OFTEN) as other, other.session(RESUMABLE) as session:
            handle = await session.next_handle()
        assert (await client.refusal(resuming(handle)))[0] == 1008


@rule(
    "The model cannot be changed on a resumption",
    SESSIONS,
    without("conversation/handles.py", "if saved.model != model:", "if False:"),
)
async def other_model(emulating):
    async with emulating(OFTEN) as client:
        async with client.session(RESUMABLE) as session:
            handle = await session.next_handle()
        other = {**resuming(handle), "model": "models/gemini-3.1-flash-live-preview"}
        assert (await client.refusal(other))[0] == 1007


@rule(
    "The audio in the context is that up to the handle, and that after the resumption",
    "ours",
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
            assert client.emulator.connections.context_pcm(last) == (
                speech(1.0, seed="one") + speech(0.7, seed="two")
            )


@rule(
    "An invalid handle does not use up the token",
    "ours: the more lenient reading",
    without(
        "server/admission.py", "self.tokens.spend(token, resuming=resumed is not None)", "pass"
    ),
    without(
        "server/admission.py",
        "handle = self._handle(",
        "if token: self.tokens.spend(token, resuming=False)\n        handle = self._handle(",
    ),
)
async def bad_handle_costs_nothing(emulating):
    async with emulating(OFTEN) as client:
        token = await client.token(bidiGenerateContentSetup=RESUMABLE)
        bad = {"sessionResumption": {"handle": "made-up"}}
        assert (await client.refusal(bad, token))[0] == 1008
        async with client.session(token=token):
            pass
