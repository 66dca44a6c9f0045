"""Faults: what goes wrong on demand reaches an SDK as the real thing would."""

# ruff: noqa: ARG005 - a stand-in is as the thing it stands in for

from __future__ import annotations

from conformance.table.rules import replaced, rule
from tokensvc.emulator.faults import fault as faults

WELL = replaced("faults.fault.FaultBook.take", lambda self, on: None)


def going_wrong(client, **fault):
    client.emulator.faults.add(faults.read(fault))


@rule(
    "A mint is refused with any google.rpc status, by fault",
    "https://cloud.google.com/apis/design/errors",
    WELL,
)
async def refused_mint(emulating):
    async with emulating() as client:
        for status, name in ((403, "PERMISSION_DENIED"), (429, "RESOURCE_EXHAUSTED")):
            going_wrong(client, on="mint", kind="status", status=status, text="Not now.")
            answered, body = await client.mint()
            assert (answered, body["error"]["status"]) == (status, name)
            assert body["error"]["message"] == "Not now."
        assert (await client.mint())[0] == 200


@rule(
    "A session is closed with any code and reason, by fault",
    "closes reported for the service, which have no other cause here",
    WELL,
)
async def closed_session(emulating):
    async with emulating() as client:
        quota = "You exceeded your current quota, please check your plan and billing details."
        for after, code, reason in ((0, 1008, "The operation was aborted."), (2, 1011, quota)):
            fault = {"kind": "close", "after": after, "code": code, "text": reason}
            going_wrong(client, on="socket", **fault)
            if not after:
                assert await client.refusal() == (code, reason)
                continue
            async with client.session() as talker:
                await talker.type("Tell me.")
                assert await talker.until_closed() == (code, reason)


@rule("A connection breaks without a close frame, by fault", "RFC 6455, 7.1.5", WELL)
async def broken_connection(emulating):
    async with emulating() as client:
        going_wrong(client, on="socket", kind="cut", after=1, seconds=0.05)
        async with client.session() as talker:
            await talker.type("Tell me.")
            assert (await talker.until_closed())[0] == 1006
