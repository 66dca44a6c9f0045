"""What a row of the table asks, in the words of an SDK: a setup becomes a config."""

from __future__ import annotations

import re
from typing import Any

from google.genai import types

from emulator.talking import MODEL

# What an SDK has at the top of its config, in the wire's spelling.
TOP = frozenset(field.alias for field in types.LiveConnectConfig.model_fields.values())


def live_config(setup: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The model and the config with which an SDK writes *setup*; a model it must have."""
    asked = camel(setup)
    generation = camel(asked.pop("generationConfig", {}))
    model = asked.pop("model", MODEL)
    config = {**asked, **{key: value for key, value in generation.items() if key in TOP}}
    rest = {key: value for key, value in generation.items() if key not in TOP}
    if rest:
        config["generationConfig"] = rest
    return model, config


def token_config(body: Any) -> dict[str, Any]:
    """The config with which an SDK mints a token by *body*; none, or bytes, is an empty one.

    A mask that the SDK would derive otherwise goes in as its `extraBody`.
    """
    asked = camel(body) if isinstance(body, dict) else {}
    setup = asked.pop("bidiGenerateContentSetup", None)
    mask = asked.pop("fieldMask", None)
    if setup is not None:
        model, config = live_config(setup)
        asked["liveConnectConstraints"] = {"model": model, "config": config}
    if mask is not None and setup is None:
        asked["lockAdditionalFields"] = mask.split(",")
    elif mask is not None:
        asked["httpOptions"] = {"extraBody": {"fieldMask": mask}}
    return asked


def camel(message: dict[str, Any]) -> dict[str, Any]:
    """*message* with its own fields in camelCase; what is in them an SDK reads either way."""
    return {
        re.sub(r"_([a-z])", lambda found: found[1].upper(), key): value
        for key, value in message.items()
    }
