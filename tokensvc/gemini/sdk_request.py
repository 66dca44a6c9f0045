"""Builds request bodies with Google's SDK, in a separate program.

Importing the SDK takes 0.3 s and 49 MB, which workers should not pay. So this runs in a child
process, `python -m tokensvc.gemini.sdk_request`: it reads a JSON array of the arguments of
`compile_profile` from standard input, and writes an array of its results to standard output.
"""

import copy
import json
import sys
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import httpx2
from google import genai
from google.genai import types
from pydantic import ValidationError
from pydantic.alias_generators import to_camel

from tokensvc.config.profiles import functions_in
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


def compile_profile(
    model: str,
    config: dict[str, Any],
    options: Mapping[str, dict[str, Any]],
    api_version: str,
    tools: Mapping[str, dict[str, Any]],
) -> dict[str, Any]:
    """Return `{"body": …, "choices": {option: {value: body}}}`, or `{"faults": […]}`.

    A body is Google's request body for a token: with every option at its default, or one of them at another value.
    """
    for function in functions_in(config):
        function.pop("ends", None)  # for the client; Google has no such field
    for option in options.values():
        _put(config, option["path"], option["default"])
    declared, faults = declare(tools, rules_of(model))
    body, of_defaults = _body(model, config, api_version, declared)
    faults += of_defaults
    choices: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in options}
    for name, option in options.items():
        for value in option["choices"]:
            changed = copy.deepcopy(config)
            _put(changed, option["path"], value)
            choices[name][value], found = _body(model, changed, api_version, declared)
            faults += [f"{fault} (if {name} is {value})" for fault in found if fault not in of_defaults]
    return {"faults": faults} if faults else {"body": body, "choices": choices}


def _put(config: dict[str, Any], path: str, value: str) -> None:
    """Set *value* at the dotted *path* in *config*."""
    *parents, last = path.split(".")
    for name in parents:
        below = config.setdefault(name, {})
        if not isinstance(below, dict):
            below = config[name] = {}  # if the path is wrong, the SDK's check reports this key
        config = below
    config[last] = value


def _body(
    model: str, config: dict[str, Any], api_version: str, declared: list[dict[str, Any]]
) -> tuple[dict[str, Any], list[str]]:
    """Return the request body, or else why there is none; each fault begins with its key."""
    names = {spelled: name for name in _DEFAULTS for spelled in (name, to_camel(name))}
    # A profile turns one of our defaults off by setting it to false, which the SDK would reject.
    left_out = {names[key] for key, value in config.items() if key in names and value is False}
    written = {key: value for key, value in config.items() if names.get(key) not in left_out}
    try:
        checked = types.LiveConnectConfig.model_validate(written)
    except ValidationError as error:
        return {}, [f"config.{_fault(fault)}" for fault in error.errors()]
    except Exception as error:  # noqa: BLE001 - the SDK's enums raise various errors
        return {}, [f"config.Google's LiveConnectConfig rejects this ({error})"]
    defaults = {name: value for name, value in _DEFAULTS.items() if name not in left_out}
    complete = defaults | checked.model_dump(mode="json", exclude_none=True)
    if declared:
        complete["tools"] = [*complete.get("tools", ()), {"function_declarations": declared}]
    for function in functions_in(complete):
        function.setdefault("behavior", rules_of(model).behaviors[0])
    if faults := [*_forbidden_fields(complete), *faults_of(model, complete, api_version)]:
        return {}, [f"config.{fault}" for fault in faults]
    try:
        return _capture_body(model, complete, api_version), []
    except ValueError as error:  # the SDK: not supported by the Developer API
        return {}, [f"config.{error}"]


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


def _fault(fault: Any) -> str:  # noqa: ANN401 - pydantic's ErrorDetails is a TypedDict of Any
    key = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        return f"{key}: Google's LiveConnectConfig has no such field; check the spelling"
    return f"{key}: {fault['msg']}"


if __name__ == "__main__":
    json.dump([compile_profile(**asked) for asked in json.load(sys.stdin)], sys.stdout)
