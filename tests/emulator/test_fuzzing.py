"""Fuzzing, briefly and with a fixed seed; `bench/emulator_fuzz.py` does it at length."""

from __future__ import annotations

import asyncio
import logging

from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.fuzzing import fuzz
from emulator.live_client import emulating
from tokensvc.emulator import Options
from tokensvc.emulator.clock import Clock
from tokensvc.emulator.protocol import protojson
from tokensvc.emulator.protocol.errors import InvalidPayloadError, RpcError
from tokensvc.emulator.protocol.messages import MESSAGES
from tokensvc.emulator.provisioning.tokens import PREFIX, TokenStore

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(sorted(MESSAGES["ClientMessage"])) | st.text(), inner)
    ),
    max_leaves=20,
)


async def test_mutated_messages_are_accepted_or_closed_as_documented(caplog):
    options = Options(latency=0.0, send_rate=8.0, playback_rate=8.0, keep_sessions=5)
    with caplog.at_level(logging.ERROR):
        async with emulating(options) as client:
            report = await fuzz(client.emulator.url, count=1_000, seed=20261122, clients=4)

    assert not caplog.records
    assert not report.errors
    assert report.accepted_share > 0.3
    assert report.statuses.keys() <= {200, 400}
    codes = {close.partition(" ")[0] for close in report.closes}
    assert codes <= {"1000", "1007", "1008", "1011"}


@given(JSON)
@settings(max_examples=100, deadline=None)
def test_any_json_is_parsed_or_refused_with_a_message(value):
    for message in ("ClientMessage", "AuthToken", "BidiGenerateContentSetup"):
        try:
            parsed = protojson.parse(message, value)
        except InvalidPayloadError as error:
            assert str(error).startswith("Invalid ")  # noqa: PT017 - either outcome is valid
        else:
            assert parsed.keys() <= MESSAGES[message].keys()
            assert protojson.parse(message, parsed) == parsed, "parsing is idempotent"


@given(st.binary(max_size=60))
@settings(max_examples=100, deadline=None)
def test_any_body_mints_a_token_or_is_a_400(body):
    try:
        name = TokenStore(Clock(), Options()).mint(body, "v1beta")
    except RpcError as error:
        assert error.http == 400  # noqa: PT017 - either outcome is valid
    else:
        assert name.startswith(PREFIX)
        assert not body.strip() or isinstance(protojson.loads(body), dict)


async def test_no_task_is_left_when_client_and_emulator_close_at_once():
    options = Options(latency=0.0, send_rate=1.0)
    async with emulating(options) as client:
        for _ in range(30):
            async with client.session() as session:
                await session.send_text("A long answer to this, if you please, and no hurry.")
                await session.next()
                closing = asyncio.create_task(session.socket.close())
                client.emulator.clock.skip(1000)
                await closing
        await client.wait_until_closed()
        running = [task.get_coro().__qualname__ for task in asyncio.all_tasks()]
        assert not [name for name in running if "TurnTaking" in name or "Deadlines" in name]
