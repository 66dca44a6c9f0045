"""Tools that the service runs, as a visitor meets them: with nothing written in the page."""

from __future__ import annotations

import base64
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from browser.conftest import open_to
from browser.sound import spoken
from browser.talking import speaker_of
from system.launching import rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from browser.caller import Caller
    from browser.hosting import Site
    from browser.visitor import Visitor
    from programs import Program

TESTS = Path(__file__).parents[1]
SPEECH = TESTS / "speech"
SHOP = {"PYTHONPATH": str(TESTS / "system")}  # where order_tools is
ASKED = """
[[turn]]
transcript = "Where is my order 17?"
call = "my_order"
args = { number = 17 }
then = "It is {result.output.state}."
"""
REFUND = """
[profiles.default.tools.refund]
python = "order_tools:book"
confirm = "Refund order {day}?"
label = "Refunding"
"""


@pytest.fixture(name="scripted", scope="module")
def _scripted(
    start_emulator: Callable[..., Program], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Program]:
    """Start an emulator with this scenario."""

    def start(scenario: str) -> Program:
        file = tmp_path_factory.mktemp("scenario") / "scenario.toml"
        file.write_text(scenario, encoding="utf-8")
        return start_emulator("--scenario", str(file))

    return start


def test_demo_answers_from_the_servers_function(
    visit: Callable[..., Visitor],
    start_service: Callable[..., Program],
    scripted: Callable[[str], Program],
    tmp_path: Path,
) -> None:
    """By voice and, with the words of its name, by text."""
    demo = (files("tokensvc.cli") / "demo.toml").read_text(encoding="utf-8")
    service = start_service(demo, scripted(ASKED).url)
    visitor = speaker_of(visit, service, tmp_path / "microphone.wav", spoken(3.0, "ask-for-the-time"))
    visitor.talk()
    visitor.reads("It is on its way; it arrives tomorrow.")
    visitor.reads("Looking up your order")
    visitor.say("Where is my order 18?")
    visitor.reads("ready to be collected")
    assert (
        rows(service, "select kind, code from events where kind in ('called', 'returned') order by id")
        == [
            ("called", "my_order"),
            ("returned", "done"),
        ]
        * 2
    )


@pytest.mark.parametrize(("button", "committed"), [("Yes, go ahead", 1), ("Not now", 0)])
def test_widget_asks_before_a_tool_takes_effect(
    call: Callable[..., Caller],
    start_service: Callable[..., Program],
    emulator: Program,
    site: Site,
    *,
    button: str,
    committed: int,
) -> None:
    """The conversation goes on meanwhile."""
    service = start_service(open_to(site) + REFUND, emulator.url, **SHOP)
    caller = call(service=service)
    caller.arrive()
    caller.open_widget()
    caller.type_only()
    caller.say("refund")
    question = caller.page.locator(".question")
    question.wait_for()
    assert question.locator("p").text_content() == "Refund order refund?"
    caller.button(button).click()
    question.wait_for(state="detached")
    caller.until_true(lambda: len(rows(service, "select 1 from events where kind = 'returned'")) == 1)
    assert len(rows(service, "select 1 from events where code = 'done'")) == committed


BOOKING = """
[profiles.{name}]
model = "gemini-3.8-live"
allow = ["guest"]
[profiles.{name}.tools.book]
python = "order_tools:book"
hold = "1.5s"
same = ["day"]
behavior = "{behavior}"
"""
OPEN = """
[limits]
guest = ["1000/minute"]
concurrent = { guest = 100 }
budget = { guest = "999h/day" }
"""
CALL = '{ call = "book", args = { day = "Monday" } }'
SAY = '{ say = "I am booking the table for you now, and I will tell you as soon as it is done, one moment." }'
# When the person says stop: what was said in the request, and what the model does then.
MOMENTS = {
    "never": ("", CALL),
    "in-one-breath": (" No, stop.", CALL),
    "after-the-call": ("", CALL),
    "during-the-answer": ("", f"{CALL}, {SAY}"),  # of a model that does not wait for the result
    "during-the-announcement": ("", f"{SAY}, {CALL}"),
}
SOAKED = ("in-one-breath", "during-the-announcement")
CONVERSATIONS = [4, pytest.param(10, marks=pytest.mark.soak)]  # side by side
STOP = """
[[turn]]
transcript = "Stop! Do not do that, please."
steps = [{ call = "book", args = { day = "Monday", file = "/dev/null" } }]
"""


@pytest.mark.parametrize(
    "when", [pytest.param(when, marks=pytest.mark.soak if when in SOAKED else ()) for when in MOMENTS]
)
@pytest.mark.parametrize("conversations", CONVERSATIONS)
def test_stop_is_heard_before_a_step_that_cannot_be_undone(
    visit: Callable[..., Visitor],
    start_service: Callable[..., Program],
    scripted: Callable[[str], Program],
    when: str,
    conversations: int,
) -> None:
    """Blocking and not; as on the real service, the model makes the call again."""
    more, steps = MOMENTS[when]
    scenario = f'[[turn]]\ntranscript = "Book the table for three.{more}"\nsteps = [{steps}]\n{STOP}'
    profiles = {"blocking": "BLOCKING", "free": "NON_BLOCKING"}
    tables = "".join(BOOKING.format(name=name, behavior=behavior) for name, behavior in profiles.items())
    service = start_service(tables + OPEN, scripted(scenario).url, **SHOP)
    visitor = visit(service.url, bypass_csp=True)
    visitor.arrive()
    chosen = ["free"] * conversations if when == "during-the-answer" else [*profiles] * (conversations // 2)
    speech = {"request": "ask-for-the-time", "stop": "say-goodbye"}
    encoded = {name: base64.b64encode((SPEECH / f"{file}.wav").read_bytes()).decode() for name, file in speech.items()}
    visitor.page.mouse.click(1, 1)
    heard = visitor.page.evaluate(
        """async ([script, speech, profiles, when]) => {
          const { converse } = await import(URL.createObjectURL(new Blob([script], { type: 'text/javascript' })));
          return converse(await import('/live/session.js'), speech, profiles, when);
        }""",
        [(Path(__file__).parent / "stops.js").read_text(encoding="utf-8"), encoded, chosen, when],
    )
    assert all(each["statuses"] for each in heard), heard
    outcomes = [code for (code,) in rows(service, "select code from events where kind = 'returned'")]
    expected = "done" if when == "never" else "refused"
    assert len(outcomes) >= conversations
    assert set(outcomes) == {expected}
