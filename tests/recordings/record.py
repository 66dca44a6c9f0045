"""Reads the records of sessions with the real service, and compares messages with them.

A record is a transcription of our own: which kind of message came when, from which side, and with
which fields. The words that are spoken in it are ours. `docs/emulator.md` describes the format.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
# The fields of these differ from one message to the next: only their presence is compared.
NOT_COMPARED = frozenset({"args", "modelTurn", "usageMetadata"})
SERVER_KINDS = frozenset(
    {
        "setupComplete",
        "sessionResumptionUpdate",
        "voiceActivity",
        "inputTranscription",
        "outputTranscription",
        "modelTurn",
        "generationComplete",
        "interrupted",
        "turnComplete",
        "toolCall",
        "toolCallCancellation",
        "goAway",
        "close",
    }
)
CLIENT_KINDS = frozenset(
    {
        "setup",  # opens a connection and sends its first message
        "speech",
        "text",
        "picture",
        "clientContent",
        "toolResponse",
        "drop",  # aborts the TCP connection
        "loss",  # neither reads nor sends any more, and closes nothing
        "close",  # closes the connection that was lost
    }
)
# Of every record; a whole number of seconds has no decimals.
FORMS = {"voiceActivity.audioOffset": r"\d+(\.\d{3})?s"}
# A message with sound may also have its transcript, and counts as sound.
CONTENT_KINDS = ("modelTurn", "interrupted", "turnComplete", "generationComplete")


class RecordError(ValueError):
    """Raised for an invalid record; its text names the file and the message."""


@dataclass(frozen=True, eq=False)
class Message:
    """A message of a record, or something else that one side did.

    Attributes:
        at: When it came, in seconds from the start of the session.
        sender: `client` or `server`.
        fields: The dotted paths of its fields; of all messages, for a run of sound.
        sometimes: The paths that only some messages of a run of sound have.
        values: What some of the fields contain.
        forms: Regular expressions for others.
        until: When the last message of a run of sound or the last chunk of speech came.
        chunks: Number of messages of a run of sound.
        seconds: Duration of sound or speech.
        resume: Whether a setup has the last handle.
        content: What the client sends, or our words for it.
    """

    at: float
    sender: str
    kind: str
    fields: tuple[str, ...] = ()
    sometimes: tuple[str, ...] = ()
    values: dict[str, Any] = field(default_factory=dict)
    forms: dict[str, str] = field(default_factory=dict)
    until: float = 0.0
    chunks: int = 0
    seconds: float = 0.0
    resume: bool = False
    content: Any = None

    def difference(self, message: dict[str, Any]) -> str:
        """Return how a received *message* of the same kind differs; '' if it does not."""
        found = paths(message)
        missing = [path for path in self.fields if path not in found]
        extra = [path for path in found if path not in {*self.fields, *self.sometimes}]
        if missing:
            return f"without {', '.join(missing)}"
        if extra:
            return f"also with {', '.join(extra)}"
        for path, expected in self.values.items():
            for value in at_path(message, path):
                if value != expected:
                    return f"with {path} = {value!r} instead of {expected!r}"
        for path, form in {**FORMS, **self.forms}.items():
            for value in at_path(message, path):
                if not re.fullmatch(form, str(value)):
                    return f"with {path} = {value!r}, which is not of the form {form}"
        parts = message.get("serverContent", {}).get("modelTurn", {}).get("parts", [None])
        return "" if len(parts) == 1 else f"with {len(parts)} parts instead of one"


@dataclass(frozen=True)
class Record:
    """A recorded session.

    Attributes:
        title: What happens in it.
        source: The public repository that it is from, and the file and the session in it.
        setup: The fields of its setup, apart from model, modality and transcripts.
        turns: The model's side, as turns of a scenario, in our words.
        ends: When the record ends, in seconds; nothing came between its last message and then.
        repeated: Kinds that came all the time, and are not listed.
        unknown: Kinds that the source says nothing about.
    """

    name: str
    title: str
    source: dict[str, Any]
    model: str
    messages: tuple[Message, ...]
    turns: tuple[dict[str, Any], ...]
    ends: float
    setup: dict[str, Any] = field(default_factory=dict)
    repeated: frozenset[str] = frozenset()
    unknown: frozenset[str] = frozenset()


def kind_of(message: dict[str, Any]) -> str:
    """Return a received message's kind: the name of its content."""
    content = message.get("serverContent", {})
    for kind in CONTENT_KINDS:
        if kind in content:
            return kind
    names = [*content, *(name for name in message if name != "serverContent")]
    return names[0] if names else ""


def is_empty(message: dict[str, Any]) -> bool:
    """Return whether a message says nothing; the real service sends such ones between others."""
    return not kind_of(message)


def paths(message: Any, prefix: str = "") -> list[str]:
    """Return the dotted paths of a message's fields, without those of an empty serverContent."""
    if isinstance(message, list):
        found = [path for item in message for path in paths(item, prefix)]
        return sorted(set(found)) or [prefix]
    if not isinstance(message, dict) or prefix.rpartition(".")[2] in NOT_COMPARED:
        return [prefix]
    found = []
    for name, value in message.items():
        if (name, value) != ("serverContent", {}):
            found += paths(value, f"{prefix}.{name}" if prefix else name)
    return sorted(found) or [prefix]


def at_path(message: Any, path: str) -> list[Any]:
    """Return what *message* has at a dotted path: several values, if lists are on the way."""
    if isinstance(message, list):
        return [value for item in message for value in at_path(item, path)]
    if not path:
        return [message]
    name, _, rest = path.partition(".")
    return at_path(message[name], rest) if name in message else []


def load(path: Path) -> Record:
    """Read a record.

    Raises:
        RecordError: if it is invalid.
    """
    root = tomllib.loads(path.read_text(encoding="utf-8"))
    messages = tuple(
        _message(content, f"{path.name}, message {number}")
        for number, content in enumerate(root.pop("messages", []), 1)
    )
    times = [message.at for message in messages]
    if times != sorted(times):
        raise RecordError(f"{path.name}: the times of the messages do not ascend.")
    known = {"title", "source", "model", "ends", "setup", "repeated", "unknown", "turn"}
    if unknown := root.keys() - known:
        raise RecordError(f"{path.name}: unknown key {', '.join(sorted(unknown))}.")
    return Record(
        name=path.stem,
        messages=messages,
        turns=tuple(root.pop("turn", [])),
        repeated=frozenset(root.pop("repeated", [])),
        unknown=frozenset(root.pop("unknown", [])),
        **root,
    )


def _message(content: dict[str, Any], location: str) -> Message:
    content = dict(content)
    sender = content.pop("from", "")
    kinds = {"client": CLIENT_KINDS, "server": SERVER_KINDS}.get(sender)
    if kinds is None:
        raise RecordError(f"{location}: from must be client or server.")
    if content.get("kind") not in kinds:
        raise RecordError(f"{location}: the {sender} sends no {content.get('kind')}.")
    if unknown := content.keys() - {one.name for one in fields(Message)}:
        raise RecordError(f"{location}: unknown key {', '.join(sorted(unknown))}.")
    if sender == "server" and not content.get("fields"):
        raise RecordError(f"{location}: a message of the server needs its fields.")
    for name in ("fields", "sometimes"):
        content[name] = tuple(content.get(name, ()))
    return Message(sender=sender, **content)


RECORDS = tuple(load(path) for path in sorted(FOLDER.glob("*.toml")))
