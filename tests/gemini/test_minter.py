import json
from datetime import UTC, datetime, timedelta

import pytest

from tokensvc import errors
from tokensvc.domain import Lease, Principal
from tokensvc.gemini.minter import Minter
from tokensvc.http_client import BoundedHttpClient
from upstream_for_tests import answering, http_answer, upstream

ALICE = Principal("user", "i", "alice", claims={"given_name": "Alice"})
NOW = datetime(2026, 11, 22, 23, 0, tzinfo=UTC)
END = NOW + timedelta(seconds=300.9)  # a token ends on a whole second, never after what was paid


@pytest.fixture(name="compiled")
def _compiled(compile_one):
    return compile_one(token_lifetime="5m", connect_within="60s")


LEASE = Lease("lease-1", ALICE, "default", {}, NOW, END)


def minted(compiled, *answers, keys=("first-key",), handle=None):
    with upstream(answering(*answers)) as (url, received):
        client = BoundedHttpClient(url)
        minter = Minter(client, api_version="v1beta", api_keys=keys, clock=lambda: NOW)
        try:
            return minter.mint(compiled, LEASE, END, handle), received
        finally:
            client.close()


def test_a_good_answer(compiled):
    """The token lives as long as was asked for, and shows in no repr."""
    token, received = minted(compiled, http_answer())

    assert token.value == "auth_tokens/0123456789"
    assert (token.expires_at - NOW).total_seconds() == 300
    assert (token.new_session_expires_at - NOW).total_seconds() == 60
    assert "0123456789" not in repr(token)
    assert len(received) == 1


def test_the_request(compiled):
    """It is the compiled body and the two times; the key is in its header alone."""
    _, (request,) = minted(compiled, http_answer())
    head, _, body = request.partition(b"\r\n\r\n")

    assert json.loads(body) == compiled.body_for({}) | {
        "expireTime": "2026-11-22T23:05:00Z",
        "newSessionExpireTime": "2026-11-22T23:01:00Z",
    }
    assert head.startswith(b"POST /v1beta/auth_tokens HTTP/1.1\r\n")
    assert head.count(b"first-key") == 1
    assert b"x-goog-api-key: first-key" in head


def test_a_conversation_that_goes_on(compiled):
    """Google's handle is locked into the token."""
    _, (request,) = minted(compiled, http_answer(), handle="a-handle")
    setup = json.loads(request.partition(b"\r\n\r\n")[2])["bidiGenerateContentSetup"]

    assert setup == compiled.body_for({})["bidiGenerateContentSetup"] | {
        "sessionResumption": {"handle": "a-handle"}
    }
    assert compiled.body_for({})["bidiGenerateContentSetup"]["sessionResumption"] == {}


def test_an_instruction_with_a_claim(compile_one):
    """It speaks of the person who asks; what is in it otherwise stays as it is."""
    compiled = compile_one(
        config={"system_instruction": "Help ${claims.given_name}, ${claims.nick}not ${other}."}
    )
    _, (request,) = minted(compiled, http_answer())
    setup = json.loads(request.partition(b"\r\n\r\n")[2])["bidiGenerateContentSetup"]

    assert setup["systemInstruction"]["parts"] == [{"text": "Help Alice, not ${other}."}]


def test_a_grant_that_is_shorter_than_the_time_to_connect(compiled):
    """No session may begin after the token's end."""
    with upstream(answering(http_answer())) as (url, _):
        client = BoundedHttpClient(url)
        minter = Minter(client, api_version="v1beta", api_keys=["k"], clock=lambda: NOW)
        token = minter.mint(compiled, LEASE, NOW + timedelta(seconds=40))
        client.close()

    assert token.new_session_expires_at == token.expires_at == NOW + timedelta(seconds=40)


def google_error(code, **detail):
    error = {"code": code, "message": "canary: Google's own words", "details": [detail]}
    return http_answer(code, json.dumps({"error": error}).encode())


REFUSALS = {
    "bad setup": (google_error(400), errors.ProfileRejected),
    "bad version": (google_error(404), errors.ProfileRejected),
    "bad key": (google_error(400, reason="API_KEY_INVALID"), errors.IssuerMisconfigured),
    "no permission": (google_error(403), errors.IssuerMisconfigured),
    "too much": (google_error(429), errors.UpstreamThrottled),
    "a fault": (google_error(500), errors.UpstreamUnavailable),
    "overload": (google_error(503), errors.UpstreamUnavailable),
    "a redirect": (
        http_answer(307, headers=b"Location: http://127.0.0.2/\r\n"),
        errors.UpstreamBadResponse,
    ),
    "nothing": (http_answer(200, b""), errors.UpstreamBadResponse),
    "an empty object": (http_answer(200, b"{}"), errors.UpstreamBadResponse),
    "a list": (http_answer(200, b"[]"), errors.UpstreamBadResponse),
    "a page": (http_answer(200, b"<html>"), errors.UpstreamBadResponse),
    "no UTF-8": (http_answer(200, b'{"name": "\xff"}'), errors.UpstreamBadResponse),
    "deep nesting": (http_answer(200, b"[" * 60000), errors.UpstreamBadResponse),
    "a number for a name": (http_answer(200, b'{"name": 7}'), errors.UpstreamBadResponse),
    "another kind of name": (
        http_answer(200, b'{"name": "keys/01234567"}'),
        errors.UpstreamBadResponse,
    ),
    "a line break in the name": (
        http_answer(200, b'{"name": "auth_tokens/01234567\\r\\n"}'),
        errors.UpstreamBadResponse,
    ),
    "a cut": (http_answer()[:-3], errors.UpstreamBadResponse),
    "no HTTP": (b"SSH-2.0-OpenSSH\r\n\r\n", errors.UpstreamUnavailable),
}


@pytest.mark.parametrize(("answer", "expected"), REFUSALS.values(), ids=REFUSALS)
def test_an_answer_that_is_no_token(compiled, answer, expected):
    """It is a refusal of its own kind, and repeats nothing that Google said."""
    with pytest.raises(expected) as refused:
        minted(compiled, answer)

    assert type(refused.value) is expected
    assert "canary" not in f"{refused.value!r} {refused.value.detail} {refused.value.cause}"


def test_nobody_there(compiled):
    """It is unavailable, which is worth trying again."""
    client = BoundedHttpClient("http://127.0.0.1:1")
    minter = Minter(client, api_version="v1beta", api_keys=["k"], clock=lambda: NOW)

    with pytest.raises(errors.UpstreamUnavailable) as refused:
        minter.mint(compiled, LEASE, END)

    assert refused.value.retryable


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (b"Retry-After: 7\r\n", 7),
        (b"Retry-After: soon\r\n", 5),
        (b"", 5),
        (b"Retry-After: 99999\r\n", 600),
    ],
)
def test_how_long_to_wait(compiled, header, seconds):
    """Google's own number is passed on, within reason."""
    with pytest.raises(errors.UpstreamThrottled) as refused:
        minted(compiled, http_answer(429, b"{}", header))

    assert refused.value.retry_after == seconds


def test_a_second_key(compiled):
    """It is tried where the first is refused, and only there."""
    token, received = minted(compiled, google_error(403), http_answer(), keys=("first", "second"))

    assert token.value == "auth_tokens/0123456789"
    assert b"x-goog-api-key: second" in received[1]

    with pytest.raises(errors.ProfileRejected):
        minted(compiled, google_error(400), http_answer(), keys=("first", "second"))
