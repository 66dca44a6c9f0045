"""`tokensvc probe` against emulators that are as tokensvc expects, and against others."""

import asyncio
import json
import re
import subprocess
import sys
import time

import pytest

from programs import API_KEY, OPEN_PROFILE, service_environment
from recordings.record import CLIENT_KINDS, SERVER_KINDS
from recordings.replay import Replay
from recordings.settled import records
from tokensvc.emulator import Emulator, ListenConfig, Options
from tokensvc.emulator.background import BackgroundEmulator

FAST = {"latency": 0.0, "send_rate": 1000.0, "playback_rate": 1000.0}
WITH_A_FUNCTION = """
[[profiles.default.config.tools]]
function_declarations = [{ name = "get_local_time", description = "The time.", behavior = "BLOCKING" }]
"""
CONFIGURED = OPEN_PROFILE + WITH_A_FUNCTION


@pytest.fixture(name="emulating")
def _emulating():
    """Start emulators, whose answers take no time."""
    started = []

    def start(listen=None, **options):
        started.append(BackgroundEmulator(Options(**FAST | options), listen=listen).__enter__())
        return started[-1]

    yield start
    for emulator in started:
        emulator.__exit__(None, None, None)


@pytest.fixture(name="probe")
def _probe(tokensvc, tmp_path):
    """Run the command for an emulator, or for whatever *changed* names."""

    def run(emulator, *words, configuration=CONFIGURED, **changed):
        file = tmp_path / "probed.toml"
        file.write_text(configuration)
        addresses = {
            "TOKENSVC_GEMINI_BASE_URL": emulator.url,
            "TOKENSVC_GEMINI_WEBSOCKET_URL": emulator.url.replace("http", "ws", 1),
            "TOKENSVC_CONFIG": str(file),
        }
        return tokensvc("probe", "--quick", *words, **addresses | changed)

    return run


def surprises(done):
    """Return the step and the finding of each line with a surprise."""
    found = re.findall(r"^SURPRISE +[\d.]+ s  (.{42}) (.*)$", done.stdout, re.MULTILINE)
    return {step.strip(): finding for step, finding in found}


def test_probe_is_green_on_the_emulator_also_with_googles_sdk(emulating, tmp_path):
    emulator = emulating(ListenConfig(tls=True))
    settled = tmp_path / "settled.json"
    environment = service_environment(tmp_path, CONFIGURED, emulator.url) | {
        "TOKENSVC_GEMINI_WEBSOCKET_URL": emulator.url.replace("http", "ws", 1),
        "SSL_CERT_FILE": str(emulator.certificate_file),  # read as OpenSSL starts, so in a process of its own
    }
    command = [sys.executable, "-m", "tokensvc", "probe", "--quick", "--settle", str(settled)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)

    assert (done.returncode, surprises(done)) == (0, {}), done.stdout + done.stderr
    assert done.stderr == ""  # it needs no store, and there is none
    assert re.search(r"ok .* unknown profile +refused: 401", done.stdout)
    assert re.search(r"ok .* default: Google's SDK +the same conversation", done.stdout)
    assert re.search(r"ok .* default: calls a function +called, and answered", done.stdout)
    assert re.search(r"ok .* contextUpdate: tools +refused: closed with 1008", done.stdout)
    assert re.search(r"ok .* second use +refused: closed with 1011 Token has been used too many times", done.stdout)
    check_settled(settled.read_text(), done)
    (record,) = records(settled)
    moments = asyncio.run(Replay(record, Emulator(Options(**FAST))).run())
    assert {"speech", "text", "picture", "toolResponse"} <= {moment.message.kind for moment in moments}


def check_settled(text, done):
    """What may be sent to us says what came when, and nothing that was said, no name and no secret."""
    written = json.loads(text)
    assert [step["verdict"] for step in written["steps"]] == re.findall(r"^(ok|skipped)  ", done.stdout, re.MULTILINE)
    for secret in (API_KEY, "auth_tokens/", "default", "get_local_time", "Hello", "s of speech", "access_token"):
        assert secret not in text
    spoken = written["sessions"][0]
    assert spoken["step"] == "profile 1: speaks"
    kinds = [message["kind"] for message in spoken["messages"] if message["from"] == "server"]
    assert {kind for kind in kinds if kind} <= SERVER_KINDS
    assert {m["kind"] for m in spoken["messages"] if m["from"] == "client"} <= CLIENT_KINDS
    assert kinds.index("setupComplete") < kinds.index("inputTranscription") < kinds.index("modelTurn")
    times = [message["at"] for message in spoken["messages"] if message["from"] == "server"]
    assert times == sorted(times)


def test_what_an_upstream_lets_a_client_do_is_found(probe, emulating):
    done = probe(emulating(context_update="honoured", client_handle="honoured"))

    assert surprises(done) == {
        "contextUpdate: instruction": "the client's own instruction is in force",
        "contextUpdate: tools": "the client's own function was called",
        "two other handles at once": "one spent token opens 2 of two conversations of other tokens at once",
    }, done.output
    assert done.exit_code == 1


