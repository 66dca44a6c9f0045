"""Server tools: who may call them, with what, how often, and that each call runs once."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import pytest

from programs import Answer, Program, operate
from system import clients, site
from system.launching import rows
from system.tool_shop import Caller
from tokensvc.tools.running import MOST


def test_model_gets_the_declaration_without_what_is_bound(ada: Caller) -> None:
    (declared,) = [
        function
        for function in ada.grant["locked"]["tools"][0]["functionDeclarations"]
        if function["name"] == "find_order"
    ]
    assert declared["description"] == "Look up an order by its number."
    assert declared["parameters"]["properties"] == {"number": {"type": "STRING"}}
    (told,) = [each for each in ada.grant["features"]["tools"] if each["name"] == "find_order"]
    assert (told["runs"], told["label"], told["timeout"]) == ("server", "Looking up your order", 8)


def test_function_answers_for_the_person_who_asks(ada: Caller, shop_service: Program) -> None:
    answer = ada.call("find_order", {"number": "17"})
    assert (answer.status, answer.json) == (200, {"response": {"output": {"number": "17", "state": "on its way"}}})
    guest = Caller(shop_service, subject=None)
    assert guest.call("find_order", {"number": "17"}).json["response"]["output"]["state"] == "not known"


def test_coroutine_answers(ada: Caller) -> None:
    assert ada.call("later", {"seconds": 0.1}).json == {"response": {"output": "later"}}


def test_call_is_on_record_before_and_after_it_runs(ada: Caller, shop_service: Program) -> None:
    ada.call("find_order", {"number": "0815"}, call="on record")
    found = rows(
        shop_service,
        "select kind, code, details, subject from events where reservation_id = "
        "(select reservation_id from events where details = ?) order by id",
        '{"number":"0815"}',
    )
    assert found == [("called", "find_order", '{"number":"0815"}', "ada"), ("returned", "done", None, "ada")]


@pytest.mark.parametrize(
    ("name", "args", "status", "code"),
    [
        ("nothing", {}, 403, "tool-not-allowed"),
        ("find_order", {}, 400, "tool-arguments-refused"),
        ("find_order", {"number": 17}, 400, "tool-arguments-refused"),
        ("find_order", {"number": None}, 400, "tool-arguments-refused"),
        ("find_order", {"number": "17", "color": "red"}, 400, "tool-arguments-refused"),
        ("find_order", {"number": "17", "customer": "bob"}, 400, "tool-arguments-refused"),
        ("find_order", {"number": "17", "call": {}}, 400, "tool-arguments-refused"),
        ("find_order", {"number": "x" * 9000}, 400, "tool-arguments-refused"),
        ("find_order", ["17"], 400, "invalid-request"),
        ("price", {"item": "tea", "country": "us"}, 400, "tool-arguments-refused"),
    ],
)
def test_call_that_does_not_fit_is_refused(ada: Caller, name: str, args: object, status: int, code: str) -> None:
    answer = ada.call(name, args)
    assert (answer.status, answer.code) == (status, code)


def test_rights_come_from_the_person_alone(ada: Caller, shop_service: Program) -> None:
    args = {"number": "17"}
    ada.bearer = site.signed("bob")
    assert ada.call("find_order", args).code == "lease-refused"
    ada.bearer = None
    assert ada.call("find_order", args).code == "authentication-required"
    assert Caller(shop_service, profile="other").call("find_order", args).code == "tool-not-allowed"
    forged = Caller(shop_service)
    forged.grant = {"lease": forged.grant["lease"][:-2] + "AA"}
    assert forged.call("find_order", args).code == "lease-refused"


def test_leases_of_a_hundred_others_are_refused_wherever_they_are_used(shop_service: Program, tmp_path: Path) -> None:
    """By somebody who has them, and a credential of their own."""

    def send(path: str, body: dict[str, object], subject: str | None = None) -> list[clients.Reply]:
        requests = [
            (owner, clients.post(site.signed(subject or owner), body | lease, path)) for owner, lease in leases.items()
        ]
        return clients.send_all(shop_service.url, requests)

    leases: dict[str, dict[str, str]] = {f"owner-{number}": {} for number in range(100)}
    leases = {reply.sender: {"lease": reply.json["lease"]} for reply in send("/token", {})}
    renewal = {"resumption_handle": "a-handle"}
    call = {"call": "one", "name": "count", "args": {"file": str(tmp_path / "lines")}}
    for path, body in {
        "/token": renewal,
        "/tool": call,
        "/tool/confirm": call | {"confirmation": "x", "accept": True},
        "/tool/cancel": {"call": "one"},
    }.items():
        answers = Counter((reply.status, reply.code) for reply in send(path, body, "eve"))
        assert answers == {(403, "lease-refused"): 100}, path
    assert not (tmp_path / "lines").exists()
    assert {reply.status for reply in send("/token", renewal)} == {200}


def test_ended_and_blocked_conversations_run_nothing(shop_service: Program) -> None:
    ended = Caller(shop_service)
    first = ended.call("find_order", {"number": "17"}, call="one")
    ended.end()
    assert ended.call("find_order", {"number": "17"}, call="one").code == "lease-over"
    assert first.status == 200
    blocked = Caller(shop_service, subject="mallory")
    operate(shop_service, "block", "subject", "mallory")
    assert blocked.call("find_order", {"number": "17"}).code == "blocked"


def test_call_runs_once_however_often_it_is_sent(shop_service: Program, tmp_path: Path) -> None:
    """At the same instant, by two workers; and what is the same by the profile, under another id."""
    ada, file = Caller(shop_service), tmp_path / "lines"
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: ada.call("count", {"file": str(file)}, call="one"), range(8)))
    assert {answer.status for answer in answers} == {200}
    assert ada.call("count", {"file": str(file)}, call="two").json == {"response": {"output": "counted"}}
    assert file.read_text(encoding="utf-8") == "ran\n"


def test_call_sent_64_times_at_once_runs_once(ada: Caller, tmp_path: Path) -> None:
    """One person has few places, so some are told to ask again; they get the same answer then."""
    file = tmp_path / "lines"
    with ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(lambda _: ada.call("count", {"file": str(file)}, call="one"), range(64)))
    answers.append(ada.call("count", {"file": str(file)}, call="one"))
    answered = [answer for answer in answers if answer.status == 200]
    assert {answer.code for answer in answers if answer.status != 200} <= {"tool-busy"}
    assert [answer.json for answer in answered] == [{"response": {"output": "counted"}}] * len(answered)
    assert len(answered) > 1
    assert file.read_text(encoding="utf-8") == "ran\n"


def test_repeated_calls_of_a_tool_that_changes_nothing_cost_one_run(ada: Caller, shop_service: Program) -> None:
    """And the answer says when the model is to use it."""
    answers = [ada.call("now", {"zone": "UTC"}).json for _ in range(3)]
    assert answers == [answers[0]] * 3
    assert answers[0]["scheduling"] == "WHEN_IDLE"
    assert ada.call("now", {"zone": "CET"}).json != answers[0]
    query = "select count(*) from events where kind = 'called' and code = 'now'"
    assert rows(shop_service, query) == [(2,)]


def test_conversation_has_so_many_calls(shop_service: Program, tmp_path: Path) -> None:
    ada = Caller(shop_service)
    answers = [ada.call("count", {"file": str(tmp_path / str(number))}).status for number in range(4)]
    assert answers == [200, 200, 200, 429]


class Refunding:
    """A call that waits to be confirmed."""

    def __init__(self, caller: Caller, file: Path, call: str = "one") -> None:
        self.caller, self.call = caller, call
        self.args = {"number": "17", "amount": 5, "file": str(file)}

    def ask(self) -> dict[str, object]:
        answer = self.caller.call("refund", self.args, call=self.call)
        assert answer.status == 202
        return answer.json["pending"]

    def confirm(self, confirmation: object, *, accept: bool = True, **changed: object) -> Answer:
        named = {"confirmation": confirmation, "accept": accept, "path": "/tool/confirm"} | changed
        return self.caller.call("refund", self.args, call=self.call, **named)


@pytest.fixture(name="refunding")
def _refunding(ada: Caller, tmp_path: Path) -> Refunding:
    return Refunding(ada, tmp_path / "lines")


def test_tool_that_waits_takes_effect_once_it_is_confirmed(refunding: Refunding, tmp_path: Path) -> None:
    """The question is the service's own; each of the two steps runs once, however often it is sent."""
    pending = refunding.ask()
    assert (pending["question"], pending["hold"]) == ("Refund 5 for order 17?", 0.3)
    pending = refunding.ask()  # the first answer was lost
    answers = [refunding.confirm(pending["confirmation"]) for _ in range(2)]
    assert [answer.json for answer in answers] == [{"response": {"output": "refunded"}}] * 2
    assert (tmp_path / "lines").read_text(encoding="utf-8") == "prepared\nrefund of 5 for 17\n"


