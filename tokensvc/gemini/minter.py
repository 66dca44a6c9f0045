"""Mints ephemeral tokens: calls Google with a deadline and checks the response."""

import json
import logging
import re
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from tokensvc import errors, logs
from tokensvc.domain import EphemeralToken, Lease, Principal
from tokensvc.gemini.compiler import SETUP, CompiledProfile, replaced
from tokensvc.gemini.error_responses import date_in, json_object, refusal_for, status_word
from tokensvc.gemini.gate import Gate
from tokensvc.http_client import Answer, BoundedHttpClient, CutShort, TooLong

DEADLINE = 5.0  # seconds for the whole exchange, connecting included
_CLOCKS_DIFFER = 30  # seconds; an answer takes up to five
_TOKEN = re.compile(r"auth_tokens/[A-Za-z0-9_-]{8,512}", re.ASCII)
_log = logging.getLogger(__name__)


class Minter:
    """Creates tokens at one API version, with the first API key that Google accepts."""

    def __init__(  # noqa: PLR0913 - its parts, by name
        self,
        client: BoundedHttpClient,
        *,
        api_version: str,
        api_keys: Sequence[str],
        clock: Callable[[], datetime],
        gate: Gate,
        pseudonym: Callable[[Principal], str],
    ) -> None:
        """*clock* returns the time in UTC, *pseudonym* a person's `safety_identifier`."""
        self._client = client
        self._gate = gate
        self._path = f"/{api_version}/auth_tokens"
        self._api_keys = tuple(api_keys)
        self._clock = clock
        self._pseudonym = pseudonym
        self._clock_is_off = False

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
            IssuerMisconfigured, QuotaExhausted: if it rejects every API key.
            ProfileRejected: if it rejects the setup.
        """
        # Whole seconds, rounded down, so that no token outlives what was charged.
        expires_at = expires_at.replace(microsecond=0)
        connect_by = self._clock() + timedelta(seconds=compiled.profile.connect_within)
        new_session_expires_at = min(connect_by.replace(microsecond=0), expires_at)
        body = compiled.body_for(lease.options, lease.principal.claims, lease.context, rebuild=rebuild)
        if compiled.profile.safety_identifier:
            body = replaced(body, (SETUP, "labels", "safety_identifier"), self._pseudonym(lease.principal))
        if resumption_handle is not None:
            body = replaced(body, (SETUP, "sessionResumption"), {"handle": resumption_handle})
        times = {"expireTime": _timestamp(expires_at), "newSessionExpireTime": _timestamp(new_session_expires_at)}
        try:
            value = self._create(json.dumps(body | times).encode(), resumption_handle)
        except errors.Refusal as refusal:
            unanswered = isinstance(refusal, errors.UpstreamTimeout | errors.UpstreamUnavailable)
            logs.note(upstream_code=refusal.code)
            self._gate.record(answered=not unanswered)
            raise
        self._gate.record(answered=True)
        return EphemeralToken(value, expires_at, new_session_expires_at)

    def _create(self, body: bytes, resumption_handle: str | None) -> str:
        deadline = time.monotonic() + DEADLINE
        secrets = [*self._api_keys, *([resumption_handle] if resumption_handle else [])]
        for number, api_key in enumerate(self._api_keys, start=1):
            response = self._post(body, api_key, deadline)
            self._compare_clocks(response)
            if response.status == HTTPStatus.OK:
                return _token_in(response)
            refusal = refusal_for(response, secrets)
            logs.note(upstream_status=response.status, upstream_word=status_word(response))
            if not isinstance(refusal, errors.IssuerMisconfigured | errors.QuotaExhausted):
                break  # another key would only add to the load
            _log.warning("API key refused number=%s code=%s cause=%s", number, refusal.code, refusal.cause)
        raise refusal

    def _compare_clocks(self, response: Answer) -> None:
        """Warn when this machine's clock begins to differ from Google's: tokens then live too long or too short."""
        google = date_in(response)
        off = google is not None and abs((self._clock() - google).total_seconds()) > _CLOCKS_DIFFER
        if off and not self._clock_is_off:
            _log.warning("clock differs from Google's here=%s there=%s", self._clock(), google)
        self._clock_is_off = off

    def _post(self, body: bytes, api_key: str, deadline: float) -> Answer:
        headers = {"Content-Type": "application/json", "x-goog-api-key": api_key}
        try:
            return self._client.post(self._path, body, headers, deadline=deadline)
        except TimeoutError:
            raise errors.UpstreamTimeout(cause=f"no complete answer within {DEADLINE} s") from None
        except (TooLong, CutShort) as error:
            raise errors.UpstreamBadResponse(cause=f"answer: {type(error).__name__}") from None
        except OSError as error:
            raise errors.UpstreamUnavailable(cause=f"{type(error).__name__}: {error}") from None


def _timestamp(at: datetime) -> str:
    return f"{at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='seconds')}Z"


def _token_in(response: Answer) -> str:
    name = json_object(response).get("name")
    if not isinstance(name, str) or not _TOKEN.fullmatch(name):
        raise errors.UpstreamBadResponse(cause="status 200 without a token")
    return name
