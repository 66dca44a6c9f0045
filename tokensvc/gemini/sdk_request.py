"""Has Google's SDK write the request body of a profile; run as a program, for a child's lifetime.

The SDK costs 0.3 s and 49 MB to import, and none of that belongs in a worker: this module is
started as `python -m tokensvc.gemini.sdk_request`, reads a JSON array of
`{"model", "config", "api_version"}` from standard input, and writes an array of
`{"body"}` or `{"faults"}` to standard output, in the same order.
"""

from __future__ import annotations

import json
import sys
import warnings
from typing import TYPE_CHECKING, Any

import httpx2
from google import genai
from google.genai import types
from pydantic import ValidationError

from tokensvc.gemini.models import default_behavior, faults_of

if TYPE_CHECKING:
    from collections.abc import Iterator

# What a full lock would otherwise forbid the client to add. Without compression a session dies at
# 15 minutes, with a camera at 2; `false` in the profile leaves a part out.
_ADDED: dict[str, Any] = {
    "response_modalities": ["AUDIO"],
    "session_resumption": {},
    "context_window_compression": {"sliding_window": {}},
    "input_audio_transcription": {},
    "output_audio_transcription": {},
}
# Stand for the two times, which the minter writes at each mint.
_SOME_TIME = "2000-01-01T00:00:00Z"


def request_for(model: str, config: dict[str, Any], api_version: str) -> dict[str, Any]:
    """`{"body": …}`, Google's own request body for a token of *config*; or `{"faults": […]}`."""
    left_out = {name for name in _ADDED if config.get(name, config.get(_camel(name))) is False}
    written = {
        key: value
        for key, value in config.items()
        if key not in left_out and key not in {_camel(name) for name in left_out}
    }
    try:
        checked = types.LiveConnectConfig.model_validate(written)
    except ValidationError as error:
        return {"faults": [_fault(fault) for fault in error.errors()]}
    except Exception as error:  # noqa: BLE001 - the SDK's enums fail in their own ways
        return {"faults": [f"Google's LiveConnectConfig does not take this ({error})"]}
    complete = checked.model_dump(mode="json", exclude_none=True)
    for name, value in _ADDED.items():
        if name not in left_out:
            complete.setdefault(name, value)
    for tool in complete.get("tools", ()):
        for function in tool.get("function_declarations", ()):
            function.setdefault("behavior", default_behavior(model))
    faults = [*_misplaced(complete), *faults_of(model, complete)]
    if faults:
        return {"faults": faults}
    try:
        return {"body": _captured(model, complete, api_version)}
    except ValueError as error:  # the SDK's word for what the Developer API does not take
        return {"faults": [str(error)]}


def _misplaced(config: dict[str, Any]) -> Iterator[str]:
    """What the SDK's type has, and a profile must not."""
    if "http_options" in config:
        yield "http_options: is no part of a session"
    if "generation_config" in config:
        yield "generation_config: write its fields directly under config"
    if config.get("session_resumption", {}).get("handle") is not None:
        yield "session_resumption.handle: would give every visitor the same conversation"


def _captured(model: str, config: dict[str, Any], api_version: str) -> dict[str, Any]:
    bodies: list[dict[str, Any]] = []

    def keep(request: httpx2.Request) -> httpx2.Response:
        bodies.append(json.loads(request.content))
        return httpx2.Response(200, json={"name": "auth_tokens/none"})

    client = genai.Client(
        api_key="none",
        http_options=types.HttpOptions(
            api_version=api_version,
            base_url="https://sdk.invalid",
            client_args={"transport": httpx2.MockTransport(keep)},
        ),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # token creation is marked experimental; we know
        client.auth_tokens.create(
            config={
                "uses": 1,
                "expire_time": _SOME_TIME,
                "new_session_expire_time": _SOME_TIME,
                "live_connect_constraints": {"model": model, "config": config},
            }
        )
    return bodies[0]


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _fault(fault: Any) -> str:  # noqa: ANN401 - pydantic's ErrorDetails is a TypedDict of Any
    key = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        return f"{key}: Google's LiveConnectConfig has no such field"
    return f"{key}: {fault['msg']}"


if __name__ == "__main__":
    json.dump([request_for(**asked) for asked in json.load(sys.stdin)], sys.stdout)
