import json
import re
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial

import pytest

from tokensvc import errors
from tokensvc.domain import Lease, Principal
from tokensvc.gemini.compiler import SETUP
from tokensvc.gemini.gate import Gate
from tokensvc.gemini.minter import Minter
from tokensvc.http_client import BoundedHttpClient
from tokensvc.signing.derived import pseudonym
from upstream_for_tests import answering, http_answer, upstream

ALICE = Principal("user", "i", "alice", claims={"given_name": "Alice"})
NOW = datetime(2026, 11, 22, 23, 0, tzinfo=UTC)
# A token ends on a whole second, never after the time that was paid for.
END = NOW + timedelta(seconds=300.9)


@pytest.fixture(name="compiled")
def _compiled(compile_one):
    return compile_one(token_lifetime="5m", connect_within="60s")


LEASE = Lease("lease-1", ALICE, "default", {}, NOW, END)


def minter(client, keys=("first-key",), secret="k" * 32):
    return Minter(
        client,
        api_version="v1beta",
        api_keys=keys,
        clock=lambda: NOW,
        gate=Gate(),
        pseudonym=partial(pseudonym, secret.encode()),
    )


def minted(compiled, *answers, handle=None, rebuild=False, **given):
    with upstream(answering(*answers)) as (url, received):
        client = BoundedHttpClient(url)
        try:
            return minter(client, **given).mint(compiled, LEASE, END, handle, rebuild=rebuild), received
        finally:
            client.close()


def test_token_has_the_requested_lifetime_and_a_safe_repr(compiled):
    token, received = minted(compiled, http_answer())

    assert token.value == "auth_tokens/0123456789"
    assert (token.expires_at - NOW).total_seconds() == 300
    assert (token.new_session_expires_at - NOW).total_seconds() == 60
    assert "0123456789" not in repr(token)
    assert len(received) == 1


def test_request_has_compiled_body_times_and_key_in_one_header(compiled):
    _, (request,) = minted(compiled, http_answer())
    head, _, body = request.partition(b"\r\n\r\n")

    assert json.loads(body) == compiled.body_for({}) | {
        "expireTime": "2026-11-22T23:05:00Z",
        "newSessionExpireTime": "2026-11-22T23:01:00Z",
    }
    assert head.startswith(b"POST /v1beta/auth_tokens HTTP/1.1\r\n")
    assert head.count(b"first-key") == 1
    assert b"x-goog-api-key: first-key" in head


def test_clock_that_differs_from_googles_is_reported_once(compiled, caplog):
    def answer(seconds):
        return http_answer(
            headers=f"Date: {format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)}\r\n".encode()
        )

    times = [-29, 31, 40, 0, -31]
    answers = [*map(answer, times), http_answer(headers=b"Date: x\r\n")]
    warned = []
    with upstream(answering(*answers)) as (url, _), closing(BoundedHttpClient(url)) as client:
        minting = minter(client)
        for _ in answers:
            caplog.clear()
            minting.mint(compiled, LEASE, END)
            warned.append([line for line in caplog.messages if "clock differs" in line])
    assert [len(lines) for lines in warned] == [0, 1, 0, 0, 1, 0]
    assert warned[1] == ["clock differs from Google's here=2026-11-22 23:00:00+00:00 there=2026-11-22 23:00:31+00:00"]


def test_safety_identifier_is_a_pseudonym_of_the_person_in_the_setups_labels(compile_one):
    labels = []
    for profile, key in (({}, None), ({"config": {"labels": {"site": "shop"}}}, "k"), ({}, "k"), ({}, "other")):
        compiled = compile_one(**profile, safety_identifier=key is not None)
        _, (request,) = minted(compiled, http_answer(), secret=(key or "k") * 32)
        labels.append(json.loads(request.partition(b"\r\n\r\n")[2])[SETUP].get("labels"))
    none, beside, alone, otherwise = labels

    assert none is None
    assert beside == {"site": "shop", **alone}
    assert re.fullmatch("[0-9a-f]{32}", alone["safety_identifier"])
    assert otherwise["safety_identifier"] != alone["safety_identifier"]


def test_renewal_locks_the_resumption_handle_into_the_token(compiled):
    _, (request,) = minted(compiled, http_answer(), handle="a-handle")
    setup = json.loads(request.partition(b"\r\n\r\n")[2])["bidiGenerateContentSetup"]

    assert setup == compiled.body_for({})["bidiGenerateContentSetup"] | {"sessionResumption": {"handle": "a-handle"}}
    assert compiled.body_for({})["bidiGenerateContentSetup"]["sessionResumption"] == {}


