"""Both official SDKs mint a token and use it for a spoken, a typed and a tool-calling turn."""

from __future__ import annotations

import hashlib
from dataclasses import asdict

import pytest

from conformance import python_sdk

# The SDK subclasses aiohttp's session, which aiohttp discourages.
pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession")

TOOL = "read_the_meter"


def check(turns):
    """Check that the answers are based on what was said, typed and returned here."""
    spoken, typed, tool = turns["spoken"], turns["typed"], turns["tool"]
    assert spoken["heard"].startswith("[1.")
    assert spoken["heard"].endswith(" s of speech]")
    assert 1.2 < spoken["audio_bytes"] / 48_000 < 2.0, "speech is played back at its length"
    assert "731" in typed["said"]
    assert typed["audio_bytes"] > 48_000
    assert tool["calls"] == [TOOL]
    assert "seventeen" in tool["said"]


def check_session(session):
    assert session["constrained"]
    assert session["counters"]["tool_answers"] == 1
    assert session["counters"]["audio_chunks"] == 68
    assert 2.6 < session["heard"]["seconds"] < 2.8
    assert session["close"]["code"] in {1000, 1005}, "the SDK closed the session, not the emulator"


async def test_python_sdk_holds_a_conversation_over_tls(tls_emulator, trust, speech_file):
    token = await python_sdk.mint(python_sdk.client_for(tls_emulator.url, "a-key-for-tests", trust), TOOL)

    turns = await python_sdk.converse(
        python_sdk.client_for(tls_emulator.url, token, trust), TOOL, speech_file.read_bytes()
    )

    check({name: asdict(turn) for name, turn in turns.items()})
    session = tls_emulator.wait_for_session(lambda session: session["state"] == "closed")
    check_session(session)
    assert session["token_fingerprint"] == hashlib.sha256(token.encode()).hexdigest()
    assert session["effective_setup"] == tls_emulator.tokens()[-1]["setup"]


def test_javascript_sdk_holds_a_conversation(plain_emulator, node, speech_file):
    turns = node(
        "conversation.mjs",
        GOOGLE_GEMINI_BASE_URL=plain_emulator.url,
        GEMINI_API_KEY="a-key-for-tests",
        SPEECH_FILE=str(speech_file),
        TOOL=TOOL,
    )

    check(turns)
    session = plain_emulator.wait_for_session(lambda session: session["state"] == "closed")
    check_session(session)
    assert session["effective_setup"] == plain_emulator.tokens()[-1]["setup"]
