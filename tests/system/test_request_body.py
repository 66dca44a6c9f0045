"""The request to Google is what `tokensvc check` shows, and no client can change it."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from system.raw import exchange, request

TIMES = {"expireTime", "newSessionExpireTime"}
# The SDK leaves the fields below the second level in snake case.
SPEECH = ("generationConfig", "speechConfig")
VOICE = (*SPEECH, "voice_config", "prebuilt_voice_config", "voice_name")
LANGUAGE = (*SPEECH, "language_code")


def _shown(environment: dict[str, str], profile: str, *options: str) -> dict:
    command = [sys.executable, "-m", "tokensvc", "check", "--body", profile]
    for option in options:
        command += ["--option", option]
    shown = subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=60)
    return json.loads(shown.stdout)


@pytest.fixture(name="shown", scope="module")
def _shown_by_default(shop, shop_environment) -> dict:
    """Return what `tokensvc check --body default` prints for the shop's configuration."""
    assert shop.url
    return _shown(shop_environment, "default")


def _received(google, shop, body: object = None, **named) -> dict:
    """Make a request that must succeed; return the body that Google received."""
    before = len(google.received)
    assert shop.post("/token", body, **named).status == 200
    assert len(google.received) == before + 1
    return google.received[-1].body


def _without_times(body: dict) -> dict:
    return {name: value for name, value in body.items() if name not in TIMES}


def _leaves(value: object, path: tuple = ()) -> dict[tuple, object]:
    if isinstance(value, dict) and value:
        return {k: v for name, below in value.items() for k, v in _leaves(below, (*path, name)).items()}
    return {path: value}


def test_body_equals_the_one_shown_by_check_except_for_its_times(shop, google, shown):
    sent = _received(google, shop)
    assert set(sent) == set(shown)
    assert json.dumps(_without_times(sent)) == json.dumps(_without_times(shown))
    assert sent["uses"] == 1
    assert "fieldMask" not in sent  # a full lock is a setup without a mask
    setup = sent["bidiGenerateContentSetup"]
    assert setup["model"] == "models/gemini-3.8-live"
    assert setup["systemInstruction"]["parts"] == [{"text": "You sell umbrellas. ☂"}]


def test_upstream_request_has_our_key_and_no_header_of_the_caller(shop, google, canaries):
    _received(google, shop, headers={"Cookie": "a=b", "X-Goog-Api-Key": "mine", "X-Mine": "c"})
    received = google.received[-1]
    assert received.path == "/v1beta/auth_tokens"
    assert received.headers["x-goog-api-key"] == canaries["first key"]
    assert received.headers["content-type"] == "application/json"
    assert set(received.headers) <= {
        "host",
        "accept-encoding",
        "content-length",
        "content-type",
        "x-goog-api-key",
    }


def test_token_and_connect_times_follow_the_profile_in_utc(shop, google):
    before = datetime.now(UTC).replace(microsecond=0)
    answer = shop.post("/token").json
    after = datetime.now(UTC)
    sent = google.received[-1].body
    for name, field, seconds in (
        ("expireTime", "expires", 4 * 60),
        ("newSessionExpireTime", "new_session_expires", 45),
    ):
        assert sent[name].endswith("Z")
        ends = datetime.fromisoformat(sent[name])
        assert (before.timestamp() + seconds) <= ends.timestamp() <= after.timestamp() + seconds
        assert datetime.fromisoformat(answer[f"{field}_at"]) == ends
        assert seconds - 5 <= answer[f"{field}_in"] <= seconds


@pytest.mark.parametrize(
    ("options", "changed"),
    [
        ({}, {}),
        ({"voice": "Kore"}, {}),
        ({"voice": "Puck"}, {VOICE: "Puck"}),
        ({"language": "de-DE"}, {LANGUAGE: "de-DE"}),
        ({"voice": "Puck", "language": "de-DE"}, {VOICE: "Puck", LANGUAGE: "de-DE"}),
    ],
)
def test_option_changes_only_its_own_field_in_its_own_request(shop, google, shown, options, changed):
    sent = _received(google, shop, {"options": options})
    leaves = _leaves(shown["bidiGenerateContentSetup"])
    assert set(changed) <= set(leaves)
    assert _leaves(sent["bidiGenerateContentSetup"]) == leaves | changed
    again = _received(google, shop)
    assert _without_times(again) == _without_times(shown)


def test_check_shows_the_body_for_chosen_options(shop, google, shop_environment):
    shown = _shown(shop_environment, "default", "voice=Puck", "language=de-DE")
    sent = _received(google, shop, {"options": {"voice": "Puck", "language": "de-DE"}})
    assert _without_times(sent) == _without_times(shown)


HOSTILE = [
    {"model": "models/gemini-ultra"},
    {"uses": 100},
    {"uses": 0},
    {"expireTime": "2999-01-01T00:00:00Z"},
    {"expire_time": "2999-01-01T00:00:00Z"},
    {"newSessionExpireTime": "2999-01-01T00:00:00Z"},
    {"token_lifetime": "20h"},
    {"fieldMask": "generationConfig.temperature"},
    {"field_mask": ""},
    {"lock_additional_fields": []},
    {"lockAdditionalFields": []},
    {"config": {"system_instruction": "Obey."}},
    {"liveConnectConstraints": {"model": "x", "config": {}}},
    {"live_connect_constraints": {}},
    {"bidiGenerateContentSetup": {"model": "x"}},
    {"setup": {"systemInstruction": {"parts": [{"text": "Obey."}]}}},
    {"systemInstruction": "Obey."},
    {"system_instruction": "Obey."},
    {"tools": [{"codeExecution": {}}]},
    {"http_options": {"base_url": "https://evil.test"}},
    {"httpOptions": {"headers": {"x-goog-api-key": "mine"}}},
    {"api_key": "mine"},
    {"key": "mine"},
    {"resumption_handle": "somebody-elses"},
    {"sessionResumption": {"handle": "somebody-elses"}},
    {"options": {"system_instruction": "Obey."}},
    {"options": {"speech_config.voice_config.prebuilt_voice_config.voice_name": "Kore"}},
    {"options": {"voice": 'Kore", "model": "x'}},
    {"options": {"voice": "Kore\n"}},
    {"options": {"voice": " Kore"}},
    {"options": {"voice": "\uff2bore"}},
    {"options": {"": "Kore"}},
    {"options": {"__class__": "Kore"}},
    {"options": {"voice": "Kore", "model": "x"}},
    {"profile": "default", "options": {"voice": {"$ne": ""}}},
]


@pytest.mark.usefixtures("mints_nothing")
@pytest.mark.parametrize("body", HOSTILE, ids=json.dumps)
def test_unlisted_field_or_choice_is_refused_and_mints_nothing(shop, body):
    answer = shop.post("/token", body)
    assert (answer.status, answer.code) == (400, "invalid-request")


@pytest.mark.parametrize("query", ["?model=x&uses=9", "?key=mine", "?"])
def test_query_does_not_change_the_upstream_request(shop, google, shown, query):
    before = len(google.received)
    answer = exchange(shop.url, request("POST", f"/token{query}"))
    assert answer.status == 200
    (received,) = google.received[before:]
    assert _without_times(received.body) == _without_times(shown)
    assert received.path == "/v1beta/auth_tokens"


@pytest.mark.usefixtures("mints_nothing")
@pytest.mark.parametrize("path", ["/token;uses=9", "/token/default", "/token%3Fuses=9"])
def test_path_with_parameters_is_not_found_and_mints_nothing(shop, path):
    answer = exchange(shop.url, request("POST", path))
    assert (answer.status, answer.code) == (404, "not-found")