def test_sentence_is_heard_where_activity_is_marked_by_the_client(probe, emulating):
    table = "[profiles.default.config.realtime_input_config]\nautomatic_activity_detection.disabled = true"
    done = probe(emulating(), configuration=f"{OPEN_PROFILE}{table}")

    assert surprises(done) == {}, done.output


def other_clock(emulator):
    """Let an hour pass at the emulator only."""
    emulator.skip(3600)


def fault(on, kind, **more):
    return lambda emulator: emulator.fault(on, kind, times=0, **more)


BASE, SOCKET = "TOKENSVC_GEMINI_BASE_URL", "TOKENSVC_GEMINI_WEBSOCKET_URL"


@pytest.mark.parametrize(
    ("wrong", "step", "finding"),
    [
        pytest.param({"api_keys": ("another-key",)}, "mint", "issuer-misconfigured", id="key"),
        pytest.param({BASE: "http://127.0.0.1:9"}, "mint", "upstream-unavailable", id="address"),
        pytest.param({SOCKET: "ws://127.0.0.1:9"}, "session", "no connection", id="address of sockets"),
        pytest.param({SOCKET: "/live"}, "session", "HTTP status 404", id="path of sockets"),
        pytest.param({"3.8-live": "3.8-life"}, "session", "closed with 100", id="model"),
        pytest.param({"before": other_clock}, "mint", "must be in the future", id="clock"),
        pytest.param({"before": fault("mint", "status", status=429)}, "mint", "upstream-throttled", id="quota"),
        pytest.param({"before": fault("mint", "broken_json")}, "mint", "upstream-bad-response", id="not the API"),
        pytest.param({"before": fault("mint", "black_hole")}, "mint", "upstream-timeout", id="firewall"),
        pytest.param({"before": fault("socket", "status", status=403)}, "session", "HTTP status 403", id="proxy"),
        pytest.param(
            {"before": fault("socket", "close", after=1, code=1011, text="Gone.")}, "speaks", "1011", id="cut"
        ),
    ],
)
def test_misconfiguration_is_found_by_the_right_line(probe, emulating, wrong, step, finding):
    emulator = emulating(**{name: value for name, value in wrong.items() if name == "api_keys"})
    wrong.get("before", lambda _: None)(emulator)
    changed = {name: value for name, value in wrong.items() if name in {BASE, SOCKET}}
    if changed.get(SOCKET, "").startswith("/"):
        changed[SOCKET] = emulator.url.replace("http", "ws", 1) + changed[SOCKET]
    done = probe(emulator, configuration=CONFIGURED.replace("3.8-live", wrong.get("3.8-live", "3.8-live")), **changed)

    assert list(surprises(done)) == [f"default: {step}"], done.output
    assert finding in done.stdout
    assert done.exit_code == 1
    assert API_KEY not in done.output


def test_what_is_sent_to_us_has_no_name_of_a_function(probe, emulating, tmp_path):
    emulator, settled = emulating(), tmp_path / "settled.json"
    text = "The function get_local_time of get_local_times is not for you, default."
    emulator.fault("socket", "close", after=1, code=1008, text=text, times=0)
    probe(emulator, "--settle", str(settled))

    (step,) = [each for each in json.loads(settled.read_text())["steps"] if each["step"] == "profile 1: speaks"]
    assert step["found"] == "closed with 1008 The function … of get_local_times is not for you, …."


def test_configuration_that_is_invalid_is_reported_before_anything_is_tried(probe, emulating):
    done = probe(emulating(), GEMINI_API_KEY=None)

    assert (done.exit_code, "GEMINI_API_KEY is not set" in done.stderr) == (2, True)


def test_prober_leaves_its_last_result_in_the_data_folder(emulating, tmp_path):
    emulator = emulating()
    environment = service_environment(tmp_path, CONFIGURED, emulator.url)
    command = [sys.executable, "-m", "tokensvc", "probe", "--every", "1s"]
    file = tmp_path / "data" / "probe.json"
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as prober:
        try:
            assert "steps are as expected" in "".join(next(prober.stdout) for _ in range(9))
            good = _read_when(file, lambda result: result["ok"])
            emulator.fault("mint", "status", status=503, times=0)
            bad = _read_when(file, lambda result: not result["ok"])
        finally:
            prober.terminate()
    assert {step["verdict"] for step in good["steps"]} == {"ok", "skipped"}
    assert not any(step["step"].startswith("contextUpdate") for step in good["steps"])
    assert bad["at"] >= good["at"]
    (mint,) = bad["steps"]
    assert (mint["step"], mint["verdict"]) == ("default: mint", "SURPRISE")


def _read_when(file, condition):
    """Wait until the prober's file, which is replaced as a whole, fulfils *condition*."""
    end = time.monotonic() + 30
    while True:
        if file.exists() and condition(result := json.loads(file.read_text())):
            return result
        assert time.monotonic() < end
        time.sleep(0.05)
