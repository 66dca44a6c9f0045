"""Refused resumptions: when a handle is not accepted."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from conformance.table.resumption_rules import OFTEN, RESUMABLE, SESSIONS, resuming
from conformance.table.rules import FINDINGS, PACED, documented, ours, recorded, rule, without
from emulator.live_client import QUICK, content


@rule(
    "A handle is refused while the old connection is open",
    recorded(f"2026-10-02 on 3.8: {FINDINGS}"),
    without("conversation/handles.py", "if saved.lineage in self._open or ", "if "),
)
async def still_open(emulating):
    async with emulating(OFTEN) as client, client.session(RESUMABLE) as session:
        handle = await session.next_handle()
        for _ in range(2):
            refusal = await client.refusal(resuming(handle))
            assert refusal == (1011, "Internal error encountered.")


@rule(
    "A handle is refused for a moment after a connection ended while the model was idle",
    recorded(f"13 times on 3.8: refused at once after 0.47 to 0.70 s, accepted after 1.47 s; {FINDINGS}"),
    without("conversation/handles.py", " or self._clock.now() < saved.locked_until", ""),
)
async def resume_lock(emulating):
    async with emulating(replace(QUICK, resume_lock=1000.0)) as client:
        async with client.session() as session:
            handle = await session.next_handle()
        await client.wait_until_closed()
        for _ in range(2):
            refusal = await client.refusal(resuming(handle))
            assert refusal == (1011, "Internal error encountered.")
        client.emulator.clock.skip(1000)
        async with client.session(resuming(handle)):
            pass


@rule(
    "This refusal takes about half a second",
    recorded(f"0.46 to 1.9 s, median 0.56 s; {FINDINGS}"),
    without("server/live.py", "await self.clock.sleep(refusal.delay)", "pass"),
)
async def refusal_delay(emulating):
    async with emulating(replace(QUICK, refusal_delay=0.5)) as client, client.session() as session:
        handle = await session.next_handle()
        started = asyncio.get_running_loop().time()
        assert (await client.refusal(resuming(handle)))[0] == 1011
        assert asyncio.get_running_loop().time() - started >= 0.49


@rule(
    "A connection that ended while the model was speaking is resumed at once",
    recorded(f"three times on 3.8: {FINDINGS}"),
    without("server/live.py", "idle = not session.answering", "idle = True"),
)
async def resumed_while_speaking(emulating):
    async with emulating(replace(PACED, resume_lock=1000.0)) as client:
        async with client.session() as session:
            handle = await session.next_handle()
            await session.send_text("Tell me about the weather, the sea and the mountains.")
            await session.until(lambda message: content(message).get("modelTurn"))
        await client.wait_until_closed()
        async with client.session(resuming(handle)):
            assert client.latest()["resumed"]


@rule(
    "A handle is valid for two hours after its connection has ended",
    documented(SESSIONS),
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
    ours("the reason is in clients' code that we did not note"),
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
    documented(SESSIONS),
    without("conversation/handles.py", "if saved.model != model:", "if False:"),
)
async def other_model(emulating):
    async with emulating(OFTEN) as client:
        async with client.session(RESUMABLE) as session:
            handle = await session.next_handle()
        other = {**resuming(handle), "model": "models/gemini-3.1-flash-live-preview"}
        assert (await client.refusal(other))[0] == 1007


@rule(
    "An invalid handle does not use up the token",
    ours("the more lenient reading"),
    without("server/admission.py", "self.tokens.spend(token, resuming=resumed is not None)", "pass"),
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
