"""Scenarios: answers in order and by text, tools, closes, and the errors in a file."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from emulator.live_client import QUICK, content, emulating, function, setup, speech, transcript
from tokensvc.emulator.responses.scenario import ScenarioError, load_scenario, read_scenario

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


async def test_turns_are_answered_in_order_or_by_their_words_and_then_by_the_fallback(tmp_path):
    path = tmp_path / "scenario.toml"
    path.write_text(TOML)
    script = load_scenario(path)
    tools = [function("get_local_time")]
    async with (
        emulating(QUICK, script.responder) as client,
        client.session(setup(tools=tools)) as session,
    ):
        await session.send_audio(speech(0.5))
        assert transcript(await session.until_turn_complete()) == "Good morning."

        await session.send_audio(speech(0.5))
        call = await session.next_call()
        assert transcript(session.received, "inputTranscription").endswith("What time is it?")
        assert (call["name"], call["args"]) == ("get_local_time", {"zone": "UTC"})
        await session.send_result(call, {"clock": {"time": "10:15"}})
        assert transcript(await session.until_turn_complete()) == "It is 10:15, null."

        await session.send_text("How is the weather?")
        assert transcript(await session.until_turn_complete()) == "It rains."

        await session.send_audio(speech(0.5))
        assert "played back" in transcript(await session.until_turn_complete())
    assert [fault.status for fault in script.faults] == [429]


async def test_steps_are_taken_in_order(tmp_path):
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
    script = load_scenario(path)
    requested = setup(tools=[function("note")])
    async with emulating(QUICK, script.responder) as client, client.session(requested) as session:
        await session.send_text("Go.")
        before = await session.until(lambda message: "toolCall" in message)
        assert transcript(before) == "One."
        assert any(content(message).get("groundingMetadata") for message in before)
        await session.send_result(before[-1]["toolCall"]["functionCalls"][0], {})
        assert await session.until_closed() == (1011, "Enough.")
        assert transcript(session.received).endswith("Two.")


@pytest.mark.parametrize("text", ["", "One", "a b c d e f g h", "  two  spaces ", "日本語" * 40])
async def test_text_is_transcribed_in_full(text):
    script = read_scenario({"turn": [{"say": text}]})
    async with emulating(QUICK, script.responder) as client, client.session() as session:
        await session.send_text("Go.")
        assert transcript(await session.until_turn_complete()) == text


async def test_search_returns_the_scripted_sources():
    found = {"title": "<b>Otters", "url": "javascript:alert(1)"}
    script = read_scenario({"turn": [{"search": {"query": "otters", "sources": [found]}}]})
    async with emulating(QUICK, script.responder) as client, client.session() as session:
        await session.send_text("Go.")
        (grounding,) = [
            content(message)["groundingMetadata"]
            for message in await session.until_turn_complete()
            if "groundingMetadata" in content(message)
        ]
    assert grounding["webSearchQueries"] == ["otters"]
    web = {"title": found["title"], "uri": found["url"]}
    assert grounding["groundingChunks"] == [{"web": web}]


async def test_search_returns_the_scripted_suggestions_or_made_up_ones():
    html = '<style>a { color: red; }</style><a href="https://www.google.com/search?q=a">a</a>'
    script = read_scenario(
        {
            "turn": [
                {"search": {"query": "a", "suggestions": html}},
                {"search": '<b> & "c"'},
            ]
        }
    )
    async with emulating(QUICK, script.responder) as client, client.session() as session:
        shown = []
        for text in ("One.", "Two."):
            await session.send_text(text)
            answer = await session.until_turn_complete()
            shown += [
                content(each)["groundingMetadata"]["searchEntryPoint"]
                for each in answer
                if "groundingMetadata" in content(each)
            ]
    assert shown[0] == {"renderedContent": html}
    assert "&lt;b&gt; &amp; &quot;c&quot;</a>" in shown[1]["renderedContent"]


async def test_work_completes_the_turn_and_goes_on_later():
    script = read_scenario({"turn": [{"steps": [{"say": "Wait."}, {"work": 0.05}, {"say": "Done."}]}]})
    thinking = setup(
        model="models/gemini-3.8-live-extended-thinking",
        generationConfig={
            "responseModalities": ["AUDIO"],
            "thinkingConfig": {"thinkingLevel": "LOW"},
        },
    )
    async with emulating(QUICK, script.responder) as client, client.session(thinking) as session:
        await session.send_text("Go.")
        first = await session.until_turn_complete()
        assert transcript(first) == "Wait."
        assert content(first[-1])["interactionStatus"] == "IN_PROGRESS"
        second = await session.until_turn_complete()
        assert transcript(second) == "Done."
        assert content(second[-1])["interactionStatus"] == "IDLE"


async def test_stop_ends_the_turn_with_its_reason():
    script = read_scenario({"turn": [{"steps": [{"say": "I"}, {"stop": "RESPONSE_REJECTED"}, {"say": "never"}]}]})
    async with emulating(QUICK, script.responder) as client, client.session() as session:
        await session.send_text("Go.")
        answer = await session.until_turn_complete()
        assert transcript(answer) == "I"
        assert content(answer[-1])["turnCompleteReason"] == "RESPONSE_REJECTED"


async def test_send_sends_any_message_as_it_is():
    message = {"serverContent": {"modelTurn": None}, "somethingNew": [1]}
    script = read_scenario({"turn": [{"steps": [{"send": message}, {"say": "Yes."}]}]})
    async with emulating(QUICK, script.responder) as client, client.session() as session:
        await session.send_text("Go.")
        answer = await session.until_turn_complete()
        assert message in answer
        assert transcript(answer) == "Yes."


async def test_interim_transcripts_come_word_by_word_before_the_transcript():
    script = read_scenario({"turn": [{"transcript": "What time is it?"}]})
    options = replace(QUICK, interim_transcripts=True)
    async with emulating(options, script.responder) as client, client.session() as session:
        await session.send_audio(speech(0.5))
        answer = await session.until_turn_complete()
    heard = [
        content(each)["interimInputTranscription"]["text"]
        for each in answer
        if "interimInputTranscription" in content(each)
    ]
    assert heard == ["What", "What time", "What time is"]
    assert transcript(answer, "inputTranscription") == "What time is it?"


async def test_go_away_is_sent_immediately_and_the_session_closes_when_announced():
    script = read_scenario({"turn": [{"go_away": 2.5}]})
    async with emulating(QUICK, script.responder) as client, client.session() as session:
        await session.send_text("Leave.")
        messages = await session.until(lambda message: "goAway" in message)
        assert messages[-1]["goAway"] == {"timeLeft": "2.5s"}
        client.emulator.clock.skip(2.5)
        assert (await session.until_closed())[0] == 1008


async def test_turns_continue_in_order_after_a_resumption():
    script = read_scenario({"turn": [{"say": "First."}, {"say": "Second."}]})
    async with emulating(QUICK, script.responder) as client:
        async with client.session(setup(sessionResumption={})) as session:
            handle = await session.next_handle()
            await session.send_text("One.")
            await session.until_turn_complete()
        async with client.session(setup(sessionResumption={"handle": handle})) as session:
            await session.send_text("Two.")
            assert transcript(await session.until_turn_complete()) == "Second."


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"turns": []}, "scenario: unknown key 'turns'; the keys are fault, turn"),
        ({"turn": {}}, r"turn: must be a list of tables, each written as \[\[turn\]\]"),
        ({"turn": [{"say": 5}]}, "turn 1, say: must be a string"),
        ({"turn": [{}, {"sya": ""}]}, "turn 2: unknown key 'sya'"),
        ({"turn": [{"pause": -1}]}, "turn 1, pause: must be a number of seconds"),
        ({"turn": [{"args": {}}]}, "turn 1: args requires call, which is missing"),
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
        ([], "scenario: must be a table"),
        ({"turn": [{"when": "?!", "say": "a"}]}, "turn 1, when: must contain at least one word"),
        ({"turn": [{"pause": float("nan")}]}, "turn 1, pause: must be a number of seconds"),
        (
            {"turn": [{"steps": [{"say": "a"}, {"latency": 1}]}]},
            "latency must be the first step",
        ),
        ({"turn": [{"call": "f", "then": [{"latency": 1}]}]}, "use pause"),
        ({"turn": [{"call": "f", "twice": "yes"}]}, "twice must be true or false"),
        ({"turn": [{"call": "f", "then": [{"work": 1}]}]}, "use pause"),
        ({"turn": [{"send": "hello"}]}, "turn 1, send: must be a table, the message to send"),
        ({"turn": [{"work": -1}]}, "turn 1, work: must be a number of seconds"),
        ({"turn": [{"stop": 7}]}, "turn 1, stop: must be a string"),
    ],
)
def test_invalid_scenario_is_refused_with_its_location(content, message):
    with pytest.raises(ScenarioError, match=message):
        read_scenario(content)


def test_invalid_toml_is_refused_with_the_file_name(tmp_path):
    path = tmp_path / "broken.toml"
    path.write_text("[[turn")
    with pytest.raises(ScenarioError, match=r"broken\.toml is not valid TOML"):
        load_scenario(path)


def test_binary_file_is_refused_with_its_name(tmp_path):
    path = tmp_path / "picture.toml"
    path.write_bytes(b"\x89PNG\xff")
    with pytest.raises(ScenarioError, match=r"picture\.toml is not valid TOML"):
        load_scenario(path)


def test_example_in_the_documentation_is_valid():
    manual = Path(__file__).parents[3] / "docs" / "emulator.md"
    (example,) = re.findall(r"```toml\n(.*?)```", manual.read_text(encoding="utf-8"), re.DOTALL)
    script = read_scenario(tomllib.loads(example))
    assert len(script.responder.turns) == 4
    assert script.faults[0].status == 429
