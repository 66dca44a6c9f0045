"""Many sign-ins at once cost a bounded amount of memory, and nobody else waits for them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from programs import OPEN_PROFILE
from system.fleet import children
from system.launching import launched
from system.raw import exchange, login, request
from tokensvc.authn.passwords import AT_ONCE

PEOPLE = 64
MOST_MEMORY = 150 << 20  # bytes: two checks of 32 MB at a time, and what 64 threads need


@pytest.fixture(name="program")
def _program(tmp_path, google):
    with launched(tmp_path, OPEN_PROFILE, google.url, workers=1) as program:
        program.await_line("worker started")
        yield program


def test_sign_ins_at_once_are_bounded_and_do_not_delay_tokens_and_health_checks(program):
    (worker,) = map(psutil.Process, children(program.child.pid))
    before = worker.memory_info().rss
    with ThreadPoolExecutor(PEOPLE) as pool:
        asked = [
            pool.submit(login, program, "ada", "a wrong password", source=f"127.0.6.{person}")
            for person in range(1, PEOPLE + 1)
        ]
        served = peak = 0
        while not all(sign_in.done() for sign_in in asked):
            assert program.get("/livez").status == 200
            # Of another address each time: somebody may hold only so many.
            token = exchange(program.url, request("POST", "/token"), source=f"127.0.7.{1 + served % 250}")
            assert token.status == 200, token.json
            peak = max(peak, worker.memory_info().rss)
            served += 1
    answers = [sign_in.result() for sign_in in asked]

    assert {answer.status for answer in answers} <= {401, 503}
    assert sum(answer.status == 401 for answer in answers) >= AT_ONCE
    assert all("retry-after" in answer.headers for answer in answers if answer.status == 503)
    assert served >= 5  # while they were checked
    assert peak - before < MOST_MEMORY
