"""Every refusal: its code for programs, its status for HTTP, its sentence for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from tokensvc.domain import Quota


class ConfigurationError(Exception):
    """The configuration cannot be used as it is.

    *faults* lists every fault found, each beginning with the key or variable it is about, so that
    an operator can fix all of them at once.
    """

    def __init__(self, source: str, faults: list[str]) -> None:
        self.source = source
        self.faults = faults
        super().__init__(f"{source}: " + "; ".join(faults))

    def report(self) -> str:
        """Return the whole list, for an operator to read."""
        return "\n  - ".join([f"tokensvc cannot start. Fix these in {self.source}:", *self.faults])


class Refusal(Exception):  # noqa: N818 - a refusal is an answer, not a fault of ours
    """A request that is answered with no.

    The class holds what the caller is told: *code* (kebab-case, stable), *status* (HTTP), *title*
    and *detail* (a sentence). *cause* is for our log alone and must hold no secret; *retry_after*
    is in seconds; *quotas* are the `domain.Quota`s that the caller is told of.
    """

    code: ClassVar[str]
    status: ClassVar[int]
    title: ClassVar[str]
    sentence: ClassVar[str]
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        detail: str | None = None,
        *,
        cause: str = "",
        retry_after: float | None = None,
        quotas: tuple[Quota, ...] = (),
    ) -> None:
        self.detail = detail or self.sentence
        self.cause = cause
        self.retry_after = retry_after
        self.quotas = quotas
        super().__init__(f"{self.code}: {cause or self.detail}")


class InvalidRequest(Refusal):
    """The body is not what the contract says."""

    code, status, title = "invalid-request", 400, "Invalid request"
    sentence = "The request is not in the documented form."


class InvalidHost(Refusal):
    """The Host header names another site than ours."""

    code, status, title = "invalid-host", 400, "Unknown host"
    sentence = "This service does not answer for that host name; see http.public_url."


class AuthenticationRequired(Refusal):
    """No credential came, and guests are not admitted."""

    code, status, title = "authentication-required", 401, "Sign in first"
    sentence = "This needs a credential: send it as “Authorization: Bearer …”."


class InvalidToken(Refusal):
    """A credential came, and it is not good (RFC 6750, section 3.1)."""

    code, status, title = "invalid-token", 401, "Credential refused"
    sentence = "The credential is not valid. Get a new one and try again."


class ExpiredToken(InvalidToken):
    """A credential came that was good once."""

    sentence = "The credential has expired. Get a new one and try again."


class WrongPassword(Refusal):
    """The account and the password do not fit; which of the two is not said."""

    code, status, title = "wrong-password", 401, "Sign-in refused"
    sentence = "That user name and password do not fit. Check both and try again."


class LoginOver(Refusal):
    """There is no login of that cookie, or no longer."""

    code, status, title = "login-over", 401, "Not signed in"
    sentence = "You are not signed in, or no longer. Sign in again."


class ProfileNotAllowed(Refusal):
    """The profile is unknown, or not for this caller: the two look alike on purpose."""

    code, status, title = "profile-not-allowed", 403, "Profile not allowed"
    sentence = "There is no such profile for you. GET /profiles lists those that there are."


class Blocked(Refusal):
    """An operator has blocked everybody, the guests, this profile, this person or this lease."""

    code, status, title = "blocked", 403, "Blocked"
    sentence = "This has been switched off for you by the site's operator."


class LeaseRefused(Refusal):
    """The lease is not one of ours, or not this caller's."""

    code, status, title = "lease-refused", 403, "Conversation not yours"
    sentence = "This conversation cannot be continued by you. Start a new one."


class LeaseOver(Refusal):
    """The conversation has had the time that its profile gives, or was ended."""

    code, status, title = "lease-over", 403, "Conversation over"
    sentence = "This conversation has reached its end. Start a new one."


class OriginNotAllowed(Refusal):
    """A page of another site asks, and the site is not listed."""

    code, status, title = "origin-not-allowed", 403, "Origin not allowed"
    sentence = "Pages of this site may not call the service; its operator lists sites by origin."


class NotFound(Refusal):
    """Nothing lives at this address."""

    code, status, title = "not-found", 404, "Not found"
    sentence = "There is nothing at this address."


class MethodNotAllowed(Refusal):
    """The address takes other methods."""

    code, status, title = "method-not-allowed", 405, "Method not allowed"
    sentence = "This address takes other methods; the Allow header lists them."


class TooLarge(Refusal):
    """The body is longer than the contract allows."""

    code, status, title = "too-large", 413, "Request too large"
    sentence = "The request body is over 16 KB."


class UnsupportedMediaType(Refusal):
    """The body is not declared as JSON."""

    code, status, title = "unsupported-media-type", 415, "Unsupported media type"
    sentence = "Send the body as “Content-Type: application/json”."


class RateLimited(Refusal):
    """The caller has had what a limit gives; *retry_after* says when there is more."""

    code, status, title = "rate-limited", 429, "Too many requests"
    sentence = "That is more than this limit gives. Try again a little later."
    retryable = True


class TooManyAtOnce(Refusal):
    """The caller has as many live conversations as there are places."""

    code, status, title = "too-many-at-once", 429, "Too many conversations at once"
    sentence = "You are in as many conversations as you may have at once. End one of them first."
    retryable = True


class BudgetSpent(Refusal):
    """What is left of a day's budget is too little for a conversation."""

    code, status, title = "budget-spent", 429, "No time left today"
    sentence = "The time for conversations is used up for today. It starts anew at midnight, UTC."
    retryable = True


class InternalError(Refusal):
    """A fault of ours that nothing else names."""

    code, status, title = "internal-error", 500, "Internal error"
    sentence = "Something went wrong in the service. The request id finds it in the log."
    retryable = True


class ProfileRejected(Refusal):
    """Google does not take the profile's setup: only its operator can mend that."""

    code, status, title = "profile-rejected", 500, "Profile rejected"
    sentence = "This profile's setup is not accepted. The site's operator has to look at it."


class UpstreamUnavailable(Refusal):
    """Google cannot be reached, or fails."""

    code, status, title = "upstream-unavailable", 502, "Gemini not reachable"
    sentence = "The conversation service cannot be reached right now. Try again shortly."
    retryable = True


class UpstreamBadResponse(Refusal):
    """Google's answer is no token."""

    code, status, title = "upstream-bad-response", 502, "Unusable answer from Gemini"
    sentence = "The conversation service gave an unusable answer. Try again shortly."
    retryable = True


class IssuerMisconfigured(Refusal):
    """Google refuses our key."""

    code, status, title = "issuer-misconfigured", 503, "Service misconfigured"
    sentence = "The service's own access is refused. The site's operator has to look at it."


class UpstreamThrottled(Refusal):
    """Google says that we ask too much."""

    code, status, title = "upstream-throttled", 503, "Gemini is busy"
    sentence = "The conversation service is busy. Try again in a few seconds."
    retryable = True


class TemporarilyUnavailable(Refusal):
    """The store cannot write the record, so nothing is granted."""

    code, status, title = "temporarily-unavailable", 503, "Temporarily unavailable"
    sentence = "The service cannot take requests right now. Try again in a few seconds."
    retryable = True


class UpstreamTimeout(Refusal):
    """Google did not answer within the deadline."""

    code, status, title = "upstream-timeout", 504, "Gemini did not answer in time"
    sentence = "The conversation service did not answer in time. Try again shortly."
    retryable = True