def test_token_for_a_rebuilt_context_is_locked_to_wait_for_its_history(compile_one):
    compiled = compile_one(model="gemini-3.1-flash-live-preview")
    _, (request,) = minted(compiled, http_answer(), rebuild=True)
    setup = json.loads(request.partition(b"\r\n\r\n")[2])["bidiGenerateContentSetup"]

    assert setup["historyConfig"] == {"initialHistoryInClientContent": True}


def test_claims_are_filled_into_the_instruction(compile_one):
    compiled = compile_one(config={"system_instruction": "Help ${claims.given_name}, ${claims.nick}not ${other}."})
    _, (request,) = minted(compiled, http_answer())
    setup = json.loads(request.partition(b"\r\n\r\n")[2])["bidiGenerateContentSetup"]

    assert setup["systemInstruction"]["parts"] == [{"text": "Help Alice, not ${other}."}]


def test_session_must_start_before_a_short_token_ends(compiled):
    with upstream(answering(http_answer())) as (url, _):
        client = BoundedHttpClient(url)
        token = minter(client).mint(compiled, LEASE, NOW + timedelta(seconds=40))
        client.close()

    assert token.new_session_expires_at == token.expires_at == NOW + timedelta(seconds=40)


def google_error(code, message="canary: Google's own words", *, word="", headers=b"", **detail):
    error = {"code": code, "message": message, "status": word, "details": [detail]}
    return http_answer(code, json.dumps({"error": error}).encode(), headers)


BAD_RESPONSES = {
    "bad setup": (google_error(400), errors.ProfileRejected),
    "bad version": (google_error(404), errors.ProfileRejected),
    "bad key": (google_error(400, reason="API_KEY_INVALID"), errors.IssuerMisconfigured),
    "no permission": (google_error(403), errors.IssuerMisconfigured),
    "throttling": (google_error(429), errors.UpstreamThrottled),
    "an internal error": (google_error(500), errors.UpstreamUnavailable),
    "overload": (google_error(503), errors.UpstreamUnavailable),
    "a redirect": (
        http_answer(307, headers=b"Location: http://127.0.0.2/\r\n"),
        errors.UpstreamBadResponse,
    ),
    "an empty body": (http_answer(200, b""), errors.UpstreamBadResponse),
    "an empty object": (http_answer(200, b"{}"), errors.UpstreamBadResponse),
    "a list": (http_answer(200, b"[]"), errors.UpstreamBadResponse),
    "an HTML page": (http_answer(200, b"<html>"), errors.UpstreamBadResponse),
    "invalid UTF-8": (http_answer(200, b'{"name": "\xff"}'), errors.UpstreamBadResponse),
    "deep nesting": (http_answer(200, b"[" * 60000), errors.UpstreamBadResponse),
    "a number as name": (http_answer(200, b'{"name": 7}'), errors.UpstreamBadResponse),
    "the name of another resource": (
        http_answer(200, b'{"name": "keys/01234567"}'),
        errors.UpstreamBadResponse,
    ),
    "a line break in the name": (
        http_answer(200, b'{"name": "auth_tokens/01234567\\r\\n"}'),
        errors.UpstreamBadResponse,
    ),
    "a truncated body": (http_answer()[:-3], errors.UpstreamBadResponse),
    "another protocol": (b"SSH-2.0-OpenSSH\r\n\r\n", errors.UpstreamUnavailable),
}


@pytest.mark.parametrize(("answer", "expected"), BAD_RESPONSES.values(), ids=BAD_RESPONSES)
def test_bad_response_raises_its_own_error_and_repeats_nothing(compiled, answer, expected):
    with pytest.raises(expected) as refused:
        minted(compiled, answer)

    assert type(refused.value) is expected
    assert "canary" not in refused.value.detail


IN_EVERY_429 = "You exceeded your current quota, please check your plan and billing details."
REFUSED_KEYS = {
    "an unsupported place": (
        400,
        "User location is not supported for the API use.",
        "FAILED_PRECONDITION",
    ),
    "a free tier that a place lacks": (
        400,
        "Gemini API free tier is not available in your country. Please enable billing.",
        "FAILED_PRECONDITION",
    ),
    "billing that is off": (
        403,
        "This API method requires billing to be enabled.",
        "PERMISSION_DENIED",
    ),
    "a suspended project": (
        403,
        "Consumer 'api_key:a-key' has been suspended.",
        "PERMISSION_DENIED",
    ),
}
NO_MONEY = {
    "a prepaid account that is empty": (
        429,
        "Your prepayment credits are depleted. Please go to AI Studio to manage your billing.",
    ),
    "a spending cap": (429, "Your project has exceeded its monthly spending cap."),
    "credits that are used up": (429, "Your account has no credits left."),
    "a negative balance": (429, "The balance of your account is too low."),
    "a billing account that is closed": (429, "The billing account of this project is closed."),
    "a payment that is due": (402, "Payment required."),
}


