"""Other people's clients hold conversations with the emulator; only `make peers` runs these tests.

`python -m peers` installs the clients, and names the folder of each Python one in a variable. The
folder of Google's example, which is not a package, is named by whoever runs it.
"""

from __future__ import annotations

import os
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from conformance.peers.javascript import NODE
from emulator.live_client import QUICK, speech
from programs import report_of
from system import site
from tokensvc.authn.api_keys import make_key
from tokensvc.domain import ApiKey, fingerprint
from tokensvc.emulator.background import BackgroundEmulator
from tokensvc.emulator.pytest_plugin import live_emulator  # noqa: F401 - by name
from tokensvc.emulator.server.emulator import ListenConfig
from tokensvc.pytest_plugin import live_environment, live_service  # noqa: F401 - by name
from tokensvc.store.api_keys import ApiKeys
from tokensvc.store.engine import open_engine

HERE = Path(__file__).parent
TOOL = "read_the_meter"
CONFIGURATION = f"""
{site.ISSUER}
[gemini]
api_version = "v1alpha"
[profiles.default]
model = "gemini-3.8-live"
allow = ["user", "key:backend"]
[[profiles.default.config.tools]]
[[profiles.default.config.tools.function_declarations]]
name = "{TOOL}"
description = "Returns what the meter shows."
"""
# gemini-live-ephemeral-tokens-websocket, in a clone of google-gemini/gemini-live-api-examples.
EXAMPLE = os.environ.get("GOOGLE_EXAMPLE")
MINT = "import asyncio, server; print(asyncio.run(server.get_ephemeral_token(0)).text)"
both_models = pytest.mark.parametrize("model", ["gemini-3.8-live", "gemini-3.1-flash-live-preview"])


@pytest.fixture(name="converse")
def _converse(tmp_path):
    """Return a function that runs a client against an emulator and parses its report."""
    spoken = tmp_path / "speech.pcm"
    spoken.write_bytes(speech(1.5))

    def run(*command, emulator, model, **environment):
        given = {"EMULATOR_URL": emulator.url, "MODEL": model, "SPEECH_FILE": str(spoken)}
        return report_of(command, timeout=200, **given, **environment)

    return run


def check(turns):
    """Check that the answers are based on what was said, typed and returned here."""
    assert turns["spoken"]["heard"].endswith(" s of speech]")
    assert turns["spoken"]["audio_bytes"] > 48_000
    assert "731" in turns["typed"]["said"]
    assert turns["typed"]["audio_bytes"] > 48_000
    assert turns["tool"]["calls"] == [TOOL]
    assert "seventeen" in turns["tool"]["said"]


@both_models
def test_vercel_ai_sdk_holds_a_conversation(converse, model):
    with BackgroundEmulator(QUICK) as emulator:
        check(converse(NODE, HERE / "vercel_client.mjs", emulator=emulator, model=model))


@pytest.fixture(name="live_emulator_options")
def _live_emulator_options():
    return QUICK


@pytest.fixture(name="configured")
def _configured(monkeypatch, tmp_path):
    """The site's configuration and secrets: what `live_service` reads."""
    (tmp_path / "tokensvc.toml").write_text(CONFIGURATION)
    monkeypatch.setenv("TOKENSVC_CONFIG", str(tmp_path / "tokensvc.toml"))
    monkeypatch.setenv("SHOP_SECRET", site.SECRET)


@pytest.fixture(name="adapter")
def _adapter(tmp_path, configured, live_service):  # noqa: ARG001, F811 - in this order; the fixture
    """Writes the adapter in docs/api.md that begins with these words as a module, with what its site adds."""

    def adapter(begins, added):
        code = re.findall(r"```js\n(// .*?)```", (HERE.parents[1] / "docs/api.md").read_text(), re.DOTALL)
        (found,) = [each for each in code if each.startswith(f"// {begins}")]
        module = tmp_path / "adapter.mjs"
        module.write_text(added + found.replace("https://tokens.example.com", live_service))
        return {"ADAPTER": str(module), "TOKENSVC_URL": live_service}

    return adapter


def test_vercel_ai_sdk_talks_with_a_token_of_the_service(converse, adapter, live_environment, live_emulator):  # noqa: F811
    key = make_key()
    engine = open_engine(live_environment["DATABASE_URL"])
    ApiKeys(engine).add(ApiKey("backend", datetime.now(UTC)), fingerprint(key))
    engine.dispose()
    environment = adapter("app/api/realtime", "const signedIn = async () => 'user 7';\n") | {"TOKENSVC_KEY": key}

    check(converse(NODE, HERE / "vercel_client.mjs", emulator=live_emulator, model="gemini-3.8-live", **environment))


def test_tanstack_ai_talks_with_a_token_of_the_service(converse, adapter, live_emulator):  # noqa: F811
    environment = adapter("getToken", f"const siteJwt = async () => '{site.signed()}';\n")

    check(converse(NODE, HERE / "tanstack_client.mjs", emulator=live_emulator, model="gemini-3.8-live", **environment))


@both_models
@pytest.mark.parametrize("client", ["pydantic_ai", "livekit"])
def test_python_client_holds_a_conversation(converse, client, model):
    with BackgroundEmulator(QUICK, listen=ListenConfig(tls=True)) as emulator:
        turns = converse(
            *(sys.executable, HERE / f"{client}_client.py"),
            emulator=emulator,
            model=model,
            PYTHONPATH=os.environ[client.upper()],
            SSL_CERT_FILE=str(emulator.certificate_file),
        )

    check(turns)


@pytest.mark.skipif(EXAMPLE is None, reason="GOOGLE_EXAMPLE does not name Google's example")
@both_models
def test_googles_example_mints_a_token_and_holds_a_conversation(converse, model):
    with BackgroundEmulator(QUICK) as emulator:
        minted = converse(
            *(sys.executable, "-c", MINT),
            emulator=emulator,
            model=model,
            PYTHONPATH=f"{EXAMPLE}{os.pathsep}{os.environ['PYTHONPATH']}",
            GOOGLE_GEMINI_BASE_URL=emulator.url,
            GEMINI_API_KEY="a-key-for-tests",
        )
        turns = converse(
            *(NODE, HERE / "google_example_client.mjs"),
            emulator=emulator,
            model=model,
            GEMINI_LIVE_JS=f"{EXAMPLE}/frontend/geminilive.js",
            LIVE_TOKEN=minted["token"],
        )

    check(turns)
