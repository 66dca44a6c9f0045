"""Turns: when speech begins and ends, who interrupts whom, and the order of what is sent."""

# ruff: noqa: ARG005, FBT003, SLF001 - a stand-in is as the thing it stands in for

from __future__ import annotations

import asyncio
from dataclasses import replace

import numpy as np

from conformance.table.rules import PACED, idle, nothing, replaced, rule
from emulator.talking import QUICK, content, emulating, setup, sound, speech, transcript
from tokensvc.emulator import Options, honesty
from tokensvc.emulator.floor import Floor
from tokensvc.emulator.plan import Detection
from tokensvc.emulator.sound import IN_RATE, from_pcm, resample, to_pcm

CAPABILITIES = "https://ai.google.dev/gemini-api/docs/live-api/capabilities"
AUDIO = {"responseModalities": ["AUDIO"]}
JPEG = {"mimeType": "image/jpeg", "data": "/9g="}
LONG = "Tell me about the weather, the sea and the mountains, and do not leave anything out."


def detection(**fields):
    return setup(realtimeInputConfig={"automaticActivityDetection": fields})


def silence(seconds):
    return bytes(int(seconds * IN_RATE) * 2)


def louder(pcm, factor):
    return to_pcm((from_pcm(pcm) * factor).astype(np.int16))


