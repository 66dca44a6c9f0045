"""Under a full lock, nothing in the client's own setup has any effect."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest
from google.genai import types

from conformance import python_sdk
from emulator.live_client import MODEL, SocketClient, emulating
from tokensvc.emulator.protocol.messages import MESSAGES
from tokensvc.emulator.server.inspection import session_view

pytestmark = [
    pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession"),
    pytest.mark.filterwarnings("ignore:Setting `LiveConnectConfig.generation_config`"),
]

LOCKED = {
    "model": MODEL,
    "generationConfig": {
        "responseModalities": ["AUDIO"],
        "temperature": 0.5,
        "speechConfig": {"voice_config": {"prebuilt_voice_config": {"voice_name": "Kore"}}},
    },
    "system_instruction": {"parts": [{"text": "Speak of gardens only."}]},
    "tools": [{"functionDeclarations": [{"name": "look_up", "behavior": "BLOCKING"}]}],
    "realtimeInputConfig": {"automatic_activity_detection": {"silence_duration_ms": 600}},
}
# The same, normalized.
EFFECTIVE = {
    "model": MODEL,
    "generationConfig": {
        "responseModalities": ["AUDIO"],
        "temperature": 0.5,
        "speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}},
    },
    "systemInstruction": {"parts": [{"text": "Speak of gardens only."}]},
    "tools": [{"functionDeclarations": [{"name": "look_up", "behavior": "BLOCKING"}]}],
    "realtimeInputConfig": {"automaticActivityDetection": {"silenceDurationMs": 600}},
}
# Fields of both SDKs that are not part of a setup on the Developer API.
NOT_SETUP = {
    "http_options",  # where to connect
    "abort_signal",  # when to give up
    "explicit_vad_signal",  # Vertex only: the SDK refuses it itself
}

PYTHON_MUTATIONS = {
    "generation_config": types.GenerationConfig(temperature=1.5),
    "response_modalities": ["TEXT"],
    "temperature": 1.9,
    "top_p": 0.1,
    "top_k": 3,
    "max_output_tokens": 9,
    "media_resolution": "MEDIA_RESOLUTION_LOW",
    "seed": 4711,
    "speech_config": {"voice_config": {"prebuilt_voice_config": {"voice_name": "Fenrir"}}},
    "thinking_config": {"thinking_budget": 9000, "include_thoughts": True},
    "enable_affective_dialog": True,
    "system_instruction": "Do as the client says.",
    "tools": [{"function_declarations": [{"name": "transfer_money"}]}],
    "session_resumption": {"handle": "of-somebody-else"},
    "input_audio_transcription": {},
    "output_audio_transcription": {},
    "realtime_input_config": {"activity_handling": "NO_INTERRUPTION"},
    "context_window_compression": {"trigger_tokens": 30_000},
    "proactivity": {"proactive_audio": True},
    "history_config": {"initial_history_in_client_content": True},
    "avatar_config": {"avatar_name": "somebody"},
    "safety_settings": [
        {"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"},
    ],
    "translation_config": {"target_language_code": "pl"},
    "labels": {"cost": "yours"},
}

RAW_MUTATIONS = {
    "model": "models/gemini-of-the-client",
    "generationConfig": {"temperature": 1.9},
    "systemInstruction": {"parts": [{"text": "Do as the client says."}]},
    "tools": [{"googleSearch": {}}],
    "sessionResumption": {"handle": "of-somebody-else"},
    "contextWindowCompression": {"slidingWindow": {}},
    "inputAudioTranscription": {},
    "outputAudioTranscription": {},
    "realtimeInputConfig": {"activityHandling": "NO_INTERRUPTION"},
    "proactivity": {"proactiveAudio": True},
    "historyConfig": {"initialHistoryInClientContent": True},
    "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}],
    "avatarConfig": {"avatarName": "somebody"},
    "labels": {"cost": "yours"},
}


def locked_token(emulator, uses=0):
    """Mint a token for any number of sessions, locked to `LOCKED`."""
    body = {"uses": uses, "bidiGenerateContentSetup": LOCKED}
    return emulator.mint(json.dumps(body).encode())


def check(sessions, token, count):
    """Check that each session tried to change something and was held to the token."""
    fingerprint = hashlib.sha256(token.encode()).hexdigest()
    ours = [session for session in sessions if session["token_fingerprint"] == fingerprint]
    assert len(ours) == count
    for session in ours:
        assert session["client_setup"] != {"model": MODEL}, "the client changed something"
        assert session["effective_setup"] == EFFECTIVE


async def test_python_sdk_cannot_change_any_field(tls_emulator, trust):
    """The test tries every field of the SDK's LiveConnectConfig."""
    assert PYTHON_MUTATIONS.keys() == types.LiveConnectConfig.model_fields.keys() - NOT_SETUP
    token = locked_token(tls_emulator)
    client = python_sdk.client_for(tls_emulator.url, token, trust)

    for field, value in PYTHON_MUTATIONS.items():
        config = types.LiveConnectConfig(**{field: value})
        async with client.aio.live.connect(model=python_sdk.MODEL, config=config) as session:
            assert session.setup_complete, field

    check(tls_emulator.sessions(), token, len(PYTHON_MUTATIONS))


def test_javascript_sdk_cannot_change_any_field(plain_emulator, node):
    """The test tries every field that the SDK's type declares."""
    token = locked_token(plain_emulator)

    mutated = node("mutations.mjs", GOOGLE_GEMINI_BASE_URL=plain_emulator.url, LIVE_TOKEN=token)

    assert {wire_name(field) for field in javascript_fields()} - NOT_SETUP == {wire_name(field) for field in mutated}
    check(plain_emulator.sessions(), token, len(mutated))


async def test_raw_socket_cannot_change_any_field():
    """The test tries every field of the setup message."""
    assert RAW_MUTATIONS.keys() == MESSAGES["BidiGenerateContentSetup"].keys()
    async with emulating() as client:
        token = await client.token(uses=0, bidiGenerateContentSetup=LOCKED)

        for field, value in RAW_MUTATIONS.items():
            async with client.session({"model": MODEL, field: value}, token):
                pass

        check(sessions_of(client), token, len(RAW_MUTATIONS))


async def test_without_a_lock_each_field_applies():
    """The same changes take effect here, so the tests above can fail."""
    mutations = {**RAW_MUTATIONS, "model": "models/gemini-2.5-flash-native-audio-preview-12-2025"}
    del mutations["sessionResumption"]
    mutations["generationConfig"] = {"responseModalities": ["AUDIO"], "temperature": 1.9}
    async with emulating() as client:
        token = await client.token(uses=0)
        for field, value in mutations.items():
            requested = {
                "model": mutations["model"],
                "generationConfig": {"responseModalities": ["AUDIO"]},
                field: value,
            }
            async with client.session(requested, token):
                assert client.latest()["effective_setup"][field] == value


def sessions_of(client: SocketClient):
    return [session_view(record) for record in client.emulator.connections.all()]


def wire_name(camel: str) -> str:
    return re.sub(r"([A-Z])", lambda found: "_" + found[1].lower(), camel)


def javascript_fields() -> list[str]:
    """Return the fields that the installed SDK declares."""
    declared = Path(__file__).parents[1] / "node_modules/@google/genai/dist/genai.d.ts"
    text = declared.read_text(encoding="utf-8")
    body = re.search(r"interface LiveConnectConfig \{(.*?)\n\}", text, re.DOTALL)
    assert body is not None
    return re.findall(r"^    (\w+)\?:", body[1], re.MULTILINE)
