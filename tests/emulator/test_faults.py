"""Faults: the mint and the socket go wrong as asked, as often as asked."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest

from emulator.talking import CHUNK, KEY, QUICK, content, emulating, setup, sound, speech
from tokensvc.emulator.faults import fault as faults
from tokensvc.emulator.faults.fault import FaultError
from tokensvc.emulator.server.emulator import SERVICE


def going_wrong(client, **fault):
    client.emulator.faults.add(faults.read(fault))


async def post(client):
    """The mint's raw answer."""
    url = f"{client.emulator.url}/v1beta/auth_tokens"
    async with client.http.post(url, headers=KEY, allow_redirects=False) as response:
        return response.status, response.headers, await response.read()


async def test_status():
    """The error has the status' name; the next mint is well again."""
    async with emulating() as client:
        for status, name in ((429, "RESOURCE_EXHAUSTED"), (503, "UNAVAILABLE"), (404, "NOT_FOUND")):
            going_wrong(client, on="mint", kind="status", status=status)
            answered, _, body = await post(client)
            assert answered == status
            assert json.loads(body)["error"]["status"] == name
            assert (await post(client))[0] == 200


async def test_fault_that_stays():
    """Times of 0 is until it is cleared."""
    async with emulating() as client:
        going_wrong(client, on="mint", kind="status", times=0)
        assert [(await post(client))[0] for _ in range(3)] == [503] * 3
        client.emulator.faults.clear()
        assert (await post(client))[0] == 200


async def test_faults_in_order():
    """Each kind of thing takes its own, one after another."""
    async with emulating() as client:
        going_wrong(client, on="mint", kind="status", status=500, times=2)
        going_wrong(client, on="socket", kind="status", status=503)
        going_wrong(client, on="mint", kind="empty")
        assert [(await post(client))[0] for _ in range(2)] == [500, 500]
        assert (await post(client))[2] == b"{}"
        with pytest.raises(aiohttp.WSServerHandshakeError, match="503"):
            async with client.socket():
                pass
        async with client.session():
            pass


async def test_broken_json():
    """The answer is 200 and stops half way."""
    async with emulating() as client:
        going_wrong(client, on="mint", kind="broken_json")
        status, headers, body = await post(client)
        assert (status, headers["Content-Type"]) == (200, "application/json")
        with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
            json.loads(body)


async def test_redirect():
    """It points to where the text says."""
    async with emulating() as client:
        going_wrong(client, on="mint", kind="redirect", text="http://127.0.0.1:1/elsewhere")
        status, headers, _ = await post(client)
        assert (status, headers["Location"]) == (307, "http://127.0.0.1:1/elsewhere")


async def test_cut_mint():
    """The connection breaks before the answer."""
    async with emulating() as client:
        going_wrong(client, on="mint", kind="cut")
        with pytest.raises(aiohttp.ClientError):
            await post(client)
        assert (await post(client))[0] == 200


@pytest.mark.parametrize("kind", ["latency", "drip"])
async def test_slow_mint(kind):
    """The whole answer takes as long as said."""
    async with emulating() as client:
        going_wrong(client, on="mint", kind=kind, seconds=0.2)
        begun = asyncio.get_running_loop().time()
        status, _, body = await post(client)
        assert asyncio.get_running_loop().time() - begun >= 0.19
        assert status == 200
        assert json.loads(body)["name"].startswith("auth_tokens/")


async def test_black_hole_mint():
    """No answer ever comes; others are served meanwhile."""
    async with emulating() as client:
        going_wrong(client, on="mint", kind="black_hole")
        waiting = asyncio.create_task(post(client))
        while not client.emulator.faults.met:  # noqa: ASYNC110 - it looks in from outside
            await asyncio.sleep(0)
        assert (await post(client))[0] == 200
        assert not waiting.done()
        waiting.cancel()


async def test_cut_socket():
    """The connection breaks without a close frame once so many messages were taken."""
    async with emulating() as client:
        going_wrong(client, on="socket", kind="cut", after=2)
        async with client.session() as talker:
            await talker.type("One.")
            await talker.type("Two.")
            assert (await talker.until_closed())[0] == 1006
        assert (await client.closed())["counters"]["text_turns"] == 1


async def test_cut_loses_what_came_while_deaf():
    """Nothing is read for so many seconds before the reset; what came in them is lost."""
    async with emulating() as client:
        going_wrong(client, on="socket", kind="cut", after=11, seconds=3)
        async with client.session() as talker:
            await talker.say(speech(1.0))
            await client.seen(lambda last: last["counters"]["audio_chunks"] == 10)
            client.emulator.clock.skip(3)
            assert (await talker.until_closed())[0] == 1006
        assert (await client.closed())["heard"]["bytes"] == 10 * CHUNK


async def test_cut_of_every_connection_at_its_own_moment():
    """Each connection meets it anew, between so many seconds after its opening."""
    async with emulating() as client:
        going_wrong(client, on="socket", kind="cut", times=0, between=[5, 9], seconds=0.25, seed=3)
        for _ in range(3):
            async with client.session() as talker:
                await talker.type("Still there?")
                await talker.until_turn_complete()
                client.emulator.clock.skip(9)
                assert (await talker.until_closed())[0] == 1006