async def spoken_turns(asked, pcm):
    """How many turns the emulator makes of *pcm*."""
    async with emulating(QUICK) as client, client.session(asked) as talker:
        await talker.say(pcm)
        await talker.send(clientContent={"turns": []})
        await client.taken(-(-len(pcm) // 1280) + 1)
        return client.last()["counters"]["spoken_turns"]


@rule(
    "Speech ends after silenceDurationMs of silence, 800 ms by default",
    CAPABILITIES,
    replaced("plan._detection", lambda asked: Detection()),
)
async def silence_duration():
    pcm = speech(0.6, 0.4) + speech(0.6, 1.0)
    assert await spoken_turns(detection(silenceDurationMs=200), pcm) == 2
    assert await spoken_turns(detection(), pcm) == 1
    assert await spoken_turns(detection(silenceDurationMs=1500), pcm) == 0


@rule(
    "Speech begins after prefixPaddingMs of it",
    CAPABILITIES,
    replaced("plan._detection", lambda asked: Detection()),
)
async def prefix_padding():
    click = speech(0.2, 1.2)
    assert await spoken_turns(detection(prefixPaddingMs=400), click) == 0
    assert await spoken_turns(detection(prefixPaddingMs=20), click) == 1


@rule(
    "A sensitive start hears a low voice", CAPABILITIES, replaced("voice_activity.RELUCTANT", 0.001)
)
async def start_sensitivity():
    low = louder(speech(1.0), 0.1)
    assert await spoken_turns(detection(), low) == 1
    assert await spoken_turns(detection(startOfSpeechSensitivity="START_SENSITIVITY_LOW"), low) == 0


@rule(
    "A sensitive end does not wait for a fading voice",
    CAPABILITIES,
    replaced("voice_activity.RELUCTANT_END", 0.99),
)
async def end_sensitivity():
    fading = to_pcm(np.full(IN_RATE * 3 // 2, 32768 * 0.005, np.int16))
    pcm = speech(0.6, 0.0) + fading + speech(0.4, 1.2)
    assert await spoken_turns(detection(), pcm) == 2
    assert await spoken_turns(detection(endOfSpeechSensitivity="END_SENSITIVITY_LOW"), pcm) == 1


def all_is_loud(patch):
    patch.setattr("tokensvc.emulator.voice_activity.EAGER", 0.0005)
    patch.setattr("tokensvc.emulator.voice_activity.ABOVE_FLOOR", 0.0)


@rule("What is quiet throughout is no turn", CAPABILITIES, all_is_loud)
async def quiet():
    noise = np.random.default_rng(7).normal(0, 40, IN_RATE * 2).astype(np.int16)
    assert await spoken_turns(detection(), to_pcm(noise) + silence(1)) == 0


@rule(
    "With detection off the client marks its activity, and only then",
    CAPABILITIES,
    replaced("session.Session._activity", idle),
)
async def manual():
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
    "audioStreamEnd ends what was being said", CAPABILITIES, replaced("hearing.Ears.pause", nothing)
)
async def stream_end():
    async with emulating(QUICK) as client, client.session() as talker:
        await talker.say(speech(0.9, 0.0))
        await talker.send(realtimeInput={"audioStreamEnd": True})
        answer = await talker.until_turn_complete()
        assert transcript(answer, "inputTranscription") == "[0.9 s of speech]"


@rule(
    "Speech is played back at its length and is the sound that was heard",
    "ours: honesty",
    replaced(
        "honesty.HonestMind.answer",
        lambda self, turn, conversation, plan: (
            honesty.Say(f"[{turn.spoken.seconds:.1f} s of speech, played back]"),
        ),
    ),
)
async def played_back():
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
    "Speaking over an answer interrupts it: interrupted, turnComplete, no generationComplete",
    CAPABILITIES,
    replaced("floor.Floor.person_begins", idle),
)
async def interruption():
    async with emulating(PACED) as client, client.session() as talker:
        await talker.type(LONG)
        begun = await talker.until(lambda message: content(message).get("modelTurn"))
        await talker.say(speech(0.5, 0.0))
        rest = await talker.until_turn_complete()
        assert content(rest[-2]) == {"interrupted": True}
        assert not any("generationComplete" in content(message) for message in rest)
        last = client.last()
        assert last["counters"]["interruptions"] == 1
        (span,) = last["answers"]
        assert span["interrupted"]
        assert span["sent"] == len(sound(begun + rest)) < span["planned"]
        said = [each["text"] for each in last["context"]["remarks"] if each["kind"] == "said"]
        assert said == [transcript(begun + rest)], "only what was sent is remembered"


@rule(
    "An answer that is still playing can be interrupted too",
    "measured: turnComplete is held",
    replaced("floor.Floor.person_begins", idle),
)
async def interruption_while_playing():
    ahead = replace(PACED, send_rate=1000.0)
    async with emulating(ahead) as client, client.session() as talker:
        await talker.type(LONG)
        await talker.until(lambda message: "generationComplete" in content(message))
        await talker.say(speech(0.5, 0.0))
        rest = await talker.until_turn_complete()
        assert {"interrupted": True} in [content(message) for message in rest]


@rule(
    "NO_INTERRUPTION lets the answer finish and then takes the turn",
    CAPABILITIES,
    replaced("floor.Floor.person_begins", Floor.interrupt),
)
async def no_interruption():
    asked = setup(realtimeInputConfig={"activityHandling": "NO_INTERRUPTION"})
    async with emulating(replace(PACED, send_rate=20.0)) as client, client.session(asked) as talker:
        await talker.type("Short, please.")
        await talker.until(lambda message: content(message).get("modelTurn"))
        await talker.say(speech(0.5))
        first = await talker.until_turn_complete()
        assert not any(content(message).get("interrupted") for message in first)
        assert any(content(message).get("generationComplete") for message in first)
        second = await talker.until_turn_complete()
        assert transcript(second) == "[0.5 s of speech, played back]"


@rule(
    "Content from the client interrupts",
    "https://ai.google.dev/api/live, clientContent",
    replaced("floor.Floor.interrupt", idle),
)
async def content_interrupts():
    async with emulating(PACED) as client, client.session() as talker:
        await talker.type(LONG)
        await talker.until(lambda message: content(message).get("modelTurn"))
        turns = [{"role": "user", "parts": [{"text": "Stop."}]}]
        await talker.send(clientContent={"turns": turns, "turnComplete": True})
        rest = await talker.until_turn_complete()
        assert any(content(message).get("interrupted") for message in rest)


@rule(
    "turnComplete is held until the answer would have played",
    "documented; measured to 30 ms",
    replaced("floor.Floor._hold", idle),
)
async def held_turn_complete():
    async with emulating(replace(PACED, send_rate=1000.0)) as client, client.session() as talker:
        await talker.type("Hi")
        begun = await talker.until(lambda message: content(message).get("modelTurn"))
        start = asyncio.get_running_loop().time()
        rest = await talker.until_turn_complete()
        seconds = len(sound(begun + rest)) / 48_000
        assert seconds > 0.5
        assert asyncio.get_running_loop().time() - start > seconds / PACED.playback_rate - 0.1
        order = [next(iter(content(message))) for message in rest if content(message)]
        assert order.index("generationComplete") < order.index("turnComplete")


@rule(
    "Sound is sent ahead of its playing, in bursts",
    "measured: unbounded queues are normal",
    replaced("speaking.BURST", 10**6),
)
async def bursts():
    async with emulating(PACED) as client, client.session() as talker:
        await talker.type(LONG)
        await talker.until(lambda message: content(message).get("modelTurn"))
        start = asyncio.get_running_loop().time()
        answer = await talker.until(lambda message: "generationComplete" in content(message))
        took = asyncio.get_running_loop().time() - start
        seconds = len(sound(answer)) / 48_000
        assert seconds / 16 < took < seconds / 2


@rule(
    "Transcripts come as fragments, each side's if the setup has it",
    CAPABILITIES,
    replaced(
        "plan.Plan.of",
        lambda setup, model, default: PLAN_OF(
            {**setup, "inputAudioTranscription": {}, "outputAudioTranscription": {}}, model
        ),
    ),
)
async def transcripts():
    async with emulating(QUICK) as client:
        for fields in ((), ("inputAudioTranscription",), ("outputAudioTranscription",)):
            asked = {"model": setup()["model"], "generationConfig": AUDIO}
            asked |= {field: {} for field in fields}
            async with client.session(asked) as talker:
                await talker.say(speech(0.8))
                answer = await talker.until_turn_complete()
                heard = transcript(answer, "inputTranscription")
                assert heard == ("[0.8 s of speech]" if fields[:1] == INPUT else "")
                told = transcript(answer)
                assert bool(told) is (fields == ("outputAudioTranscription",))


INPUT = ("inputAudioTranscription",)
PLAN_OF = __import__("tokensvc.emulator.plan", fromlist=["Plan"]).Plan.of


@rule(
    "Input transcripts come in parts, whole, or cumulatively, by option",
    "reports differ",
    replaced("session.Session._fragments", lambda self, text: [text]),
)
async def input_transcripts():
    ways = {
        "fragments": ["[0.8 s ", "of speech]"],
        "final": ["[0.8 s of speech]"],
        "cumulative": ["[0.8 s ", "[0.8 s of speech]"],
    }
    for way, expected in ways.items():
        async with (
            emulating(replace(QUICK, input_transcripts=way)) as client,
            client.session() as talker,
        ):
            await talker.say(speech(0.8))
            answer = await talker.until_turn_complete()
            parts = [content(message).get("inputTranscription") for message in answer]
            assert [part["text"] for part in parts if part] == expected
            assert [part for part in parts if part][-1]["finished"]


@rule(
    "From 3.1 on an event may carry several parts",
    "models' pages",
    replaced("speaking.Speaker._parts", lambda self, piece: [PARTS(self, piece)[0]]),
)
async def several_parts():
    for model, most in (
        ("models/gemini-3.8-live", 2),
        ("models/gemini-2.5-flash-native-audio-preview-12-2025", 1),
    ):
        async with emulating(QUICK) as client, client.session(setup(model=model)) as talker:
            await talker.type(LONG)
            answer = await talker.until_turn_complete()
            counts = [
                len(content(each)["modelTurn"]["parts"])
                for each in answer
                if "modelTurn" in content(each)
            ]
            assert max(counts) == most
            assert len(sound(answer)) == client.last()["answers"][0]["planned"]


PARTS = __import__("tokensvc.emulator.speaking", fromlist=["Speaker"]).Speaker._parts


@rule(
    "Extended thinking says with turnComplete whether it is done",
    "its model page",
    replaced("floor.Floor._status", lambda self: {}),
)
async def interaction_status():
    model = "models/gemini-3.8-live-extended-thinking"
    async with emulating(QUICK) as client, client.session(setup(model=model)) as talker:
        await talker.type("Done?")
        answer = await talker.until_turn_complete()
        assert content(answer[-1])["interactionStatus"] == "IDLE"


@rule(
    "Thoughts come as parts marked so, if asked for",
    "native models; measured",
    replaced("plan.thoughts_of", lambda setup: True),
)
async def thoughts():
    model = "models/gemini-3.1-flash-live-preview"
    for asked in (True, False):
        generation = {**AUDIO, "thinkingConfig": {"includeThoughts": asked}}
        async with (
            emulating(QUICK) as client,
            client.session(setup(model=model, generationConfig=generation)) as talker,
        ):
            await talker.type("Think.")
            answer = await talker.until_turn_complete()
            parts = [
                part
                for each in answer
                for part in content(each).get("modelTurn", {}).get("parts", [])
            ]
            assert any(part.get("thought") for part in parts) is asked
            assert "Turn 1 came" not in transcript(answer)


@rule(
    "Frames count always from 3.1 on, on 2.5 only while somebody speaks",
    CAPABILITIES,
    replaced("session.ONLY_ACTIVITY", "never"),
)
async def turn_coverage():
    native = "models/gemini-2.5-flash-native-audio-preview-12-2025"
    only, every = "TURN_INCLUDES_ONLY_ACTIVITY", "TURN_INCLUDES_ALL_INPUT"
    for model, coverage, counted in (
        ("models/gemini-3.8-live", None, True),
        ("models/gemini-3.8-live", only, False),
        (native, None, False),
        (native, every, True),
    ):
        config = {"realtimeInputConfig": {"turnCoverage": coverage}} if coverage else {}
        async with (
            emulating(QUICK) as client,
            client.session(setup(model=model, **config)) as talker,
        ):
            await talker.send(realtimeInput={"video": JPEG})
            await talker.type("What was it?")
            answer = await talker.until_turn_complete()
            assert ("1 video frames" in transcript(answer)) is counted
            assert client.last()["counters"]["video_frames"] == 1


@rule("With all input, silence counts too", CAPABILITIES, replaced("session.ALL_INPUT", "never"))
async def all_input():
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
    replaced("hearing.Ears._at_our_rate", lambda self, pcm, rate: pcm),
)
async def rates():
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
    replaced("session.rate_of", lambda kind: IN_RATE),
)
async def no_pcm():
    async with emulating(QUICK) as client:
        for kind in ("audio/mp3", "video/mp4", "audio/pcm;rate=1"):
            async with client.session() as talker:
                blob = {"data": "AAAA", "mimeType": kind}
                await talker.send(realtimeInput={"audio": blob})
                await talker.send(realtimeInput={"audio": blob})
                assert (await talker.until_closed())[0] == 1007


