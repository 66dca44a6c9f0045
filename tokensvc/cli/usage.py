"""`tokensvc usage`: what conversations cost, as granted and as reported."""

import csv
import io
import json
import os
from collections.abc import Iterable, Iterator
from datetime import datetime

import click

from tokensvc.cli.inputs import now, past_time
from tokensvc.config import file as config_file
from tokensvc.config.environment import Paths
from tokensvc.config.file import Prices
from tokensvc.plain_text import escaped
from tokensvc.store.engine import open_existing
from tokensvc.store.usage import Spent, Usage

_GROUPS = ("day", "profile", "subject")
_BAR = 20  # characters


def _groups(_context: click.Context, _parameter: click.Parameter, value: str) -> tuple[str, ...]:
    names = tuple(value.split(","))
    if not set(names) <= set(_GROUPS):
        raise click.BadParameter(f"write some of {', '.join(_GROUPS)}, with commas between them")
    return names


@click.command()
@click.option(
    "--since", type=past_time, metavar="TIME", default="168h", show_default=True, help="Of conversations from then on."
)
@click.option("--by", callback=_groups, default="day,profile", show_default=True, help="Some of day,profile,subject.")
@click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
def usage(since: datetime, by: tuple[str, ...], form: str) -> None:
    """Show how long people talked, and what that cost.

    “Granted” is exact, and an upper bound: the seconds for which tokens were handed out. “Reported” is what
    clients say, which nobody can check. Costs need a [prices] table (docs/usage.md).
    """
    paths = Paths.read(os.environ)
    prices = config_file.load(paths.config_file).prices if paths.config_file.exists() else {}
    spent = Usage(open_existing(paths.database_url), now).spent(since, now(), by)
    if form == "json":
        click.echo(json.dumps([_as_json(each, by, prices) for each in spent], indent=2))
    elif form == "csv":
        click.echo("".join(map(csv_line, _rows(spent, by, prices))), nl=False)
    else:
        _write_table(spent, by, prices)


def _cost(spent: Spent, prices: dict[str, Prices]) -> float | None:
    """Return what the reported tokens cost; None if a model with tokens has no price."""
    if not all(model in prices for model, tokens in spent.tokens.items() if tokens):
        return None
    return sum(
        count * prices[model].of(name) / 1_000_000
        for model, tokens in spent.tokens.items()
        for name, count in tokens.items()
    )


def _as_json(spent: Spent, by: tuple[str, ...], prices: dict[str, Prices]) -> dict[str, object]:
    group = dict(zip(by, spent.group, strict=True))
    return group | {k: v for k, v in vars(spent).items() if k != "group"} | {"cost": _cost(spent, prices)}


def _rows(spent: list[Spent], by: tuple[str, ...], prices: dict[str, Prices]) -> Iterator[list[object]]:
    yield [*by, "conversations", "granted_seconds", "reported_seconds", "reported_tokens", "cost"]
    for each in spent:
        tokens = sum(sum(counts.values()) for counts in each.tokens.values())
        yield [*each.group, each.conversations, each.granted, each.reported, tokens, _cost(each, prices)]


def csv_line(cells: Iterable[object]) -> str:
    """Return a line of CSV; text that a spreadsheet would run as a formula is quoted (OWASP, CSV injection)."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(
        f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
        for cell in cells
    )
    return text.getvalue()


def _write_table(spent: list[Spent], by: tuple[str, ...], prices: dict[str, Prices]) -> None:
    if not spent:
        click.echo("Nothing was granted in this time.")
        return
    widths = [max(len(name), *(len(escaped(each.group[i])) for each in spent)) for i, name in enumerate(by)]
    head = "  ".join(f"{name:{width}}" for name, width in zip(by, widths, strict=True))
    click.echo(f"{head}  {'talks':>6}  {'granted':>9}  {'reported':>9}  {'cost':>8}")
    most = max(each.granted for each in spent) or 1
    for each in spent:
        group = "  ".join(f"{escaped(name):{width}}" for name, width in zip(each.group, widths, strict=True))
        cost = _cost(each, prices)
        shown = "-" if cost is None or not each.tokens else f"{cost:.2f}"
        bar = "█" * round(_BAR * each.granted / most)
        click.echo(
            f"{group}  {each.conversations:6}  {_span(each.granted):>9}  {_span(each.reported):>9}  {shown:>8}  {bar}"
        )


def _span(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h {minutes:02}m" if hours else f"{minutes}m {rest:02}s"
