"""The pages of the documentation: what they link to, and whether their code is still right."""

from __future__ import annotations

import ast
import json
import re
import shlex
import subprocess
import tomllib

import click
import pytest

from documented import PAGES, blocks, named
from tokensvc.cli.root import tokensvc
from tokensvc.config import file
from wheels import CLONE

EVERY_BLOCK = [(page, block) for page in PAGES for block in blocks(page)]
ISSUER = {"name": "shop", "issuer": "https://shop.example", "preset": "auth0", "claims": ["given_name"]}
# Why the tests do not run the commands of these pages as they are printed.
NOT_RUN = {
    "README.tr.md": "needs a key of Google's",
    "docs/emulator.md": "tests/emulator/test_command.py runs the emulator with each option",
    "docs/identity.md": "tests/cli and tests/web_api add accounts and keys, and use them",
    "docs/runbooks.md": "for a deployment in trouble; tests/system/test_watching.py has the alerts",
    "docs/tutorials/go-live.md": "installs from the network; tests/system/test_demo.py installs the wheel",
}


def anchors(page):
    """Return the anchors of the page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_within_the_repository_leads_somewhere(page):
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
    broken = set()
    for link in links:
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path) if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.add(link)
    assert broken == set()


def test_index_leads_to_every_page():
    index = CLONE / "docs/README.md"
    linked = {
        (index.parent / link).resolve() for link in re.findall(r"\]\(([^)#\s]+)", index.read_text(encoding="utf-8"))
    }
    pages = {page for page in PAGES if page.parent.name in {"docs", "tutorials", "reference"}}

    assert {named(page) for page in pages - linked} == {"docs/README.md"}


def test_glossary_is_in_alphabetical_order():
    text = (CLONE / "docs/glossary.md").read_text(encoding="utf-8")
    words = re.findall(r"^- \*\*(.+?)\*\*", text, re.MULTILINE)
    assert words
    assert words == sorted(words, key=str.casefold)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_marks_of_blocks_are_known(page):
    unknown = [block for block in blocks(page) if not re.fullmatch(r"(run|serve|file=[\w./-]+)?", block.mark)]
    assert unknown == []


def test_every_page_with_commands_that_are_not_run_says_why():
    commands = {named(page) for page, block in EVERY_BLOCK if block.language in {"sh", "console"} and not block.mark}
    assert commands == set(NOT_RUN)


def completed(document):
    """Return a configuration that has *document*, a part of one, and what that part needs."""
    profiles = document.get("profiles", {"default": {}})
    needed = {"model": "gemini-3.8-live", "allow": ["user"]}
    return {"issuers": [ISSUER]} | document | {"profiles": {name: needed | each for name, each in profiles.items()}}


def parse(language, text):
    """Check the syntax of *text*; raises an error that names the fault."""
    if language == "toml":
        document = tomllib.loads(text)
        if document.keys() <= file.Configuration.model_fields.keys():
            file.parse(completed(document), source="the block")
    elif language == "python":
        ast.parse(text)
    elif language == "json":
        json.loads(text)
    elif language in {"sh", "console"}:
        # Of a recording of a terminal, what is typed.
        typed = text if language == "sh" else "\n".join(re.findall(r"^\$ (.*(?:\\\n.*)*)", text, re.MULTILINE))
        subprocess.run(["bash", "-n"], input=typed, text=True, check=True, capture_output=True)
    elif language == "js":
        command = ["node", "--input-type=module", "--check"]
        subprocess.run(command, input=text, text=True, check=True, capture_output=True)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_code_on_the_page_can_be_parsed(page):
    for block in blocks(page):
        parse(block.language, block.text)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_commands_on_the_page_exist(page):
    """With their options: of `tokensvc` in blocks and between backticks, and of the Makefile."""
    text = page.read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", (CLONE / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    lines = re.findall(
        r"`((?:tokensvc (?!cannot)|make )[a-z][^`\n]*)`|^(?:    |\$ )?(?:[A-Z_]+=\S+ )*((?:tokensvc|make) [a-z-].*)$",
        text,
        re.MULTILINE,
    )
    for line in map("".join, lines):
        command = re.split(r"  | [|>]|`", line)[0]
        words = shlex.split(re.sub(r"[\[\]]", "", command), comments=True)
        if words[0] == "make":
            called = [word for word in words[1:] if re.fullmatch("[a-z]+", word)]
            assert set(called) - {"tokensvc"} <= targets, line
        else:
            assert command_faults(words[1:]) == [], line


def command_faults(words):
    """Return what of *words*, after `tokensvc`, is neither a command nor one of its options."""
    command, faults = tokensvc, []
    for word in words:
        if word.startswith("--"):
            known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
            faults += [word] if word.partition("=")[0] not in known else []
        elif isinstance(command, click.Group):
            following = command.get_command(click.Context(command), word)
            if following is None:
                return [word]
            command = following
    return faults
