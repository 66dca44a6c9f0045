"""Explains the limits in force, and what an operator has to keep."""

from collections.abc import Iterator

from tokensvc.config.file import Configuration
from tokensvc.domain import Limit

_TERMS = """\
Google's terms, which you have to keep (https://ai.google.dev/gemini-api/terms):
  - Visitors in the EEA, Switzerland or the UK: only with a paid key (a project with billing).
  - Not for a site directed at people under 18, or likely to be used by them.
  - Without billing, Google may use what is said, and people may read it.
  - With google_search: Search Suggestions are shown as they come (the widget does this).
The law, in many places: people must be told that they talk to a machine (EU: AI Act, Article 50)."""


def explain_limits(configuration: Configuration) -> Iterator[str]:
    """Yield a heading, and a line for each limit, defaults included."""
    table = configuration.limits
    budget, places = table.budget, table.concurrent
    yield "Limits in force, defaults included"
    yield f"  starts    of a person: {_limits(table.user)}{_mode(table.mode)}"
    yield f"            of an address of guests (IPv6: a /64): {_limits(table.guest)}{_mode(table.mode)}"
    yield f"  at once   {places.user} of a person, {places.guest} of an address of guests{_mode(places.mode)}"
    yield (
        f"  talk      a day: of a person {_time(budget.user)}, of an address of guests "
        f"{_time(budget.guest)}, of everyone {_time(budget.everyone)}{_mode(budget.mode)}"
    )
    for name, group in sorted(table.groups.items()):
        starts = f"starts of a member: {_limits(group.user)}; " if group.user else ""
        yield f"  group     {name}: {starts}talk a day of all {_time(group.budget)}{_mode(group.mode)}"
    for name, profile in configuration.profiles.items():
        yield (
            f"  profile   {name}: starts of a person: {_limits(profile.limits)}; "
            f"talk a day of all {_time(profile.budget)}{_mode(profile.limits_mode)}"
        )
    yield "  renewals  20/minute of a conversation"


def explain_terms() -> Iterator[str]:
    """Yield what Google and the law ask of an operator."""
    yield from _TERMS.splitlines()


def _limits(limits: tuple[Limit, ...]) -> str:
    units = {1: "second", 60: "minute", 3600: "hour", 86400: "day"}
    return ", ".join(f"{limit.count}/{units[limit.seconds]}" for limit in limits) or "no limit"


def _time(seconds: int | None) -> str:
    if seconds is None:
        return "no limit"
    size, unit = next((size, unit) for size, unit in ((3600, "h"), (60, "m"), (1, "s")) if seconds % size == 0)
    return f"{seconds // size}{unit}"


def _mode(mode: str) -> str:
    return " (only recorded: more is logged, and passes)" if mode == "record" else ""
