"""Parameter types that several commands use."""

from datetime import UTC, datetime, timedelta
from typing import Any

import click
from click import Context, Parameter

from tokensvc.config.values import duration


class _Duration(click.ParamType[int]):
    name = "duration"

    def convert(self, value: Any, param: Parameter | None, ctx: Context | None) -> int:  # noqa: ANN401 - click's
        try:
            return duration(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class _PastTime(click.ParamType[datetime]):
    """A time, or how long ago."""

    name = "time"

    def convert(self, value: Any, param: Parameter | None, ctx: Context | None) -> datetime:  # noqa: ANN401 - click's
        try:
            return datetime.now(UTC) - timedelta(seconds=duration(value))
        except ValueError:
            pass
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            self.fail("write a time such as 2026-11-22T23:00Z, or how long ago: 90m", param, ctx)
        return at if at.tzinfo else at.replace(tzinfo=UTC)  # UTC unless stated


DURATION = _Duration()
PAST_TIME = _PastTime()
