"""The kinds of values in the configuration file: names, durations, limits."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from tokensvc.domain import SHORTEST_TOKEN, Limit
from tokensvc.plain_text import tidy

_UNITS = {"s": 1, "m": 60, "h": 3600}
_WINDOWS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}

_DURATION = r"([1-9][0-9]{0,6})([smh])"
_PAUSE = r"(?=.*[1-9])[0-9]{1,2}(\.[0-9]{1,3})?s"
_LIMIT = rf"([1-9][0-9]{{0,6}})/({'|'.join(_WINDOWS)})"
NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"  # of a profile, or of an API key


def _name(value: str) -> str:
    if not re.fullmatch(NAME, value):
        raise ValueError("write 1 to 64 letters, digits, dots, dashes or underscores")
    return value


def written(pattern: str) -> Any:  # noqa: ANN401 - pydantic's
    """Return the annotation of a text that matches *pattern*, for the JSON Schema; it checks nothing."""
    return Field(json_schema_extra={"pattern": f"^({pattern})$"})


Name = Annotated[str, AfterValidator(_name), written(NAME)]
Text = Annotated[str, AfterValidator(tidy), Field(min_length=1, max_length=255)]


def duration(text: object) -> int:
    """Return the seconds in a duration such as “90s”, “5m” or “2h”; raise ValueError for anything else."""
    if isinstance(text, str) and (match := re.fullmatch(_DURATION, text)):
        return int(match[1]) * _UNITS[match[2]]
    raise ValueError("write a duration such as “90s”, “5m” or “2h”")


def pause(text: object) -> float:
    """Return the seconds in a pause such as “1.5s”; raise ValueError for anything else."""
    if isinstance(text, str) and re.fullmatch(_PAUSE, text):
        return float(text[:-1])
    raise ValueError("write a pause such as “1.5s”")


def _daily_seconds(value: object) -> object:
    if isinstance(value, str) and value.endswith("/day"):
        seconds = duration(value.removesuffix("/day"))
        if seconds >= SHORTEST_TOKEN:
            return seconds
    raise ValueError("write a budget of 30s or more, such as “30m/day” or “2h/day”")


def _limit(value: object) -> object:
    if isinstance(value, str) and (match := re.fullmatch(_LIMIT, value)):
        return Limit(int(match[1]), _WINDOWS[match[2]])
    raise ValueError("write a limit such as “10/minute”; the units are " + ", ".join(_WINDOWS))


def written_limit(limit: Limit) -> str:
    """Return *limit* as the configuration file has it, such as “10/minute”."""
    return f"{limit.count}/{next(unit for unit, seconds in _WINDOWS.items() if seconds == limit.seconds)}"


LimitMode = Literal["refuse", "record"]  # what happens to what is over the limits beside it
Duration = BeforeValidator(duration, Annotated[str, written(_DURATION)])
Pause = BeforeValidator(pause, Annotated[str, written(_PAUSE)])
Seconds = Annotated[int, Duration]
DailySeconds = Annotated[int, BeforeValidator(_daily_seconds, Annotated[str, written(f"{_DURATION}/day")])]
Limits = tuple[Annotated[Limit, BeforeValidator(_limit, Annotated[str, written(_LIMIT)])], ...]


class Model(BaseModel):
    """A part of the configuration: frozen, and unknown keys are faults."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, allow_inf_nan=False)
