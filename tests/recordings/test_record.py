"""The comparison notices what differs from a record, and says which message it was."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from recordings.record import (
    RECORDS,
    Message,
    RecordError,
    is_empty,
    kind_of,
    load,
    paths,
)
from recordings.recorded_server import RecordedServer
from recordings.replay import Replay, ReplayError

SPOKEN_TURN, TOOL_CALL, GO_AWAY = (
    next(record for record in RECORDS if record.name == name) for name in ("spoken-turn", "tool-call", "go-away")
)
SOUND = Message(
    at=1.0,
    sender="server",
    kind="modelTurn",
    fields=("serverContent.modelTurn",),
    sometimes=("serverContent.outputTranscription.text",),
)
UPDATE = Message(
    at=1.0,
    sender="server",
    kind="sessionResumptionUpdate",
    fields=("sessionResumptionUpdate.newHandle", "sessionResumptionUpdate.resumable"),
    values={"sessionResumptionUpdate.resumable": True},
    forms={"sessionResumptionUpdate.newHandle": ".{4}"},
)
PART = {"inlineData": {"mimeType": "audio/pcm;rate=24000", "data": "AAAA"}}


def update(**fields):
    return {"sessionResumptionUpdate": {"newHandle": "abcd", "resumable": True, **fields}}


def sound(*parts, **fields):
    return {"serverContent": {"modelTurn": {"role": "model", "parts": [*parts]}, **fields}}


def without(record, kind):
    """Return *record* without its messages of a kind."""
    return replace(record, messages=tuple(one for one in record.messages if one.kind != kind))


@pytest.mark.parametrize(
    ("expected", "message", "difference"),
    [
        (UPDATE, update(), ""),
        (UPDATE, update(newHandle="abc"), "newHandle = 'abc', which is not of the form .{4}"),
        (UPDATE, update(resumable=False), "resumable = False instead of True"),
        (UPDATE, update(more=1), "also with sessionResumptionUpdate.more"),
        (
            UPDATE,
            {"sessionResumptionUpdate": {"resumable": True}},
            "without sessionResumptionUpdate.newHandle",
        ),
        (SOUND, sound(PART), ""),
        (SOUND, sound(PART, outputTranscription={"text": "Yes"}), ""),
        (SOUND, sound(PART, PART), "with 2 parts instead of one"),
        (
            SOUND,
            sound(PART, outputTranscription={"text": "Yes", "finished": True}),
            "also with serverContent.outputTranscription.finished",
        ),
    ],
)
def test_difference_names_what_differs(expected, message, difference):
    found = expected.difference(message)
    assert found.endswith(difference) if difference else found == ""


@pytest.mark.parametrize("empty", [{}, {"serverContent": {}}])
def test_message_without_content_is_empty(empty):
    assert is_empty(empty)


def test_voice_activity_may_come_with_an_empty_server_content():
    message = {"serverContent": {}, "voiceActivity": {"type": "ACTIVITY_END"}}
    assert kind_of(message) == "voiceActivity"
    assert paths(message) == ["voiceActivity.type"]


def test_turn_complete_with_usage_is_one_message():
    message = {"serverContent": {"turnComplete": True}, "usageMetadata": {"totalTokenCount": 1}}
    assert kind_of(message) == "turnComplete"
    assert paths(message) == ["serverContent.turnComplete", "usageMetadata"]


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ('{ at = 1.0, from = "server", kind = "hello", fields = ["hello"] }', "sends no hello"),
        ('{ at = 1.0, from = "client", kind = "goAway" }', "sends no goAway"),
        ('{ at = 1.0, kind = "goAway" }', "from must be client or server"),
        ('{ at = 1.0, from = "server", kind = "goAway" }', "needs its fields"),
        ('{ at = 1.0, from = "client", kind = "drop", why = "" }', "unknown key why"),
        (
            ", ".join(f'{{ at = {at}, from = "client", kind = "drop" }}' for at in (2.0, 1.0)),
            "do not ascend",
        ),
    ],
)
def test_invalid_record_is_refused(tmp_path, lines, problem):
    file = tmp_path / "record.toml"
    file.write_text(f'title = "T"\nmodel = "m"\nends = 1.0\nmessages = [{lines}]\nsource = {{}}')
    with pytest.raises(RecordError, match=rf"record\.toml.*{problem}"):
        load(file)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.name)
def test_every_record_names_its_source(record):
    assert {"repository", "file", "commit", "session", "recorded"} <= record.source.keys()
    assert len(record.source["commit"]) == 40


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.name)
async def test_server_that_follows_the_record_passes(record):
    await Replay(record, RecordedServer(record)).run()


async def failure_of(record, served):
    """Return why the replay of *record* fails against a server that follows *served*."""
    with pytest.raises(ReplayError) as failure:
        await Replay(record, RecordedServer(served)).run()
    return str(failure.value)


async def test_message_that_does_not_come_is_named():
    failure = await failure_of(SPOKEN_TURN, without(SPOKEN_TURN, "turnComplete"))
    assert "expected   message 10, at 6.298 s, from the server: turnComplete" in failure
    assert "came       nothing" in failure


async def test_order_of_messages_is_held():
    [*before, generated, completed] = SPOKEN_TURN.messages
    swapped = (*before, replace(completed, at=generated.at), replace(generated, at=completed.at))
    failure = await failure_of(SPOKEN_TURN, replace(SPOKEN_TURN, messages=swapped))
    assert "from the server: generationComplete" in failure
    assert "turnComplete  [serverContent.turnComplete, usageMetadata]\n" in failure
    assert "that is    a message of another kind" in failure


@pytest.mark.parametrize("kind", ["sessionResumptionUpdate", "inputTranscription", "generationComplete"])
async def test_message_that_is_not_in_the_record_is_noticed(kind):
    failure = await failure_of(without(SPOKEN_TURN, kind), SPOKEN_TURN)
    assert re.search(rf"came +at [\d.]+ s  {kind} .*\n +that is +a message of another kind", failure)


async def test_message_after_the_end_of_the_record_is_noticed():
    failure = await failure_of(without(SPOKEN_TURN, "turnComplete"), SPOKEN_TURN)
    assert "expected   nothing more" in failure
    assert "turnComplete  [serverContent.turnComplete, usageMetadata]" in failure


async def test_answer_before_the_result_of_its_call_is_noticed():
    early = tuple(
        replace(one, at=one.at - 1.0) if one.kind in {"modelTurn", "generationComplete"} else one
        for one in TOOL_CALL.messages
    )
    failure = await failure_of(TOOL_CALL, replace(TOOL_CALL, messages=early))
    assert "from the client: toolResponse" in failure
    assert "that is    before the client sent this" in failure


async def test_sound_without_its_transcript_is_noticed():
    silent = tuple(replace(one, sometimes=()) for one in SPOKEN_TURN.messages)
    failure = await failure_of(SPOKEN_TURN, replace(SPOKEN_TURN, messages=silent))
    assert "a run of sound without serverContent.outputTranscription.text" in failure


async def test_kind_that_comes_all_the_time_must_come():
    failure = await failure_of(replace(SPOKEN_TURN, repeated=frozenset({"goAway"})), SPOKEN_TURN)
    assert "goAway only 0 times" in failure


async def test_difference_in_the_fields_does_not_stop_a_replay_that_is_not_strict():
    short = tuple(replace(one, forms={"close.reason": "No."}) for one in GO_AWAY.messages)
    replay = Replay(replace(GO_AWAY, messages=short), RecordedServer(GO_AWAY), strict=False)
    await replay.run()
    [difference] = replay.differences.values()
    assert "which is not of the form No." in str(difference)
