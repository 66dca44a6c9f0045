"""`tokensvc audit`: lists, exports and prunes the audit, and erases a person from the store."""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, fields
from datetime import datetime, timedelta
from functools import partial
from itertools import chain
from typing import Any, BinaryIO

import click

from tokensvc import quota_keys
from tokensvc.cli.inputs import now, past_time, store_url
from tokensvc.cli.usage import csv_line
from tokensvc.config.environment import read_secret_keys
from tokensvc.config.values import duration
from tokensvc.domain import AuditEvent, EventKind, Principal
from tokensvc.plain_text import PSEUDONYM, escaped
from tokensvc.signing.seals import START, Seal, unverified_key_id
from tokensvc.store.audit import Audit, Filters
from tokensvc.store.blocks import Blocks
from tokensvc.store.engine import open_existing
from tokensvc.store.erasing import Erasing
from tokensvc.store.refused import Refusals
from tokensvc.store.usage import Usage

_KINDS = [kind.value for kind in EventKind]
_LONGEST_LINE = 1_000_000  # bytes to read at once, however long a line is
_SINCE = "Only from then on; such as 90m (ago)."
_FILTERS = [
    click.Option(["--since"], type=past_time, metavar="TIME", help=_SINCE),
    click.Option(["--until"], type=past_time, metavar="TIME", help="Only before this time."),
    click.Option(["--kind"], type=click.Choice(_KINDS), help="Only of this kind."),
    click.Option(["--subject"], help="Only of this person."),
    click.Option(["--profile"], help="Only of this profile."),
    click.Option(["--lease"], help="Only of this conversation."),
]


@click.group()
def audit() -> None:
    """Show what was granted to whom, and export or prune that record."""


@audit.command("list", params=[*_FILTERS])
@click.option("--last", default=50, show_default=True, help="How many of the newest events.")
def list_events(last: int, **filters: Any) -> None:  # noqa: ANN401 - as in _FILTERS
    """List events, oldest first, one per line."""
    for event in Audit(open_existing(store_url())).events(Filters(**filters), last=last):
        who, seconds = f"{event.subject} ({event.issuer})", event.seconds and f"{event.seconds} s"
        about = [("lease", event.lease_id), ("request", event.request_id)]
        parts = [f"{event.at:%Y-%m-%dT%H:%M:%SZ}", f"{event.kind:8}", event.profile, who, seconds, event.code]
        _print_line([*parts, *(f"{name} {value}" for name, value in about if value)])


@audit.command()
@click.option("--since", type=past_time, metavar="TIME", default="24h", show_default=True, help=_SINCE)
def refusals(since: datetime) -> None:
    """List what was refused: how often in each minute, why, whom and from where."""
    for each in Refusals(open_existing(store_url()), now).listed(since):
        who = f"{each.subject} ({each.issuer})" if each.subject else "somebody"
        _print_line([f"{each.at:%Y-%m-%dT%H:%MZ}", f"{each.count:6} x {each.code}", who, each.address, each.profile])


@audit.command(params=[*_FILTERS])
@click.option("--format", "form", type=click.Choice(["jsonl", "csv"]), default="jsonl")
@click.option("--output", type=click.File("wb"), default="-", help="File to write; default: standard output.")
def export(form: str, output: BinaryIO, **filters: Any) -> None:  # noqa: ANN401 - as in _FILTERS
    """Export events, with a seal in the last line that shows if any line was changed or lost.

    “tokensvc audit verify FILE” checks the seal. Both need TOKENSVC_SECRET_KEY.
    """
    seal = Seal(read_secret_keys(os.environ)[0])
    events = map(_exported, Audit(open_existing(store_url())).events(Filters(**filters)))
    if form == "jsonl":
        lines = (json.dumps(event) + "\n" for event in events)
    else:
        head = [field.name for field in fields(AuditEvent)]
        lines = (csv_line(cells) for cells in chain([head], (event.values() for event in events)))
    for line in map(str.encode, lines):
        seal.add(line)
        output.write(line)
    output.write(seal.line())


