"""A short storm by seed; `bench/emulator_storm.py` is the long one."""

from __future__ import annotations

import asyncio
import logging

from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.storm import storm
from emulator.talking import emulating
from tokensvc.emulator import Options
from tokensvc.emulator.clock import Clock
from tokensvc.emulator.protocol import protojson
from tokensvc.emulator.protocol.errors import InvalidPayloadError, RefusedError
from tokensvc.emulator.protocol.messages import MESSAGES
from tokensvc.emulator.provisioning.tokens import PREFIX, TokenBook

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(sorted(MESSAGES["ClientMessage"])) | st.text(), inner)
    ),
    max_leaves=20,
)


async def test_mutated_traffic(caplog):
    """Each frame is taken, or ends in a documented close; nothing breaks."""
    options = Options(latency=0.0, send_rate=8.0, playback_rate=8.0, keep_sessions=5)
    with caplog.at_level(logging.ERROR):
        async with emulating(options) as client:
            weather = await storm(client.emulator.url, count=1_000, seed=20261122, clients=4)

    assert not caplog.records
    assert not weather.wrong
    assert weather.reached > 0.3
    assert weather.answers.keys() <= {200, 400}
    ends = {end.partition(" ")[0] for end in weather.ends}
    assert ends <= {"1000", "1007", "1008", "1011"}
    assert not any("Internal error" in end for end in weather.ends)


@given(JSON)
@settings(max_examples=100, deadline=None)
def test_any_json_as_a_message(value):
    """It is read or refused in a sentence, never anything else."""
    for message in ("ClientMessage", "AuthToken", "BidiGenerateContentSetup"):
        try:
            read = protojson.read(message, value)
        except InvalidPayloadError as error:
            assert str(error).startswith("Invalid ")  # noqa: PT017 - either outcome is right
        else:
            assert read.keys() <= MESSAGES[message].keys()
            assert protojson.read(message, read) == read, "what was read reads the same again"


@given(st.binary(max_size=60))
@settings(max_examples=100, deadline=None)
def test_any_bytes_as_a_mint(body):
    """They make a token or a 400."""
    try:
        name = TokenBook(Clock(), Options()).mint(body, "v1beta")
    except RefusedError as error:
        assert error.http == 400  # noqa: PT017 - either outcome is right
    else:
        assert name.startswith(PREFIX)
        assert not body.strip() or isinstance(protojson.loads(body), dict)


async def test_nothing_goes_on_after_the_close():
    """However client and emulator end a connection together, no task of it is left."""
    options = Options(latency=0.0, send_rate=1.0)
    async with emulating(options) as client:
        for _ in range(30):
            async with client.session() as talker:
                await talker.type("A long answer to this, if you please, and no hurry.")
                await talker.next()
                closing = asyncio.create_task(talker.socket.close())
                client.emulator.clock.skip(1000)
                await closing
        await client.closed()
        running = [task.get_coro().__qualname__ for task in asyncio.all_tasks()]
        assert not [name for name in running if "Floor" in name or "Timekeeper" in name]