def test_tool_that_the_person_does_not_want_does_nothing(refunding: Refunding, tmp_path: Path) -> None:
    """And may be asked for again."""
    pending = refunding.ask()
    refused = refunding.confirm(pending["confirmation"], accept=False)
    assert list(refused.json["response"]) == ["error"]
    assert refunding.confirm(pending["confirmation"]).json == refused.json
    assert (tmp_path / "lines").read_text(encoding="utf-8") == "prepared\n"
    refunding.call = "two"
    assert refunding.confirm(refunding.ask()["confirmation"]).json == {"response": {"output": "refunded"}}


def test_only_what_was_asked_can_be_confirmed(refunding: Refunding, shop_service: Program, tmp_path: Path) -> None:
    pending = refunding.ask()
    assert refunding.confirm("made-up").code == "tool-not-waiting"
    refunding.args["amount"] = 5000
    assert refunding.confirm(pending["confirmation"]).code == "tool-not-waiting"
    other = Refunding(Caller(shop_service), tmp_path / "lines")
    assert other.confirm(pending["confirmation"]).code == "tool-not-waiting"
    assert (tmp_path / "lines").read_text(encoding="utf-8") == "prepared\n"


def test_only_what_was_prepared_can_be_asked_again(refunding: Refunding, tmp_path: Path) -> None:
    """The id of a call that waits admits neither other arguments nor another tool, which would leave no record."""
    pending, asked = refunding.ask(), refunding.args
    larger = refunding.caller.call("refund", asked | {"amount": 5000}, call="one")
    other = refunding.caller.call("find_order", {"number": "17"}, call="one")
    assert [(answer.status, answer.code) for answer in (larger, other)] == [(409, "tool-not-waiting")] * 2
    assert refunding.confirm(pending["confirmation"]).json == {"response": {"output": "refunded"}}
    assert (tmp_path / "lines").read_text(encoding="utf-8") == "prepared\nrefund of 5 for 17\n"