@audit.command()
@click.argument("file", type=click.File("rb"))
def verify(file: BinaryIO) -> None:
    """Check the seal of an export.

    The seal names its key. For one that TOKENSVC_SECRET_KEY has had before, add that secret: “new,old”.
    """
    seals = [Seal(secret) for secret in read_secret_keys(os.environ)]
    line = b""
    for line in iter(lambda: file.readline(_LONGEST_LINE), b""):
        if line.startswith(START):
            break
        for seal in seals:
            seal.add(line)
    if not line.startswith(START) or file.read(1):
        raise click.ClickException("The last line is not a seal: the export was changed, or is not complete.")
    if any(seal.matches(line) for seal in seals):
        click.echo(f"The seal matches: all {seals[0].lines} lines are as exported.")
        return
    named, ours = unverified_key_id(line), [seal.key_id for seal in seals]
    if named is not None and named not in ours:
        raise click.ClickException(
            f"The seal cannot be checked: it names the key {named}, and TOKENSVC_SECRET_KEY has {', '.join(ours)}. "
            "Add the secret of that time, as in TOKENSVC_SECRET_KEY=new,old."
        )
    or_else = "" if named else ", or an earlier release sealed it with a secret that TOKENSVC_SECRET_KEY lacks"
    raise click.ClickException(f"The seal does not match: the export was changed{or_else}.")


@audit.command()
@click.option("--older-than", "age", type=duration, required=True, help="Age, such as 9600h.")
def prune(age: int) -> None:
    """Remove old events permanently. Export them first."""
    before = now() - timedelta(seconds=age)
    store = open_existing(store_url())
    removed = Audit(store).remove_before(before)
    counts = Refusals(store, now).remove_before(before)
    reports = Usage(store, now).remove_before(before)
    click.echo(f"Removed {removed} events, {counts} counts of refusals and {reports} reports of usage.")


@audit.command()
@click.option("--subject", required=True, help="The person, exactly as “tokensvc audit list” shows them.")
@click.option("--issuer", metavar="ISS", help="Only at this issuer, by its exact “iss”.")
@click.option("--dry-run", is_flag=True, help="Only show how much would be erased.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def erase(subject: str, issuer: str | None, *, dry_run: bool, yes: bool) -> None:
    """Erase a person: put a random pseudonym in their place, in the whole store. This cannot be undone.

    Their conversations end, their account is removed, and addresses and kept arguments of tools are cleared. Counts and
    seconds stay. Keep the person from coming back first: remove them at their issuer, or block them.
    """
    if not subject or PSEUDONYM.fullmatch(subject):
        raise click.ClickException("Name a person. This is empty, or the pseudonym of somebody who was erased.")
    shown, store = escaped(subject), open_existing(store_url())
    erasing = Erasing(store, now)
    issuers = [issuer] if issuer else erasing.issuers_of(subject)
    if len(issuers) > 1:
        names = " or ".join(f"“{escaped(name)}”" for name in issuers)
        raise click.ClickException(f"There is a “{shown}” at each of several issuers: add --issuer {names}.")
    at = next(iter(issuers), "")
    run = partial(erasing.erase, at, subject, quota_keys.person(Principal("user", at, subject), ""))
    found = run(dry_run=True)
    if not any(found.values()):
        raise click.ClickException(
            f"The store does not name “{shown}”. Write the subject as “tokensvc audit list” shows it; "
            "if its events were pruned, --issuer finds what is left."
        )
    counts = ", ".join(f"{name}: {count}" for name, count in found.items())
    click.echo(f"About “{shown}” ({escaped(at)}) the store has {counts}.")
    if dry_run:
        return
    if not yes:
        click.confirm("Erase this person for good?", abort=True)
    run()
    click.echo("Erased.")
    for block in Blocks(store, now).in_force():
        words = json.loads(block.key)
        if words[0] == "subject" and words[-1] == subject:  # to lift it is for the operator to decide
            click.echo(f"A block still names this person; “tokensvc unblock” lifts it: {escaped(' '.join(words))}")


def _print_line(parts: Iterable[Any]) -> None:
    click.echo(escaped("  ".join(filter(None, parts))))


def _exported(event: AuditEvent) -> dict[str, Any]:
    """Return every field of *event*, with times as in RFC 3339, in UTC."""
    return {
        name: value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value
        for name, value in asdict(event).items()
    }
