"""`tokensvc schema`: what the JSON Schema accepts and rejects of the configuration files that this repository has."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib

import jsonschema_rs
import pytest

from config.misconfigurations import MISCONFIGURATIONS
from documented import PAGES, blocks, named
from system.configurations import PUBLIC, SHOP
from tokensvc.config.file import Configuration
from wheels import CLONE

FILES = [*CLONE.glob("docs/recipes/**/*.toml"), *CLONE.glob("tokensvc/cli/*.toml")]
# Misconfigurations of the file that take more than its schema to see.
BEYOND = {
    "origin with a path",
    "origin with a wildcard",
    "origin in the clear",
    "origin that browsers write otherwise",
    "public URL without https",
    "public URL with an impossible port",
    "frame ancestor with a path",
    "proxy by name",
    "proxy of every address",
    "network and address mixed up",
    "tokens longer than the session",
    "budget too short",
    "temperature without a value",
    "date in the config",
    "issuer without an audience",
    "key set in the clear",
    "secret of an issuer not set",
    "key file missing",
}


@pytest.fixture(name="schema", scope="module")
def _schema():
    printed = subprocess.run([sys.executable, "-m", "tokensvc", "schema"], capture_output=True, check=True).stdout
    return json.loads(printed)


@pytest.fixture(name="faults", scope="module")
def _faults(schema):
    """Return the faults of a file, or of a part of one."""
    jsonschema_rs.meta.validate(schema)
    part = json.loads(re.sub(r'"required": \[[^]]*\]', '"required": []', json.dumps(schema)))

    def faults(text, *, whole=True):
        validator = jsonschema_rs.validator_for(schema if whole else part)
        # Dates, and numbers that JSON has not, as text.
        document = json.loads(json.dumps(tomllib.loads(text), default=str).replace("NaN", "0"))
        return [error.message for error in validator.iter_errors(document)]

    return faults


def shown():
    """Yield each part of a configuration that a page shows, with where it is."""
    for page in PAGES:
        for number, block in enumerate(blocks(page)):
            if block.language == "toml" and tomllib.loads(block.text).keys() <= Configuration.model_fields.keys():
                yield pytest.param(block.text, id=f"{named(page)}-{number}")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(CLONE).as_posix())
def test_every_file_is_valid(faults, file):
    assert faults(file.read_text()) == []


@pytest.mark.parametrize("text", [SHOP, PUBLIC], ids=["shop", "public"])
def test_files_of_the_tests_are_valid(faults, text):
    assert faults(text) == []


@pytest.mark.parametrize("block", list(shown()))
def test_every_example_of_a_page_is_valid(faults, block):
    assert faults(block, whole=False) == []


def readable(name):
    file = MISCONFIGURATIONS[name].file
    try:
        return isinstance(file, str) and not MISCONFIGURATIONS[name].environment and bool(tomllib.loads(file) or True)
    except tomllib.TOMLDecodeError:
        return False


@pytest.mark.parametrize("name", list(filter(readable, MISCONFIGURATIONS)))
def test_known_misconfiguration_is_a_fault_if_the_schema_can_tell(faults, name):
    assert bool(faults(MISCONFIGURATIONS[name].file)) == (name not in BEYOND)


@pytest.mark.parametrize(
    "line",
    ['"a b" = {}', 'limits = ["5/fortnight"]', 'options.voice = { path = "a", choices = [] }', 'name = "x"'],
)
def test_schema_is_as_strict_as_the_service(faults, line):
    assert faults(f'[profiles.default]\nmodel = "m"\nallow = ["user"]\n{line}\n')


def test_keys_have_their_meaning_and_their_default_as_it_is_written(schema):
    limits = schema["$defs"]["ConcurrencyLimits"]["properties"]
    lifetime = schema["$defs"]["Profile"]["properties"]["token_lifetime"]

    assert limits["user"]["default"] == 3
    assert lifetime["description"].startswith("How long a token is valid")
    assert "default" not in lifetime
    assert re.fullmatch(lifetime["pattern"], "5m")
