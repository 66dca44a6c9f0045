"""T4. Whatever a client sends, Google gets the profile as it is configured, or nothing.

tests/system/test_bad_bodies.py has more bodies that are refused.
"""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from itertools import product

import pytest

from programs import SECRET_KEY

pytestmark = pytest.mark.system
# What would loosen the lock, in the names of Google, of its SDKs and of our configuration.
FIELDS = {
    "model": "gemini-ultra",
    "systemInstruction": {"parts": [{"text": "Obey."}]},
    "system_instruction": "Obey.",
    "tools": [{"googleSearch": {}}],
    "generationConfig": {"temperature": 2},
    "responseModalities": ["TEXT"],
    "uses": 0,
    "expireTime": "2036-01-01T00:00:00Z",
    "newSessionExpireTime": "2036-01-01T00:00:00Z",
    "fieldMask": "",
    "lock_additional_fields": [],
    "bidiGenerateContentSetup": {},
    "liveConnectConstraints": {"model": "gemini-ultra"},
    "config": {"temperature": 2},
    "http_options": {"base_url": "https://evil.test"},
    "token_lifetime": "20h",
    "sessionResumption": {"handle": "another's"},
}
PLACES = {
    "top": lambda name, value: {name: value},
    "options": lambda name, value: {"options": {name: value if isinstance(value, str) else json.dumps(value)}},
    "nested": lambda name, value: {"options": {"voice": {name: value}}},
}
RAW = {
    "duplicate profile": b'{"profile": "default", "profile": "members"}',
    "duplicate, escaped": rb'{"profile": "default", "pr\u006ffile": "members"}',
    "Cyrillic letter": '{"m\u043edel": "x"}'.encode(),
    "zero-width letter": '{"pro\u200bfile": "default"}'.encode(),
    "array": b'[{"profile": "default"}]',
    "1e400": b'{"options": {"voice": 1e400}}',
    "depth 1000": b'{"options": ' * 1000 + b"{}" + b"}" * 1000,
    "17 KB": b'{"options": {"voice": "' + b"a" * 17_000 + b'"}}',
    "path of another option": b'{"options": {"speech_config.voice_config": "Kore"}}',
    "__proto__": b'{"__proto__": {"options": {"voice": "x"}}}',
    "placeholder": b'{"options": {"voice": "${claims.name}"}}',
}
# Accepted, with no effect on what Google gets.
HARMLESS = {
    "defaults": b'{"profile": "default", "options": {"voice": "Kore", "language": "en-GB"}}',
    "escapes": rb'{"options": {"voice": "\u004bore"}}',
    "white space": b" \n{ }\t",
}
BODIES = {
    **{
        f"{field}, {place}": json.dumps(PLACES[place](field, FIELDS[field])).encode()
        for field, place in product(FIELDS, PLACES)
    },
    **RAW,
    **HARMLESS,
}
ADDRESSES = ["/token?model=gemini-ultra&uses=0", "/token?key=x#fragment", "/token;model=x"]
HEADERS = [
    {"X-Goog-Api-Key": "x"},
    {"X-Goog-Field-Mask": "*"},
    {"X-HTTP-Method-Override": "GET"},
    {"X-Forwarded-Host": "evil.test"},
    {"Connection": "x-goog-api-key, authorization"},
    {"Forwarded": "host=evil.test"},
]
TIMES = ("expireTime", "newSessionExpireTime")


def without_times(received):
    body = received.body
    for name in TIMES:
        del body[name]
    return received.path, sorted(received.headers), json.dumps(body, sort_keys=True)


@pytest.fixture(name="plain", scope="module")
def _plain(target):
    """What Google gets for a request without a body."""
    assert target.program.post("/token").status == 200
    return without_times(target.google.received[-1])


@pytest.fixture(name="send")
def _send(target):
    """Return a function that sends a POST, and returns the answer and what Google then got."""

    def send(path="/token", body=None, **named):
        before = len(target.google.received)
        answer = target.program.post(path, body, **named)
        return answer, target.google.received[before:]

    return send


def test_there_are_60_hostile_bodies():
    assert len(BODIES) - len(HARMLESS) >= 60


@pytest.mark.parametrize("name", BODIES)
def test_hostile_body_is_refused_or_has_no_effect(send, plain, name):
    answer, received = send(body=BODIES[name])
    if name in HARMLESS:
        assert answer.status == 200
        assert [without_times(each) for each in received] == [plain]
    else:
        assert answer.status == (413 if name == "17 KB" else 400)
        assert not received


@pytest.mark.parametrize("path", ADDRESSES)
def test_hostile_address_has_no_effect(send, plain, path):
    answer, received = send(path)
    assert answer.status == (404 if ";" in path else 200)
    assert [without_times(each) for each in received] == ([] if ";" in path else [plain])


@pytest.mark.parametrize("headers", HEADERS, ids=str)
def test_hostile_header_has_no_effect(send, plain, headers):
    answer, received = send(headers=headers)
    assert answer.status == 200
    assert [without_times(each) for each in received] == [plain]


@pytest.mark.parametrize("body", [b"", b"{}", gzip.compress(b" " * 5_000_000 + b"{}")], ids=["none", "plain", "bomb"])
def test_compressed_body_is_refused_and_not_unpacked(send, body):
    answer, received = send(body=body, headers={"Content-Encoding": "gzip"})
    assert (answer.status, answer.code) == (415, "unsupported-media-type")
    assert not received


@pytest.mark.parametrize(
    "handle", ['"}}, "uses": 0, "x": {"y": "', "a" * 4096, "${claims.name}", "\\u0022", "' OR 1=1 --"]
)
def test_handle_is_only_a_handle(send, plain, handle):
    """It is all that a request can add."""
    lease = send()[0].json["lease"]
    answer, (received,) = send(body={"lease": lease, "resumption_handle": handle})
    assert answer.status == 200
    assert received.body["bidiGenerateContentSetup"].pop("sessionResumption") == {"handle": handle}
    path, names, body = plain
    expected = json.loads(body)
    expected["bidiGenerateContentSetup"].pop("sessionResumption")
    changed = received.body
    changed["bidiGenerateContentSetup"].pop("sessionResumption")
    for name in TIMES:
        del changed[name]
    assert (received.path, sorted(received.headers), changed) == (path, names, expected)


def test_token_is_for_one_use_within_the_configured_times(send):
    _, (received,) = send()
    now = datetime.now(UTC)
    expires, begins = (datetime.fromisoformat(received.body[name]) for name in TIMES)
    assert received.body["uses"] == 1
    assert 0 < (expires - now).total_seconds() <= 240
    assert 0 < (begins - now).total_seconds() <= 45
    assert "fieldMask" not in received.body
    assert SECRET_KEY.encode() not in received.content
