"""The use case of server tools: run what the model called, once, by the rights of the person alone.

The page carries the call, so everything in it is what a visitor could send by hand.
"""

import json
import logging
import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tokensvc import logs, quota_keys
from tokensvc.authn.chain import LeaseHolders
from tokensvc.config import placeholders
from tokensvc.config.tools import ServerTool
from tokensvc.domain import Credentials, Principal, ToolAdmission, Window, fingerprint
from tokensvc.errors import ToolArgumentsRefused, ToolNotAllowed, ToolRunning
from tokensvc.gemini.compiler import CompiledProfile
from tokensvc.store.tool_calls import Begun, ToolCalls
from tokensvc.tools import ToolCall, arguments
from tokensvc.tools.running import Bulkhead, Run, Runnable

LONGEST_ARGUMENTS = 8 * 1024  # bytes
LONGEST_ANSWER = 64 * 1024  # bytes
SAME_FOR = 600  # seconds for which a call that is the same as another gets its answer
PURE_FOR = 5  # the same, for a tool that changes nothing
_POLL = 0.2  # seconds
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ToolRequest:
    """A call as the page carries it: the model's id of it, the tool's name and the arguments."""

    unverified_lease: str
    call: str
    name: str
    args: dict[str, Any]


@dataclass(frozen=True)
class Told:
    """What the model is to be told: `{"output": …}` or `{"error": …}`; and when, if it does not wait for it."""

    response: dict[str, Any]
    scheduling: str | None


@dataclass(frozen=True)
class Pending:
    """A call that takes effect once *confirmation*, a one-time id, comes back.

    Nobody may send it before *hold* seconds are over, nor before the person has answered *question*.
    """

    confirmation: str = field(repr=False)
    hold: float | None
    question: str | None


@dataclass(frozen=True)
class _Call:
    """A call that fits what was declared."""

    tool: ServerTool
    args: dict[str, Any]
    admission: ToolAdmission
    person: str  # key

    def told(self, answer: str) -> Told:
        return Told(json.loads(answer), self.tool.scheduling)