@rule(
    "mediaChunks are refused, and on v1alpha taken and not heard",
    "measured 2026-09",
    replaced("session.Session._media_chunks", nothing),
)
async def media_chunks():
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
    replaced("hearing.Ears.active", False),
)
async def text_in_speech():
    async with emulating(QUICK) as client, client.session() as talker:
        await talker.say(speech(0.5, 0.0))
        await talker.type("This one, number 88.")
        await talker.say(silence(1.0))
        answer = await talker.until_turn_complete()
        assert "88" in transcript(answer)
        assert client.last()["counters"]["answers"] == 1


@rule(
    "The context grows turn by turn",
    "google-genai's own test",
    replaced("honesty.recital", lambda conversation: "I forgot."),
)
async def context():
    async with emulating(QUICK) as client, client.session() as talker:
        turns = [{"role": "user", "parts": [{"text": "Remember the number 1739."}]}]
        await talker.send(clientContent={"turns": turns, "turnComplete": True})
        await talker.until_turn_complete()
        turns = [{"role": "user", "parts": [{"text": "Which number was it?"}]}]
        await talker.send(clientContent={"turns": turns})
        await talker.send(clientContent={"turnComplete": True})
        assert "1739" in transcript(await talker.until_turn_complete())


@rule(
    "3.1 takes content only at the start, by option",
    "its model page against Google's own test",
    replaced("session.Session._client_content", idle),
)
async def initial_only():
    options = Options(mid_session_content="refused")
    model = "models/gemini-3.1-flash-live-preview"
    async with emulating(options) as client, client.session(setup(model=model)) as talker:
        await talker.send(clientContent={"turns": [], "turnComplete": True})
        assert await asyncio.wait_for(talker.until_closed(), 1) == (
            1007,
            "Request contains an invalid argument.",
        )