def test_moments_are_drawn_by_seed():
    """The same seed draws the same moments, all over the span; another draws others."""
    told = {"on": "socket", "kind": "cut", "between": [4, 10], "times": 0}

    def moments(seed):
        fault = faults.read({**told, "seed": seed})
        return [fault.drawn(number).between[0] for number in range(200)]

    assert moments(1) == moments(1) != moments(2)
    assert 4 <= min(moments(1)) < 4.5
    assert 9.5 < max(moments(1)) <= 10
    assert 6.5 < sum(moments(1)) / 200 < 7.5


@pytest.mark.parametrize(("kind", "seen"), [("close", (1012, "Restarting.")), ("cut", (1006, ""))])
async def test_end_before_the_setup(kind, seen):
    """A moment is the socket's: it may come before anything was said."""
    async with emulating() as client:
        told = {"kind": kind, "between": [0, 0], "code": 1012, "text": "Restarting."}
        going_wrong(client, on="socket", **told)
        async with client.socket() as talker:
            assert await talker.until_closed() == seen


async def test_redirected_socket():
    """The upgrade is answered with a redirect."""
    async with emulating() as client:
        going_wrong(client, on="socket", kind="redirect", text="http://127.0.0.1:1/elsewhere")
        url = f"{client.emulator.url}/ws/{SERVICE}.v1beta.GenerativeService.BidiGenerateContent"
        async with client.http.get(url, headers=KEY, allow_redirects=False) as response:
            location = response.headers["Location"]
            assert (response.status, location) == (307, "http://127.0.0.1:1/elsewhere")


async def test_black_hole_socket():
    """The connection stays, and nothing comes or goes."""
    async with emulating() as client:
        going_wrong(client, on="socket", kind="black_hole", after=1)
        async with client.session() as talker:
            await talker.type("Is anybody there?")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(talker.next(), 0.1)
            assert not talker.socket.closed
            assert client.last()["counters"]["text_turns"] == 0


async def test_close_by_fault():
    """Code and reason are as asked."""
    async with emulating() as client:
        going_wrong(client, on="socket", kind="close", after=1, code=1008, text="Not today.")
        async with client.session() as talker:
            await talker.type("Hello.")
            assert await talker.until_closed() == (1008, "Not today.")


async def test_broken_json_on_the_socket():
    """One message is no JSON; the next is."""
    async with emulating() as client:
        going_wrong(client, on="socket", kind="broken_json", after=1)
        async with client.session() as talker:
            await talker.type("Hello.")
            with pytest.raises(ValueError, match="Expecting"):
                await talker.next()
            await talker.until_turn_complete()


async def test_out_of_order():
    """Neighbours change places; nothing is lost but the last odd one."""
    async with emulating() as client:
        going_wrong(client, on="socket", kind="out_of_order", after=1)
        async with client.session() as talker:
            await talker.type("A sentence of several words, to be mixed up.")
            received = sound([await talker.next() for _ in range(8)])
            sent = client.emulator.register.find("last").said.pcm()
            assert received[:1920] != sent[:1920]
            assert sent[:1920] in received


@pytest.mark.parametrize("kind", ["latency", "drip"])
async def test_slow_socket(kind):
    """Late by the latency, or one message in so many seconds."""
    async with emulating(QUICK) as client:
        going_wrong(client, on="socket", kind=kind, after=0, seconds=0.05)
        async with client.socket() as talker:
            begun = asyncio.get_running_loop().time()
            await talker.send(setup=setup())
            await talker.next()
            await talker.say(speech(0.5))
            answer = await talker.until_turn_complete()
            took = asyncio.get_running_loop().time() - begun
        assert took >= 0.09
        assert (took >= 0.05 * len(answer)) is (kind == "drip")
        assert content(answer[-1])["turnComplete"]


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ({"on": "moon", "kind": "latency"}, "mint or socket"),
        ({"on": "mint", "kind": "close"}, "one of black_hole, broken_json"),
        ({"on": "mint", "kind": "latency", "seconds": "2"}, "seconds is of the wrong type"),
        ({"on": "mint", "kind": "latency", "seconds": -2}, "from 0 to a million"),
        ({"on": "mint", "kind": "latency", "seconds": 1e999}, "from 0 to a million"),
        ({"on": "mint", "kind": "redirect", "text": "a\nSet-Cookie: b"}, "text must be one line"),
        ({"on": "socket", "kind": "close", "code": 1006}, "must be a WebSocket close code"),
        ({"on": "socket", "kind": "drip", "between": [1, 2]}, "goes with black_hole, close, cut"),
        ({"on": "mint", "kind": "cut", "between": [1, 2]}, "goes with black_hole, close, cut"),
        ({"on": "socket", "kind": "cut", "between": [2, 1]}, "two numbers of seconds"),
        ({"on": "socket", "kind": "cut", "between": [2, "3"]}, "two numbers of seconds"),
        ({"on": "mint", "kind": "status", "status": 200}, "from 400 to 599"),
        ({"on": "mint", "kind": "latency", "often": 1}, "Unknown key 'often'"),
        ([], "A fault is an object"),
    ],
)
async def test_fault_that_makes_no_sense(fault, sentence):
    """It is refused in a sentence, by the page for it too."""
    with pytest.raises(FaultError, match=sentence):
        faults.read(fault)
    async with (
        emulating() as client,
        client.http.post(f"{client.emulator.url}/emulator/faults", json=fault) as response,
    ):
        assert response.status == 400
        assert sentence in await response.text()