def test_call_that_is_made_again_takes_the_place_of_the_one_that_waits(refunding: Refunding, tmp_path: Path) -> None:
    first = refunding.ask()["confirmation"]
    refunding.call = "again"
    second = refunding.ask()["confirmation"]
    refunding.call = "one"
    assert list(refunding.confirm(first).json["response"]) == ["error"]
    refunding.call = "again"
    assert refunding.confirm(second).json == {"response": {"output": "refunded"}}
    refunding.call = "third"
    assert refunding.caller.call("refund", refunding.args, call="third").json == {"response": {"output": "refunded"}}
    assert (tmp_path / "lines").read_text(encoding="utf-8").count("refund of") == 1


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("hang", "The tool did not answer within 1 s."),
        ("fail", "The tool failed."),
        ("leave", "The tool failed."),
        ("cancel", "The tool failed."),
        ("not_json", "The tool failed."),
        ("not_a_number", "The tool failed."),
        ("too_long", "The tool failed."),
    ],
)
def test_model_is_told_that_a_tool_failed(ada: Caller, shop_service: Program, name: str, error: str) -> None:
    answer = ada.call(name)
    assert (answer.status, answer.json) == (200, {"response": {"error": error}})
    assert ada.call(name, call="call-1").json == answer.json  # the first answer, and no second run
    assert not [line for line in shop_service.lines if "exited" in line]  # no worker has ended


def test_traceback_of_a_tool_is_in_the_log_alone(ada: Caller, shop_service: Program) -> None:
    """Without the message, which may hold a secret."""
    assert "password" not in ada.call("fail").body.decode()
    shop_service.await_line("RuntimeError")
    line = next(line for line in shop_service.lines if "RuntimeError" in line)
    assert "in fail" in line
    assert "password" not in line


def test_function_learns_that_nobody_waits(ada: Caller, shop_service: Program, tmp_path: Path) -> None:
    file = tmp_path / "lines"
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(ada.call, "hang", {"file": str(file)}, call="one")
        until = time.monotonic() + 5
        while not rows(
            shop_service, "select 1 from tool_calls where lease_id = (select max(lease_id) from tool_calls)"
        ):
            assert time.monotonic() < until
        body = {"lease": ada.grant["lease"], "call": "one"}
        while not file.exists():
            assert shop_service.post("/tool/cancel", body, bearer=ada.bearer).status == 204
            assert time.monotonic() < until
            time.sleep(0.05)
        assert running.result().status == 200


def test_others_are_served_while_every_place_for_tools_is_taken(shop_service: Program) -> None:
    callers = [Caller(shop_service, subject=f"person-{number}") for number in range(8)]
    with ThreadPoolExecutor(2 * MOST + 8) as pool:
        calls = range(2 * MOST + 8)
        answers = list(pool.map(lambda number: callers[number % 8].call("hang", call=f"n{number}"), calls))
        started = time.monotonic()
        assert Caller(shop_service).grant["token"]
        assert time.monotonic() - started < 1
    refused = [answer for answer in answers if answer.status != 200]
    assert {answer.code for answer in refused} <= {"tool-busy"}


def test_one_person_cannot_take_the_places_of_others(shop_service: Program) -> None:
    bob = [Caller(shop_service, subject="bob") for _ in range(2)]  # conversations
    with ThreadPoolExecutor(MOST) as pool:
        answers = [pool.submit(bob[number % 2].call, "hang", call=f"b{number}") for number in range(2 * MOST)]
        refused = next(each.result() for each in as_completed(answers) if each.result().status != 200)
        assert Caller(shop_service).call("find_order", {"number": "17"}).status == 200
    assert (refused.status, refused.code) == (503, "tool-busy")
