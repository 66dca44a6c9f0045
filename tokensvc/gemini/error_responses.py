"""Turns Google's error responses into refusals: for the caller a sentence, for the log the reason.

Google's form is `{"error": {"code", "message", "status", "details"}}` (google.aip.dev/193).
"""

import json
import math
import re
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from tokensvc import errors
from tokensvc.http_client import Answer

_DEFAULT_RETRY_AFTER = 5  # seconds, if Google throttles without saying for how long
_LONGEST_RETRY_AFTER = 600
_LONGEST_MESSAGE = 300  # characters that are logged
_WORD = re.compile(r"[A-Z][A-Z0-9_]{1,63}", re.ASCII)
_SECONDS = re.compile(r"([0-9]{1,9})(?:\.[0-9]{1,9}s|s?)", re.ASCII)
# What Google says in a 429 if no money is left. “Check your plan and billing details” does not
# count: it says that about every rate limit.
_NO_MONEY = re.compile(
    r"prepa(?:y|id)|\bcredits?\b|deplet|spend(?:ing)? cap|\bbalance\b|\bfunds\b|billing account", re.IGNORECASE
)
# The words of google.rpc.Code.
_STATUSES = re.compile(
    "CANCELLED|UNKNOWN|INVALID_ARGUMENT|DEADLINE_EXCEEDED|NOT_FOUND|ALREADY_EXISTS|PERMISSION_DENIED|UNAUTHENTICATED|"
    "RESOURCE_EXHAUSTED|FAILED_PRECONDITION|ABORTED|OUT_OF_RANGE|UNIMPLEMENTED|INTERNAL|UNAVAILABLE|DATA_LOSS"
)
# Quoted text, which may be a person's claim, and what looks like an API key, a token or a handle.
_PRIVATE = re.compile(r'"[^"]*[^"\w.\[\]-][^"]*"|auth_tokens/\S+|AIza[\w-]+|(?=\S*\d)[\w+=.-]{24,}')


def refusal_for(response: Answer, secrets: Iterable[str]) -> errors.Refusal:
    """Return the refusal for a response other than 200.

    Its cause, for the log, has Google's own words, without any of *secrets*.
    """
    status, content = response.status, json_object(response)
    error = content["error"] if isinstance(content.get("error"), dict) else {}
    details = error["details"] if isinstance(error.get("details"), list) else []
    details = [error, *(detail for detail in details if isinstance(detail, dict))]
    reasons = [str(detail.get(name)) for detail in details for name in ("status", "reason")]
    words = list(filter(_WORD.fullmatch, reasons))
    message = str(error.get("message"))
    cause = " ".join(["Google answered", str(status), *words, _redacted(message, secrets)]).strip()
    if status == 402 or (status == 429 and _NO_MONEY.search(message)):  # noqa: PLR2004 - HTTP's own
        return errors.QuotaExhausted(cause=cause)
    about_us = {"API_KEY_INVALID", "FAILED_PRECONDITION"}  # the key; its project's place or billing
    if status in {401, 403} or (status == 400 and not about_us.isdisjoint(words)):  # noqa: PLR2004
        return errors.IssuerMisconfigured(cause=cause)
    if status in {400, 404}:
        return errors.ProfileRejected(cause=cause)
    if status == 429:  # noqa: PLR2004
        delays = [response.headers.get("retry-after"), _until(response), *(d.get("retryDelay") for d in details)]
        return errors.UpstreamThrottled(cause=cause, retry_after=_seconds(delays))
    if status >= 500:  # noqa: PLR2004
        return errors.UpstreamUnavailable(cause=cause)
    return errors.UpstreamBadResponse(cause=cause)


def status_word(response: Answer) -> str:
    """Return the word for its status in Google's error, such as “UNAVAILABLE”, or “other” if it is not a known one."""
    error = json_object(response).get("error")
    word = error.get("status") if isinstance(error, dict) else None
    return word if isinstance(word, str) and _STATUSES.fullmatch(word) else "other"


def date_in(response: Answer, header: str = "date") -> datetime | None:
    """Return the time in *header* (RFC 9110, section 5.6.7), or None if there is none."""
    with suppress(ValueError, OverflowError):
        return parsedate_to_datetime(response.headers.get(header, "")).astimezone(UTC)
    return None


def json_object(response: Answer) -> dict[str, Any]:
    """Return the JSON object that the body is, or an empty one."""
    try:
        content = json.loads(response.body)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _redacted(message: str, secrets: Iterable[str]) -> str:
    """Return the beginning of *message* on one line, without what may be private."""
    for secret in secrets:
        message = message.replace(secret, "…")
    shown = _PRIVATE.sub("…", message[: 3 * _LONGEST_MESSAGE])  # cut first: it may be quadratic
    return "".join(c if c.isprintable() else " " for c in shown)[:_LONGEST_MESSAGE]


def _until(response: Answer) -> int | None:
    """Return the seconds until `Retry-After`, if it is a date to come; by the clock of who sent it, if they say."""
    now, later = date_in(response) or datetime.now(UTC), date_in(response, "retry-after")
    if later is None or later <= now:
        return None
    return min(math.ceil((later - now).total_seconds()), _LONGEST_RETRY_AFTER)


def _seconds(delays: Iterable[object]) -> int:
    """Return the first of *delays* that is a number of seconds, such as “7” or “11.5s”."""
    found = [match for delay in delays if (match := _SECONDS.fullmatch(str(delay)))]
    if not found:
        return _DEFAULT_RETRY_AFTER
    return min(int(found[0][1]) + ("." in found[0][0]), _LONGEST_RETRY_AFTER)
