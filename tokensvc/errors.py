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
    must not contain a secret. Each class says in its docstring what happened, and how to fix it;
    tools/reference.py makes docs/reference/errors.md of that.
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
    """The request does not match the contract.

    Fix: compare the request with docs/api.md; `detail` names the field.
    """

    code, status, title = "invalid-request", 400, "Invalid request"
    sentence = "The request is not in the documented form; check it against the API reference."


class InvalidHost(Refusal):
    """The Host header is missing or names another site.

    Fix: set `http.public_url` to the address that browsers use, and let the proxy pass the Host header on.
    """

    code, status, title = "invalid-host", 400, "Unknown host"
    sentence = "The service does not answer for that host name. Its operator sets http.public_url."


class AuthenticationRequired(Refusal):
    """No credential was sent, and guests are not admitted.

    Fix: send a credential, or add `guest` to the profile's `allow`.
    """

    code, status, title = "authentication-required", 401, "Sign in first"
    sentence = "This needs a credential. Send it as “Authorization: Bearer …”."


class InvalidToken(Refusal):
    """The credential is not valid (RFC 6750, section 3.1).

    Fix: get a new credential. If a new one is refused too, the log's `cause` names the check that failed.
    """

    code, status, title = "invalid-token", 401, "Credential refused"
    sentence = "The credential is not valid. Get a new one and try again."


class ExpiredToken(InvalidToken):
    """The credential was valid, and has expired."""

    sentence = "The credential has expired. Get a new one and try again."


class WrongPassword(Refusal):
    """The user name and password do not match; callers are not told which is wrong.

    Fix: check both, or set another password with `tokensvc users set-password`.
    """

    code, status, title = "wrong-password", 401, "Sign-in refused"
    sentence = "The user name and password do not match. Check both and try again."


class LoginOver(Refusal):
    """The cookie belongs to no login, or its login is over.

    Fix: sign in again.
    """

    code, status, title = "login-over", 401, "Not signed in"
    sentence = "You are not signed in. Sign in and try again."


class ProfileNotAllowed(Refusal):
    """The profile is unknown or not for this caller; callers are not told which.

    Fix: `GET /profiles` lists those for this caller; `allow` in the configuration says who may use one.
    """

    code, status, title = "profile-not-allowed", 403, "Profile not allowed"
    sentence = "You cannot use that profile. GET /profiles lists those that you can."


class Blocked(Refusal):
    """An operator has blocked everyone, guests, this profile, this person or this lease.

    Fix: `tokensvc blocks` lists what is blocked, and `tokensvc unblock` lifts it.
    """

    code, status, title = "blocked", 403, "Blocked"
    sentence = "This has been switched off for you by the site's operator."


class LeaseRefused(Refusal):
    """The lease is not valid, or belongs to someone else.

    Fix: start a new conversation; renew one only as the person who started it.
    """

    code, status, title = "lease-refused", 403, "Conversation not yours"
    sentence = "You cannot continue this conversation. Start a new one."


class LeaseOver(Refusal):
    """The conversation was ended, or has used the time that its profile allows.

    Fix: start a new conversation, or raise the profile's `max_session`.
    """

    code, status, title = "lease-over", 403, "Conversation over"
    sentence = "This conversation is over. Start a new one."


class ToolNotAllowed(Refusal):
    """The profile has no such tool on the server.

    Fix: declare it in `[profiles.NAME.tools]` of the profile of this conversation.
    """

    code, status, title = "tool-not-allowed", 403, "Tool not allowed"
    sentence = "This conversation has no tool of that name on the server."


class ToolArgumentsRefused(Refusal):
    """The arguments do not fit what the tool declares.

    Fix: send what the declaration lists, and none of the arguments that `bind` fills in.
    """

    code, status, title = "tool-arguments-refused", 400, "Arguments refused"
    sentence = "The arguments do not fit what the tool declares."


class ToolNotWaiting(Refusal):
    """There is no such call that waits to be confirmed, it has waited too long, or its id is that of another call.

    Fix: ask the person again with a new call and a new id, and confirm it within ten minutes.
    """

    code, status, title = "tool-not-waiting", 409, "Nothing to confirm"
    sentence = "This call is not waiting to be confirmed. Nothing was done by this request."


class ToolRunning(Refusal):
    """The same call is running elsewhere.

    Fix: send the same call again after a second, to get its answer.
    """

    code, status, title, retryable = "tool-running", 409, "Tool is running", True
    sentence = "This call is still running. Ask again for its answer."


class ToolOutcomeUnknown(Refusal):
    """The call began and its end is not known; it is never run again.

    Fix: look up whether it took effect. Set `pure = true` for tools that change nothing: they run again.
    """

    code, status, title = "tool-outcome-unknown", 409, "Outcome not known"
    sentence = "This call was begun, and whether it took effect is not known. Check before you repeat it."


class ToolBusy(Refusal):
    """As many tools run as may run at once.

    Fix: try again. If it lasts, a tool hangs: the log names it; give it a shorter `timeout`.
    """

    code, status, title, retryable = "tool-busy", 503, "Too many tools running", True
    sentence = "Too many tools are running. Try again in a moment."


class OriginNotAllowed(Refusal):
    """The calling page is from an origin that is not listed.

    Fix: list the page's origin in `http.origins`, exactly as the browser's address bar has it.
    """

    code, status, title = "origin-not-allowed", 403, "Origin not allowed"
    sentence = "Pages of this site may not call the service until its operator lists the origin."


class NotFound(Refusal):
    """There is no route or file at this address.

    Fix: check the address against docs/api.md, and the path of `http.public_url`.
    """

    code, status, title = "not-found", 404, "Not found"
    sentence = "There is nothing at this address."


