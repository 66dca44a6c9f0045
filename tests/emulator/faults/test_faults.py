"""Faults: token requests and sockets fail as requested, and as often as requested."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import aiohttp
import pytest

from emulator.live_client import CHUNK, KEY, QUICK, content, emulating, setup, sound, speech
from tokensvc.emulator.faults.fault import FaultError, read_fault
from tokensvc.emulator.server.emulator import SERVICE


def queue_fault(client, **fault):
    client.emulator.faults.add(read_fault(fault))


async def post(client):
    """Request a token; return the raw response."""
    url = f"{client.emulator.url}/v1beta/auth_tokens"
    async with client.http.post(url, headers=KEY, allow_redirects=False) as response:
        return response.status, response.headers, await response.read()


async def test_status_fault_affects_one_token_request():
    async with emulating() as client:
        for status, name in ((429, "RESOURCE_EXHAUSTED"), (503, "UNAVAILABLE"), (404, "NOT_FOUND")):
            queue_fault(client, on="mint", kind="status", status=status)
            answered, _, body = await post(client)
            assert answered == status
            assert json.loads(body)["error"]["status"] == name
            assert (await post(client))[0] == 200


async def test_fault_with_times_0_lasts_until_it_is_cleared():
    async with emulating() as client:
        queue_fault(client, on="mint", kind="status", times=0)
        assert [(await post(client))[0] for _ in range(3)] == [503] * 3
        client.emulator.faults.clear()
        assert (await post(client))[0] == 200


async def test_faults_are_triggered_in_order_for_token_requests_and_sockets_separately():
    async with emulating() as client:
        queue_fault(client, on="mint", kind="status", status=500, times=2)
        queue_fault(client, on="socket", kind="status", status=503)
        queue_fault(client, on="mint", kind="empty")
        assert [(await post(client))[0] for _ in range(2)] == [500, 500]
        assert (await post(client))[2] == b"{}"
        with pytest.raises(aiohttp.WSServerHandshakeError, match="503"):
            async with client.socket():
                pass
        async with client.session():
            pass


async def test_broken_json_fault_truncates_a_200_response():
    async with emulating() as client:
        queue_fault(client, on="mint", kind="broken_json")
        status, headers, body = await post(client)
        assert (status, headers["Content-Type"]) == (200, "application/json")
        with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
            json.loads(body)


async def test_redirect_fault_redirects_to_its_text():
    async with emulating() as client:
        queue_fault(client, on="mint", kind="redirect", text="http://127.0.0.1:1/elsewhere")
        status, headers, _ = await post(client)
        assert (status, headers["Location"]) == (307, "http://127.0.0.1:1/elsewhere")


async def test_cut_fault_breaks_the_connection_before_the_response():
    async with emulating() as client:
        queue_fault(client, on="mint", kind="cut")
        with pytest.raises(aiohttp.ClientError):
            await post(client)
        assert (await post(client))[0] == 200


@pytest.mark.parametrize("kind", ["latency", "drip"])
async def test_slow_token_response_takes_the_requested_time(kind):
    async with emulating() as client:
        queue_fault(client, on="mint", kind=kind, seconds=0.2)
        started = asyncio.get_running_loop().time()
        status, _, body = await post(client)
        assert asyncio.get_running_loop().time() - started >= 0.19
        assert status == 200
        assert json.loads(body)["name"].startswith("auth_tokens/")


async def test_black_hole_fault_never_answers_and_does_not_affect_other_requests():
    async with emulating() as client:
        queue_fault(client, on="mint", kind="black_hole")
        waiting = asyncio.create_task(post(client))
        while not client.emulator.faults.triggered:  # noqa: ASYNC110 - the emulator has no event for it
            await asyncio.sleep(0)
        assert (await post(client))[0] == 200
        assert not waiting.done()
        waiting.cancel()


async def test_cut_socket_ends_without_close_frame_after_the_given_number_of_messages():
    async with emulating() as client:
        queue_fault(client, on="socket", kind="cut", after=2)
        async with client.session() as session:
            await session.send_text("One.")
            await session.send_text("Two.")
            assert (await session.until_closed())[0] == 1006
        assert (await client.wait_until_closed())["counters"]["text_turns"] == 1


async def test_cut_socket_loses_what_arrives_before_the_reset():
    async with emulating() as client:
        queue_fault(client, on="socket", kind="cut", after=11, seconds=3)
        async with client.session() as session:
            await session.send_audio(speech(1.0))
            await client.wait_until(lambda latest: latest["counters"]["audio_chunks"] == 10)
            client.emulator.clock.skip(3)
            assert (await session.until_closed())[0] == 1006
        assert (await client.wait_until_closed())["heard"]["bytes"] == 10 * CHUNK


async def test_vanished_client_is_not_noticed_until_the_given_time():
    async with emulating() as client:
        queue_fault(client, on="socket", kind="vanish", after=1, seconds=100)
        async with client.session() as session:
            handle = await session.next_handle()
            await session.send_text("Are you there?")
            assert (await session.until_closed())[0] == 1006
        assert client.latest()["state"] == "live"
        requested = setup(sessionResumption={"handle": handle})
        assert (await client.refusal(requested))[0] == 1011
        client.emulator.clock.skip(100)
        async with client.session(requested):
            assert client.latest()["counters"]["text_turns"] == 0


async def test_client_may_vanish_before_its_setup():
    async with emulating() as client:
        queue_fault(client, on="socket", kind="vanish", between=[0, 0], seconds=1)
        async with client.socket() as session:
            assert (await session.until_closed())[0] == 1006


async def test_time_of_a_cut_is_drawn_for_each_connection():
    async with emulating() as client:
        queue_fault(client, on="socket", kind="cut", times=0, between=[5, 9], seconds=0.25, seed=3)
        for _ in range(3):
            async with client.session() as session:
                await session.send_text("Still there?")
                await session.until_turn_complete()
                client.emulator.clock.skip(9)
                assert (await session.until_closed())[0] == 1006


def test_times_are_drawn_by_seed_from_the_whole_range():
    fault = {"on": "socket", "kind": "cut", "between": [4, 10], "times": 0}

    def moments(seed):
        seeded = read_fault({**fault, "seed": seed})
        return [seeded.drawn(number).between[0] for number in range(200)]

    assert moments(1) == moments(1) != moments(2)
    assert 4 <= min(moments(1)) < 4.5
    assert 9.5 < max(moments(1)) <= 10
    assert 6.5 < sum(moments(1)) / 200 < 7.5


@pytest.mark.parametrize(("kind", "seen"), [("close", (1012, "Restarting.")), ("cut", (1006, ""))])
async def test_timed_fault_may_come_before_the_setup(kind, seen):
    async with emulating() as client:
        fault = {"kind": kind, "between": [0, 0], "code": 1012, "text": "Restarting."}
        queue_fault(client, on="socket", **fault)
        async with client.socket() as session:
            assert await session.until_closed() == seen


async def test_redirect_fault_redirects_the_upgrade():
    async with emulating() as client:
        queue_fault(client, on="socket", kind="redirect", text="http://127.0.0.1:1/elsewhere")
        url = f"{client.emulator.url}/ws/{SERVICE}.v1beta.GenerativeService.BidiGenerateContent"
        async with client.http.get(url, headers=KEY, allow_redirects=False) as response:
            location = response.headers["Location"]
            assert (response.status, location) == (307, "http://127.0.0.1:1/elsewhere")


async def test_black_hole_socket_stays_open_and_silent():
    async with emulating() as client:
        queue_fault(client, on="socket", kind="black_hole", after=1)
        async with client.session() as session:
            assert await session.next_handle()
            await session.send_text("Is anybody there?")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(session.next(), 0.1)
            assert not session.socket.closed
            assert client.latest()["counters"]["text_turns"] == 0


async def test_close_fault_closes_with_its_code_and_reason():
    async with emulating() as client:
        queue_fault(client, on="socket", kind="close", after=1, code=1008, text="Not today.")
        async with client.session() as session:
            await session.send_text("Hello.")
            assert await session.until_closed() == (1008, "Not today.")


async def test_broken_json_fault_truncates_one_message():
    async with emulating() as client:
        queue_fault(client, on="socket", kind="broken_json", after=1)
        async with client.session() as session:
            await session.send_text("Hello.")
            with pytest.raises(ValueError, match="Expecting"):
                await session.next()
            await session.until_turn_complete()


async def test_out_of_order_fault_swaps_neighbouring_messages():
    async with emulating(replace(QUICK, updates="requested")) as client:
        queue_fault(client, on="socket", kind="out_of_order", after=1)
        async with client.session() as session:
            await session.send_text("A sentence of several words, to be mixed up.")
            received = sound([await session.next() for _ in range(8)])
            sent = client.emulator.connections.find("last").said.pcm()
            assert received[:1920] != sent[:1920]
            assert sent[:1920] in received


@pytest.mark.parametrize("kind", ["latency", "drip"])
async def test_latency_delays_the_messages_together_and_drip_each_of_them(kind):
    async with emulating(QUICK) as client:
        queue_fault(client, on="socket", kind=kind, after=0, seconds=0.05)
        async with client.socket() as session:
            started = asyncio.get_running_loop().time()
            await session.send(setup=setup())
            await session.next()
            await session.send_audio(speech(0.5))
            answer = await session.until_turn_complete()
            took = asyncio.get_running_loop().time() - started
        assert took >= 0.09
        assert (took >= 0.05 * len(answer)) is (kind == "drip")
        assert content(answer[-1])["turnComplete"]


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"on": "moon", "kind": "latency"}, "mint or socket"),
        ({"on": "mint", "kind": "close"}, "one of black_hole, broken_json"),
        ({"on": "mint", "kind": "latency", "seconds": "2"}, "seconds has the wrong type"),
        ({"on": "mint", "kind": "latency", "seconds": -2}, "from 0 to a million"),
        ({"on": "mint", "kind": "latency", "seconds": 1e999}, "from 0 to a million"),
        ({"on": "mint", "kind": "redirect", "text": "a\nSet-Cookie: b"}, "text must be one line"),
        ({"on": "socket", "kind": "close", "code": 1006}, "must be a WebSocket close code"),
        ({"on": "socket", "kind": "drip", "between": [1, 2]}, "only for black_hole, close,"),
        ({"on": "mint", "kind": "cut", "between": [1, 2]}, "only for black_hole, close, cut"),
        ({"on": "socket", "kind": "cut", "between": [2, 1]}, "two numbers of seconds"),
        ({"on": "socket", "kind": "cut", "between": [2, "3"]}, "two numbers of seconds"),
        ({"on": "mint", "kind": "status", "status": 200}, "from 400 to 599"),
        ({"on": "mint", "kind": "latency", "often": 1}, "Unknown key 'often'"),
        ([], "A fault must be an object"),
    ],
)
async def test_invalid_fault_is_refused_with_a_message(fault, message):
    with pytest.raises(FaultError, match=message):
        read_fault(fault)
    async with (
        emulating() as client,
        client.http.post(f"{client.emulator.url}/emulator/faults", json=fault) as response,
    ):
        assert response.status == 400
        assert message in await response.text()
