"""Mutations of realistic frames and request bodies, for fuzzing."""

from __future__ import annotations

import base64
import json
import re
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from emulator.live_client import MODEL, function, setup, speech

if TYPE_CHECKING:
    from random import Random

# Share of the mutations after which a message is usually still valid.
VALID_SHARE = 0.85
BASE64 = "ABCXYZabcxyz0189+/-_"
JUNK: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        0,
        1,
        -1,
        2**31,
        -(2**63),
        10**40,
        0.5,
        -1e308,
        "",
        "0",
        "null",
        "é\u0000",
    ),
    *("\ud800", "A" * 5000, "models/", "auth_tokens/", "AUDIO", "TEXT", "2026-12-01T00:00:00Z"),
    *([], {}, [[]], [None], {"": {}}, {"text": "x"}, [{"text": 5}]),
)
_SPEECH = speech(0.4, 0.1)
_CHUNK = {
    "data": base64.b64encode(_SPEECH[:1280]).decode(),
    "mimeType": "audio/pcm;rate=16000",
}
_LOUD = {"data": base64.b64encode(_SPEECH[4000:8000]).decode(), "mimeType": "audio/pcm;rate=16000"}
METER = function(
    "read_the_meter",
    parameters={"type": "OBJECT", "properties": {"room": {"type": "STRING", "enum": ["hall"]}}},
)

AUDIO = {"responseModalities": ["AUDIO"]}
LIVE_31 = "models/gemini-3.1-flash-live-preview"
EXTENDED = "models/gemini-3.8-live-extended-thinking"

SETUPS: tuple[dict[str, Any], ...] = (
    setup(),
    setup(tools=[METER, {"googleSearch": {}}], sessionResumption={}),
    setup(
        realtimeInputConfig={
            "automatic_activity_detection": {"disabled": True, "silence_duration_ms": 500},
            "activityHandling": "NO_INTERRUPTION",
        },
        contextWindowCompression={"triggerTokens": "600", "slidingWindow": {"targetTokens": 300}},
    ),
    setup(
        model="models/gemini-2.5-flash-native-audio-preview-12-2025",
        generationConfig={
            "responseModalities": ["AUDIO"],
            "thinkingConfig": {"thinkingBudget": 100, "include_thoughts": True},
            "speechConfig": {"voice_config": {"prebuilt_voice_config": {"voice_name": "Kore"}}},
        },
        historyConfig={"initialHistoryInClientContent": True},
    ),
    setup(model=LIVE_31),
    setup(
        model=EXTENDED,
        generationConfig={**AUDIO, "thinkingConfig": {"thinkingLevel": "LOW"}},
        tools=[function("look_up", behavior="NON_BLOCKING")],
    ),
)
# Each one is refused for a different reason.
REFUSED: tuple[dict[str, Any], ...] = (
    *({"model": model} for model in ("", "gemini-3.8-live", "models/gemini-99")),
    setup(model="models/gemini-2.0-flash-live-001"),
    *(setup(generationConfig={**AUDIO, **each}) for each in ({}, {"responseModalities": ["TEXT"]})),
    setup(generationConfig={**AUDIO, "enableAffectiveDialog": True}),
    setup(generationConfig={**AUDIO, "thinkingConfig": {"thinkingLevel": "LOW"}}),
    setup(model=LIVE_31, generationConfig={**AUDIO, "thinkingConfig": {"thinkingBudget": 1}}),
    setup(model=EXTENDED, generationConfig={**AUDIO, "thinkingConfig": {"thinkingLevel": "MINIMAL"}}),
    setup(model=LIVE_31, proactivity={"proactiveAudio": True}),
    setup(proactivity={"proactiveAudio": False}),
    setup(
        model=EXTENDED,
        generationConfig={**AUDIO, "thinkingConfig": {"thinkingLevel": "LOW"}},
        tools=[METER],
    ),
    setup(model=EXTENDED),
    setup(tools=[function("9")]),
    setup(tools=[function("f", parameters={"type": "INTEGER", "enum": ["1"]})]),
    setup(contextWindowCompression={"triggerTokens": 1, "slidingWindow": {"targetTokens": 2}}),
)
FRAMES: tuple[dict[str, Any], ...] = (
    *({"realtimeInput": {"audio": _CHUNK}},) * 4,
    *({"realtime_input": {"audio": {"data": _LOUD["data"], "mime_type": "audio/pcm"}}},) * 4,
    {"realtimeInput": {"audio": {**_LOUD, "mimeType": "audio/pcm;rate=44100"}}},
    {"realtimeInput": {"video": {"data": "_9g=", "mimeType": "image/jpeg"}}},
    {"realtimeInput": {"text": "Remember 42."}},
    {"realtimeInput": {"text": "Please read the meter of the hall."}},
    {"realtimeInput": {"text": "Search for the look up."}},
    {"realtimeInput": {"audioStreamEnd": True}},
    {"realtimeInput": {"activityStart": {}}},
    {"realtimeInput": {"activityEnd": {}}},
    {"realtimeInput": {"mediaChunks": [_CHUNK]}},
    {
        "clientContent": {
            "turns": [{"role": "user", "parts": [{"text": "a"}]}],
            "turnComplete": True,
        }
    },
    {
        "client_content": {
            "turns": [
                {
                    "parts": [
                        {"text": "b"},
                        {"inlineData": {"data": "AP_-", "mime_type": "image/png"}},
                    ]
                }
            ],
            "turn_complete": False,
        }
    },
    {"clientContent": {"turnComplete": True}},
    {
        "tool_response": {
            "functionResponses": [
                {
                    "id": "fc1",
                    "name": "f",
                    "response": {"ok": True},
                    "will_continue": False,
                    "scheduling": "WHEN_IDLE",
                }
            ]
        }
    },
    {"realtimeInput": {"text": "a"}, "clientContent": {"turnComplete": True}},
    {
        "contextUpdate": {
            "systemInstruction": {"parts": [{"text": "New."}]},
            "tools": {"tools": [{"googleSearch": {}}]},
        }
    },
)
# The frames that a session accepts, with automatic or with manual activity detection.
ACCEPTED = tuple(frame for frame in FRAMES if len(frame) == 1 and "contextUpdate" not in frame)
AUTOMATIC = tuple(
    frame
    for frame in ACCEPTED
    if not {"activityStart", "activityEnd", "mediaChunks"} & frame.get("realtimeInput", {}).keys()
)
MANUAL = tuple(
    frame for frame in ACCEPTED if not {"audioStreamEnd", "mediaChunks"} & frame.get("realtimeInput", {}).keys()
)
BODIES: tuple[dict[str, Any], ...] = (
    {},
    {"uses": 2, "expireTime": "2036-12-01T12:30:15.123456+02:00"},
    {"fieldMask": "model,generationConfig.top_k", "bidiGenerateContentSetup": {"model": MODEL}},
    *({"uses": 1, "bidiGenerateContentSetup": each} for each in SETUPS),
)


