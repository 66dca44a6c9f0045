"""Every refusal: a code for programs, an HTTP status and a sentence for people."""

import traceback
from typing import ClassVar

from tokensvc.domain import Quota


class ConfigurationError(Exception):
    """The configuration is invalid.

    *faults* lists every fault found, each beginning with its key or variable, so that an operator
    can fix all of them at once. *source* is the file or variable that they are in.
    """

    def __init__(self, source: str, faults: list[str]) -> None:
        self.source = source
        self.faults = faults
        super().__init__(f"{source}: " + "; ".join(faults))

    def report(self) -> str:
        """Return the whole list as text for an operator."""
        return "\n  - ".join([f"tokensvc cannot start. Fix these in {self.source}:", *self.faults])


class Refusal(Exception):  # noqa: N818 - a refusal is a response, not a fault of ours
    """A refused request.

    The caller gets *code* (kebab-case, stable), *status* (HTTP), *title*, *detail* (by default the
    class's *sentence*), *retry_after* (seconds) and *quotas*. *cause* goes only to our log, and
    must not contain a secret. The docstring of each class says what happened, and *fix* what to do
    about it; tools/reference.py makes docs/reference/errors.md of them.
    """

    code: ClassVar[str]
    status: ClassVar[int]
    title: ClassVar[str]
    sentence: ClassVar[str]
    fix: ClassVar[str]
    retryable: ClassVar[bool]

    def __init_subclass__(cls, *, code: str, status: int, title: str, retryable: bool = False) -> None:
        cls.code, cls.status, cls.title, cls.retryable = code, status, title, retryable

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


class InvalidRequest(Refusal, code="invalid-request", status=400, title="Invalid request"):
    """The request does not match the contract."""

    sentence = "The request is not in the documented form; check it against the API reference."
    fix = "Compare the request with docs/api.md; `detail` names the field."


class InvalidHost(Refusal, code="invalid-host", status=400, title="Unknown host"):
    """The Host header is missing or names another site."""

    sentence = "The service does not answer for that host name. Its operator sets http.public_url."
    fix = "Set `http.public_url` to the address that browsers use, and let the proxy pass the Host header on."


class AuthenticationRequired(Refusal, code="authentication-required", status=401, title="Sign in first"):
    """No credential was sent, and guests are not admitted."""

    sentence = "This needs a credential. Send it as “Authorization: Bearer …”."
    fix = "Send a credential, or add `guest` to the profile's `allow`."


class InvalidToken(Refusal, code="invalid-token", status=401, title="Credential refused"):
    """The credential is not valid (RFC 6750, section 3.1)."""

    sentence = "The credential is not valid. Get a new one and try again."
    fix = "Get a new credential. If a new one is refused too, the log's `cause` names the check that failed."


class ExpiredToken(InvalidToken, code="invalid-token", status=401, title="Credential refused"):
    """The credential was valid, and has expired."""

    sentence = "The credential has expired. Get a new one and try again."


class WrongPassword(Refusal, code="wrong-password", status=401, title="Sign-in refused"):
    """The user name and password do not match; callers are not told which is wrong."""

    sentence = "The user name and password do not match. Check both and try again."
    fix = "Check both, or set another password with `tokensvc users set-password`."


class LoginOver(Refusal, code="login-over", status=401, title="Not signed in"):
    """The cookie belongs to no login, or its login is over."""

    sentence = "You are not signed in. Sign in and try again."
    fix = "Sign in again."


class ProfileNotAllowed(Refusal, code="profile-not-allowed", status=403, title="Profile not allowed"):
    """The profile is unknown or not for this caller; callers are not told which."""

    sentence = "You cannot use that profile. GET /profiles lists those that you can."
    fix = "`GET /profiles` lists those for this caller; `allow` in the configuration says who may use one."


class Blocked(Refusal, code="blocked", status=403, title="Blocked"):
    """An operator has blocked everyone, guests, this profile, this person or this lease."""

    sentence = "This has been switched off for you by the site's operator."
    fix = "`tokensvc blocks` lists what is blocked, and `tokensvc unblock` lifts it."


class LeaseRefused(Refusal, code="lease-refused", status=403, title="Conversation not yours"):
    """The lease is not valid, or belongs to someone else."""

    sentence = "You cannot continue this conversation. Start a new one."
    fix = "Start a new conversation; renew one only as the person who started it."


