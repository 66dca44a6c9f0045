"""Scenarios: answers by order and by text, tools, closes, and what a wrong file is told."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from emulator.talking import QUICK, content, emulating, function, setup, speech, transcript
from tokensvc.emulator.responses import scenario
from tokensvc.emulator.responses.scenario import ScenarioError

TOML = """
[[turn]]
say = "Good morning."

[[turn]]
transcript = "What time is it?"
call = "get_local_time"
args = { zone = "UTC" }
then = "It is {result.clock.time}, {result.unknown}."

[[turn]]

[[turn]]
when = "weather"
say = "It rains."

[[fault]]
on = "mint"
kind = "status"
status = 429
"""


async def test_turns_by_order_and_by_text(tmp_path):
    """A spoken turn is taken in order, a typed one by its words; then honesty goes on."""
    path = tmp_path / "scenario.toml"
    path.write_text(TOML)
    script = scenario.load(path)
    tools = [function("get_local_time")]
    async with (
        emulating(QUICK, script.mind) as client,
        client.session(setup(tools=tools)) as talker,
    ):
        await talker.say(speech(0.5))
        assert transcript(await talker.until_turn_complete()) == "Good morning."

        await talker.say(speech(0.5))
        call = await talker.call()
        assert transcript(talker.received, "inputTranscription").endswith("What time is it?")
        assert (call["name"], call["args"]) == ("get_local_time", {"zone": "UTC"})
        await talker.respond(call, {"clock": {"time": "10:15"}})
        assert transcript(await talker.until_turn_complete()) == "It is 10:15, null."

        await talker.type("How is the weather?")
        assert transcript(await talker.until_turn_complete()) == "It rains."

        await talker.say(speech(0.5))
        assert "played back" in transcript(await talker.until_turn_complete())
    assert [fault.status for fault in script.faults] == [429]


async def test_json_with_every_step(tmp_path):
    """Steps are taken in their order, a close last."""
    steps = [
        {"latency": 0.0},
        {"think": "Hm."},
        {"pause": 0.0},
        {"search": "otters"},
        {"say": "One."},
        {"call": "note", "then": [{"say": "Two."}, {"close": {"code": 1011, "reason": "Enough."}}]},
    ]
    path = tmp_path / "scenario.json"
    path.write_text(json.dumps({"turn": [{"steps": steps}]}))
    mind = scenario.load(path).mind
    asked = setup(tools=[function("note")])
    async with emulating(QUICK, mind) as client, client.session(asked) as talker:
        await talker.type("Go.")
        before = await talker.until(lambda message: "toolCall" in message)
        assert transcript(before) == "One."
        assert any(content(message).get("groundingMetadata") for message in before)
        await talker.respond(before[-1]["toolCall"]["functionCalls"][0], {})
        assert await talker.until_closed() == (1011, "Enough.")
        assert transcript(talker.received).endswith("Two.")


async def test_a_search_that_finds_what_it_is_told():
    """The sources are the scenario's, whatever they are."""
    found = {"title": "<b>Otters", "url": "javascript:alert(1)"}
    script = scenario.read({"turn": [{"search": {"query": "otters", "sources": [found]}}]})
    async with emulating(QUICK, script.mind) as client, client.session() as talker:
        await talker.type("Go.")
        (grounding,) = [
            content(message)["groundingMetadata"]
            for message in await talker.until_turn_complete()
            if "groundingMetadata" in content(message)
        ]
    assert grounding["webSearchQueries"] == ["otters"]
    web = {"title": found["title"], "uri": found["url"]}
    assert grounding["groundingChunks"] == [{"web": web}]


async def test_go_away_by_scenario():
    """It is announced at once and kept."""
    script = scenario.read({"turn": [{"go_away": 2.5}]})
    async with emulating(QUICK, script.mind) as client, client.session() as talker:
        await talker.type("Leave.")
        messages = await talker.until(lambda message: "goAway" in message)
        assert messages[-1]["goAway"] == {"timeLeft": "2.5s"}
        client.emulator.clock.skip(2.5)
        assert (await talker.until_closed())[0] == 1011