class Mutator:
    """Mutates messages."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def mutated(self, message: dict[str, Any]) -> str:
        """Return a mutated message as text, which may no longer be JSON."""
        random = self._random
        if message and random.random() < VALID_SHARE:
            return self._mutate_gently(deepcopy(message))
        if random.random() < 0.85:
            changed = deepcopy(message)
            for _ in range(random.choice((1, 1, 1, 2, 4))):
                self._change(changed)
            return json.dumps(changed)
        text = json.dumps(message)
        at, other = random.randrange(len(text)), random.randrange(len(text))
        broken = (
            text[:at],
            text[:at] + chr(random.randrange(0x250)) + text[at + 1 :],
            text + text,
            text[:at] + text[other:],
            "[" * random.choice((1, 50, 20_000)) + text,
        )
        return random.choice(broken)

    def _mutate_gently(self, message: dict[str, Any]) -> str:
        """Mutate a message so that it is usually still valid."""
        random = self._random
        for _ in range(random.choice((1, 2, 3))):
            container, key = random.choice(list(places(message)))
            value = container[key]
            if isinstance(container, dict) and random.random() < 0.4:
                container[convert_case(str(key))] = container.pop(key)
            elif key == "data" and value:
                at = random.randrange(len(value))
                container[key] = value[:at] + random.choice(BASE64) + value[at + 1 :]
            elif key == "text":
                container[key] = self._similar(value)
            elif isinstance(value, int) and not isinstance(value, bool):
                container[key] = str(value)
            elif isinstance(container, dict):
                container.update(reversed([*container.items()]))
        return json.dumps(message, indent=random.choice((None, None, 2)))

    def _change(self, root: Any) -> None:
        """Change one place in *root*."""
        random = self._random
        container, key = random.choice(list(places(root)) or [({}, "")])
        match random.randrange(7):
            case 0:
                container[key] = deepcopy(random.choice(JUNK))
            case 1 | 2:
                container[key] = self._similar(container[key]) if key in keys(container) else {}
            case 3 if isinstance(container, dict):
                container[convert_case(str(key))] = container.pop(key, {})
            case 4 if isinstance(container, dict):
                container[random.choice(("text", "data", "role", "stray", "handle"))] = "x"
            case 5 if isinstance(container, dict):
                container.pop(key, None)
            case _:
                container[key] = [container[key]] if key in keys(container) else []

    def _similar(self, value: Any) -> Any:
        """Return a value of the same type."""
        random = self._random
        match value:
            case bool():
                return not value
            case int() | float():
                return random.choice((0, -value, value * 10**6, value + 1, value / 3))
            case str() if value:
                at = random.randrange(len(value))
                return value[:at] + random.choice(("", "A", "_", "=", " ", "é")) + value[at:]
            case list():
                return value * random.choice((0, 2, 30))
            case _:
                return value


def places(root: Any) -> Any:
    """Yield every (container, key) in a JSON value."""
    if isinstance(root, dict | list):
        for key in keys(root):
            yield root, key
            yield from places(root[key])


def keys(container: Any) -> list[Any]:
    return list(container) if isinstance(container, dict) else list(range(len(container)))


def convert_case(name: str) -> str:
    """Convert camelCase to snake_case and vice versa."""
    if "_" in name:
        return re.sub(r"_(\w)", lambda found: found[1].upper(), name)
    return re.sub(r"([A-Z])", lambda found: "_" + found[1].lower(), name)
