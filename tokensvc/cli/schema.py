"""`tokensvc schema`: prints the JSON Schema of the configuration file."""

import json

import click

from tokensvc.config.json_schema import json_schema


@click.command()
def schema() -> None:
    """Print the JSON Schema of tokensvc.toml, by which editors complete and check it.

    \b
    tokensvc schema > tokensvc.schema.json    after an upgrade; “tokensvc init” writes the first
    """  # noqa: D301 - \b keeps click from wrapping the lines
    click.echo(schema_text(), nl=False)


def schema_text() -> str:
    """Return the JSON Schema as the content of a file."""
    return json.dumps(json_schema(), indent=2) + "\n"