async def test_order_goes_on_over_a_resume():
    """The second turn of the conversation is the second turn of the script."""
    script = scenario.read({"turn": [{"say": "First."}, {"say": "Second."}]})
    async with emulating(QUICK, script.mind) as client:
        async with client.session(setup(sessionResumption={})) as talker:
            await talker.type("One.")
            await talker.until_turn_complete()
            client.emulator.clock.skip(2)
            handle = await talker.handle()
        async with client.session(setup(sessionResumption={"handle": handle})) as talker:
            await talker.type("Two.")
            assert transcript(await talker.until_turn_complete()) == "Second."


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"turns": []}, "the scenario: unknown key 'turns'; known are fault, turn"),
        ({"turn": {}}, r"write each one as a \[\[turn\]\] table"),
        ({"turn": [{"say": 5}]}, "turn 1, say: must be a string"),
        ({"turn": [{}, {"sya": ""}]}, "turn 2: unknown key 'sya'"),
        ({"turn": [{"pause": -1}]}, "turn 1, pause: must be a number of seconds"),
        ({"turn": [{"args": {}}]}, "turn 1: args goes with call, which is missing"),
        ({"turn": [{"call": "f", "args": 5}]}, "args must be a table"),
        ({"turn": [{"say": "a", "steps": []}]}, "has both steps and say"),
        ({"turn": [{"steps": {}}]}, "turn 1, steps: must be a list"),
        ({"turn": [{"steps": [{"say": "a"}, 7]}]}, "turn 1, steps 2: must be a table"),
        ({"turn": [{"close": {"code": 5}}]}, "must be a WebSocket close code"),
        ({"turn": [{"search": 5}]}, "turn 1, search: must be a table"),
        ({"turn": [{"search": {"sources": []}}]}, "turn 1, search, query: must be a string"),
        ({"turn": [{"search": {"query": "", "sources": 5}}]}, "sources must be a list of tables"),
        (
            {"turn": [{"search": {"query": "", "sources": [{"title": "a"}]}}]},
            "turn 1, search, source 1, url: must be a string",
        ),
        ({"fault": [{"on": "mint"}]}, "fault 1: on must be mint or socket"),
        ([], "the scenario: must be a table"),
        ({"turn": [{"when": "?!", "say": "a"}]}, "turn 1, when: has no word in it"),
        ({"turn": [{"pause": float("nan")}]}, "turn 1, pause: must be a number of seconds"),
        ({"turn": [{"steps": [{"say": "a"}, {"latency": 1}]}]}, "turn 1: latency comes first"),
        ({"turn": [{"call": "f", "then": [{"latency": 1}]}]}, "use pause"),
        ({"turn": [{"call": "f", "twice": "yes"}]}, "twice must be true or false"),
    ],
)
def test_wrong_scenario(content, sentence):
    """The sentence names the place and what is wrong there."""
    with pytest.raises(ScenarioError, match=sentence):
        scenario.read(content)


def test_file_that_is_no_toml(tmp_path):
    """The file is named."""
    path = tmp_path / "broken.toml"
    path.write_text("[[turn")
    with pytest.raises(ScenarioError, match=r"broken\.toml is no valid toml"):
        scenario.load(path)


def test_file_that_is_no_text(tmp_path):
    """The file is named here too."""
    path = tmp_path / "picture.toml"
    path.write_bytes(b"\x89PNG\xff")
    with pytest.raises(ScenarioError, match=r"picture\.toml is no valid toml"):
        scenario.load(path)


def test_example_of_the_manual():
    """It can be followed as it is printed."""
    manual = Path(__file__).parents[2] / "docs" / "emulator.md"
    (example,) = re.findall(r"```toml\n(.*?)```", manual.read_text(encoding="utf-8"), re.DOTALL)
    script = scenario.read(tomllib.loads(example))
    assert len(script.mind.turns) == 4
    assert script.faults[0].status == 429
