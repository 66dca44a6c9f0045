"""What Google is asked for is what `tokensvc check` shows, and nobody can change a letter of it."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime

import pytest

TIMES = {"expireTime", "newSessionExpireTime"}
# The SDK leaves the fields below the second level in snake case.
SPEECH = ("generationConfig", "speechConfig")
VOICE = (*SPEECH, "voice_config", "prebuilt_voice_config", "voice_name")
LANGUAGE = (*SPEECH, "language_code")


def _shown(environment: dict[str, str], profile: str, *options: str) -> dict:
    command = [sys.executable, "-m", "tokensvc", "check", "--body", profile]
    for option in options:
        command += ["--option", option]
    shown = subprocess.run(
        command, env=environment, check=True, capture_output=True, text=True, timeout=60
    )
    return json.loads(shown.stdout)


@pytest.fixture(name="shown", scope="module")
def _shown_by_default(shop, shop_environment) -> dict:
    """What `tokensvc check --body default` prints; the service runs on the same configuration."""
    assert shop.url
    return _shown(shop_environment, "default")


def _asked(google, shop, body: object = None, **named) -> dict:
    """The upstream body of a request that must succeed."""
    before = len(google.received)
    assert shop.post("/token", body, **named).status == 200
    assert len(google.received) == before + 1
    return google.received[-1].body


def _without_times(body: dict) -> dict:
    return {name: value for name, value in body.items() if name not in TIMES}


def _leaves(value: object, path: tuple = ()) -> dict[tuple, object]:
    if isinstance(value, dict) and value:
        return {
            k: v for name, below in value.items() for k, v in _leaves(below, (*path, name)).items()
        }
    return {path: value}


def test_the_body_is_the_one_shown(shop, google, shown):
    """Apart from its two times it is the same, to the last leaf; and every request gets it."""
    asked = _asked(google, shop)
    assert set(asked) == set(shown)
    assert json.dumps(_without_times(asked)) == json.dumps(_without_times(shown))
    assert asked["uses"] == 1
    assert "fieldMask" not in asked  # Google's full lock: constraints, and no mask
    setup = asked["bidiGenerateContentSetup"]
    assert setup["model"] == "models/gemini-3.8-live"
    assert setup["systemInstruction"]["parts"] == [{"text": "You sell umbrellas. ☂"}]


def test_where_and_how_it_is_asked(shop, google, canaries):
    """One POST to Google's address, with the key in its header and nothing of the caller's."""
    _asked(google, shop, headers={"Cookie": "a=b", "X-Goog-Api-Key": "mine", "X-Mine": "c"})
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


def test_its_times(shop, google):
    """The token ends after token_lifetime, the time to connect after connect_within, in UTC."""
    before = datetime.now(UTC).replace(microsecond=0)
    answer = shop.post("/token").json
    after = datetime.now(UTC)
    asked = google.received[-1].body
    for name, said, seconds in (
        ("expireTime", "expires", 4 * 60),
        ("newSessionExpireTime", "new_session_expires", 45),
    ):
        assert asked[name].endswith("Z")
        ends = datetime.fromisoformat(asked[name])
        assert (before.timestamp() + seconds) <= ends.timestamp() <= after.timestamp() + seconds
        assert datetime.fromisoformat(answer[f"{said}_at"]) == ends
        assert seconds - 5 <= answer[f"{said}_in"] <= seconds


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
def test_options(shop, google, shown, options, changed):
    """A choice changes its own leaf and no other, for its own request and no other."""
    asked = _asked(google, shop, {"options": options})
    leaves = _leaves(shown["bidiGenerateContentSetup"])
    assert set(changed) <= set(leaves)
    assert _leaves(asked["bidiGenerateContentSetup"]) == leaves | changed
    again = _asked(google, shop)
    assert _without_times(again) == _without_times(shown)


def test_options_as_shown(shop, google, shop_environment):
    """`tokensvc check --option` shows the body of a choice, too."""
    shown = _shown(shop_environment, "default", "voice=Puck", "language=de-DE")
    asked = _asked(google, shop, {"options": {"voice": "Puck", "language": "de-DE"}})
    assert _without_times(asked) == _without_times(shown)


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


@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize("body", HOSTILE, ids=json.dumps)
def test_a_hostile_body(shop, body):
    """Of a request only a listed choice can reach Google: all else is refused, nothing minted."""
    answer = shop.post("/token", body)
    assert (answer.status, answer.code) == (400, "invalid-request")


@pytest.mark.parametrize(
    "path", ["/token?model=x&uses=9", "/token?key=mine", "/token;uses=9", "/token#x"]
)
def test_a_hostile_address(shop, google, shown, path):
    """What stands behind the path changes nothing."""
    before = len(google.received)
    answer = shop.post(path)
    assert answer.status in {200, 404}
    for received in google.received[before:]:
        assert _without_times(received.body) == _without_times(shown)
        assert received.path == "/v1beta/auth_tokens"
