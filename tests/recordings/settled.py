"""Reads what `tokensvc probe --settle` has written as records, to replay them against the emulator."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from emulator.live_client import function
from recordings.record import Message, Record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FUNCTION = "tell_the_time"
# Nothing of what was said is in the file; these words are ours.
WORDS, WORDS_FOR_A_CALL = "Hello there.", f"Please call {FUNCTION} now."
TRANSCRIPTS = {"inputAudioTranscription": "inputTranscription", "outputAudioTranscription": "outputTranscription"}


def records(file: Path) -> Iterator[Record]:
    """Yield the conversation with each profile."""
    document = json.loads(file.read_text(encoding="utf-8"))
    conversations = zip(document["models"], document["setups"], strict=True)
    for number, (model, setup) in enumerate(conversations, start=1):
        for session in document["sessions"]:
            if session["step"] == f"profile {number}: speaks":
                yield _record(f"profile {number}", model, setup, session["messages"], file)


def _record(name: str, model: str, setup: list[str], noted: list[dict[str, Any]], file: Path) -> Record:
    # The service sends empty messages between others.
    messages = _joined([_message(one) for one in noted if one["kind"]])
    messages = [
        replace(one, content=_content(one.kind, following.kind)) if one.sender == "client" else one
        for one, following in pairwise([*messages, messages[-1]])
    ]
    # When it comes depends on nothing else that comes.
    updates = [one for one in messages if one.kind == "sessionResumptionUpdate"]
    left_out = frozenset(one.kind for one in updates)
    requested = {"sessionResumption": {}} if "sessionResumption" in setup else {}
    return Record(
        name=name,
        title="A conversation of “tokensvc probe”",
        source={"repository": "“tokensvc probe --settle”", "file": file.name},
        model=model,
        messages=tuple(one for one in messages if one not in updates),
        turns=(),
        ends=messages[-1].at,
        setup=requested | ({"tools": [function(FUNCTION)]} if "tools" in setup else {}),
        repeated=left_out if len(updates) > 1 else frozenset(),
        unknown=left_out | {kind for asked, kind in TRANSCRIPTS.items() if asked not in setup},
    )


def _message(noted: dict[str, Any]) -> Message:
    fields = tuple(noted.get("fields", ()))
    at, seconds = noted["at"], noted.get("seconds", 0.0)
    return Message(at, noted["from"], noted["kind"], fields, seconds=seconds, until=at + seconds)


def _joined(messages: list[Message]) -> list[Message]:
    """Make one message of each run of sound."""
    joined: list[Message] = []
    for one in messages:
        run = joined[-1] if joined else None
        if run is None or {run.kind, one.kind} != {"modelTurn"}:
            joined.append(one)
            continue
        always = tuple(path for path in run.fields if path in one.fields)
        seen = {*run.fields, *run.sometimes, *one.fields}
        joined[-1] = replace(run, fields=always, sometimes=tuple(sorted(seen - {*always})), until=one.at)
    return joined


def _content(kind: str, following: str) -> Any:
    match kind:
        case "text":
            return WORDS_FOR_A_CALL if following == "toolCall" else WORDS
        case "toolResponse":
            return {"output": "probe"}
        case _:
            return WORDS
