"""Explains what is in force: the web, limits and profiles, and what an operator has to keep."""

import json
from collections.abc import Iterator

from tokensvc.config.file import Configuration, Http
from tokensvc.config.values import written_limit
from tokensvc.domain import Limit
from tokensvc.gemini.compiler import CompiledProfile

TERMS = """\
Google's terms, which you have to keep (https://ai.google.dev/gemini-api/terms):
  - Visitors in the EEA, Switzerland or the UK: only with a paid key (a project with billing).
  - Not for a site directed at people under 18, or likely to be used by them.
  - Without billing, Google may use what is said, and people may read it.
  - With google_search: Search Suggestions are shown as they come (the widget does this).
The law, in many places: people must be told that they talk to a machine (EU: AI Act, Article 50)."""


def explain_web(http: Http) -> Iterator[str]:
    """Yield a heading, and a line for each setting."""
    yield "The web"
    if http.public_url is None:
        yield "  answers   this machine only, since http.public_url is not set"
    else:
        yield f"  answers   {http.public_url}; a request for any other host is refused (400)"
    if http.prefix:
        yield f"  path      {http.prefix}, whether or not the proxy in front removes it"
    if http.by_https:
        yield "  https     browsers send cookies by https only and never go back to http (HSTS)"
    else:
        yield "  https     no, so microphones work on localhost only"
    callers = f"our own and those of {', '.join(http.origins)}" if http.origins else "only our own"
    yield f"  pages     {callers} may call; a POST from any other is refused (403)"
    framed = " ".join(http.frame_ancestors)
    yield f"  page      {f'at {http.prefix}/' if http.page else 'none'}, framed by {framed}"
    if http.trusted_proxies:
        proxies = ", ".join(map(str, http.trusted_proxies))
        yield f"  address   the last in X-Forwarded-For that is not a proxy of {proxies}"
    else:
        yield "  address   of the connection; behind a proxy all visitors share one, so list it in"
        yield "            http.trusted_proxies"


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


def explain_profile(compiled: CompiledProfile) -> Iterator[str]:
    """Yield what a profile locks and offers, and the body of its mints."""
    profile = compiled.profile
    yield f"Profile {profile.name}: {profile.description or 'no description'}"
    yield f"  model     {profile.model}"
    yield f"  for       {', '.join(profile.allow)}"
    yield (
        f"  times     a token lives {profile.token_lifetime} s and must be used within "
        f"{profile.connect_within} s; a conversation ends after {profile.max_session} s"
    )
    yield "  locked    everything, when a session begins: a client's own setup is ignored"
    for name, option in profile.options.items():
        yield f"  choice    {name}: {', '.join(option.choices)} (default {option.chosen_by_default})"
    if not profile.options:
        yield "  choice    none"
    tools = [f"{tool['name']} ({tool['behavior']})" for tool in compiled.features["tools"] if "runs" not in tool]
    yield f"  tools     {', '.join(tools) or 'none'}"
    for name, server_tool in profile.tools.items():
        bound = f"; bound: {', '.join(server_tool.bind)}" if server_tool.bind else ""
        taken = ", ".join(compiled.schema_of(name).get("properties", {})) or "nothing"
        yield f"  server    {name} runs {server_tool.python or server_tool.url}; the model gives {taken}{bound}"
    yield "  request body for Google, to which each mint adds two times:"
    yield from (f"    {line}" for line in json.dumps(compiled.body, indent=2).splitlines())


def _limits(limits: tuple[Limit, ...]) -> str:
    return ", ".join(map(written_limit, limits)) or "no limit"


def _time(seconds: int | None) -> str:
    if seconds is None:
        return "no limit"
    size, unit = next((size, unit) for size, unit in ((3600, "h"), (60, "m"), (1, "s")) if seconds % size == 0)
    return f"{seconds // size}{unit}"


def _mode(mode: str) -> str:
    return " (only recorded: more is logged, and passes)" if mode == "record" else ""