@pytest.mark.parametrize(("status", "message", "word"), REFUSED_KEYS.values(), ids=REFUSED_KEYS)
def test_key_that_google_does_not_serve_is_a_misconfiguration(compiled, status, message, word):
    refusal = google_error(status, message, word=word)
    with pytest.raises(errors.IssuerMisconfigured) as refused:
        minted(compiled, refusal)
    token, _ = minted(compiled, refusal, http_answer(), keys=("first", "second"))

    assert token
    assert f"Google answered {status} {word} " in refused.value.cause


@pytest.mark.parametrize(("status", "message"), NO_MONEY.values(), ids=NO_MONEY)
def test_account_without_money_is_an_exhausted_quota_after_every_key(compiled, status, message):
    refusal = google_error(status, message, word="RESOURCE_EXHAUSTED")
    with pytest.raises(errors.QuotaExhausted) as refused:
        minted(compiled, refusal, refusal, keys=("first", "second"))
    token, _ = minted(compiled, refusal, http_answer(), keys=("first", "second"))

    assert token
    assert (refused.value.code, refused.value.retryable) == ("quota-exhausted", False)
    assert message[:20] in refused.value.cause
    assert message[:20] not in refused.value.detail


@pytest.mark.parametrize(
    ("message", "detail"),
    [
        (IN_EVERY_429, {}),
        (IN_EVERY_429, {"violations": [{"quotaId": "GenerateRequestsPerMinutePerProject"}]}),
        ("Resource has been exhausted (e.g. check quota).", {}),
        ("You have reached your spend-based rate limit.", {"reason": "RATE_LIMIT_EXCEEDED"}),
    ],
)
def test_rate_limit_is_retryable_and_tries_no_other_key(compiled, message, detail):
    answer = google_error(429, message, word="RESOURCE_EXHAUSTED", **detail)
    with pytest.raises(errors.UpstreamThrottled) as refused:
        minted(compiled, answer, http_answer(), keys=("first", "second"))

    assert refused.value.retryable


PRIVATE = {
    "our API key": "first-key",
    "another key in the older form": "AIzaSyD-abcdefghijklmnopqrstuvwxyz",
    "another key in the newer form": "AQ.Ab8RN6abcdefghijklmnopqrst",
    "a token": "auth_tokens/short",
    "a handle": "the-handle",
    "a person's claim": '"You help Alice Liddell"',
    "a line break": "\nrequest refused id=forged",
    "a terminal's escape": "\x1b[2J",
    "a bidirectional override": "\u202e",
}


@pytest.mark.parametrize("private", PRIVATE.values(), ids=PRIVATE)
def test_googles_message_is_logged_without_what_is_private(compiled, caplog, private):
    message = f"Invalid value at 'setup.x': {private} is not accepted"
    with pytest.raises(errors.IssuerMisconfigured) as refused:
        minted(compiled, google_error(403, message), handle="the-handle")

    assert "Invalid value at 'setup.x'" in caplog.text
    assert private not in caplog.text.rstrip()
    assert private not in refused.value.cause


@pytest.mark.parametrize("message", ["x" * 60_000, '"' + "a b" * 20_000, "a-" * 30_000, 7, None, ["x"], {"y": 1}])
def test_message_of_any_length_or_type_is_logged_shortened(compiled, message):
    with pytest.raises(errors.IssuerMisconfigured) as refused:
        minted(compiled, google_error(403, message))

    assert len(refused.value.cause) < 400


def test_unreachable_upstream_is_a_retryable_error(compiled):
    client = BoundedHttpClient("http://127.0.0.1:1")

    with pytest.raises(errors.UpstreamUnavailable) as refused:
        minter(client).mint(compiled, LEASE, END)

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
def test_retry_after_of_google_is_passed_on_within_bounds(compiled, header, seconds):
    with pytest.raises(errors.UpstreamThrottled) as refused:
        minted(compiled, http_answer(429, b"{}", header))

    assert refused.value.retry_after == seconds


@pytest.mark.parametrize(("delay", "seconds"), [("22s", 22), ("11.767792953s", 12), ("soon", 5)])
def test_retry_delay_in_the_body_is_passed_on_without_a_header(compiled, delay, seconds):
    with pytest.raises(errors.UpstreamThrottled) as refused:
        minted(compiled, google_error(429, retryDelay=delay))

    assert refused.value.retry_after == seconds


def test_second_key_is_tried_only_if_the_first_is_refused(compiled):
    token, received = minted(compiled, google_error(403), http_answer(), keys=("first", "second"))

    assert token.value == "auth_tokens/0123456789"
    assert b"x-goog-api-key: second" in received[1]

    with pytest.raises(errors.ProfileRejected):
        minted(compiled, google_error(400), http_answer(), keys=("first", "second"))
