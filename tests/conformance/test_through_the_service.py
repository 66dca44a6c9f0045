"""The whole chain with Google's own SDKs: a token from POST /token, and a conversation with it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from dataclasses import asdict

import pytest

from conformance import python_sdk
from conformance.test_sdk_conversations import TOOL, check, check_session
from emulator.talking import QUICK
from programs import API_KEY, service_environment, serving
from tokensvc.emulator.background import BackgroundEmulator
from tokensvc.emulator.server.emulator import Place

pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession")

CONFIGURATION = f"""
[profiles.default]
model = "gemini-3.8-live"
allow = ["guest"]
[[profiles.default.config.tools]]
[[profiles.default.config.tools.function_declarations]]
name = "{TOOL}"
description = "What the meter shows."
behavior = "BLOCKING"
"""


@pytest.fixture(name="chain", scope="module", params=[True, False], ids=["wss", "ws"])
def _chain(request, tmp_path_factory):
    """An emulator, over TLS or not, and the service before it in two workers."""
    folder = tmp_path_factory.mktemp("chain")
    with BackgroundEmulator(QUICK, place=Place(tls=request.param)) as emulator:
        trusted = {"SSL_CERT_FILE": str(emulator.certificate_file)} if request.param else {}
        environment = service_environment(folder, CONFIGURATION, emulator.url, **trusted)
        with serving(environment) as service:
            yield emulator, service, environment


def shown_by_check(environment):
    """The setup that `tokensvc check` says Google gets."""
    shown = subprocess.run(
        [sys.executable, "-m", "tokensvc", "check", "--body", "default"],
        env=environment,
        capture_output=True,
        check=True,
    )
    return json.loads(shown.stdout)


def check_chain(emulator, environment):
    """What came to the emulator is the very body that was shown, but for its two times."""
    session = emulator.session_when(lambda session: session["state"] == "closed")
    check_session(session)
    minted = emulator.tokens()[-1]
    body, shown = json.loads(minted["request"]), shown_by_check(environment)
    for time in ("expireTime", "newSessionExpireTime"):
        assert body.pop(time) > shown.pop(time)
    assert body == shown
    assert minted["lock"] == "full"
    assert session["effective_setup"] == minted["setup"]


@pytest.mark.parametrize("chain", [True], ids=["wss"], indirect=True)
def test_the_python_sdk(chain, speech_file, monkeypatch):
    """It holds a spoken, a typed and a tool-calling turn, over TLS."""
    emulator, service, environment = chain
    # Google's own variable, and Python's: what a user of the SDK sets.
    monkeypatch.setenv("SSL_CERT_FILE", environment["SSL_CERT_FILE"])
    token = service.post("/token").json["token"]

    turns = asyncio.run(
        python_sdk.converse(
            python_sdk.client_for(emulator.url, token), TOOL, speech_file.read_bytes()
        )
    )

    check({name: asdict(turn) for name, turn in turns.items()})
    check_chain(emulator, environment)


@pytest.mark.parametrize("chain", [False], ids=["ws"], indirect=True)
def test_the_javascript_sdk(chain, node, speech_file):
    """It does the same in node."""
    emulator, service, environment = chain
    turns = node(
        "conversation.mjs",
        GOOGLE_GEMINI_BASE_URL=emulator.url,
        TOKEN_SERVICE_URL=service.url,
        SPEECH_FILE=str(speech_file),
        TOOL=TOOL,
    )

    check(turns)
    check_chain(emulator, environment)
    assert API_KEY not in json.dumps(turns)
