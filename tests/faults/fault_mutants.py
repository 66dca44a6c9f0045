"""Mutants that remove what keeps the service up under faults, named after the threat in docs/security.md."""

from __future__ import annotations

from mutants.control_mutants import service

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
        "test_http_client.py::test_deadline_covers_a_hanging_host_lookup_which_later_requests_share",
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
        22,
        "fewer wait for Google than there are threads",
        "gemini/gate.py",
        "if self._waiting >= (self._most if renewal else self._most_starts):",
        "if False:",
        "gemini/test_gate.py::test_full_gate_refuses_starts_first_and_then_renewals",
    ),
    service(
        23,
        "nothing is minted unless it can be recorded",
        "issuing.py",
        "            reservation = self.ledger.admit(admission)\n",
        "            mint(lease.expires_at, None, False, {})\n            reservation = self.ledger.admit(admission)\n",
        "test_issuing.py::test_nothing_is_minted_if_the_reservation_cannot_be_written",
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
        25,
        "an older secret is accepted while it is listed",
        "signing/leases.py",
        "for key in self._keys\n",
        "for key in self._keys[:1]\n",
        "signing/test_leases.py::test_lease_of_older_secret_is_valid_while_that_secret_is_listed",
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