class MethodNotAllowed(Refusal):
    """The address does not accept this method.

    Fix: use a method that the Allow header lists.
    """

    code, status, title = "method-not-allowed", 405, "Method not allowed"
    sentence = "This address does not accept that method. The Allow header lists those it does."


class TimedOut(Refusal):
    """The client took too long to send its request.

    Fix: send it again. Put a buffering proxy in front for clients on slow networks (docs/deploying.md).
    """

    code, status, title, retryable = "request-timeout", 408, "Request not complete", True
    sentence = "The request was not complete within 10 seconds. Send it again."


class HeadersTooLarge(Refusal):
    """The request line or a header is longer than any that is used.

    Fix: send a shorter credential, such as one without the list of groups.
    """

    code, status, title = "headers-too-large", 431, "Request headers too large"
    sentence = "A header of the request is over 16 KB, or its address over 2 KB. Send shorter ones."


class TooLarge(Refusal):
    """The body is longer than the contract allows.

    Fix: send a shorter body.
    """

    code, status, title = "too-large", 413, "Request too large"
    sentence = "The request body is over 16 KB. Send a shorter one."


class UnsupportedMediaType(Refusal):
    """The body is not declared as JSON.

    Fix: send `Content-Type: application/json`.
    """

    code, status, title = "unsupported-media-type", 415, "Unsupported media type"
    sentence = "Send the body as “Content-Type: application/json”."


class RateLimited(Refusal):
    """A limit is used up; `Retry-After` says when the next request is allowed.

    Fix: wait as `Retry-After` says; `[limits]` and the profile's `limits` set how many.
    """

    code, status, title, retryable = "rate-limited", 429, "Too many requests", True
    sentence = "You have reached a limit. Try again a little later."


class TooManyAtOnce(Refusal):
    """The caller has as many live conversations as are allowed at once.

    Fix: end a conversation, or wait as `Retry-After` says; `limits.concurrent` sets how many.
    """

    code, status, title, retryable = "too-many-at-once", 429, "Too many conversations at once", True
    sentence = "You have too many conversations open. End one of them first."


class BudgetSpent(Refusal):
    """Too little of a daily budget is left for a conversation.

    Fix: wait for midnight UTC, or raise the budget: `tokensvc usage` shows who used it.
    """

    code, status, title, retryable = "budget-spent", 429, "No time left today", True
    sentence = "Today's time for conversations is used up. Try again after midnight, UTC."


class InternalError(Refusal):
    """An unexpected error in the service.

    Fix: find the request's ID in the log, and report what is there.
    """

    code, status, title, retryable = "internal-error", 500, "Internal error", True
    sentence = "Something went wrong in the service. Its log has the details under the request id."


class ProfileRejected(Refusal):
    """Google rejects the profile's setup; only the operator can fix it.

    Fix: `tokensvc probe --quick` tries each profile, and the log has what Google says of this one.
    """

    code, status, title = "profile-rejected", 500, "Profile rejected"
    sentence = "This profile's setup was rejected. The site's operator has to fix it."


class UpstreamUnavailable(Refusal):
    """Google cannot be reached or answers with a server error.

    Fix: try again. If it lasts, look at Google's status page, and at HTTPS_PROXY (docs/runbooks.md).
    """

    code, status, title, retryable = "upstream-unavailable", 502, "Gemini not reachable", True
    sentence = "The conversation service cannot be reached right now. Try again shortly."


class UpstreamBadResponse(Refusal):
    """Google's response contains no valid token.

    Fix: try again. If it lasts, something between here and Google answers in its place, such as a proxy.
    """

    code, status, title, retryable = "upstream-bad-response", 502, "Unusable answer from Gemini", True
    sentence = "The conversation service gave an invalid answer. Try again shortly."


class IssuerMisconfigured(Refusal):
    """Google rejects all of our API keys.

    Fix: replace GEMINI_API_KEY; `tokensvc check --live` tries it.
    """

    code, status, title = "issuer-misconfigured", 503, "Service misconfigured"
    sentence = "The service's own API key was rejected. The site's operator has to fix it."


class QuotaExhausted(Refusal):
    """The account at Google that pays for our API keys is empty, or at its spending cap.

    Fix: add funds or raise the spending cap in Google AI Studio.
    """

    code, status, title = "quota-exhausted", 503, "No quota left at Gemini"
    sentence = "The service's own account has no quota left. The site's operator has to fix it."


class UpstreamThrottled(Refusal):
    """Google limits our request rate.

    Fix: wait as `Retry-After` says. If it lasts, ask Google for a higher rate limit, or lower yours in `[limits]`.
    """

    code, status, title, retryable = "upstream-throttled", 503, "Gemini is busy", True
    sentence = "The conversation service is busy. Try again in a few seconds."


class UpstreamBusy(Refusal):
    """As many requests as may wait for Google are waiting.

    Fix: try again. If it lasts, Google is slow: see `TokensvcGoogleSlow` in docs/runbooks.md.
    """

    code, status, title, retryable = "upstream-busy", 503, "Too many waiting", True
    sentence = "The conversation service is busy. Try again in a few seconds."


class TemporarilyUnavailable(Refusal):
    """The store, or an issuer's keys, cannot be used, so nothing is granted.

    Fix: try again. If it lasts, `/readyz` tells whether it is the store, and the log which part (docs/runbooks.md).
    """

    code, status, title, retryable = "temporarily-unavailable", 503, "Temporarily unavailable", True
    sentence = "The service cannot answer right now. Try again in a few seconds."


class UpstreamTimeout(Refusal):
    """Google did not answer within the deadline.

    Fix: try again. `ready_tokens` lets starts go through while Google is slow.
    """

    code, status, title, retryable = "upstream-timeout", 504, "Gemini did not answer in time", True
    sentence = "The conversation service did not answer in time. Try again shortly."


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
