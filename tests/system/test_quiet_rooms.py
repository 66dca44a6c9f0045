"""Ten minutes in which nobody speaks: our client at the emulator, both by a clock that is moved."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from programs import report_of
from tokensvc.emulator import Options
from tokensvc.emulator.background import BackgroundEmulator

CLIENT = Path(__file__).with_name("quiet-rooms.mjs")
SECONDS = 600
MODELS = (
    "gemini-3.8-live",
    "gemini-3.1-flash-live-preview",
    "gemini-2.5-flash-native-audio-preview-12-2025",
)


@pytest.mark.parametrize(
    ("token_life", "connections"),
    [
        pytest.param(300, 3, id="tokens of 5 minutes"),
        pytest.param(3600, 2, id="tokens of an hour"),
    ],
)
def test_quiet_conversation_reconnects_for_token_life_and_go_away_alone(token_life: int, connections: int) -> None:
    """On each model, under the emulator's defaults: goAway at 540 s, and a lock after each close.

    As recorded, the first resume after a close is refused, and the next one is made about two
    seconds after it. The whole microphone signal is heard.
    """
    rooms = [{"model": model, "tokenLife": token_life} for model in MODELS]
    with BackgroundEmulator(Options()) as emulator:
        told = report_of(["node", CLIENT, emulator.url, str(SECONDS), json.dumps(rooms)])
        sessions = [(session, emulator.heard(index)) for index, session in enumerate(emulator.sessions())]
        tokens = emulator.tokens()
    refused = [session["close"]["code"] for session, _ in sessions if not session["effective_setup"]]
    assert set(refused) == {1011}
    # The clocks differ by up to a tenth of a second, so that a second attempt may be too soon too.
    assert len(refused) >= (connections - 1) * len(MODELS)
    for model, room in zip(MODELS, told, strict=True):
        minted = [one["fingerprint"] for one in tokens if one["setup"]["model"].endswith(model)]
        ours = [one for one in sessions if one[0]["token_fingerprint"] in minted]
        gaps = [resumption["gap"] for resumption in room["resumptions"]]
        print(f"{model}: {len(ours)} connections; gaps of {gaps} ms")  # noqa: T201 - figures
        assert room["error"] is None
        assert (len(ours), len(minted)) == (connections, connections)
        assert all(session["close"] == {"code": 1000, "reason": ""} for session, _ in ours)
        assert all(one["planned"] and not one["contextLost"] for one in room["resumptions"])
        assert all(1000 <= gap <= 4000 for gap in gaps)
        assert b"".join(heard for _, heard in ours) == base64.b64decode(room["microphone"])