class LeaseOver(Refusal, code="lease-over", status=403, title="Conversation over"):
    """The conversation was ended, or has used the time that its profile allows."""

    sentence = "This conversation is over. Start a new one."
    fix = "Start a new conversation, or raise the profile's `max_session`."


class ToolNotAllowed(Refusal, code="tool-not-allowed", status=403, title="Tool not allowed"):
    """The profile has no such tool on the server."""

    sentence = "This conversation has no tool of that name on the server."
    fix = "Declare it in `[profiles.NAME.tools]` of the profile of this conversation."


class ToolArgumentsRefused(Refusal, code="tool-arguments-refused", status=400, title="Arguments refused"):
    """The arguments do not fit what the tool declares."""

    sentence = "The arguments do not fit what the tool declares."
    fix = "Send what the declaration lists, and none of the arguments that `bind` fills in."


class ToolNotWaiting(Refusal, code="tool-not-waiting", status=409, title="Nothing to confirm"):
    """There is no such call that waits to be confirmed, it has waited too long, or its id is that of another call."""

    sentence = "This call is not waiting to be confirmed. Nothing was done by this request."
    fix = "Ask the person again with a new call and a new id, and confirm it within ten minutes."


class ToolRunning(Refusal, code="tool-running", status=409, title="Tool is running", retryable=True):
    """The same call is running elsewhere."""

    sentence = "This call is still running. Ask again for its answer."
    fix = "Send the same call again after a second, to get its answer."


class ToolOutcomeUnknown(Refusal, code="tool-outcome-unknown", status=409, title="Outcome not known"):
    """The call began and its end is not known; it is never run again."""

    sentence = "This call was begun, and whether it took effect is not known. Check before you repeat it."
    fix = "Look up whether it took effect. Set `pure = true` for tools that change nothing: they run again."


class ToolBusy(Refusal, code="tool-busy", status=503, title="Too many tools running", retryable=True):
    """As many tools run as may run at once, of everybody or of this person."""

    sentence = "Too many tools are running. Try again in a moment."
    fix = "Try again. If it lasts, a tool hangs: the log names it; give it a shorter `timeout`."


class OriginNotAllowed(Refusal, code="origin-not-allowed", status=403, title="Origin not allowed"):
    """The calling page is from an origin that is not listed."""

    sentence = "Pages of this site may not call the service until its operator lists the origin."
    fix = "List the page's origin in `http.origins`, exactly as the browser's address bar has it."


class NotFound(Refusal, code="not-found", status=404, title="Not found"):
    """There is no route or file at this address."""

    sentence = "There is nothing at this address."
    fix = "Check the address against docs/api.md, and the path of `http.public_url`."


class MethodNotAllowed(Refusal, code="method-not-allowed", status=405, title="Method not allowed"):
    """The address does not accept this method."""

    sentence = "This address does not accept that method. The Allow header lists those it does."
    fix = "Use a method that the Allow header lists."


class TimedOut(Refusal, code="request-timeout", status=408, title="Request not complete", retryable=True):
    """The client took too long to send its request."""

    sentence = "The request was not complete within 10 seconds. Send it again."
    fix = "Send it again. Put a buffering proxy in front for clients on slow networks (docs/deploying.md)."


class HeadersTooLarge(Refusal, code="headers-too-large", status=431, title="Request headers too large"):
    """The request line or a header is longer than any that is used."""

    sentence = "A header of the request is over 16 KB, or its address over 2 KB. Send shorter ones."
    fix = "Send a shorter credential, such as one without the list of groups."


class TooLarge(Refusal, code="too-large", status=413, title="Request too large"):
    """The body is longer than the contract allows."""

    sentence = "The request body is over 16 KB. Send a shorter one."
    fix = "Send a shorter body."


class UnsupportedMediaType(Refusal, code="unsupported-media-type", status=415, title="Unsupported media type"):
    """The body is not declared as JSON, or is compressed."""

    sentence = "Send the body as “Content-Type: application/json”, and without a “Content-Encoding”."
    fix = "Send `Content-Type: application/json` and no `Content-Encoding`."


class RateLimited(Refusal, code="rate-limited", status=429, title="Too many requests", retryable=True):
    """A limit is used up; `Retry-After` says when the next request is allowed."""

    sentence = "You have reached a limit. Try again a little later."
    fix = "Wait as `Retry-After` says; `[limits]` and the profile's `limits` set how many."


class TooManyAtOnce(
    Refusal, code="too-many-at-once", status=429, title="Too many conversations at once", retryable=True
):
    """The caller has as many live conversations as are allowed at once."""

    sentence = "You have too many conversations open. End one of them first."
    fix = "End a conversation, or wait as `Retry-After` says; `limits.concurrent` sets how many."


