"""Profiles: named, locked configurations of a conversation, with options for callers."""

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue, model_validator
from pydantic.json_schema import SkipJsonSchema

from tokensvc.config.tools import ServerTool, ToolName
from tokensvc.config.values import NAME, DailySeconds, LimitMode, Limits, Model, Name, Seconds, written
from tokensvc.domain import LONGEST_TOKEN, READY_FOR, SHORTEST_TOKEN, Principal
from tokensvc.plain_text import did_you_mean

_ALLOWED = rf"user|guest|group:[^\s:]+|key:{NAME}"
_MODEL = r"(models/)?[A-Za-z0-9._-]+"


def _allowed(value: str) -> str:
    if not re.fullmatch(_ALLOWED, value):
        similar = did_you_mean(value, ("user", "guest"))
        raise ValueError(f"write “user”, “guest”, “group:NAME” or “key:NAME”{similar}")
    return value


def model_name(value: object) -> object:
    """Return the name of a model as Google has it, with “models/”."""
    if isinstance(value, str) and re.fullmatch(_MODEL, value):
        return value if value.startswith("models/") else f"models/{value}"
    raise ValueError("write a model's name such as “gemini-3.8-live”")


ModelName = Annotated[str, BeforeValidator(model_name, Annotated[str, written(_MODEL)])]


def functions_in(config: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the function declarations in a `LiveConnectConfig`; skips what is malformed."""
    for tool in _tables(config.get("tools")):
        for key in ("function_declarations", "functionDeclarations"):
            yield from _tables(tool.get(key))


def _tables(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


class Option(Model):
    """A setting whose value callers may choose from a list."""

    path: Annotated[str, Field(pattern=r"^[A-Za-z_]+(\.[A-Za-z_]+)*$")]
    """What it sets in the profile's `config`, such as `speech_config.voice_config.prebuilt_voice_config.voice_name`."""
    choices: Annotated[tuple[str, ...], Field(min_length=1, max_length=100)]
    """The values that a caller may choose, 1 to 100."""
    default: str = ""
    """The value if the caller chooses none: one of `choices`, or else the first."""

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
    """What a conversation may be: a configuration to which a session is locked when it begins.

    Durations are seconds here.
    """

    name: SkipJsonSchema[Name]  # its key in the file
    description: str = ""
    """What it is for; callers see it in `GET /profiles`."""
    model: ModelName
    """Google's name of a Live API model, such as `gemini-3.8-live`."""
    allow: Annotated[tuple[Annotated[str, AfterValidator(_allowed), written(_ALLOWED)], ...], Field(min_length=1)]
    """Who may use it: `user` (signed in), `guest` (anybody), `group:NAME` or `key:NAME` (an API key)."""
    token_lifetime: Seconds = 300
    """How long a token is valid, from 30 s to less than 20 h. A block ends a conversation within this time."""
    connect_within: Seconds = 60
    """How soon a token must be used."""
    ready_tokens: Annotated[int, Field(ge=0, strict=True)] = 0
    """How many tokens each worker mints ahead, so that a start need not wait for Google; at most 64 in all profiles
    together."""
    max_session: Seconds = 1800
    """The longest conversation, over all its tokens."""
    idle_stop: Seconds | None = None
    """After how much silence the client ends the conversation."""
    video: tuple[Literal["camera", "screen"], ...] = ()
    """What the client offers to show."""
    greeting: str | None = None
    """A text that the client sends first, because models do not speak first."""
    rebuild: bool = True
    """Whether the client tells a new session what was said, if Google loses the old one. Needs both transcripts."""
    safety_identifier: bool = False
    """Whether Google is told a pseudonym of the person, in `labels.safety_identifier`. Not tried at Google yet: if it
    refuses the field, every mint of the profile fails."""
    limits: Limits = ()
    """Conversations that one person may start with this profile, in addition to `[limits]`."""
    budget: DailySeconds | None = None
    """Of all callers with this profile together."""
    limits_mode: LimitMode = "refuse"
    """What happens to what is over this profile's `limits` and `budget`: it is refused, or only recorded in the log."""
    config: dict[str, JsonValue] = Field(default_factory=dict)
    """Google's `LiveConnectConfig`, in its own field names; a session is locked to all of it when it begins."""
    options: dict[Name, Option] = Field(default_factory=dict)
    """By name: what callers may choose."""
    tools: dict[ToolName, ServerTool] = Field(default_factory=dict)
    """By name: functions that the service itself runs."""

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
        if self.ready_tokens and self.safety_identifier:
            raise ValueError("ready_tokens are minted for nobody yet, so they exclude safety_identifier: remove one")
        if self.ready_tokens and self.connect_within < 2 * READY_FOR:
            raise ValueError(f"ready_tokens needs a connect_within of {2 * READY_FOR}s or more")
        return self

    @model_validator(mode="after")
    def _ends_is_a_switch(self) -> Self:
        wrong = [each for each in functions_in(self.config) if not isinstance(each.get("ends", False), bool)]
        if wrong:
            raise ValueError(f"ends of function “{wrong[0].get('name')}” must be true or false")
        return self

    def admits(self, principal: Principal) -> bool:
        """Return whether *principal* may use this profile."""
        if principal.kind == "key":
            allowed = principal.profiles is None or self.name in principal.profiles  # None: any
            return allowed and principal.issuer in self.allow  # the issuer is “key:NAME”
        return principal.kind in self.allow or any(f"group:{group}" in self.allow for group in principal.groups)

    def resolve(self, unverified_options: dict[str, str]) -> dict[str, str]:
        """Return the value of every option, chosen or by default; raise ValueError for another option or choice."""
        for name, value in unverified_options.items():
            option = self.options.get(name)
            if option is None:
                raise ValueError(f"The profile has no such option; it has: {', '.join(self.options) or 'none'}.")
            if value not in option.choices:
                raise ValueError(f"“{name}” must be one of: {', '.join(option.choices)}.")
        return {name: unverified_options.get(name, option.chosen_by_default) for name, option in self.options.items()}
