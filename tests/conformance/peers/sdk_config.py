"""Translates a setup or a token request into the config of an SDK."""

from __future__ import annotations

import re
from typing import Any

from google.genai import types

from emulator.live_client import MODEL

# The fields that an SDK has at the top level of its config, in camelCase.
TOP = frozenset(field.alias for field in types.LiveConnectConfig.model_fields.values())


def live_config(setup: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the model and the config with which an SDK sends *setup*; an SDK requires a model."""
    config = camel(setup)
    generation = camel(config.pop("generationConfig", {}))
    model = config.pop("model", MODEL)
    config |= {key: value for key, value in generation.items() if key in TOP}
    rest = {key: value for key, value in generation.items() if key not in TOP}
    if rest:
        config["generationConfig"] = rest
    return model, config


def token_config(body: Any) -> dict[str, Any]:
    """Return the config with which an SDK sends *body*; it is empty for None and for bytes.

    Beside a setup, the SDK would derive another mask; the given one is passed as `extraBody`.
    """
    token = camel(body) if isinstance(body, dict) else {}
    setup = token.pop("bidiGenerateContentSetup", None)
    mask = token.pop("fieldMask", None)
    if setup is not None:
        model, config = live_config(setup)
        token["liveConnectConstraints"] = {"model": model, "config": config}
    if mask is not None and setup is None:
        token["lockAdditionalFields"] = mask.split(",")
    elif mask is not None:
        token["httpOptions"] = {"extraBody": {"fieldMask": mask}}
    return token


def camel(message: dict[str, Any]) -> dict[str, Any]:
    """Return *message* with its own fields in camelCase; in nested ones an SDK accepts both."""
    return {re.sub(r"_([a-z])", lambda found: found[1].upper(), key): value for key, value in message.items()}
