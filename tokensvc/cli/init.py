"""`tokensvc init`: writes a first configuration, which passes `tokensvc check`; `tokensvc schema`: its schema."""

import json
import os
import re
import secrets
import shlex
import tomllib
from importlib.resources import files
from pathlib import Path

import click

from tokensvc.config import file as config_file
from tokensvc.config.json_schema import FILE_NAME, HEADER, json_schema

_NEXT = """\
  set -a; . ./.env; set +a    # put them into the environment
  tokensvc check              # explains what is in force; --live asks Google for a token
{account}  tokensvc serve              # then open http://localhost:8080/"""
_QUESTIONS = {  # by option: the question, and its default
    "who": ("Who may talk: guests, people with accounts, or people with your site's jwt?", "guests"),
    "origin": ("Your site's address, such as https://www.example.com (empty: none yet)", ""),
    "public_url": ("This service's own https address (empty: this machine only)", ""),
    "instruction": ("What is the agent told?", "You are a friendly assistant. Answer in a sentence or two."),
    "voice": ("Which of Google's voices?", "Kore"),
}


@click.command()
@click.option("--who", metavar="WHO", help="guests, accounts (“tokensvc users add”), or jwt (signed in to your site).")
@click.option("--origin", metavar="URL", help="The site whose pages may call the service, and that signs JWTs.")
@click.option("--public-url", metavar="URL", help="The service's own address; needed to listen beyond this machine.")
@click.option("--instruction", metavar="TEXT", help="What the agent is told.")
@click.option("--voice", metavar="NAME", help="One of Google's voices.")
def init(**given: str | None) -> None:
    """Write tokensvc.toml, its schema for editors, and .env for a new service, after some questions.

    With any of the options, nothing is asked, and the others have their defaults. If tokensvc.toml or .env exists,
    nothing is written. .env has a new TOKENSVC_SECRET_KEY, and GEMINI_API_KEY if it is set or typed.

    \b
    tokensvc init                                          asks
    tokensvc init --who guests                             to try it on this machine
    tokensvc init --who jwt --origin https://shop.example  for people signed in to a site
    """  # noqa: D301 - \b keeps click from wrapping the lines
    for file in (Path("tokensvc.toml"), Path(".env")):
        if file.exists():
            raise click.ClickException(f"{file} exists, so nothing was written. Move it away, or edit it.")
    ask, key = not any(given.values()), os.environ.get("GEMINI_API_KEY", "")
    answers = {
        name: given[name] or (click.prompt(question, default=default) if ask else default)
        for name, (question, default) in _QUESTIONS.items()
    }
    if ask and not key:
        key = click.prompt("GEMINI_API_KEY (not shown; empty: later)", default="", hide_input=True, show_default=False)
    text = HEADER + _configuration(**answers)
    config_file.parse(tomllib.loads(text), source="what you answered")
    values = {"GEMINI_API_KEY": key or "write-your-key-here", "TOKENSVC_SECRET_KEY": secrets.token_urlsafe(32)}
    if answers["who"] == "jwt":
        values["SITE_JWT_SECRET"] = secrets.token_urlsafe(32)
    _write(".env", "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items()))
    _write("tokensvc.toml", text)
    Path(FILE_NAME).write_text(json_schema(), encoding="utf-8")
    click.echo(
        f"Wrote tokensvc.toml, {FILE_NAME} (for editors) and .env (keep it out of version control), "
        "readable by you only. Next:\n"
    )
    account = "  tokensvc users add NAME     # asks for a password\n" if answers["who"] == "accounts" else ""
    shown = _NEXT.format(account=account)
    click.echo(shown if key else f"  edit .env                   # write your GEMINI_API_KEY\n{shown}")


@click.command()
def schema() -> None:
    """Print the JSON Schema of tokensvc.toml, by which editors complete and check it.

    \b
    tokensvc schema > tokensvc.schema.json    after an upgrade; “tokensvc init” writes the first
    """  # noqa: D301 - \b keeps click from wrapping the lines
    click.echo(json_schema(), nl=False)


def _configuration(who: str, origin: str, public_url: str, instruction: str, voice: str) -> str:
    """Return the file init.toml, which has the defaults, with the answers."""
    if who not in {"guests", "accounts", "jwt"}:
        raise click.UsageError(f"Write guests, accounts or jwt instead of “{who}”.")
    if who == "jwt" and not origin:
        raise click.UsageError("With “jwt”, name the site that signs the tokens (--origin).")
    text = (files("tokensvc.cli") / "init.toml").read_text(encoding="utf-8")
    if who != "jwt":
        text = text.partition("\n[[issuers]]")[0]
    answers = {
        '"https://www.example.com"': origin and json.dumps(origin),
        '["guest"] ': '["guest"] ' if who == "guests" else '["user"]  ',
        json.dumps(_QUESTIONS["instruction"][1]): _string(instruction),
        '"Kore"': _string(voice),
        '# public_url = "https://tokens.example.com"': public_url and f"public_url = {json.dumps(public_url)}",
        "origins = []": origin and f"origins = [{json.dumps(origin)}]",
    }
    # All at once, since an answer may contain another default.
    return re.sub("|".join(map(re.escape, answers)), lambda found: answers[found[0]] or found[0], text)


def _string(text: str) -> str:
    """Return *text* as a string of TOML, which escapes one character more than JSON."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _write(name: str, text: str) -> None:
    """Write a new file that only its owner may read."""
    with os.fdopen(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as opened:
        opened.write(text)
