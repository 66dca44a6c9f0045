"""Service and emulator together: an SDK holds a conversation with a token from POST /token."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from dataclasses import asdict

import pytest

from conformance import python_sdk
from conformance.test_sdk_conversations import TOOL, check, check_session
from emulator.live_client import QUICK
from programs import API_KEY, service_environment, serving
from tokensvc.emulator.background import BackgroundEmulator
from tokensvc.emulator.server.emulator import ListenConfig

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
    """Start an emulator, with TLS or without, and the service with two workers."""
    folder = tmp_path_factory.mktemp("chain")
    with BackgroundEmulator(QUICK, listen=ListenConfig(tls=request.param)) as emulator:
        trusted = {"SSL_CERT_FILE": str(emulator.certificate_file)} if request.param else {}
        environment = service_environment(folder, CONFIGURATION, emulator.url, **trusted)
        with serving(environment) as service:
            yield emulator, service, environment


def shown_by_check(environment):
    """Return the request body that `tokensvc check` says it sends to Google."""
    shown = subprocess.run(
        [sys.executable, "-m", "tokensvc", "check", "--body", "default"],
        env=environment,
        capture_output=True,
        check=True,
    )
    return json.loads(shown.stdout)


def check_chain(emulator, environment):
    """Check that the emulator received the body that `check` shows, except for its two times."""
    session = emulator.wait_for_session(lambda session: session["state"] == "closed")
    check_session(session)
    minted = emulator.tokens()[-1]
    body, shown = json.loads(minted["request"]), shown_by_check(environment)
    for time in ("expireTime", "newSessionExpireTime"):
        assert body.pop(time) > shown.pop(time)
    assert body == shown
    assert minted["lock"] == "full"
    assert session["effective_setup"] == minted["setup"]


@pytest.mark.parametrize("chain", [True], ids=["wss"], indirect=True)
def test_python_sdk_holds_a_conversation_with_a_token_of_the_service(chain, speech_file, monkeypatch):
    emulator, service, environment = chain
    # A user of the SDK sets the same variable.
    monkeypatch.setenv("SSL_CERT_FILE", environment["SSL_CERT_FILE"])
    token = service.post("/token").json["token"]

    turns = asyncio.run(python_sdk.converse(python_sdk.client_for(emulator.url, token), TOOL, speech_file.read_bytes()))

    check({name: asdict(turn) for name, turn in turns.items()})
    check_chain(emulator, environment)


@pytest.mark.parametrize("chain", [False], ids=["ws"], indirect=True)
def test_javascript_sdk_holds_a_conversation_with_a_token_of_the_service(chain, node, speech_file):
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
