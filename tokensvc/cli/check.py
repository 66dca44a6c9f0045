"""`tokensvc check`: checks and explains a configuration without starting the service."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import click

from tokensvc import app
from tokensvc.cli.web import explain_web
from tokensvc.gemini.models import KNOWN_MODELS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tokensvc.config.profiles import Profile
    from tokensvc.gemini.compiler import CompiledProfile


@click.command()
@click.option(
    "--body",
    "body_of",
    metavar="PROFILE",
    help="Print only PROFILE's request body as JSON, to which each mint adds two times.",
)
@click.option(
    "--option", "options", metavar="NAME=VALUE", multiple=True, help="With --body: choose a value."
)
def check(body_of: str | None, options: tuple[str, ...]) -> None:
    """Check the environment and the configuration file, and explain each profile.

    Exits with 2 and a list of every fault if something is invalid. A model that tokensvc does not
    know is only warned of.
    """
    deployment = app.load_deployment(os.environ)
    for profile in deployment.configuration.profiles.values():
        if profile.model not in KNOWN_MODELS:
            click.echo(_unknown_model(profile), err=True)
    if body_of is not None:
        compiled = deployment.profiles.get(body_of)
        if compiled is None:
            raise click.ClickException(f"There is no profile “{body_of}”.")
        click.echo(json.dumps(_body(compiled, options), indent=2))
        return
    click.echo(f"{deployment.settings.paths.config_file} is valid.")
    click.echo(f"Browsers connect to {deployment.websocket_url}")
    for issuer in deployment.trust.issuers:
        audience = issuer.audience or "no audience"
        click.echo(f"JWTs of {issuer.issuer} for {audience}: {', '.join(issuer.algorithms)}")
    for lines in (
        explain_web(deployment.configuration.http),
        *(_explain_profile(compiled) for compiled in deployment.profiles.values()),
    ):
        click.echo("")
        for line in lines:
            click.echo(line)


def _unknown_model(profile: Profile) -> str:
    known = ", ".join(sorted(name.removeprefix("models/") for name in KNOWN_MODELS))
    return (
        f"Warning: profiles.{profile.name}.model: tokensvc does not know {profile.model}, so it "
        "did not check whether the model accepts this config. Check the spelling; the models that "
        f"it knows are {known}."
    )


def _body(compiled: CompiledProfile, options: tuple[str, ...]) -> dict[str, object]:
    if malformed := [option for option in options if "=" not in option]:
        raise click.ClickException(f"Write --option NAME=VALUE instead of “{malformed[0]}”.")
    chosen = dict(option.split("=", 1) for option in options)
    try:
        return compiled.body_for(compiled.profile.resolve(chosen))
    except ValueError as error:
        raise click.ClickException(str(error)) from None


def _explain_profile(compiled: CompiledProfile) -> Iterator[str]:
    profile, features = compiled.profile, compiled.features
    yield f"Profile {profile.name}: {profile.description or 'no description'}"
    yield f"  model     {profile.model}"
    yield f"  for       {', '.join(profile.allow)}"
    yield (
        f"  times     a token lives {profile.token_lifetime} s and must be used within "
        f"{profile.connect_within} s; a conversation ends after {profile.max_session} s"
    )
    yield "  locked    everything (constraints and no field mask): a client's own setup is ignored"
    if profile.options:
        for name, option in profile.options.items():
            choices = ", ".join(option.choices)
            yield f"  choice    {name}: {choices} (default {option.chosen_by_default})"
    else:
        yield "  choice    none"
    tools = ", ".join(f"{t['name']} ({t['behavior']})" for t in features["tools"]) or "none"
    yield f"  tools     {tools}"
    yield "  request body for Google, to which each mint adds two times:"
    for line in json.dumps(compiled.body, indent=2).splitlines():
        yield f"    {line}"
