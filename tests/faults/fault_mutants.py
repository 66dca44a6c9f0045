"""Mutants that remove what keeps the service up under faults, named after the threat in docs/security.md."""

from __future__ import annotations

from mutants.control_mutants import service
from mutants.mutant import Case, Mutant

UPSTREAM = "faults/test_upstream.py::test_fault_is_answered_as_documented_and_is_over_when_it_ends"
STORE = "faults/test_store.py::test_faults_of_the_store_are_refused_reported_and_survived"

CASES = [
    service(
        19,
        "nothing is sent for a while after failures",
        "gemini/gate.py",
        "                if wait > 0:",
        "                if wait > PAUSE:",
        "gemini/test_gate.py::test_after_many_failures_nothing_is_sent_until_a_pause_is_over",
    ),
    service(
        19,
        "who tries without asking Google leaves the try to the next",
        "gemini/gate.py",
        "                if tries:  #",
        "                if False:  #",
        "gemini/test_gate.py::test_try_that_was_refused_before_it_asked_google_is_the_next_ones",
    ),
    service(
        19,
        "a request is not sent again on a new connection",
        "http_client.py",
        "            answer, reusable = connection.exchange(request, self._longest_answer, deadline)\n",
        "            try:\n"
        "                answer, reusable = connection.exchange(request, self._longest_answer, deadline)\n"
        "            except ConnectionError:\n"
        "                connection.close()\n"
        "                connection = self._connect(deadline)\n"
        "                answer, reusable = connection.exchange(request, self._longest_answer, deadline)\n",
        "test_http_client.py::test_request_on_a_kept_connection_that_is_closed_without_an_answer_is_not_sent_again[False]",
        f"{UPSTREAM}[minted, and closed]",
    ),
    service(
        19,
        "a failure is refunded",
        "issuing.py",
        "                    self.ledger.refund(reservation, refusal.code)\n",
        "                    pass\n",
        f"{UPSTREAM}[redirect]",
    ),
    service(
        19,
        "a deadline covers the whole exchange",
        "http_client.py",
        "    left = deadline - time.monotonic()\n",
        "    left = 5.0\n",
        "test_http_client.py::test_deadline_covers_the_whole_exchange_of_a_slow_upstream[body]",
    ),
    service(
        19,
        "a long answer is not read",
        "http_client.py",
        "            if length > longest:\n",
        "            if False:\n",
        "test_http_client.py::test_response_over_the_limit_is_refused[announced]",
    ),
    service(
        19,
        "an answer without an end is not read on",
        "http_client.py",
        "        while len(self._received) <= longest:\n",
        "        while True:\n",
        "test_http_client.py::test_response_over_the_limit_is_refused[not announced]",
    ),
    service(
        19,
        "a connection that has ended is not used",
        "http_client.py",
        "        return not waiting.poll(0)",
        "        return True",
        "test_http_client.py::test_closed_idle_connection_is_replaced",
    ),
    service(
        20,
        "lookups of a host are shared",
        "http_client.py",
        "            if lookup is None or lookup.done():",
        "            if True:",
        "test_http_client.py::test_concurrent_requests_share_one_host_lookup",
        "test_http_client.py::test_deadline_covers_a_hanging_host_lookup_which_later_requests_share",
    ),
    service(
        20,
        "a fetch of keys is shared",
        "authn/site_jwt/jwks_client.py",
        "if self._fetch_ended is None and self._clocks.steady() >= due_at:",
        "if True:",
        "authn/site_jwt/test_jwks_client.py::test_concurrent_first_lookups_share_one_fetch",
    ),
    service(
        20,
        "a crowd that is refused comes back at different times",
        "gemini/gate.py",
        "return random.uniform(0, self._all_again - now)",
        "return 1.0",
        "gemini/test_gate.py::test_few_starts_that_are_refused_come_again_soon_and_a_crowd_over_a_longer_time",
    ),
    service(
        21,
        "a client that sends nothing takes no thread",
        "connections.py",
        "        if conn.initialized or conn.data_ready:",
        "        if True:",
        "system/test_connections.py::test_silent_clients_take_no_thread",
    ),
    service(
        21,
        "the deadline is that of the whole request",
        "connections.py",
        "self.settimeout(max(0.001, self._deadline - time.monotonic()))",
        "self.settimeout(_RECEIVED_WITHIN)",
        "system/test_connections.py::test_request_that_trickles_in_is_given_up",
    ),
    Case(
        "threat 21: a worker that can open no more files goes on",
        (
            Mutant("tokensvc/serving.py", "min(1000, max(32, _files - 64) // 2)", "1000"),
            Mutant("tokensvc/connections.py", "            time.sleep(_NEXT_ACCEPT)\n", "            raise\n"),
        ),
        ("tests/system/test_connections.py::test_service_that_may_open_few_files_outlives_many_silent_clients",),
    ),
    service(
        21,
        "a large body is refused",
        "web_api/bodies.py",
        "LONGEST_BODY = 16 * 1024",
        "LONGEST_BODY = 64 * 1024",
        "system/test_bad_bodies.py::test_body_over_16_kb_is_refused_with_or_without_a_length[login]",
    ),
    service(
        21,
        "a large header is refused",
        "serving.py",
        "limit_request_field_size = 16_384",
        "limit_request_field_size = 65_536",
        "system/test_connections.py::test_header_over_the_limit_is_refused_readably_for_a_page[17000]",
    ),
    service(
        22,
        "fewer wait for Google than there are threads",
        "gemini/gate.py",
        "if self._waiting >= (self._most if renewal else self._most_starts):",
        "if False:",
        "gemini/test_gate.py::test_full_gate_refuses_starts_first_and_then_renewals",
    ),
    service(
        22,
        "whether the process lives does not depend on the store",
        "web_api/health.py",
        "    def live() -> Response:\n",
        "    def live() -> Response:\n        readiness.blocked()\n",
        f"{STORE}[sqlite]",
    ),
    service(
        23,
        "nothing is minted unless it can be recorded",
        "issuing.py",
        "            reservation = self.ledger.admit(admission)\n",
        "            mint(lease.expires_at, None, False, {})\n            reservation = self.ledger.admit(admission)\n",
        "test_issuing.py::test_nothing_is_minted_if_the_reservation_cannot_be_written",
    ),
    Case(
        "threat 23: a store that fails refuses tokens",
        (
            Mutant(
                "tokensvc/issuing.py",
                "                reservation = self.ledger.admit(admission)\n",
                "                try:\n"
                "                    reservation = self.ledger.admit(admission)\n"
                "                except TemporarilyUnavailable:\n"
                '                    reservation = Reservation("", admission, self.clock(), self.clock(), 0, None)\n',
            ),
            Mutant(
                "tokensvc/issuing.py",
                "            self.ledger.grant(reservation, token)\n",
                "            if reservation.id:\n                self.ledger.grant(reservation, token)\n",
            ),
        ),
        (f"tests/{STORE}[sqlite]",),
    ),
    service(
        24,
        "an event is never changed",
        "store/migrations/versions/0009_erasing.py",
        "RAISE(ABORT, '{REFUSAL}')",
        "1",
        "store/test_ledger.py::test_events_cannot_be_changed[sqlite]",
    ),
    service(
        24,
        "a token is on record before it is given",
        "issuing.py",
        "self.ledger.grant(reservation, token)",
        '__import__("threading").Timer(1.0, self.ledger.grant, [reservation, token]).start()',
        "system/test_durability.py::test_killing_workers_under_load_loses_no_record",
    ),
    service(
        24,
        "a seal is of what the file says",
        "signing/seals.py",
        "        self._mac.update(line)\n",
        "",
        *(
            f"cli/test_operating.py::test_audit_verify_detects_changed_truncated_and_extended_exports[{form}]"
            for form in ("jsonl", "csv")
        ),
    ),
    service(
        25,
        "an older secret is accepted while it is listed",
        "signing/leases.py",
        "for key in self._keys\n",
        "for key in self._keys[:1]\n",
        "signing/test_leases.py::test_lease_of_older_secret_is_valid_while_that_secret_is_listed",
        "faults/test_restarts.py::test_rolling_restarts_and_rotated_secrets_are_not_noticed",
    ),
    service(
        26,
        "requests under way are answered before a worker stops",
        "serving.py",
        "graceful_timeout = 20",
        "graceful_timeout = 0",
        "faults/test_restarts.py::test_sigterm_under_load_loses_nothing_that_was_accepted[1]",
    ),
    service(
        26,
        "a later schema that only adds is served",
        "store/schema.py",
        "found[:1] != REVISION[:1]",
        "found != REVISION",
        "faults/test_two_releases.py::test_this_release_serves_beside_a_later_one_that_only_adds[sqlite]",
    ),
    service(
        26,
        "a schema from which something was removed is refused",
        "store/schema.py",
        "found[:1] != REVISION[:1]",
        "False",
        "faults/test_two_releases.py::"
        "test_this_release_refuses_a_store_from_which_a_later_one_has_removed_something[sqlite]",
    ),
]
