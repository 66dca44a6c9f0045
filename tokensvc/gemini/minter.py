"""Mints an ephemeral token: one bounded call to Google, and an answer checked before use."""

from __future__ import annotations

import http.client
import json
import re
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tokensvc.domain import EphemeralToken
from tokensvc.errors import (
    IssuerMisconfigured,
    ProfileRejected,
    Refusal,
    UpstreamBadResponse,
    UpstreamThrottled,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from tokensvc.gemini.compiler import SETUP, replaced
from tokensvc.http_client import Answer, BoundedHttpClient, TooLong

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tokensvc.domain import Lease
    from tokensvc.gemini.compiler import CompiledProfile

DEADLINE = 5.0  # seconds for the whole exchange, connecting included
_TOKEN = re.compile(r"auth_tokens/[A-Za-z0-9_-]{8,512}", re.ASCII)
_DEFAULT_PAUSE = 5  # seconds, where Google throttles and does not say for how long
_LONGEST_PAUSE = 600


class Minter:
    """Creates tokens of one API version with the first key that Google does not refuse."""

    def __init__(
        self,
        client: BoundedHttpClient,
        *,
        api_version: str,
        api_keys: Sequence[str],
        clock: Callable[[], datetime],
    ) -> None:
        """*clock* gives the time in UTC."""
        self._client = client
        self._path = f"/{api_version}/auth_tokens"
        self._api_keys = tuple(api_keys)
        self._clock = clock

    def mint(
        self,
        compiled: CompiledProfile,
        lease: Lease,
        expires_at: datetime,
        resumption_handle: str | None = None,
    ) -> EphemeralToken:
        """A token, good until *expires_at*, for one session of *lease*, held to *compiled*.

        With Google's *resumption_handle* the session goes on with an earlier one's context.

        Raises:
            UpstreamTimeout, UpstreamUnavailable, UpstreamBadResponse, UpstreamThrottled:
                when Google does not answer, or not with a token.
            IssuerMisconfigured: when it refuses every key.
            ProfileRejected: when it refuses the setup.
        """
        # Whole seconds, rounded down: no token outlives what was paid for.
        expires_at = expires_at.replace(microsecond=0)
        connect_by = self._clock() + timedelta(seconds=compiled.profile.connect_within)
        new_session_expires_at = min(connect_by.replace(microsecond=0), expires_at)
        body = compiled.body_for(lease.options, lease.principal.claims)
        if resumption_handle is not None:
            body = replaced(body, (SETUP, "sessionResumption"), {"handle": resumption_handle})
        times = {
            "expireTime": _timestamp(expires_at),
            "newSessionExpireTime": _timestamp(new_session_expires_at),
        }
        name = self._name_of_minted(json.dumps(body | times).encode())
        return EphemeralToken(name, expires_at, new_session_expires_at)

    def _name_of_minted(self, body: bytes) -> str:
        deadline = time.monotonic() + DEADLINE
        for api_key in self._api_keys:
            answer = self._post(body, api_key, deadline)
            if answer.status == http.HTTPStatus.OK:
                return _name_in(answer)
            refusal = _refusal_for(answer)
            if not isinstance(refusal, IssuerMisconfigured):
                raise refusal
        raise refusal

    def _post(self, body: bytes, api_key: str, deadline: float) -> Answer:
        headers = {"Content-Type": "application/json", "x-goog-api-key": api_key}
        try:
            return self._client.post(self._path, body, headers, deadline=deadline)
        except TimeoutError:
            raise UpstreamTimeout(cause=f"no whole answer within {DEADLINE} s") from None
        except TooLong:
            raise UpstreamBadResponse(cause="an answer longer than the cap") from None
        except http.client.IncompleteRead:
            raise UpstreamBadResponse(cause="an answer cut short") from None
        except (OSError, http.client.HTTPException) as error:
            raise UpstreamUnavailable(cause=type(error).__name__) from None


def _timestamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _name_in(answer: Answer) -> str:
    content = _json_object(answer)
    name = content.get("name")
    if not isinstance(name, str) or not _TOKEN.fullmatch(name):
        raise UpstreamBadResponse(cause="200, and no token in it")
    return name


def _refusal_for(answer: Answer) -> Refusal:
    """What an answer other than 200 means; Google's own text goes neither to a caller nor a log."""
    status = answer.status
    word = _json_object(answer).get("error")
    error: dict[str, Any] = word if isinstance(word, dict) else {}
    cause = f"Google answered {status}"
    if status in {401, 403} or _names_the_key(error):
        return IssuerMisconfigured(cause=f"{cause}: the key is refused")
    if status in {400, 404}:
        return ProfileRejected(cause=f"{cause}: the setup, or the API version, is refused")
    if status == http.HTTPStatus.TOO_MANY_REQUESTS:
        return UpstreamThrottled(cause=cause, retry_after=_pause(answer))
    if status >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
        return UpstreamUnavailable(cause=cause)
    return UpstreamBadResponse(cause=cause)


def _names_the_key(error: dict[str, Any]) -> bool:
    details = error.get("details")
    return isinstance(details, list) and any(
        isinstance(detail, dict) and detail.get("reason") == "API_KEY_INVALID" for detail in details
    )


def _json_object(answer: Answer) -> dict[str, Any]:
    try:
        content = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _pause(answer: Answer) -> float:
    text = answer.headers.get("retry-after", "")
    if not re.fullmatch("[0-9]{1,9}", text):
        return _DEFAULT_PAUSE
    return min(int(text), _LONGEST_PAUSE)