@dataclass(frozen=True)
class ToolService:
    """Runs server tools; *runnable* returns what runs a tool of the configuration."""

    holders: LeaseHolders
    profiles: Callable[[], Mapping[str, CompiledProfile]]
    calls: ToolCalls
    runnable: Callable[[ServerTool], Runnable]
    bulkhead: Bulkhead

    def call(self, credentials: Credentials, asked: ToolRequest, request_id: str) -> Told | Pending:
        """Return what the model is to be told, or what is to be confirmed first.

        Raises:
            Refusal: if the call may not run; nothing has run then, or its outcome is not known.
        """
        call = self._check(credentials, asked, request_id)
        with self.bulkhead.place(call.person) as run:
            begun = self._begin(call.admission)
            if begun.answer is not None:
                return call.told(begun.answer)
            if not call.tool.waits:
                return self._commit(call, run, None)
            prepared = begun.prepared if begun.waiting else self._prepare(call, run)
            if prepared is None:
                return call.told(_failed("The tool failed. Nothing was done."))
        confirmation = secrets.token_urlsafe(16)
        self.calls.hold(call.admission, confirmation, prepared, begun)
        return Pending(confirmation, call.tool.hold, call.tool.sentence(call.args))

    def confirm(
        self, credentials: Credentials, asked: ToolRequest, confirmation: str, request_id: str, *, accept: bool
    ) -> Told:
        """Let a call that waits take effect or, unless *accept*, not; return what the model is to be told.

        Raises:
            ToolNotWaiting: if no such call waits for this confirmation.
            Refusal: as `call`.
        """
        call = self._check(credentials, asked, request_id)
        with self.bulkhead.place(call.person) as run:
            begun = self.calls.confirm(call.admission, confirmation)
            if begun.answer is not None:
                return call.told(begun.answer)
            if accept:
                return self._commit(call, run, json.loads(begun.prepared or "null"))
        refused = _failed("Nothing was done: the person does not want it.")
        self.calls.finish(call.admission, "refused", refused)
        return call.told(refused)

    def cancel(self, credentials: Credentials, unverified_lease: str, call: str) -> None:
        """Tell the function that nobody waits for its result any more, if it runs."""
        self.calls.cancel(self.holders.authenticate(credentials, unverified_lease).id, call)

    def _check(self, credentials: Credentials, asked: ToolRequest, request_id: str) -> _Call:
        lease = self.holders.authenticate(credentials, asked.unverified_lease)
        principal = lease.principal
        logs.note(kind=principal.kind, issuer=principal.issuer, subject=principal.subject)
        logs.note(profile=lease.profile, lease=lease.id)
        compiled = self.profiles().get(lease.profile)
        tool = compiled.profile.tools.get(asked.name) if compiled and compiled.profile.admits(principal) else None
        if compiled is None or tool is None:
            raise ToolNotAllowed
        logs.note(tool=asked.name)
        args = arguments.normal(asked.args)
        try:
            arguments.check(args, compiled.schema_of(asked.name))
        except ValueError as error:
            raise ToolArgumentsRefused(str(error)) from None
        written = json.dumps(args, sort_keys=True, separators=(",", ":"))
        if len(written.encode()) > LONGEST_ARGUMENTS:
            raise ToolArgumentsRefused("The arguments are over 8 KB. Send shorter ones.")
        person = quota_keys.person(principal, credentials.address)
        window = Window(asked.name, quota_keys.key("tool", lease.profile, asked.name, person), tool.limits)
        admission = ToolAdmission(
            request_id=request_id,
            address=credentials.address,
            lease=lease,
            call=asked.call,
            tool=asked.name,
            key=_key(tool, args),
            same_for=SAME_FOR if tool.same else PURE_FOR,
            arguments_hash=fingerprint(written),
            arguments=written if tool.audit_args else None,
            timeout=tool.timeout,
            pure=tool.pure,
            waits=tool.waits,
            per_conversation=tool.per_conversation,
            windows=(window,) if tool.limits else (),
            blocks=quota_keys.blocks(principal, lease),
        )
        return _Call(tool, args, admission, person)

    def _begin(self, admission: ToolAdmission) -> Begun:
        """Record the call; if the same one runs elsewhere, wait for its answer for as long as it may take."""
        until = time.monotonic() + admission.timeout
        while True:
            try:
                return self.calls.begin(admission)
            except ToolRunning:
                if time.monotonic() >= until:
                    raise
                time.sleep(_POLL)

    def _prepare(self, call: _Call, run: Run) -> str | None:
        """Run the first of two steps; return its result as JSON, or None after recording that it failed."""
        outcome, answer = self._outcome(call, run, self.runnable(call.tool).prepare)
        if outcome == "done":
            return json.dumps(json.loads(answer)["output"])
        self.calls.finish(call.admission, outcome, answer)
        return None

    def _commit(self, call: _Call, run: Run, prepared: object) -> Told:
        """Run the step that takes effect, and record its outcome."""
        outcome, answer = self._outcome(call, run, partial(self.runnable(call.tool).run, prepared=prepared))
        self.calls.finish(call.admission, outcome, answer)
        logs.note(outcome=outcome)
        return call.told(answer)

    def _outcome(self, call: _Call, run: Run, step: Callable[[dict[str, Any], ToolCall], object]) -> tuple[str, str]:
        """Run a step of a call that is on record; return what became of it, and what the model is to be told."""
        admission, lease = call.admission, call.admission.lease
        bound = {name: _bound(value, lease.principal) for name, value in call.tool.bind.items()}
        given = ToolCall(
            id=admission.call,
            tool=admission.tool,
            profile=lease.profile,
            lease_id=lease.id,
            principal=lease.principal,
            arguments_hash=admission.arguments_hash,
            deadline=time.monotonic() + admission.timeout,
        )

        def look() -> None:  # whether it was cancelled, perhaps by way of another process
            if self.calls.cancelled(admission):
                given.cancelled.set()

        try:
            return "done", _answer(run(lambda: step({**call.args, **bound}, given), given.deadline, look))
        except TimeoutError:
            return "timed-out", _failed(f"The tool did not answer within {admission.timeout} s.")
        except Exception:  # noqa: BLE001 - a site's own function may raise anything
            _log.exception("tool failed id=%s tool=%s", admission.request_id, admission.tool)
            return "failed", _failed("The tool failed.")
        finally:
            given.cancelled.set()


def _answer(result: object) -> str:
    """Return what the model is told of *result*, as JSON.

    Raises:
        TypeError, ValueError: if JSON cannot hold it, or not within the limit.
    """
    answer = json.dumps({"output": result}, allow_nan=False)
    if len(answer.encode()) > LONGEST_ANSWER:
        raise ValueError("the result is over 64 KB")
    return answer


def _failed(sentence: str) -> str:
    return json.dumps({"error": sentence})


def _key(tool: ServerTool, args: Mapping[str, Any]) -> str | None:
    """Return what makes two calls the same, or None if each is its own."""
    # A model that gets an empty result makes the same call up to five times in a row.
    counting = tool.same or (sorted(args) if tool.pure else None)
    if counting is None:
        return None
    return quota_keys.key(*(json.dumps([name, args.get(name)], sort_keys=True) for name in counting))


def _bound(value: str, principal: Principal) -> str:
    """Return the value of a bound argument: what the model and the visitor cannot choose.

    A placeholder within a name or a claim is not filled.
    """
    names = {"${subject}": principal.subject, "${issuer}": principal.issuer}
    parts = re.split(r"(\$\{(?:subject|issuer)\})", value)
    return "".join(names[part] if part in names else placeholders.fill(part, principal.claims) for part in parts)
