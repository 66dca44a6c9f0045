"""Mutants that remove one rule of the server tools each."""

from __future__ import annotations

from mutants.mutant import Case, Mutant

SYSTEM = "tests/system/test_server_tools.py::"
AT_ENDPOINTS = "tests/system/test_tool_endpoints.py::"
STORE = "tests/store/test_tool_calls.py::"
INWARD = "tests/tools/test_endpoints.py::test_address_that_leads_into_a_private_network_is_refused"
CALLS = "tokensvc/store/tool_calls.py"
TOOLING = "tokensvc/tooling.py"
ENDPOINTS = "tokensvc/tools/endpoints.py"

CASES = [
    Case(f"Server tools: {name}", (Mutant(file, old, new),), (test,))
    for name, file, old, new, test in (
        (
            "a person needs a credential",
            "tokensvc/authn/chain.py",
            'if owner.kind != "user" and unnamed',
            "if unnamed",
            f"{SYSTEM}test_rights_come_from_the_person_alone",
        ),
        (
            "the lease's own person",
            "tokensvc/authn/chain.py",
            "if (principal.kind, principal.issuer, principal.subject) != (owner.kind, owner.issuer, owner.subject)",
            "if False",
            f"{SYSTEM}test_rights_come_from_the_person_alone",
        ),
        (
            "arguments",
            TOOLING,
            "arguments.check(args, compiled.schema_of(asked.name))",
            "pass",
            f"{SYSTEM}test_call_that_does_not_fit_is_refused[find_order-args5-400-tool-arguments-refused]",
        ),
        (
            "length of arguments",
            TOOLING,
            "if len(written.encode()) > LONGEST_ARGUMENTS",
            "if False",
            f"{SYSTEM}test_call_that_does_not_fit_is_refused[find_order-args7-400-tool-arguments-refused]",
        ),
        (
            "blocks",
            CALLS,
            "        refuse_blocked(blocked, now)\n",
            "",
            f"{SYSTEM}test_ended_and_blocked_conversations_run_nothing",
        ),
        (
            "ended conversations",
            CALLS,
            "if not live:",
            "if False:",
            f"{STORE}test_nothing_runs_in_a_conversation_that_has_ended[sqlite]",
        ),
        (
            "one run",
            CALLS,
            "if now < found.ends_by:",
            "if False:",
            f"{STORE}test_of_calls_at_the_same_instant_one_runs[sqlite]",
        ),
        (
            "an unknown outcome",
            CALLS,
            "    if not call.pure:\n",
            "    if False:\n",
            f"{STORE}test_call_whose_process_has_died_is_never_run_again_unless_it_is_pure[sqlite]",
        ),
        (
            "the confirmation",
            CALLS,
            "if not hmac.compare_digest(found.pending, _confirming(call, confirmation))",
            "if False",
            f"{STORE}test_call_that_waits_runs_once_it_is_confirmed[sqlite]",
        ),
        (
            "an id for one tool",
            CALLS,
            "if found.tool != call.tool:",
            "if False:",
            f"{STORE}test_id_of_another_tools_call_gets_no_answer_of_it[sqlite]",
        ),
        (
            "the arguments of a call that waits",
            CALLS,
            "if not found.pending.endswith(_asked(call)):",
            "if False:",
            f"{STORE}test_id_of_a_call_that_waits_is_for_no_other_call[sqlite-other0]",
        ),
        (
            "a call that is confirmed while it is asked again",
            CALLS,
            "if known is None or known.answer is not None or (known.pending is not None) != begun.waiting:",
            "if False:",
            f"{STORE}test_call_that_is_confirmed_while_it_is_asked_again_runs_once[sqlite]",
        ),
        (
            "the time to confirm",
            CALLS,
            "(found.pending and found.ends_by <= now)",
            "False",
            f"{STORE}test_nothing_is_confirmed_that_was_not_asked_or_has_waited_too_long[sqlite]",
        ),
        (
            "a person's share of the places",
            "tokensvc/tools/running.py",
            " or own >= max(1, self._most // _SHARE)",
            "",
            "tests/tools/test_running.py::test_one_person_has_a_quarter_of_the_places",
        ),
        (
            "a tool cannot end its worker",
            "tokensvc/tools/running.py",
            "error if isinstance(error, Exception) else RuntimeError(type(error).__name__)",
            "error",
            "tests/tools/test_running.py::test_function_that_would_end_its_process_ends_its_call[error0]",
        ),
        (
            "paths of endpoints",
            ENDPOINTS,
            'if text.partition("%3B")[0].strip(".") == "" or "%2F" in text or "%5C" in text:',
            "if False:",
            f"{AT_ENDPOINTS}test_endpoint_cannot_be_led_elsewhere[..]",
        ),
        (
            "private addresses",
            ENDPOINTS,
            "if not _is_public(reached) and",
            "if False and",
            f"{AT_ENDPOINTS}test_endpoint_in_a_private_network_must_be_allowed",
        ),
        (
            "addresses within addresses",
            ENDPOINTS,
            "reached = _reached(named)",
            "reached = named",
            f"{INWARD}[64:ff9b::169.254.169.254]",
        ),
        (
            "the length of an answer",
            TOOLING,
            "if len(answer.encode()) > LONGEST_ANSWER",
            "if False",
            f"{SYSTEM}test_model_is_told_that_a_tool_failed[too_long-The tool failed.]",
        ),
    )
] + [
    Case(f"Server tools: {name}", (Mutant("web/live/holding.js", old, new),), ("tests/web/live/holding.test.js",))
    for name, old, new in (
        ("a word of refusal", "stopping.test(this.#after(since.length));", "false;"),
        ("in one breath", "[opening, ending].some(", "[].some("),
        ("a voice that has begun", "&& !unclear) return", ") return"),
        ("a call that is made again", "this.#refused.get(name) === this.#unanswered ||", ""),
    )
]
