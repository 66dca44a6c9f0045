"""Faults: an SDK sees a simulated fault as it would see a real one."""

from __future__ import annotations

from conformance.table.rules import (
    FINDINGS,
    documented,
    ours,
    recorded,
    rule,
    without,
)
from emulator.live_client import setup
from tokensvc.emulator.faults.fault import read_fault

NO_FAULTS = without("faults/fault.py", "if fault.on != on:", "if True:")


def queue_fault(client, **fault):
    client.emulator.faults.add(read_fault(fault))


@rule(
    "A fault refuses a token request with any google.rpc status",
    documented("https://cloud.google.com/apis/design/errors"),
    NO_FAULTS,
)
async def refused_mint(emulating):
    async with emulating() as client:
        for status, name in ((403, "PERMISSION_DENIED"), (429, "RESOURCE_EXHAUSTED")):
            queue_fault(client, on="mint", kind="status", status=status, text="Not now.")
            answered, body = await client.mint()
            assert (answered, body["error"]["status"]) == (status, name)
            assert body["error"]["message"] == "Not now."
        assert (await client.mint())[0] == 200


@rule(
    "A fault closes a session with any code and reason",
    ours("for tests of clients"),
    NO_FAULTS,
)
async def closed_session(emulating):
    async with emulating() as client:
        quota = "You exceeded your current quota, please check your plan and billing details."
        for after, code, reason in ((0, 1008, "The operation was aborted."), (2, 1011, quota)):
            fault = {"kind": "close", "after": after, "code": code, "text": reason}
            queue_fault(client, on="socket", **fault)
            if not after:
                assert await client.refusal() == (code, reason)
                continue
            async with client.session() as session:
                await session.send_text("Tell me.")
                assert await session.until_closed() == (code, reason)


@rule(
    "A fault breaks a connection without a close frame",
    documented("https://www.rfc-editor.org/rfc/rfc6455, 7.1.5"),
    NO_FAULTS,
)
async def broken_connection(emulating):
    async with emulating() as client:
        queue_fault(client, on="socket", kind="cut", after=1, seconds=0.05)
        async with client.session() as session:
            await session.send_text("Tell me.")
            assert (await session.until_closed())[0] == 1006


@rule(
    "A session whose client vanished stays locked, although its connection is closed after 480 s",
    recorded(f"for 15 minutes, 568 refusals: {FINDINGS}"),
    without("faults/faulty_socket.py", "self._lock(seconds)", "pass"),
)
async def vanished_client(emulating):
    async with emulating() as client:
        queue_fault(client, on="socket", kind="vanish", after=1)
        async with client.session() as session:
            handle = await session.next_handle()
            await session.send_text("Are you there?")
            assert (await session.until_closed())[0] == 1006
        requested = setup(sessionResumption={"handle": handle})
        for skipped in (0, 470, 20, 400):
            client.emulator.clock.skip(skipped)
            assert await client.refusal(requested) == (1011, "Internal error encountered.")
        client.emulator.clock.skip(20)
        async with client.session(requested):
            assert client.latest()["resumed"]
