"""What both official SDKs see of the Live API's rules, and that they see it when a rule is gone."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager

import pytest

from conformance import sdk_facts
from conformance.sdk_facts import Site
from conformance.table import (
    model_rules,
    resumption_rules,
    session_rules,
    socket_rules,
    token_rules,
    tool_rules,
    turn_rules,
)
from tokensvc.emulator import Emulator, Options, Place
from tokensvc.emulator.background import BackgroundEmulator

pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession")

# Fast, and slow enough to be interrupted.
BRISK = Options(latency=0.0, send_rate=12.0, playback_rate=6.0)
TEXT_REFUSED = (
    "1007 The requested combination of response modalities (TEXT) is not supported by the model"
)
# Each fact: what both SDKs see, and the rule of the table that it rests on.
FACTS = {
    "used_up": ("1011 Token has been used too many times", token_rules.one_use),
    "window_passed": ("1011 Token's", token_rules.default_window),
    "ends_mid_session": ("1011 auth token has expired", token_rules.expires_mid_session),
    "text_modality": (TEXT_REFUSED, model_rules.modalities),
    "unknown_model": ("1008 models/gemini-99 is not fou", socket_rules.no_such_model),
    "odd_mask": ("400 field_mask is invalid for BidiGenerateContentSetup", token_rules.odd_masks),
    "partial_lock": (
        [{"responseModalities": ["AUDIO"], "temperature": 0.25}, "Mine."],
        token_rules.masked,
    ),
    "interruption": (["interrupted", "turnComplete"], turn_rules.interruption),
    "manual_activity": ("[1.0 s of speech]", turn_rules.manual),
    "stream_end": ("[1.0 s of speech]", turn_rules.stream_end),
    "no_interruption": ([True, True], turn_rules.no_interruption),
    "resume": (["1011", True], resumption_rules.context_kept),
    "go_away": (True, session_rules.connection_life),
    "blocking_tool": (["read_the_meter", True], tool_rules.blocking),
    "cancelled_tool": (True, tool_rules.cancellation),
    "scheduled_tool": ([True, True], tool_rules.interrupting_result),
    "video": ([1, True], session_rules.video_limit),
    "context": (True, turn_rules.context),
    "usage": ([True, True], session_rules.usage),
}


@asynccontextmanager
async def site():
    """An emulator over TLS in this very loop, so that a rule can be taken out of it."""
    async with Emulator(BRISK, place=Place(tls=True)) as emulator:
        yield Site(emulator, ssl.create_default_context(cafile=emulator.certificate_file))


async def seen(name):
    async with site() as here:
        return await getattr(sdk_facts, name)(here)


@pytest.mark.parametrize("name", FACTS)
async def test_python_sdk(name):
    """The Python SDK sees the fact."""
    expected, _ = FACTS[name]

    assert await seen(name) == expected


@pytest.mark.parametrize("name", FACTS)
async def test_python_sdk_without_the_rule(name, monkeypatch):
    """It does not, once the rule is taken out."""
    expected, row = FACTS[name]
    row.take_out(monkeypatch)

    try:
        outcome = await asyncio.wait_for(seen(name), 2)
    except (TimeoutError, KeyError, TypeError, AssertionError):
        return
    assert outcome != expected


def test_javascript_sdk(node, speech_file):
    """The JavaScript SDK sees them all the same."""
    with BackgroundEmulator(BRISK) as emulator:
        outcomes = node(
            "sdk_facts.mjs",
            GOOGLE_GEMINI_BASE_URL=emulator.url,
            SPEECH_FILE=str(speech_file),
        )

    assert outcomes == {name: expected for name, (expected, _) in FACTS.items()}
