"""Mutants that remove one control of the service each, and the test that proves the control."""

from __future__ import annotations

from mutants.mutant import Case, Mutant

PROPERTIES = "tests/attack/test_properties.py::"
OPENAPI = "tests/attack/test_openapi.py::"
OTHER_SITES = "tests/attack/test_other_sites.py::"
HOSTILE = "tests/attack/test_hostile_bodies.py::"
HEADERS = "tests/system/test_headers.py::test_every_answer_has_the_security_headers_a_request_id_and_no_version"
NEAREST = "tests/web_api/test_origins.py::test_client_address_is_the_nearest_untrusted_hop"
ROUTES = "tests/system/test_routes.py::"
FAULTS = "tests/faults/test_upstream.py::test_fault_is_answered_as_documented_and_is_over_when_it_ends"


def case(name, file, old, new, *tests):
    """Return a case of one mutant of a file of the package."""
    return Case(name, (Mutant(f"tokensvc/{file}", old, new),), tests)


CASES = [
    case(
        "T2: a documented code",
        "errors.py",
        'code="lease-over", status=403',
        'code="lease-over", status=410',
        f"{OPENAPI}test_document_lists_every_code_with_its_status_and_no_other",
    ),
    case(
        "T2: a documented field",
        "web_api/health.py",
        '{"status": "ok", "everybody_blocked": readiness.blocked()}',
        '{"status": "ok", "blocked": readiness.blocked()}',
        f"{OPENAPI}test_real_answers_are_as_documented_to_the_last_header",
    ),
    case(
        "T2: a documented route",
        "web_api/tokens.py",
        '@routes.get("/profiles")',
        '@routes.get("/offers")',
        f"{OPENAPI}test_document_lists_every_route_and_no_other",
    ),
    case(
        "T2: any error is a problem",
        "web_api/problems.py",
        "app.register_error_handler(HTTPException, _answer_http)",
        "pass",
        f"{PROPERTIES}test_any_exception_becomes_a_documented_problem",
    ),
    case(
        "T2, threat 15: slashes are not merged",
        "app.py",
        "app.url_map.merge_slashes = False",
        "pass",
        f"{ROUTES}test_unknown_path_is_not_found_and_not_echoed[/login//refresh]",
    ),
    case(
        "T2, threat 15: a second slash is part of the path",
        "web_api/mounting.py",
        'if path.startswith("//"):',
        "if False:",
        f"{ROUTES}test_unknown_path_is_not_found_and_not_echoed[//login]",
    ),
    case(
        "T2: a refused method names the others",
        "web_api/problems.py",
        'if name == "Allow"',
        "if False",
        f"{OPENAPI}test_any_other_method_is_refused_with_those_that_are_allowed_and_any_other_path_is_not_found",
    ),
    case(
        "T3: exact origins",
        "web_api/origins.py",
        "any(pattern.match(origin) for pattern in self._shared)",
        "origin.startswith(self._http.origins)",
        *(
            f"{OTHER_SITES}test_only_listed_origin_may_read_and_only_it_and_no_page_may_mint[on this machine-{each}]"
            for each in ("suffixed without one", "other port with a credential", "trailing dot without one")
        ),
    ),
    case(
        "T3: JSON only",
        "web_api/bodies.py",
        'if request.content_encoding or (content and request.mimetype != "application/json"):',
        "if False:",
        f"{OTHER_SITES}test_form_is_refused_even_from_our_own_page[text/plain-/token]",
        f"{OTHER_SITES}test_form_is_refused_even_from_our_own_page[application/x-www-form-urlencoded-/login]",
    ),
    case(
        "T3: a cookie needs an origin",
        "web_api/logins.py",
        'if "Origin" not in request.headers:',
        "if False:",
        f"{OTHER_SITES}test_cookie_is_of_no_use_to_another_site[origin0-/login/refresh]",
        f"{OTHER_SITES}test_cookie_is_of_no_use_to_another_site[origin0-/login/end]",
    ),
    case(
        "T4, threat 4: no unknown field",
        "web_api/bodies.py",
        'extra="forbid"',
        'extra="ignore"',
        f"{HOSTILE}test_hostile_body_is_refused_or_has_no_effect[model, top]",
        f"{HOSTILE}test_hostile_body_is_refused_or_has_no_effect[uses, top]",
    ),
    case(
        "T4, threat 4: no unknown option",
        "config/profiles.py",
        "if option is None:\n                raise ValueError",
        "if option is None:\n                continue\n                raise ValueError",
        f"{HOSTILE}test_hostile_body_is_refused_or_has_no_effect[systemInstruction, options]",
        f"{PROPERTIES}test_options_and_claims_change_only_what_the_profile_offers",
    ),
    case(
        "T5: no more than the limit",
        "store/counting.py",
        '"after": now - length,',
        '"after": now - length + SECOND,',
        "tests/store/test_any_order.py::test_as_many_as_the_limits_allow_are_granted_in_any_order[sqlite]",
    ),
    case(
        "T5: a network counts as one",
        "quota_keys.py",
        "_IPV6 = {64: 1,",
        "_IPV6 = {128: 1,",
        "tests/system/test_addresses.py::test_thousand_addresses_of_one_ipv6_network_count_as_one",
    ),
    case(
        "T6, threat 6: the address is the nearest hop that is not trusted",
        "web_api/origins.py",
        "while hops and any(address in network for network in trusted):",
        "while hops and trusted:",
        f"{PROPERTIES}test_client_address_is_that_of_a_reference",
        *(f"{NEAREST}[10.0.0.1-forwarded{number}-192.0.2.1]" for number in (4, 5, 6)),
        "tests/system/test_addresses.py::test_forged_headers_do_not_change_the_recorded_address[appending]",
    ),
    case(
        "T7, threat 1: our keys in Google's message",
        "gemini/error_responses.py",
        'message = message.replace(secret, "…")',
        "pass",
        f"{PROPERTIES}test_no_secret_is_in_the_cause_of_a_refusal",
        "tests/gemini/test_minter.py::test_googles_message_is_logged_without_what_is_private[our API key]",
    ),
    case(
        "T7: a refund has the code of its answer",
        "issuing.py",
        "self.ledger.refund(reservation, refusal.code)",
        'self.ledger.refund(reservation, "upstream-timeout")',
        f"{FAULTS}[connection refused]",
    ),
    case(
        "T9: headers of every answer",
        "web_api/headers.py",
        "app.after_request(set_headers)",
        "pass",
        *(f"{HEADERS}[{each}]" for each in ("HEAD", "redirect", "rejected profile", "file of no release")),
    ),
    case(
        "T9: headers of an answer to half a request",
        "serving.py",
        r"X-Request-Id: {request_id}\r\n{security}",
        r"X-Request-Id: {request_id}\r\n",
        f"{HEADERS}[invalid framing]",
        f"{HEADERS}[long header]",
    ),
    case(
        "T11, threat 14: tracebacks without messages",
        "logs.py",
        "+ type(error).__name__)",
        "+ repr(error))",
        *(
            f"tests/test_logs.py::test_traceback_names_errors_and_places_but_has_no_message_or_variable[{layers}]"
            for layers in range(5)
        ),
        "tests/test_logs.py::test_thread_that_fails_is_logged_without_the_message",
        "tests/attack/test_failures.py::test_failed_step_reveals_no_secret[a token]",
        "tests/attack/test_failures.py::test_failed_step_reveals_no_secret[a sign-in]",
    ),
    case(
        "T11, threat 14: no field of the log is a caller's",
        "web_api/problems.py",
        "if _WORDS.fullmatch(request.path) else _rule()",
        "",
        f"{ROUTES}test_log_has_a_path_only_if_it_is_of_plain_words",
    ),
    case(
        "T12: nobody acts for others without a key",
        "authn/chain.py",
        "unnamed = credentials.unverified_bearer is None and credentials.unverified_on_behalf_of is None",
        "unnamed = credentials.unverified_bearer is None",
        "tests/web_api/test_backends.py::test_renewal_without_the_key_names_no_user",
    ),
    case(
        "T12: a cookie has one next one",
        "signing_in.py",
        'cookie = hmac.new(self.cookie_key, present.encode(), "sha256").hexdigest()',
        "cookie = secrets.token_urlsafe(32)",
        "tests/system/test_sign_ins.py::test_cookie_used_64_times_at_once_has_one_next_cookie",
    ),
    case(
        "T12: a lease is of no use to others",
        "authn/chain.py",
        '            raise LeaseRefused(cause="belongs to another person")',
        "            pass",
        "tests/system/test_server_tools.py::test_leases_of_a_hundred_others_are_refused_wherever_they_are_used",
    ),
]
