"""Inspection: what the emulator saw, and nothing that is a secret."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import wave

from emulator.talking import QUICK, emulating, function, setup, speech
from tokensvc.emulator import Options


async def get(client, path):
    async with client.http.get(f"{client.emulator.url}{path}") as response:
        assert response.status == 200, path
        body = await response.read()
        return json.loads(body) if response.content_type == "application/json" else body


async def test_minted_body_byte_for_byte():
    """The request can be compared with what somebody meant to send."""
    body = b'{ "uses":2,\n "bidiGenerateContentSetup": {"model":"models/gemini-3.8-live"} }'
    async with emulating() as client:
        _, answer = await client.mint(body)
        await client.mint(b"{]")
        (token,) = (await get(client, "/emulator/tokens"))["tokens"]
        assert base64.b64decode(token["request_base64"]) == body == token["request"].encode()
        assert token["fingerprint"] == hashlib.sha256(answer["name"].encode()).hexdigest()
        assert (token["lock"], token["uses_left"]) == ("full", 2)
        assert await get(client, "/emulator/mints") == {
            "requests": 2,
            "minted": 1,
            "answers": {"200": 1, "400": 1},
        }


async def test_no_secret_is_shown():
    """Tokens, keys and handles are in no view of it."""
    async with emulating(QUICK) as client:
        token = await client.token(bidiGenerateContentSetup=setup(sessionResumption={}), uses=2)
        async with client.session(token=token) as talker:
            handle = await talker.handle()
        asked = setup(sessionResumption={"handle": handle})
        async with client.session(asked), client.session(token=token):
            seen = b"".join(
                [
                    json.dumps(await get(client, path)).encode()
                    for path in ("/emulator/sessions", "/emulator/tokens", "/emulator/sessions/2")
                ]
            )
        for secret in (token, token.removeprefix("auth_tokens/"), handle, "a-key-for-tests"):
            assert secret.encode() not in seen


async def test_sound_as_wav():
    """What was heard and said is there whole, with a span for each answer."""
    async with emulating(QUICK) as client:
        async with client.session() as talker:
            await talker.say(speech(0.8))
            await talker.until_turn_complete()
            await talker.type("More.")
            await talker.until_turn_complete()
        session = await get(client, "/emulator/sessions/last")
        for kind, rate in (("heard", 16_000), ("said", 24_000), ("context", 16_000)):
            with wave.open(
                io.BytesIO(await get(client, f"/emulator/sessions/1/{kind}.wav"))
            ) as file:
                assert (file.getframerate(), file.getnchannels()) == (rate, 1)
                pcm = file.readframes(10**7)
            if kind == "said":
                spans = session["answers"]
                assert [span["start"] for span in spans] == [0, spans[0]["sent"]]
                assert len(pcm) == spans[0]["sent"] + spans[1]["sent"]
            else:
                assert pcm == speech(0.8)


async def test_sound_is_bounded():
    """Past the bound it is counted and not kept; the oldest sessions go."""
    options = Options(latency=0.0, keep_audio=0.5, keep_sessions=2)
    async with emulating(options) as client:
        for _ in range(4):
            async with client.session() as talker:
                await talker.say(speech(0.8))
                await talker.until(lambda message: "serverContent" in message)
            await client.closed()
        shown = (await get(client, "/emulator/sessions"))["sessions"]
        assert [session["id"] for session in shown] == ["3", "4"]
        assert shown[-1]["heard"]["bytes"] == len(speech(0.8))
        assert len(client.emulator.register.find("4").heard.pcm()) == 16_000


async def test_live_session_in_the_list():
    """A session is seen while it lasts: its state, setup and counters."""
    async with emulating(QUICK) as client:
        asked = setup(tools=[function("f")])
        async with client.session(asked) as talker:
            await talker.send(realtimeInput={"video": {"mimeType": "image/png", "data": "AA=="}})
            await client.taken(1)
            (session,) = (await get(client, "/emulator/sessions"))["sessions"]
            assert (session["state"], session["effective_setup"]) == ("live", asked)
            assert session["counters"]["video_frames"] == 1
        assert (await client.closed())["closed_by"] == "client"


async def test_time_can_be_skipped_from_outside():
    """A test in another process need not wait."""
    async with emulating() as client:
        token = await client.token()
        url = f"{client.emulator.url}/emulator/skip"
        async with client.http.post(url, json={"seconds": 61}) as response:
            assert response.status == 200
        assert (await client.refusal(token=token))[0] == 1011
        for wrong in ({"seconds": -1}, {"seconds": "1"}, [], {"seconds": True}):
            async with client.http.post(url, json=wrong) as response:
                assert response.status == 400


async def test_session_that_is_not_there():
    """404, with a hint."""
    async with emulating() as client:
        for name in ("7", "last", "-1", "x"):
            async with client.http.get(
                f"{client.emulator.url}/emulator/sessions/{name}"
            ) as response:
                assert response.status == 404
