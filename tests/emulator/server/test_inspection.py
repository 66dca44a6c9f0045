"""Inspection: what the emulator saw, without secrets."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import wave

from emulator.live_client import QUICK, emulating, function, setup, speech
from tokensvc.emulator import Options


async def get(client, path):
    async with client.http.get(f"{client.emulator.url}{path}") as response:
        assert response.status == 200, path
        body = await response.read()
        return json.loads(body) if response.content_type == "application/json" else body


async def test_token_requests_are_shown_byte_for_byte():
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
            "statuses": {"200": 1, "400": 1},
        }


async def test_tokens_keys_and_handles_are_not_shown():
    async with emulating(QUICK) as client:
        token = await client.token(bidiGenerateContentSetup=setup(sessionResumption={}), uses=2)
        async with client.session(token=token) as session:
            handle = await session.next_handle()
        requested = setup(sessionResumption={"handle": handle})
        async with client.session(requested), client.session(token=token):
            seen = b"".join(
                [
                    json.dumps(await get(client, path)).encode()
                    for path in ("/emulator/sessions", "/emulator/tokens", "/emulator/sessions/2")
                ]
            )
        for secret in (token, token.removeprefix("auth_tokens/"), handle, "a-key-for-tests"):
            assert secret.encode() not in seen


async def test_audio_is_served_as_wav_with_the_position_of_each_answer():
    async with emulating(QUICK) as client:
        async with client.session() as session:
            await session.send_audio(speech(0.8))
            await session.until_turn_complete()
            await session.send_text("More.")
            await session.until_turn_complete()
        view = await get(client, "/emulator/sessions/last")
        for kind, rate in (("heard", 16_000), ("said", 24_000), ("context", 16_000)):
            with wave.open(io.BytesIO(await get(client, f"/emulator/sessions/1/{kind}.wav"))) as file:
                assert (file.getframerate(), file.getnchannels()) == (rate, 1)
                pcm = file.readframes(10**7)
            if kind == "said":
                answers = view["answers"]
                assert [answer["start"] for answer in answers] == [0, answers[0]["sent"]]
                assert len(pcm) == answers[0]["sent"] + answers[1]["sent"]
            else:
                assert pcm == speech(0.8)


async def test_recorded_audio_and_closed_sessions_are_limited():
    options = Options(latency=0.0, keep_audio=0.5, keep_sessions=2)
    async with emulating(options) as client:
        for _ in range(4):
            async with client.session() as session:
                await session.send_audio(speech(0.8))
                await session.until(lambda message: "serverContent" in message)
            await client.wait_until_closed()
        shown = (await get(client, "/emulator/sessions"))["sessions"]
        assert [view["id"] for view in shown] == ["3", "4"]
        assert shown[-1]["heard"]["bytes"] == len(speech(0.8))
        assert len(client.emulator.connections.find("4").heard.pcm()) == 16_000


async def test_live_session_is_shown_with_setup_and_counters():
    async with emulating(QUICK) as client:
        requested = setup(tools=[function("f")])
        async with client.session(requested) as session:
            await session.send(realtimeInput={"video": {"mimeType": "image/png", "data": "AA=="}})
            await client.wait_until_received(1)
            (view,) = (await get(client, "/emulator/sessions"))["sessions"]
            assert (view["state"], view["effective_setup"]) == ("live", requested)
            assert view["counters"]["video_frames"] == 1
        assert (await client.wait_until_closed())["closed_by"] == "client"


async def test_time_can_be_skipped_over_http():
    async with emulating() as client:
        token = await client.token()
        url = f"{client.emulator.url}/emulator/skip"
        async with client.http.post(url, json={"seconds": 61}) as response:
            assert response.status == 200
        assert (await client.refusal(token=token))[0] == 1011
        for wrong in ({"seconds": -1}, {"seconds": "1"}, [], {"seconds": True}):
            async with client.http.post(url, json=wrong) as response:
                assert response.status == 400


async def test_unknown_session_is_not_found():
    async with emulating() as client:
        for name in ("7", "last", "-1", "x"):
            async with client.http.get(f"{client.emulator.url}/emulator/sessions/{name}") as response:
                assert response.status == 404
