"""Mutants that remove one control of docs/security.md each, named after its threat; others are in their own folders."""

from __future__ import annotations

from mutants.mutant import Case, Mutant

LIVE = "tests/web/live"
ATTACKS = "authn/test_attacks.py"
JWKS = "authn/site_jwt/test_jwks_client.py"
KEYS = "authn/site_jwt/test_keys.py"
SECRET = "authn/site_jwt/test_issuers.py::test_unusable_secret_fails_the_start_without_being_shown"
CANARIES = "system/test_canaries.py::test_no_secret_is_logged_stored_answered_or_in_a_command_line"
HOSTILE = "browser/test_hostile.py::test_hostile_transcripts_tools_and_sources_are_text"
SERVER_TOOLS = "system/test_server_tools.py::test_call_that_does_not_fit_is_refused"
READ_DIFFERENTLY = "faults/test_slow_clients.py::test_request_that_servers_could_read_differently_hides_no_second_one"
CONNECT = 'with __import__("contextlib").suppress(OSError): __import__("urllib.request").request.urlopen({})'
FIGURES = "test_name_that_somebody_gives_this_machine_does_not_get_the_figures"


def control(threat, name, file, old, new, *tests):
    """Return a case of one mutant."""
    return Case(f"threat {threat}: {name}", (Mutant(file, old, new),), tests)


def service(threat, name, file, old, new, *tests):
    """Return a case of one mutant of the service."""
    return control(threat, name, f"tokensvc/{file}", old, new, *(f"tests/{test}" for test in tests))


