"""Profiles: named, locked configurations of a conversation, with options for callers."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from tokensvc.domain import READY_FOR, SHORTEST_TOKEN, Limit, Principal

_UNITS = {"s": 1, "m": 60, "h": 3600}
_WINDOWS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
LONGEST_TOKEN = 20 * 3600  # seconds: Google's limit (ai.google.dev, ephemeral tokens)

NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"  # of a profile, or of an API key
Name = Annotated[str, Field(pattern=f"^{NAME}$")]


def duration(text: object) -> int:
    """Return the seconds in a duration such as “90s”, “5m” or “2h”.

    Raises:
        ValueError: if *text* is anything else.
    """
    if isinstance(text, str) and (match := re.fullmatch(r"([1-9][0-9]{0,6})([smh])", text)):
        return int(match[1]) * _UNITS[match[2]]
    raise ValueError("write a duration such as “90s”, “5m” or “2h”")


def _daily_seconds(value: object) -> object:
    if isinstance(value, str) and value.endswith("/day"):
        return duration(value.removesuffix("/day"))
    raise ValueError("write a budget such as “30m/day” or “2h/day”")


def _limit(value: object) -> object:
    if isinstance(value, str) and (match := re.fullmatch(r"([1-9][0-9]{0,6})/([a-z]+)", value)):
        window = _WINDOWS.get(match[2])
        if window:
            return Limit(int(match[1]), window)
    raise ValueError("write a limit such as “10/minute”; the units are " + ", ".join(_WINDOWS))


def _model(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(r"(models/)?[A-Za-z0-9._-]+", value):
        return value if value.startswith("models/") else f"models/{value}"
    raise ValueError("write a model's name such as “gemini-3.8-live”")


Seconds = Annotated[int, BeforeValidator(duration)]
DailySeconds = Annotated[int, BeforeValidator(_daily_seconds)]
Limits = tuple[Annotated[Limit, BeforeValidator(_limit)], ...]


class Model(BaseModel):
    """A part of the configuration: frozen, and unknown keys are faults."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class Option(Model):
    """A setting whose value callers may choose from a list."""

    path: Annotated[str, Field(pattern=r"^[A-Za-z_]+(\.[A-Za-z_]+)*$")]  # in the profile's config
    choices: Annotated[tuple[str, ...], Field(min_length=1, max_length=100)]
    default: str = ""

    @model_validator(mode="after")
    def _default_is_a_choice(self) -> Self:
        if self.default and self.default not in self.choices:
            raise ValueError("default must be one of choices")
        return self

    @property
    def chosen_by_default(self) -> str:
        """The value if the caller chooses none: *default*, or else the first choice."""
        return self.default or self.choices[0]


class Profile(Model):
    """A named, locked configuration; durations are seconds."""

    name: Name
    description: str = ""
    model: Annotated[str, BeforeValidator(_model)]
    allow: Annotated[
        tuple[Annotated[str, Field(pattern=rf"^(user|guest|group:[^\s:]+|key:{NAME})$")], ...],
        Field(min_length=1),
    ]
    token_lifetime: Seconds = 300
    connect_within: Seconds = 60
    ready_tokens: Annotated[int, Field(ge=0, strict=True)] = 0
    max_session: Seconds = 1800
    idle_stop: Seconds | None = None
    video: tuple[Literal["camera", "screen"], ...] = ()
    greeting: str | None = None
    rebuild: bool = True
    limits: Limits = ()
    budget: DailySeconds | None = None
    config: dict[str, Any] = {}
    options: dict[Name, Option] = {}

    @model_validator(mode="after")
    def _durations_agree(self) -> Self:
        if self.token_lifetime < SHORTEST_TOKEN:
            raise ValueError("token_lifetime is under 30s, too short for a conversation")
        if self.token_lifetime >= LONGEST_TOKEN:
            raise ValueError("token_lifetime must be under 20h, which is Google's limit")
        if self.connect_within > self.token_lifetime:
            raise ValueError("connect_within must not be longer than token_lifetime")
        if self.token_lifetime > self.max_session:
            raise ValueError("token_lifetime must not be longer than max_session")
        if self.ready_tokens and self.connect_within < 2 * READY_FOR:
            raise ValueError(f"ready_tokens needs a connect_within of {2 * READY_FOR}s or more")
        return self

    def admits(self, principal: Principal) -> bool:
        """Return whether *principal* may use this profile."""
        if principal.kind == "key":
            allowed = principal.profiles is None or self.name in principal.profiles  # None: any
            return allowed and principal.issuer in self.allow  # the issuer is “key:NAME”
        return principal.kind in self.allow or any(
            f"group:{group}" in self.allow for group in principal.groups
        )

    def resolve(self, unverified_options: dict[str, str]) -> dict[str, str]:
        """Return the value of every option: the caller's choice, or the default.

        Raises:
            ValueError: if an option does not exist, or its value is not one of the choices.
        """
        for name, value in unverified_options.items():
            option = self.options.get(name)
            if option is None:
                raise ValueError(f"The profile has no option “{name[:64]}”.")
            if value not in option.choices:
                raise ValueError(f"“{name}” must be one of: {', '.join(option.choices)}.")
        return {
            name: unverified_options.get(name, option.chosen_by_default)
            for name, option in self.options.items()
        }
