"""Mutants that remove one control of docs/security.md each, named after its threat; others are in their own folders."""

from __future__ import annotations

from mutants.mutant import Case, Mutant

LIVE = "tests/web/live"
JWKS = "authn/site_jwt/test_jwks_client.py"


def control(threat, name, file, old, new, *tests):
    """Return a case of one mutant."""
    return Case(f"threat {threat}: {name}", (Mutant(file, old, new),), tests)


def service(threat, name, file, old, new, *tests):
    """Return a case of one mutant of the service."""
    return control(threat, name, f"tokensvc/{file}", old, new, *(f"tests/{test}" for test in tests))


CASES = [
    service(
        1,
        "a redirect is not followed",
        "http_client.py",
        '        return self._send(self._request("GET", path, headers), deadline)',
        '        answer = self._send(self._request("GET", path, headers), deadline)\n'
        '        return self.get("/x", headers, deadline=deadline) if "location" in answer.headers else answer',
        "test_http_client.py::test_redirect_is_returned_and_not_followed",
    ),
    service(
        2,
        "a session must begin soon",
        "gemini/minter.py",
        "min(connect_by.replace(microsecond=0), expires_at)",
        "expires_at",
        "gemini/test_minter.py::test_request_has_compiled_body_times_and_key_in_one_header",
    ),
    service(
        2,
        "an answer with a token is not cached",
        "web_api/bodies.py",
        '    response.headers["Cache-Control"] = "no-store"\n    response.vary',
        "    response.vary",
        "system/test_headers.py::test_api_answers_are_never_cached_or_framed_and_vary_by_credential",
    ),
    service(
        3,
        "a token is for one session",
        "gemini/sdk_request.py",
        '"uses": 1,',
        '"uses": 2,',
        "gemini/test_compiler.py::test_minimal_profile_locks_audio_transcripts_and_resumption",
    ),
    service(
        5,
        "a used-up limit refuses",
        "store/counting.py",
        "        if used >= limit.count:\n            used_up",
        "        if used > limit.count:\n            used_up",
        "store/test_ledger.py::test_sliding_window_admits_exactly_the_limit[sqlite]",
    ),
    service(
        5,
        "a spent budget refuses",
        "store/budgets.py",
        "    return max(0, min(refusing)) if refusing else None",
        "    return None",
        "store/test_ledger.py::test_less_than_half_a_minute_of_budget_is_refused_and_kept[sqlite]",
    ),
    service(
        7,
        "an origin is matched exactly",
        "web_api/origins.py",
        r'    return rf"^{re.escape(text)}\Z"',
        '    return rf"^{re.escape(text)}"',
        "system/test_hosts_and_origins.py::test_preflight_or_read_from_a_foreign_origin_gets_no_cors_headers[https://app.example.com.evil.test]",
    ),
    service(
        8,
        "a POST from another site is refused",
        "web_api/origins.py",
        '            raise OriginNotAllowed(cause="Origin is not listed")',
        "            pass",
        "web_api/test_logins.py::test_login_from_another_origin_is_refused_even_if_listed[https://evil.example-/login]",
    ),
    service(
        8,
        "a form is refused",
        "web_api/bodies.py",
        '    if request.mimetype != "application/json":\n        raise UnsupportedMediaType\n\n\ndef',
        "\n\ndef",
        "web_api/test_logins.py::test_content_type_of_an_html_form_is_refused[text/plain-/login/refresh]",
    ),
    service(
        10,
        "keys outlive an outage",
        "authn/site_jwt/jwks_client.py",
        "self._clocks.steady() - fetched.at > LONGEST_STALE",
        "self._clocks.steady() >= self._due_at",
        f"{JWKS}::test_bad_response_keeps_known_keys_and_delays_the_next_fetch[a server error]",
    ),
    service(
        10,
        "few wait for an unknown key",
        "authn/site_jwt/jwks_client.py",
        "if ended is not None and self._waiters.acquire(blocking=False):",
        "if ended is not None and self._waiters.release() is None:",
        f"{JWKS}::test_at_most_four_lookups_of_unknown_keys_wait_for_a_fetch",
    ),
    service(
        11,
        "only https, or this machine",
        "config/addresses.py",
        "    if parts.scheme == plain and not is_loopback",
        "    if False and not is_loopback",
        "authn/site_jwt/test_issuers.py::test_unsafe_jwks_url_fails_the_start[http://shop.example/keys]",
    ),
    service(
        13,
        "a deadline covers the whole exchange",
        "http_client.py",
        "    left = deadline - time.monotonic()\n",
        "    left = 5.0\n",
        "test_http_client.py::test_deadline_covers_the_whole_exchange_of_a_slow_upstream[body]",
    ),
    service(
        16,
        "a page is framed by listed sites only",
        "web_api/pages.py",
        "frame-ancestors {' '.join(http.frame_ancestors)}",
        "frame-ancestors *",
        "system/test_headers.py::test_page_loads_only_its_own_files_and_connects_only_to_google[/]",
    ),
    service(
        17,
        "only trusted types reach the page",
        "web_api/pages.py",
        "require-trusted-types-for 'script'; ",
        "",
        "system/test_headers.py::test_page_loads_only_its_own_files_and_connects_only_to_google[/]",
    ),
    control(
        18,
        "a tool's arguments are checked",
        "web/live/tools.js",
        "if (schema) (await import('./schema.js')).check(args, schema);",
        "",
        f"{LIVE}/page-author.test.js",
    ),
    service(
        28,
        "a header with underscores poses as no other",
        "serving.py",
        'header_map = "drop"',
        'header_map = "dangerous"',
        "faults/test_slow_clients.py::test_header_with_underscores_is_not_taken_for_the_proxys",
    ),
    service(
        29,
        "a name that does not exist costs as much",
        "authn/passwords.py",
        "        password_hash = account.password_hash if account else self._dummy_hash",
        "        if account is None:\n            return None\n        password_hash = account.password_hash",
        "store/test_accounts.py::test_unknown_name_takes_as_much_work_as_a_wrong_password[sqlite]",
    ),
    service(
        30,
        "there is no control socket",
        "serving.py",
        "control_socket_disable = True",
        "control_socket_disable = False",
        "faults/test_restarts.py::test_service_has_no_control_socket",
    ),
    service(
        31,
        "a person's lease needs that person's credential",
        "authn/holders.py",
        '            raise LeaseRefused(cause="belongs to another person")',
        "            pass",
        "test_issuing.py::test_renewal_for_a_user_needs_a_current_credential_of_that_user[bob-LeaseRefused]",
    ),
    service(
        32,
        "a copied cookie ends the login",
        "store/logins.py",
        "abs(now - row.replaced_at) > GRACE",
        "abs(now - row.replaced_at) > IDLE",
        "store/test_logins.py::test_replaced_cookie_after_the_grace_period_ends_the_login[sqlite]",
    ),
    service(
        33,
        "a removed key's conversations end",
        "store/api_keys.py",
        "            connection.execute(delete(leases).where(leases.c.id.in_(audit.leases_begun_by(issuer))))\n",
        "",
        "store/test_api_keys.py::test_removing_a_key_ends_only_its_own_conversations_for_good[sqlite]",
    ),
    service(
        34,
        "files are private",
        "serving.py",
        "    os.umask(PRIVATE)\n",
        "",
        "system/test_private_files.py::test_files_and_sockets_of_a_service_are_private",
    ),
    service(
        35,
        "a terminal shows what is invisible",
        "plain_text.py",
        '    return "".join(c if _is_visible(c) else f"\\\\u{{{ord(c):x}}}" for c in text)',
        "    return text",
        "cli/test_operating.py::test_terminal_shows_invisible_characters_of_names_as_numbers",
    ),
    service(
        36,
        "a key with close factors is weak",
        "authn/site_jwt/keys.py",
        "range(root, root + 100)",
        "range(0)",
        "authn/site_jwt/test_keys.py::test_key_with_close_factors_is_weak[2]",
    ),
    service(
        37,
        "a signature has one spelling",
        "signing/leases.py",
        "hmac.compare_digest(signature, _signature(key, signed)) for key in self._keys",
        'hmac.compare_digest(signature.rstrip(b"="), _signature(key, signed)) for key in self._keys',
        "signing/test_leases.py::test_lease_has_only_one_spelling[<lambda>1]",
    ),
    service(
        38,
        "only our host is answered",
        "web_api/origins.py",
        "return host == self._our_host or is_loopback(host)",
        "return True",
        "system/test_hosts_and_origins.py::test_foreign_host_is_refused_without_a_public_url[/-evil.test]",
    ),
    service(
        39,
        "the frame of suggestions has no origin",
        "web_api/assets.py",
        "sandbox allow-scripts allow-popups allow",
        "sandbox allow-scripts allow-same-origin allow-popups allow",
        "system/test_headers.py::test_frame_for_suggestions_is_for_every_site_and_sandboxed",
    ),
    control(
        40,
        "a field of another type counts as absent",
        "web/live/connection/protocol.js",
        "list(fields(toolCall).functionCalls)",
        "fields(toolCall).functionCalls ?? []",
        f"{LIVE}/mutated-messages.test.js",
    ),
    service(
        41,
        "only a pseudonym takes a person's place",
        "store/migrations/versions/0009_erasing.py",
        "WHEN (NEW.subject GLOB {pseudonym} AND",
        "WHEN (NEW.subject GLOB '*' AND",
        "store/test_erasing.py::test_only_a_person_can_be_replaced_and_only_once[sqlite]",
    ),
    service(
        41,
        "nothing else of an event changes",
        "store/migrations/versions/0009_erasing.py",
        "AND {CLEARED.format(same='IS')} AND {kept}) IS NOT TRUE",
        "AND {CLEARED.format(same='IS')}) IS NOT TRUE",
        "store/test_erasing.py::test_only_a_person_can_be_replaced_and_only_once[sqlite]",
    ),
    service(
        41,
        "a person is replaced everywhere",
        "store/erasing.py",
        ".values(key=pseudonym)",
        ".values(key=key)",
        "store/test_erasing.py::test_nothing_names_an_erased_person_and_others_are_as_before[sqlite]",
    ),
]