CASES = [
    service(
        1,
        "a redirect is not followed with the key",
        "http_client.py",
        '        return self._send("POST", path, {**headers, "Content-Length": str(len(body))}, body, deadline)',
        '        answer = self._send("POST", path, {**headers, "Content-Length": str(len(body))}, body, deadline)\n'
        '        if elsewhere := answer.headers.get("location"):\n'
        '            return BoundedHttpClient(elsewhere).post("", body, headers, deadline=deadline)\n'
        "        return answer",
        "test_http_client.py::test_redirect_is_returned_and_not_followed[post]",
        "system/test_upstream_faults.py::test_redirect_is_not_followed",
    ),
    service(
        1,
        "no audit row has the key",
        "store/ledger.py",
        "self._clock()), code=code)",
        'self._clock()), code=__import__("os").environ["GEMINI_API_KEY"])',
        CANARIES,
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
        "a token expires soon",
        "gemini/minter.py",
        '"expireTime": _timestamp(expires_at)',
        '"expireTime": _timestamp(expires_at + timedelta(hours=10))',
        "gemini/test_minter.py::test_request_has_compiled_body_times_and_key_in_one_header",
    ),
    service(
        2,
        "a token is not logged",
        "domain.py",
        "    value: str = field(repr=False)\n",
        "    value: str\n",
        "gemini/test_minter.py::test_token_has_the_requested_lifetime_and_a_safe_repr",
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
        3,
        "a token is locked without a field mask",
        "gemini/sdk_request.py",
        '"uses": 1,',
        '"uses": 1, "fieldMask": "model",',
        "gemini/test_compiler.py::test_body_has_no_field_mask",
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
        5,
        "requests of one person are counted one after the other",
        "store/driver.py",
        "[(driven.settings, None), *locks(keys)]",
        "[(driven.settings, None)]",
        "system/test_exactness.py::test_thousand_requests_get_exactly_the_limit_and_all_are_recorded[postgresql]",
    ),
    service(
        5,
        "a conversation has few tokens at a time",
        "store/token_lifetimes.py",
        "if not replaces and (wait := live.of_lease.wait(asked.now)):",
        "if not replaces and (wait := 0):",
        "store/test_histories.py::test_open_sessions_are_bounded_by_the_granted_tokens[sqlite-ignored]",
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
        "web_api/logins.py",
        'if request.mimetype != "application/json":',
        "if False:",
        "web_api/test_logins.py::test_content_type_of_an_html_form_is_refused[text/plain-/login/refresh]",
    ),
    service(
        8,
        "a site's cookie needs the site's Origin",
        "web_api/origins.py",
        '            if request.method == "POST" and SIGNED_IN in request.environ:',
        "            if False:",
        "system/test_mounting.py::test_customers_cookie_does_not_count_in_requests_of_other_sites_pages[None]",
    ),
    service(
        8,
        "a site's cookie counts on its own pages only",
        "web_api/origins.py",
        "            request.environ.pop(SIGNED_IN, None)",
        "            pass",
        "system/test_mounting.py::test_customers_cookie_does_not_count_on_a_page_that_may_call_the_service",
    ),
    service(
        9,
        "the issuer's own keys verify a token",
        "authn/site_jwt/authenticator.py",
        "keys = issuer.keys(algorithm, unverified_kid)",
        "keys = [key for one in self._issuers.values() for key in one.keys(algorithm, unverified_kid)]",
        *(
            f"{ATTACKS}::test_token_mixing_two_issuers_is_refused[with another issuer's {each}-rsa-jwks]"
            for each in ("header and key", "kid and key")
        ),
    ),
    service(
        9,
        "a signature is verified",
        "authn/site_jwt/authenticator.py",
        "token.is_signed_by(key, algorithm) for",
        "True for",
        *(
            f"{ATTACKS}::test_attack_is_refused_and_valid_token_still_accepted[signature of null bytes, {mode}]"
            for mode in ("secret", "rsa", "curve", "edwards", "jwks")
        ),
    ),
    service(
        9,
        "a bad credential is not a guest's",
        "web_api/bodies.py",
        '        raise InvalidToken(cause="not one Bearer credential")',
        "        return Credentials(unverified_bearer=None, address=address)",
        *(
            f"{ATTACKS}::test_malformed_authorization_header_is_refused_not_treated_as_guest[{each}]"
            for each in ("Basic", "no token", "two tokens", "an empty header")
        ),
    ),
    service(
        10,
        "keys outlive an outage",
        "authn/site_jwt/jwks_client.py",
        "self._clocks.steady() - fetched_at <= LONGEST_STALE",
        "self._clocks.steady() < self._due_at",
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
        11,
        "a header names no address of keys",
        "authn/site_jwt/authenticator.py",
        "        keys = issuer.keys(algorithm, unverified_kid)\n",
        "        keys = issuer.keys(algorithm, unverified_kid)\n"
        '        if named := token.unverified_header.get("jku"):\n'
        f"            {CONNECT.format('named')}\n",
        *(
            f"{ATTACKS}::test_service_connects_to_no_address_that_a_token_names[jku-{mode}]"
            for mode in ("secret", "rsa")
        ),
    ),
    service(
        11,
        "an issuer that is not configured is not asked",
        "authn/site_jwt/authenticator.py",
        '            raise InvalidToken(cause="issuer is not configured")\n',
        f"            {CONNECT.format('unverified_issuer')}\n"
        '            raise InvalidToken(cause="issuer is not configured")\n',
        *(
            f"{ATTACKS}::test_service_connects_to_no_address_that_a_token_names[nothing-{mode}]"
            for mode in ("secret", "rsa", "jwks")
        ),
    ),
    service(
        11,
        "a key that is offered is not used",
        "authn/site_jwt/authenticator.py",
        "        keys = issuer.keys(algorithm, unverified_kid)\n",
        "        keys = issuer.keys(algorithm, unverified_kid)\n"
        '        if "jwk" in token.unverified_header:\n'
        '            keys = [*keys, b"\\x00" * 32]\n',
        "authn/site_jwt/test_authenticator.py::test_key_offered_in_the_header_is_ignored[header0]",
    ),
    service(
        11,
        "a redirect is not followed",
        "http_client.py",
        '        return self._send("GET", path, headers, b"", deadline)',
        '        answer = self._send("GET", path, headers, b"", deadline)\n'
        '        return self.get("/x", headers, deadline=deadline) if "location" in answer.headers else answer',
        "test_http_client.py::test_redirect_is_returned_and_not_followed[get]",
    ),
    service(
        12,
        "a machine's token is not a person's",
        "authn/site_jwt/presets.py",
        'require(not machine, "token of a machine")',
        "pass",
        *(
            f"authn/site_jwt/test_presets.py::test_other_token_of_the_provider_is_refused_by_the_named_check[{each}]"
            for each in ("auth0: a machine's by grant type", "auth0: a machine's by subject")
        ),
    ),
    Case(
        "threat 13: a deadline is by the monotonic clock",
        (
            Mutant("tokensvc/gemini/minter.py", "time.monotonic() + DEADLINE", "time.time() + DEADLINE"),
            Mutant("tokensvc/http_client.py", "left = deadline - time.monotonic()", "left = deadline - time.time()"),
        ),
        ("tests/faults/test_clock.py::test_deadline_is_by_a_clock_that_nobody_sets",),
    ),
    service(
        13,
        "charges count although the clock is set back",
        "store/counting.py",
        '"until": now + length}',
        '"until": now}',
        "faults/test_clock.py::test_clock_that_is_set_gives_no_second_allowance_and_stops_nothing",
    ),
    service(
        14,
        "a credential is not logged",
        "authn/api_keys.py",
        'raise InvalidToken(cause="API key unknown or removed")',
        'raise InvalidToken(cause=f"API key {unverified} unknown or removed")',
        CANARIES,
    ),
    service(
        15,
        "a path cannot name another host",
        "web_api/mounting.py",
        'path = f"/.{path}"',
        'start_response("308 Permanent Redirect", [("Location", path)])\n            return []',
        "system/test_assets.py::test_path_that_looks_like_a_host_does_not_redirect_there[//evil.test]",
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
        17,
        "what a model says is inserted as text",
        "web/widget/dom.js",
        "element.append(...children);",
        "const html = (text) => document.createRange().createContextualFragment(text);\n"
        "  element.append(...children.map((one) => (typeof one === 'string' ? html(one) : one)));",
        f"tests/{HOSTILE}",
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
        18,
        "a tool of the server is one of the profile's",
        "tooling.py",
        "compiled = self.profiles().get(lease.profile)",
        "compiled = next((one for one in self.profiles().values() if asked.name in one.profile.tools), None)",
        "system/test_server_tools.py::test_rights_come_from_the_person_alone",
    ),
    service(
        18,
        "arguments of a server's tool are checked",
        "tooling.py",
        "            arguments.check(args, compiled.schema_of(asked.name))\n",
        "            pass\n",
        *(f"{SERVER_TOOLS}[{each}-400-tool-arguments-refused]" for each in ("find_order-args2", "price-args9")),
    ),
    control(
        27,
        "a dependency is pinned",
        "requirements.txt",
        "\npyjwt[crypto]==",
        "\npyjwt[crypto]>=",
        "tests/test_locks.py::test_every_requirement_is_pinned_with_hashes_and_without_urls[requirements.txt]",
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
        28,
        "a blank before a colon is refused",
        "serving.py",
        'header_map = "drop"',
        'strip_header_spaces = True\nheader_map = "drop"',
        f"{READ_DIFFERENTLY}[directly-a blank before the colon]",
    ),
    service(
        29,
        "wrong passwords are limited by account",
        "signing_in.py",
        '                *_windows(address, _PER_ACCOUNT, "login", normal_name(unverified_username)),\n',
        "",
        "store/test_accounts.py::test_wrong_passwords_are_limited_per_account_and_address[sqlite]",
    ),
    service(
        29,
        "wrong passwords are limited by address",
        "signing_in.py",
        '                *_windows(address, _PER_ADDRESS, "login"),\n',
        "",
        "store/test_accounts.py::test_wrong_passwords_of_one_address_are_limited_over_all_accounts[sqlite]",
    ),
    service(
        29,
        "an API key is stored as a hash",
        "domain.py",
        '    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()\n\n\n@',
        "    return text\n\n\n@",
        "store/test_api_keys.py::test_store_holds_no_part_of_the_key[sqlite]",
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
        "authn/chain.py",
        '            raise LeaseRefused(cause="belongs to another person")',
        "            pass",
        "test_issuing.py::test_renewal_for_a_user_needs_a_current_credential_of_that_user[bob-LeaseRefused]",
        "system/test_renewals.py::test_lease_is_refused_without_the_credential_it_was_issued_for",
    ),
    service(
        31,
        "a lease ends at its deadline",
        "signing/leases.py",
        "if not timedelta(0) < left <= 2 * length:",
        "if not left <= 2 * length:",
        "signing/test_leases.py::test_lease_expires_to_the_second",
    ),
    service(
        31,
        "a lease can be blocked",
        "quota_keys.py",
        '        block_key("lease", lease.id),\n',
        "",
        "system/test_renewals.py::test_blocked_lease_ends_the_conversation_but_not_the_persons_access",
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
        "            connection.execute(delete(leases).where(leases.c.id.in_(begun)))\n",
        "",
        "store/test_api_keys.py::test_removing_a_key_ends_only_its_own_conversations_for_good[sqlite]",
    ),
    service(
        33,
        "a removed key is refused",
        "store/api_keys.py",
        "gone = connection.execute(delete(api_keys).where(api_keys.c.name == name))",
        "gone = connection.execute(select(api_keys.c.name).where(api_keys.c.name == name))",
        "web_api/test_logins.py::test_removed_key_is_refused_at_the_next_request",
    ),
    service(
        33,
        "a key is for its profiles only",
        "config/profiles.py",
        "principal.profiles is None or self.name in principal.profiles",
        "True",
        "config/test_profiles.py::test_restricted_key_needs_the_profile_and_the_profile_needs_the_key[key:backend-profiles2-False]",
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
        f"{KEYS}::test_key_with_close_factors_is_weak[2]",
    ),
    service(
        36,
        "a key with a small factor is weak",
        "authn/site_jwt/keys.py",
        "if math.gcd(modulus, _SMALL_FACTORS) > 1:",
        "if False:",
        f"{KEYS}::test_key_with_a_small_factor_is_weak",
    ),
    service(
        36,
        "a key of the ROCA generator is weak",
        "authn/site_jwt/keys.py",
        "return all(modulus % prime in",
        "return False and all(modulus % prime in",
        f"{KEYS}::test_key_of_the_roca_generator_is_weak",
    ),
    service(
        36,
        "a key with an unusual exponent is weak",
        "authn/site_jwt/keys.py",
        "if numbers.e not in _RSA_EXPONENTS or numbers.e % 2 == 0:",
        "if False:",
        *(f"{KEYS}::test_key_with_an_unusual_exponent_is_weak[{each}]" for each in (3, 65535, 2**64 + 1)),
    ),
    service(
        36,
        "a short secret is refused",
        "config/secrets.py",
        "if len(secret.encode()) < SHORTEST_SECRET:",
        "if False:",
        f"{SECRET}[tiny-shorter than 32 bytes]",
    ),
    service(
        36,
        "a secret with a pattern is refused",
        "config/secrets.py",
        "if len(set(secret)) < 8 or len(triples) < 0.6 * len(secret) or steps > len(secret) / 2:",
        "if False:",
        f"{SECRET}[{'ab' * 32}-too few different characters]",
    ),
    service(
        36,
        "a published secret is refused",
        "config/secrets.py",
        "if _PLACEHOLDER.search(secret) or any(secret in known or known in secret for known in _PUBLISHED):",
        "if False:",
        f"{SECRET}[a-string-secret-at-least-256-bits-long-published example secret]",
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
        38,
        "the figures are for our host only",
        "web_api/metrics.py",
        'ours = not local or is_loopback(host_name(environ.get("HTTP_HOST", "")))',
        "ours = True",
        *(f"system/test_metrics.py::{FIGURES}[{host}]" for host in ("evil.test", "127.0.0.1.evil.test")),
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
    service(
        41,
        "an event names the pseudonym",
        "store/erasing.py",
        "        self._replace_in_events(theirs, pseudonym)\n",
        "",
        "cli/test_operating.py::test_erased_person_is_in_no_export_and_earlier_seals_still_match",
    ),
    service(
        41,
        "SQLite's log keeps no trace",
        "store/erasing.py",
        "if not shorten_log(self._engine, 0, wait=5):",
        "if False:",
        "store/test_erasing.py::test_no_file_of_the_store_has_what_was_erased[sqlite]",
    ),
]
