"""`tokensvc check`: checks and explains a configuration without starting the service."""

import json
import os
import re
from collections.abc import Iterator

import click

from tokensvc import app
from tokensvc.cli.explaining import TERMS, explain_limits, explain_profile, explain_web
from tokensvc.config.environment import GOOGLE_BASE_URL
from tokensvc.errors import Refusal
from tokensvc.gemini.compiler import SETUP, CompiledProfile
from tokensvc.gemini.models import KNOWN_MODELS, KNOWN_VOICES
from tokensvc.plain_text import did_you_mean
from tokensvc.store.engine import open_engine, open_or_create
from tokensvc.store.engine import probe as test_store

_PLACEHOLDER = re.compile(r"^(?!AIza).*(your|write|change|placeholder|example|dummy|test|xxx)", re.IGNORECASE)


@click.command()
@click.option(
    "--body",
    "body_of",
    metavar="PROFILE",
    help="Print only PROFILE's request body as JSON, to which each mint adds two times.",
)
@click.option("--live", is_flag=True, help="Also open the store, and mint one token.")
@click.option("--option", "options", metavar="NAME=VALUE", multiple=True, help="With --body: choose a value.")
def check(*, body_of: str | None, live: bool, options: tuple[str, ...]) -> None:
    """Check the environment and the configuration file, and explain each profile and limit.

    Exits with 2 and a list of every fault if something is invalid. What is only likely to be wrong is
    warned of: a model or a voice that tokensvc does not know, an API key that looks like a placeholder.
    """
    deployment = app.load_deployment(os.environ)
    settings = deployment.settings
    open_engine(settings.paths.database_url).dispose()  # notices a missing driver
    for warning in _warnings(deployment):
        click.echo(f"Warning: {warning}", err=True)
    if body_of is not None:
        compiled = deployment.profiles.get(body_of)
        if compiled is None:
            raise click.ClickException(f"There is no profile “{body_of}”.")
        click.echo(json.dumps(_body(compiled, options), indent=2))
        return
    click.echo(f"{settings.paths.config_file} is valid.")
    click.echo(f"Browsers connect to {deployment.websocket_url}")
    for url in (settings.gemini_base_url, *(keys.url for keys in deployment.trust.key_sets)):
        proxy = settings.egress.proxy_for(url)
        click.echo(f"{url} is reached {f'through {proxy}' if proxy else 'directly'}")
    for issuer in deployment.trust.issuers:
        audience = issuer.audience or "no audience"
        click.echo(f"JWTs of {issuer.issuer} for {audience}: {', '.join(issuer.algorithms)}")
    for lines in (
        explain_web(deployment.configuration.http),
        explain_limits(deployment.configuration),
        *map(explain_profile, deployment.profiles.values()),
        [TERMS],
    ):
        click.echo("\n" + "\n".join(lines))
    if live:
        _check_live(deployment)


def _check_live(deployment: app.Deployment) -> None:
    from tokensvc.cli.probe import target_of  # noqa: PLC0415 - Google's SDK takes a second to import

    click.echo("")
    engine = open_or_create(deployment.settings.paths.database_url)
    test_store(engine)
    click.echo(f"The store can be written ({engine.dialect.name}).")
    compiled = next(iter(deployment.profiles.values()))
    try:
        target_of(deployment).mint(compiled)
    except Refusal as refusal:
        raise click.ClickException(f"No token: {refusal}") from None
    click.echo(f"A token was minted for profile {compiled.profile.name}. “tokensvc probe” also talks with it.")


def _warnings(deployment: app.Deployment) -> Iterator[str]:
    to_google = deployment.settings.gemini_base_url == GOOGLE_BASE_URL
    if to_google and any(map(_PLACEHOLDER.search, deployment.settings.gemini_api_keys)):
        yield "GEMINI_API_KEY looks like a placeholder: get one at https://aistudio.google.com/apikey"
    guests = [name for name, profile in deployment.profiles.items() if "guest" in profile.profile.allow]
    if guests and deployment.configuration.limits.budget.everyone is None:
        yield f"profiles.{guests[0]} admits guests, and nothing limits what they all cost: set limits.budget.everyone"
    for name, profile in deployment.profiles.items():
        yield from (f"profiles.{name}.{warning}" for warning in _unknown_names(profile))
        if any("googleSearch" in tool for tool in profile.body[SETUP].get("tools", [])):
            yield (
                f"profiles.{name}.config.tools: with google_search, Google requires that its Search Suggestions "
                "are shown; the widget does, a page of your own has to (docs/client.md, event “sources”)"
            )


def _unknown_names(compiled: CompiledProfile) -> Iterator[str]:
    """Yield a warning for each name that Google may have added since this release."""
    model = compiled.profile.model.removeprefix("models/")
    models = [name.removeprefix("models/") for name in sorted(KNOWN_MODELS)]
    if model not in models:
        yield (
            f"model: tokensvc does not know models/{model}, so it did not check whether the model "
            f"accepts this config; it knows {', '.join(models)}{did_you_mean(model, models)}"
        )
    voices = re.findall(r'"voice(?:Name|_name)": "([^"]+)"', json.dumps(compiled.body))
    for option in compiled.profile.options.values():
        voices += option.choices if option.path.endswith("voice_name") else ()
    for voice in sorted(set(voices) - KNOWN_VOICES):
        yield f"config: tokensvc does not know the voice {voice}{did_you_mean(voice, KNOWN_VOICES)}"


def _body(compiled: CompiledProfile, options: tuple[str, ...]) -> dict[str, object]:
    if malformed := [option for option in options if "=" not in option]:
        raise click.ClickException(f"Write --option NAME=VALUE instead of “{malformed[0]}”.")
    chosen = dict(option.split("=", 1) for option in options)
    try:
        return compiled.body_for(compiled.profile.resolve(chosen))
    except ValueError as error:
        raise click.ClickException(str(error)) from None
