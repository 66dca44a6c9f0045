"""Many sign-ins at once cost a bounded amount of memory, and nobody else waits for them; a cookie has one next one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from programs import OPEN_PROFILE
from system.fleet import children
from system.launching import launched, rows
from system.raw import exchange, login, request
from tokensvc.authn.passwords import AT_ONCE
from tokensvc.domain import fingerprint

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


def test_cookie_used_64_times_at_once_has_one_next_cookie(shop, canaries):
    """By two workers, from as many addresses, because each may try only so often; and so has the next cookie."""

    def given(answer):
        assert answer.status == 200, answer
        return answer.headers["set-cookie"].split(";")[0]

    def use(address):
        lines = (f"Origin: {shop.url}", "Content-Type: application/json", f"Cookie: {cookie}")
        return exchange(shop.url, request("POST", "/login/refresh", *lines, host=host), source=address)

    host = shop.url.removeprefix("http://")
    cookie = given(login(shop, "ada", canaries["password"], source="127.0.9.1"))
    of_login = "select count(*) from logins where login_id = (select login_id from logins where cookie_hash = ?)"
    for cookies in (2, 3):
        with ThreadPoolExecutor(64) as pool:
            (cookie,) = set(map(given, pool.map(use, [f"127.0.9.{number}" for number in range(1, 65)])))
        assert rows(shop, of_login, fingerprint(cookie.partition("=")[2])) == [(cookies,)]