class BudgetSpent(Refusal, code="budget-spent", status=429, title="No time left today", retryable=True):
    """Too little of a daily budget is left for a conversation."""

    sentence = "Today's time for conversations is used up. Try again after midnight, UTC."
    fix = "Wait for midnight UTC, or raise the budget: `tokensvc usage` shows who used it."


class InternalError(Refusal, code="internal-error", status=500, title="Internal error", retryable=True):
    """An unexpected error in the service."""

    sentence = "Something went wrong in the service. Its log has the details under the request id."
    fix = "Find the request's ID in the log, and report what is there."


class ProfileRejected(Refusal, code="profile-rejected", status=500, title="Profile rejected"):
    """Google rejects the profile's setup; only the operator can fix it."""

    sentence = "This profile's setup was rejected. The site's operator has to fix it."
    fix = "`tokensvc probe --quick` tries each profile, and the log has what Google says of this one."


class UpstreamUnavailable(
    Refusal, code="upstream-unavailable", status=502, title="Gemini not reachable", retryable=True
):
    """Google cannot be reached or answers with a server error."""

    sentence = "The conversation service cannot be reached right now. Try again shortly."
    fix = "Try again. If it lasts, look at Google's status page, and at HTTPS_PROXY (docs/runbooks.md)."


class UpstreamBadResponse(
    Refusal, code="upstream-bad-response", status=502, title="Unusable answer from Gemini", retryable=True
):
    """Google's response contains no valid token."""

    sentence = "The conversation service gave an invalid answer. Try again shortly."
    fix = "Try again. If it lasts, something between here and Google answers in its place, such as a proxy."


class IssuerMisconfigured(Refusal, code="issuer-misconfigured", status=503, title="Service misconfigured"):
    """Google rejects all of our API keys."""

    sentence = "The service's own API key was rejected. The site's operator has to fix it."
    fix = "Replace GEMINI_API_KEY; `tokensvc check --live` tries it."


class QuotaExhausted(Refusal, code="quota-exhausted", status=503, title="No quota left at Gemini"):
    """The account at Google that pays for our API keys is empty, or at its spending cap."""

    sentence = "The service's own account has no quota left. The site's operator has to fix it."
    fix = "Add funds or raise the spending cap in Google AI Studio."


class UpstreamThrottled(Refusal, code="upstream-throttled", status=503, title="Gemini is busy", retryable=True):
    """Google limits our request rate."""

    sentence = "The conversation service is busy. Try again in a few seconds."
    fix = "Wait as `Retry-After` says. If it lasts, ask Google for a higher rate limit, or lower yours in `[limits]`."


class UpstreamBusy(Refusal, code="upstream-busy", status=503, title="Too many waiting", retryable=True):
    """As many requests as may wait for Google are waiting."""

    sentence = "The conversation service is busy. Try again in a few seconds."
    fix = "Try again. If it lasts, Google is slow: see `TokensvcGoogleSlow` in docs/runbooks.md."


class TemporarilyUnavailable(
    Refusal, code="temporarily-unavailable", status=503, title="Temporarily unavailable", retryable=True
):
    """The store, or an issuer's keys, cannot be used, so nothing is granted."""

    sentence = "The service cannot answer right now. Try again in a few seconds."
    fix = "Try again. If it lasts, `/readyz` tells whether it is the store, and the log which part (docs/runbooks.md)."


class UpstreamTimeout(
    Refusal, code="upstream-timeout", status=504, title="Gemini did not answer in time", retryable=True
):
    """Google did not answer within the deadline."""

    sentence = "The conversation service did not answer in time. Try again shortly."
    fix = "Try again. `ready_tokens` lets starts go through while Google is slow."


def described(error: Exception) -> str:
    """Describe *error* in a line, without a message that might contain a secret."""
    if isinstance(error, ConfigurationError):
        return str(error)
    if isinstance(error, TemporarilyUnavailable):
        return error.cause
    if isinstance(error, OSError):
        reason = error.strerror or type(error).__name__
        return f"{reason}: {error.filename}" if error.filename else reason
    *_, (frame, line) = traceback.walk_tb(error.__traceback__)  # the innermost frame
    where = f"{frame.f_code.co_filename}:{line}"
    if isinstance(error, ImportError):
        return f"{type(error).__name__} of {error.name} at {where}"
    return f"{type(error).__name__} at {where}"
