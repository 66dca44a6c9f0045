"""`tokensvc probe`: talks with each profile, and tries to get around the lock of a token."""

import asyncio
import json
import os
import re
import time
from collections.abc import Awaitable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click

from tokensvc import app
from tokensvc.config.profiles import functions_in
from tokensvc.config.values import duration
from tokensvc.domain import GUEST_ISSUER, Principal
from tokensvc.errors import AuthenticationRequired, ProfileNotAllowed, Refusal
from tokensvc.gemini.compiler import SETUP, CompiledProfile, replaced
from tokensvc.gemini.live_client import LiveRefused
from tokensvc.gemini.probing import CONVERSATION, LONG, QUICK, Skipped, Surprise, Target, sdk
from tokensvc.http_client import BoundedHttpClient
from tokensvc.issuing import Policy


@dataclass
class _Report:
    """What each step found."""

    target: Target
    steps: list[dict[str, Any]] = field(default_factory=list)

    async def step(self, name: str, probing: Awaitable[str]) -> bool:
        """Run a step and print its line; return whether others can follow it."""
        began, verdict = time.monotonic(), "ok"
        try:
            found = await probing
        except Skipped as skipped:
            verdict, found = "skipped", str(skipped)
        except (Surprise, LiveRefused, Refusal) as surprise:
            verdict, found = "SURPRISE", str(surprise)
        except TimeoutError:
            verdict, found = "SURPRISE", "no answer in time"
        seconds = round(time.monotonic() - began, 2)
        self.steps.append({"step": name, "verdict": verdict, "seconds": seconds, "found": found})
        for session in self.target.sessions:
            session.setdefault("step", name)
        click.echo(f"{verdict:9} {seconds:6.2f} s  {name:42} {found}")
        return verdict != "SURPRISE"

    @property
    def surprises(self) -> int:
        return sum(each["verdict"] == "SURPRISE" for each in self.steps)


@click.command()
@click.option("--quick", is_flag=True, help="Leave out what takes a minute.")
@click.option("--profile", "only", metavar="NAME", help="Probe this profile only; by default each.")
@click.option(
    "--settle",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    metavar="FILE",
    help="Write what was found: verdicts, and of each message its kind, fields and time. It has no content, "
    "no name of yours and no secret, so you may send it to us.",
)
@click.option(
    "--every", type=duration, metavar="TIME", help="Only talk with the profiles, every TIME, until stopped; such as 5m."
)
def probe(*, quick: bool, only: str | None, settle: Path | None, every: int | None) -> None:
    """Talk with each profile, then try to get around the lock of the first one's token.

    It uses the environment and the file that the service uses, and the upstream: Google, which bills some
    minutes of conversation, or an emulator (TOKENSVC_GEMINI_BASE_URL and TOKENSVC_GEMINI_WEBSOCKET_URL). It
    needs no running service, and charges no budget. A line starts with “SURPRISE” if something is not as
    tokensvc relies on; then the exit code is 1.

    With --every, the last result is in probe.json in the data folder.
    """
    deployment = app.load_deployment(os.environ)
    if only is not None and only not in deployment.profiles:
        raise click.ClickException(f"There is no profile “{only}”.")
    profiles = [compiled for name, compiled in deployment.profiles.items() if only in {None, name}]
    while True:
        began, report = time.monotonic(), _Report(target_of(deployment))
        asyncio.run(_probe(deployment.policy, profiles, report, locks=not every, quick=quick))
        surprises, steps = report.surprises, len(report.steps)
        click.echo(f"\n{steps - surprises} of {steps} steps are as expected.")
        if settle:
            settle.write_text(json.dumps(_settled(deployment, profiles, report)), encoding="utf-8")
        if not every:
            raise SystemExit(1 if surprises else 0)
        _write_result(deployment.settings.paths.data_dir / "probe.json", report)
        time.sleep(max(0.0, every - (time.monotonic() - began)))


async def _probe(policy: Policy, profiles: list[CompiledProfile], report: _Report, *, locks: bool, quick: bool) -> None:
    for compiled in profiles:
        await _converse(report, compiled)
    if not locks:
        return
    if report.surprises:  # a server that closes everything would seem to refuse everything
        click.echo("\nThe lock was not tried: a refusal proves nothing until the conversations work.")
        return
    first = profiles[0]
    heard = replaced(first.body, (SETUP, "outputAudioTranscription"), {})  # to hear what a session obeys
    watched = CompiledProfile(first.profile, heard, first.patches)
    await report.step("unknown profile", _unknown_profile(policy))
    for name, probing in (QUICK if quick else QUICK | LONG).items():
        await report.step(name, probing(report.target, watched))


async def _converse(report: _Report, compiled: CompiledProfile) -> None:
    name, target, token = compiled.profile.name, report.target, ""

    async def mint() -> str:
        nonlocal token
        token = target.mint(compiled)
        return "a token"

    async def converse() -> str:
        async with target.open(compiled, token) as session:
            for what, probing in CONVERSATION.items():
                if not await report.step(f"{name}: {what}", probing(session, compiled)):
                    break
        return "opened and closed"

    if await report.step(f"{name}: mint", mint()):
        await report.step(f"{name}: session", converse())
        await report.step(f"{name}: Google's SDK", sdk(target, compiled))


async def _unknown_profile(policy: Policy) -> str:
    try:
        policy.choose(Principal("guest", GUEST_ISSUER, "probe"), "probe-unknown")
    except (AuthenticationRequired, ProfileNotAllowed) as refused:
        return f"refused: {refused.status}"
    raise Surprise("a profile that does not exist is offered")


def target_of(deployment: app.Deployment) -> Target:
    """Return where the deployment mints and talks."""
    settings = deployment.settings
    proxy = settings.egress.proxy_for(settings.gemini_base_url)
    client = BoundedHttpClient(settings.gemini_base_url, proxy=proxy)
    origin, api_version = settings.gemini_websocket_url, deployment.configuration.gemini.api_version
    return Target(client, settings.gemini_api_keys, origin, api_version)


def _settled(deployment: app.Deployment, profiles: list[CompiledProfile], report: _Report) -> dict[str, Any]:
    """Return what may be sent to us: profiles are numbered instead of named, and functions have no name."""
    numbers = {each.profile.name: number for number, each in enumerate(profiles, start=1)}
    functions = [function["name"] for each in profiles for function in functions_in(each.body[SETUP])]
    private = re.compile(rf"(?<!\w)({'|'.join(map(re.escape, [*numbers, *functions]))})(?!\w)")

    def numbered(step: str) -> str:
        name, _, what = step.partition(": ")
        return f"profile {numbers[name]}: {what}" if what and name in numbers else step

    return {
        "format": 1,
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "tokensvc": version("tokensvc"),
        "google-genai": version("google-genai"),
        "upstream": "Google" if "googleapis.com" in deployment.settings.gemini_base_url else "another",
        "api_version": report.target.version,
        "models": [each.profile.model for each in profiles],
        "setups": [sorted(each.body[SETUP]) for each in profiles],  # the API's own names
        "steps": [
            each | {"step": numbered(each["step"]), "found": private.sub("…", each["found"])}  # has Google's own words
            for each in report.steps
        ],
        "sessions": [each | {"step": numbered(each["step"])} for each in report.target.sessions],
    }


def _write_result(file: Path, report: _Report) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part")
    result = {"at": int(time.time()), "ok": not report.surprises, "steps": report.steps}
    part.write_text(json.dumps(result), encoding="utf-8")
    part.replace(file)
