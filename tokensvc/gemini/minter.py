"""Mints ephemeral tokens: calls Google with a deadline and checks the response."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
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
from tokensvc.http_client import Answer, BoundedHttpClient, CutShort, TooLong

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from tokensvc.domain import Lease
    from tokensvc.gemini.compiler import CompiledProfile
    from tokensvc.gemini.gate import Gate

DEADLINE = 5.0  # seconds for the whole exchange, connecting included
_TOKEN = re.compile(r"auth_tokens/[A-Za-z0-9_-]{8,512}", re.ASCII)
_DEFAULT_RETRY_AFTER = 5  # seconds, if Google throttles without a Retry-After
_LONGEST_RETRY_AFTER = 600


class Minter:
    """Creates tokens at one API version, with the first API key that Google accepts."""

    def __init__(
        self,
        client: BoundedHttpClient,
        *,
        api_version: str,
        api_keys: Sequence[str],
        clock: Callable[[], datetime],
        gate: Gate,
    ) -> None:
        """*clock* returns the time in UTC."""
        self._client = client
        self._gate = gate
        self._path = f"/{api_version}/auth_tokens"
        self._api_keys = tuple(api_keys)
        self._clock = clock

    def passage(self, *, renewal: bool) -> AbstractContextManager[None]:
        """Hold a place among those that may wait for Google; see `Gate.passage`."""
        return self._gate.passage(renewal=renewal)

    def mint(
        self,
        compiled: CompiledProfile,
        lease: Lease,
        expires_at: datetime,
        resumption_handle: str | None = None,
        *,
        rebuild: bool = False,
    ) -> EphemeralToken:
        """Return a token for one session of *lease*, locked to *compiled*, until *expires_at*.

        With a *resumption_handle*, the session continues with the context of an earlier one. With
        *rebuild*, it can be given that context by the client.

        Raises:
            UpstreamTimeout, UpstreamUnavailable, UpstreamBadResponse, UpstreamThrottled:
                if Google does not answer with a token.
            IssuerMisconfigured: if it rejects every API key.
            ProfileRejected: if it rejects the setup.
        """
        # Whole seconds, rounded down, so that no token outlives what was charged.
        expires_at = expires_at.replace(microsecond=0)
        connect_by = self._clock() + timedelta(seconds=compiled.profile.connect_within)
        new_session_expires_at = min(connect_by.replace(microsecond=0), expires_at)
        body = compiled.body_for(lease.options, lease.principal.claims, rebuild=rebuild)
        if resumption_handle is not None:
            body = replaced(body, (SETUP, "sessionResumption"), {"handle": resumption_handle})
        times = {
            "expireTime": _timestamp(expires_at),
            "newSessionExpireTime": _timestamp(new_session_expires_at),
        }
        try:
            value = self._create(json.dumps(body | times).encode())
        except Refusal as refusal:
            unanswered = isinstance(refusal, UpstreamTimeout | UpstreamUnavailable)
            self._gate.record(answered=not unanswered)
            raise
        self._gate.record(answered=True)
        return EphemeralToken(value, expires_at, new_session_expires_at)

    def _create(self, body: bytes) -> str:
        deadline = time.monotonic() + DEADLINE
        for api_key in self._api_keys:
            response = self._post(body, api_key, deadline)
            if response.status == HTTPStatus.OK:
                return _token_in(response)
            refusal = _refusal_for(response)
            if not isinstance(refusal, IssuerMisconfigured):
                raise refusal
        raise refusal  # every API key was rejected

    def _post(self, body: bytes, api_key: str, deadline: float) -> Answer:
        headers = {"Content-Type": "application/json", "x-goog-api-key": api_key}
        try:
            return self._client.post(self._path, body, headers, deadline=deadline)
        except TimeoutError:
            raise UpstreamTimeout(cause=f"no complete answer within {DEADLINE} s") from None
        except TooLong:
            raise UpstreamBadResponse(cause="answer too long") from None
        except CutShort:
            raise UpstreamBadResponse(cause="answer cut short") from None
        except OSError as error:
            raise UpstreamUnavailable(cause=type(error).__name__) from None


def _timestamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _token_in(response: Answer) -> str:
    content = _json_object(response)
    name = content.get("name")
    if not isinstance(name, str) or not _TOKEN.fullmatch(name):
        raise UpstreamBadResponse(cause="status 200 without a token")
    return name


def _refusal_for(response: Answer) -> Refusal:
    """Return the refusal for a response other than 200; Google's text is never passed on."""
    status = response.status
    cause = f"Google answered {status}"
    if status in {401, 403} or _is_about_the_key(_json_object(response).get("error")):
        return IssuerMisconfigured(cause=f"{cause}: API key rejected")
    if status in {400, 404}:
        return ProfileRejected(cause=f"{cause}: setup or API version rejected")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return UpstreamThrottled(cause=cause, retry_after=_retry_after(response))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return UpstreamUnavailable(cause=cause)
    return UpstreamBadResponse(cause=cause)


def _is_about_the_key(error: object) -> bool:
    """Return whether *error* is about our API key: Google sends a 400 for an invalid one."""
    details = error.get("details") if isinstance(error, dict) else None
    return isinstance(details, list) and any(
        isinstance(detail, dict) and detail.get("reason") == "API_KEY_INVALID" for detail in details
    )


def _json_object(response: Answer) -> dict[str, Any]:
    try:
        content = json.loads(response.body)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _retry_after(response: Answer) -> float:
    text = response.headers.get("retry-after", "")
    if not re.fullmatch("[0-9]{1,9}", text):
        return _DEFAULT_RETRY_AFTER
    return min(int(text), _LONGEST_RETRY_AFTER)
