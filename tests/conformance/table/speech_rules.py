"""Speech: when it begins and ends, and what of it is taken."""

# ruff: noqa: ARG005, FBT003 - a stand-in is as the thing it stands in for

from __future__ import annotations

import numpy as np

from conformance.table.rules import idle, nothing, replaced, rule
from emulator.talking import QUICK, setup, sound, speech, transcript
from tokensvc.emulator.audio.pcm import IN_RATE, from_pcm, resample, to_pcm
from tokensvc.emulator.audio.voice_activity import Detection
from tokensvc.emulator.responses import echo

CAPABILITIES = "https://ai.google.dev/gemini-api/docs/live-api/capabilities"
AUDIO = {"responseModalities": ["AUDIO"]}


def detection(**fields):
    return setup(realtimeInputConfig={"automaticActivityDetection": fields})


def silence(seconds):
    return bytes(int(seconds * IN_RATE) * 2)


def louder(pcm, factor):
    return to_pcm((from_pcm(pcm) * factor).astype(np.int16))


async def spoken_turns(emulating, asked, pcm):
    """How many turns the emulator makes of *pcm*."""
    async with emulating(QUICK) as client, client.session(asked) as talker:
        await talker.say(pcm)
        await talker.send(clientContent={"turns": [{"role": "user", "parts": [{"text": "."}]}]})
        await client.taken(-(-len(pcm) // 1280) + 1)
        return client.last()["counters"]["spoken_turns"]


@rule(
    "Speech ends after silenceDurationMs of silence, 800 ms by default",
    CAPABILITIES,
    replaced("conversation.plan._detection", lambda asked: Detection()),
)
async def silence_duration(emulating):
    pcm = speech(0.6, 0.4) + speech(0.6, 1.0)
    assert await spoken_turns(emulating, detection(silenceDurationMs=200), pcm) == 2
    assert await spoken_turns(emulating, detection(), pcm) == 1
    assert await spoken_turns(emulating, detection(silenceDurationMs=1500), pcm) == 0


@rule(
    "Speech begins after prefixPaddingMs of it",
    CAPABILITIES,
    replaced("conversation.plan._detection", lambda asked: Detection()),
)
async def prefix_padding(emulating):
    click = speech(0.2, 1.2)
    assert await spoken_turns(emulating, detection(prefixPaddingMs=400), click) == 0
    assert await spoken_turns(emulating, detection(prefixPaddingMs=20), click) == 1


@rule(
    "A sensitive start hears a low voice",
    CAPABILITIES,
    replaced("audio.voice_activity.RELUCTANT", 0.001),
)
async def start_sensitivity(emulating):
    low = louder(speech(1.0), 0.1)
    assert await spoken_turns(emulating, detection(), low) == 1
    assert (
        await spoken_turns(
            emulating, detection(startOfSpeechSensitivity="START_SENSITIVITY_LOW"), low
        )
        == 0
    )


@rule(
    "A sensitive end does not wait for a fading voice",
    CAPABILITIES,
    replaced("audio.voice_activity.RELUCTANT_END", 0.99),
)
async def end_sensitivity(emulating):
    fading = to_pcm(np.full(IN_RATE * 3 // 2, 32768 * 0.005, np.int16))
    pcm = speech(0.6, 0.0) + fading + speech(0.4, 1.2)
    assert await spoken_turns(emulating, detection(), pcm) == 2
    assert (
        await spoken_turns(emulating, detection(endOfSpeechSensitivity="END_SENSITIVITY_LOW"), pcm)
        == 1
    )


def all_is_loud(patch):
    patch.setattr("tokensvc.emulator.audio.voice_activity.EAGER", 0.0005)
    patch.setattr("tokensvc.emulator.audio.voice_activity.ABOVE_FLOOR", 0.0)


@rule("What is quiet throughout is no turn", CAPABILITIES, all_is_loud)
async def quiet(emulating):
    noise = np.random.default_rng(7).normal(0, 40, IN_RATE * 2).astype(np.int16)
    assert await spoken_turns(emulating, detection(), to_pcm(noise) + silence(1)) == 0


@rule(
    "With detection off the client marks its activity, and only then",
    CAPABILITIES,
    replaced("session.session.Session._activity", idle),
)
async def manual(emulating):
    async with emulating(QUICK) as client:
        async with client.session(detection(disabled=True)) as talker:
            await talker.say(speech(0.5))
            await talker.send(realtimeInput={"activityStart": {}})
            await talker.say(speech(0.8, 0.2))
            await talker.send(realtimeInput={"activityEnd": {}})
            answer = await talker.until_turn_complete()
            assert transcript(answer, "inputTranscription") == "[1.0 s of speech]"
            await talker.send(realtimeInput={"audioStreamEnd": True})
            assert (await talker.until_closed())[0] == 1007
        async with client.session() as talker:
            await talker.send(realtimeInput={"activityStart": {}})
            assert (await talker.until_closed())[0] == 1007


@rule(
    "audioStreamEnd ends what was being said",
    CAPABILITIES,
    replaced("audio.utterances.Ears.pause", nothing),
)
async def stream_end(emulating):
    async with emulating(QUICK) as client, client.session() as talker:
        await talker.say(speech(0.9, 0.0))
        await talker.send(realtimeInput={"audioStreamEnd": True})
        answer = await talker.until_turn_complete()
        assert transcript(answer, "inputTranscription") == "[0.9 s of speech]"


@rule(
    "Speech is played back at its length and is the sound that was heard",
    "ours: honesty",
    replaced(
        "responses.echo.HonestMind.answer",
        lambda self, turn, conversation, plan: (
            echo.Say(f"[{turn.spoken.seconds:.1f} s of speech, played back]"),
        ),
    ),
)
async def played_back(emulating):
    async with emulating(QUICK) as client, client.session() as talker:
        pcm = speech(1.3)
        await talker.say(pcm)
        answer = await talker.until_turn_complete()
        assert transcript(answer) == "[1.3 s of speech, played back]"
        heard = resample(from_pcm(sound(answer)), 24_000, IN_RATE).astype(float)
        spoken = from_pcm(pcm)[: len(heard)].astype(float)
        size = 2 * len(heard)
        match = np.fft.irfft(np.fft.rfft(heard, size) * np.fft.rfft(spoken, size).conj()).max()
        assert match > 0.95 * np.linalg.norm(heard) * np.linalg.norm(spoken)


@rule(
    "With all input, silence counts too",
    CAPABILITIES,
    replaced("session.session.ALL_INPUT", "never"),
)
async def all_input(emulating):
    costs = []
    for coverage in ("TURN_INCLUDES_ONLY_ACTIVITY", "TURN_INCLUDES_ALL_INPUT"):
        asked = setup(realtimeInputConfig={"turnCoverage": coverage})
        async with emulating(QUICK) as client, client.session(asked) as talker:
            await talker.say(silence(3) + speech(1.0))
            usage = (await talker.until_turn_complete())[-1]["usageMetadata"]
            costs.append(usage["promptTokenCount"])
    assert costs[0] < 30
    assert costs[1] > 100


@rule(
    "Any sample rate is taken and counted in its own time",
    CAPABILITIES,
    replaced("audio.utterances.Ears._at_our_rate", lambda self, pcm, rate: pcm),
)
async def rates(emulating):
    async with emulating(QUICK) as client:
        for rate in (8_000, 24_000, 44_100, 48_000):
            async with client.session() as talker:
                at_rate = resample(from_pcm(speech(1.0)), IN_RATE, rate)
                await talker.say(to_pcm(at_rate), rate)
                answer = await talker.until_turn_complete()
                heard = transcript(answer, "inputTranscription")
                assert heard in {"[0.9 s of speech]", "[1.0 s of speech]", "[1.1 s of speech]"}


@rule(
    "Sound that is no raw PCM is refused",
    "https://ai.google.dev/api/live",
    replaced("session.session.rate_of", lambda kind: IN_RATE),
)
async def no_pcm(emulating):
    async with emulating(QUICK) as client:
        for kind in ("audio/mp3", "audio/ogg", "audio/pcm;rate=1"):
            async with client.session() as talker:
                blob = {"data": "AAAA", "mimeType": kind}
                await talker.send(realtimeInput={"audio": blob})
                await talker.send(realtimeInput={"audio": blob})
                assert (await talker.until_closed())[0] == 1007


@rule(
    "mediaChunks are refused, and on v1alpha taken and not heard",
    "measured 2026-09",
    replaced("session.session.Session._media_chunks", nothing),
)
async def media_chunks(emulating):
    chunks = [{"data": "AAAA", "mimeType": "audio/pcm;rate=16000"}]
    async with emulating(QUICK) as client:
        async with client.session() as talker:
            await talker.send(realtimeInput={"mediaChunks": chunks})
            code, reason = await talker.until_closed()
            assert (code, "media_chunks is deprecated" in reason) == (1007, True)
        async with client.session(version="v1alpha") as talker:
            await talker.send(realtimeInput={"mediaChunks": chunks})
            await talker.type("Heard that?")
            await talker.until_turn_complete()
            assert client.last()["heard"]["bytes"] == 0


@rule(
    "Text while somebody speaks belongs to the turn",
    "ours: one turn, not two",
    replaced("audio.utterances.Ears.active", False),
)
async def text_in_speech(emulating):
    async with emulating(QUICK) as client, client.session() as talker:
        await talker.say(speech(0.5, 0.0))
        await talker.type("This one, number 88.")
        await talker.say(silence(1.0))
        answer = await talker.until_turn_complete()
        assert "88" in transcript(answer)
        assert client.last()["counters"]["answers"] == 1
