"""Builds request bodies with Google's SDK, in a separate program.

Importing the SDK takes 0.3 s and 49 MB, which workers should not pay. So this runs in a child
process, `python -m tokensvc.gemini.sdk_request`: it reads a JSON array of
`{"model", "config", "api_version", "tools"}` from standard input, and writes an array of
`{"body"}` or `{"faults"}` to standard output, in the same order. Each fault begins with its key.
"""

import json
import sys
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import httpx2
from google import genai
from google.genai import types
from pydantic import ValidationError

from tokensvc.gemini.declarations import declare
from tokensvc.gemini.models import faults_of, rules_of

# Added here because a full lock keeps the client from adding them. Without compression a session
# ends after 15 minutes, or 2 with video. `false` in a profile leaves a part out.
_DEFAULTS: dict[str, Any] = {
    "response_modalities": ["AUDIO"],
    "session_resumption": {},
    "context_window_compression": {"sliding_window": {}},
    "input_audio_transcription": {},
    "output_audio_transcription": {},
}
# A placeholder: the minter sets the two times.
_ANY_TIME = "2000-01-01T00:00:00Z"


def request_for(
    model: str, config: dict[str, Any], api_version: str, tools: Mapping[str, dict[str, Any]]
) -> dict[str, Any]:
    """Return `{"body": …}`, Google's request body for a token, or `{"faults": […]}`.

    *tools* are the server's, by name: dumps of `config.tools.ServerTool`.
    """
    # A profile turns one of our defaults off by setting it to false, which the SDK would reject.
    left_out = {name for name in _DEFAULTS if config.get(name, config.get(_camel(name))) is False}
    written = {
        key: value
        for key, value in config.items()
        if key not in left_out and key not in {_camel(name) for name in left_out}
    }
    try:
        checked = types.LiveConnectConfig.model_validate(written)
    except ValidationError as error:
        return {"faults": [f"config.{_fault(fault)}" for fault in error.errors()]}
    except Exception as error:  # noqa: BLE001 - the SDK's enums raise various errors
        return {"faults": [f"config.Google's LiveConnectConfig rejects this ({error})"]}
    declared, faults = declare(tools, rules_of(model))
    complete = checked.model_dump(mode="json", exclude_none=True)
    for name, value in _DEFAULTS.items():
        if name not in left_out:
            complete.setdefault(name, value)
    if declared:
        complete.setdefault("tools", []).append({"function_declarations": declared})
    for tool in complete.get("tools", ()):
        for function in tool.get("function_declarations", ()):
            function.setdefault("behavior", rules_of(model).behaviors[0])
    of_config = [*_forbidden_fields(complete), *faults_of(model, complete, api_version)]
    faults += [f"config.{fault}" for fault in of_config]
    if faults:
        return {"faults": faults}
    try:
        return {"body": _capture_body(model, complete, api_version)}
    except ValueError as error:  # the SDK: not supported by the Developer API
        return {"faults": [f"config.{error}"]}


def _forbidden_fields(config: dict[str, Any]) -> Iterator[str]:
    """Yield a fault for each field that the SDK accepts and a profile must not have."""
    if "http_options" in config:
        yield "http_options: is not part of a session; remove it"
    if "generation_config" in config:
        yield "generation_config: write its fields directly under config"
    if config.get("session_resumption", {}).get("handle") is not None:
        yield "session_resumption.handle: would give all visitors one conversation; remove it"


def _capture_body(model: str, config: dict[str, Any], api_version: str) -> dict[str, Any]:
    """Return the body that the SDK would send, taken from its HTTP transport."""
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
        warnings.simplefilter("ignore")  # token creation is marked as experimental
        client.auth_tokens.create(
            config={
                "uses": 1,
                "expire_time": _ANY_TIME,
                "new_session_expire_time": _ANY_TIME,
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
        return f"{key}: Google's LiveConnectConfig has no such field; check the spelling"
    return f"{key}: {fault['msg']}"


if __name__ == "__main__":
    json.dump([request_for(**asked) for asked in json.load(sys.stdin)], sys.stdout)
