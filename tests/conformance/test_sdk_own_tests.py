"""The tests in Google's Python SDK, unmodified, against the emulator."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from google import genai

from conformance.peers import python
from emulator.live_client import QUICK, function, setup, sound, transcript
from tokensvc.emulator import BackgroundEmulator, ListenConfig

HERE = Path(__file__).parent
SDK_TESTS = Path(genai.__file__).parent / "tests"
# These tests send content to 3.1 in mid-session; its page, and the records of others, rule it out.
OPTIONS = replace(QUICK, mid_session_content="accepted")


@pytest.mark.parametrize(
    ("suite", "passing"),
    [
        pytest.param("tokens", 9, id="tokens with every kind of lock"),
        pytest.param("live_api", 4, id="a turn, the context, a function call, a result without id"),
    ],
)
def test_sdks_own_tests_pass(tmp_path, suite, passing):
    """The tests for Vertex, another product, skip themselves."""
    with BackgroundEmulator(OPTIONS, listen=ListenConfig(tls=True)) as emulator:
        run_suite(emulator, tmp_path, suite, passing)


def run_suite(emulator, tmp_path, suite, passing):
    settings = tmp_path / "pytest.ini"
    settings.write_text("[pytest]\n")
    replays = tmp_path / "replays"
    replays.mkdir()

    finished = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
            *("-c", settings, "-p", "sdk_at_emulator", "--mode=api"),
            *("-o", "consider_namespace_packages=true", SDK_TESTS / suite),
        ],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")]),
            "LIVE_EMULATOR_URL": emulator.url,
            "SSL_CERT_FILE": str(emulator.certificate_file),
            "GOOGLE_API_KEY": "test",
            "GOOGLE_GENAI_RUN_GEMINI_ONLY_IN_API_MODE": "1",
            "GOOGLE_GENAI_REPLAYS_DIRECTORY": str(replays),
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )

    assert finished.returncode == 0, finished.stdout[-5000:] + finished.stderr[-2000:]
    assert f"{passing} passed" in finished.stdout


async def ask(session, text):
    """Return the answer to *text*, sent as the SDK's tests send it."""
    turns = [{"role": "user", "parts": [{"text": text}]}]
    await session.send(clientContent={"turns": turns, "turnComplete": True})
    answer = await session.until_turn_complete()
    assert sound(answer)
    return transcript(answer)


@pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession")
@pytest.mark.parametrize(
    ("number", "name", "order"),
    [
        ("9071", "open_the_gate", "Please open the gate."),
        ("1.5", "weather.lookUp", "Would you look up the weather in Oslo?"),
    ],
)
async def test_questions_of_the_sdks_tests_are_answered_for_other_values_too(number, name, order):
    """The emulator does not hard-code any number or function of those tests."""
    model = "models/gemini-3.1-flash-live-preview"
    config = {"model": model, "tools": [function(name)], "sessionResumption": {}}
    async with python.emulating(OPTIONS) as client:
        async with client.session(setup(**config)) as session:
            assert await ask(session, f"Remember the number {number}. Just acknowledge it.")
            assert number in await ask(session, "What number did I ask you to remember?")
            client.emulator.clock.skip(2)
            handle = await session.next_handle()
        config["sessionResumption"] = {"handle": handle}
        async with client.session(setup(**config)) as session:
            assert number in await ask(session, "What number did I ask you to remember?")
            await session.send_text(order)
            call = await session.next_call()
            assert call["name"] == name
            await session.send_result(call, {"result": number[::-1]})
            assert number[::-1] in transcript(await session.until_turn_complete())
