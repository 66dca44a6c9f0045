"""T2. schemathesis finds nothing with a caller of each kind, in all its checks.

It gets the document narrowed to this deployment, since it could not know what a request needs here to be accepted: the
names of the profile and its options, the service's own origin, and that only API keys act for others. `make test` tries
few examples, always the same ones; `make soak` tries 500 for each operation.
"""

from __future__ import annotations

import copy
import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from attack.contract import DOCUMENT
from programs import service_environment, serving
from system.configurations import PUBLIC

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

pytestmark = pytest.mark.system
FEW, MANY = 8, 500
# 413 and 431, which schemathesis does not expect, refuse what is too long: 16 KB of body or header, 2 KB of address.
SETTINGS = """
[checks]
positive_data_acceptance.expected-statuses = ["2xx", "3xx", 401, 403, 404, 413, 429, 431]
negative_data_rejection.expected-statuses = [400, 401, 403, 404, 405, 413, 415, 429, 431]
"""
CALLERS = ["nobody", "guest", "site JWT", "API key", "login"]


def narrowed(own_origin: str, *, acts_for_others: bool) -> dict[str, Any]:
    document = copy.deepcopy(DOCUMENT)
    fields = document["components"]["schemas"]["TokenRequest"]["properties"]
    fields["profile"] = {"const": "default"}
    fields["options"] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {"voice": {"enum": ["Kore", "Puck"]}, "language": {"enum": ["en-GB", "de-DE"]}},
    }
    fields["context"] = {"type": "object", "maxProperties": 0}  # the instruction names nothing
    if acts_for_others:
        fields["on_behalf_of"] = {"type": "string", "pattern": "^[!-~]{1,255}$"}
    else:
        del fields["on_behalf_of"]
    for path in ("/login/refresh", "/login/end"):
        origin, *_ = document["paths"][path]["post"]["parameters"]
        origin["schema"] = {"const": own_origin}
    return document


def run(folder: Path, url: str, document: dict[str, Any], headers: dict[str, str], *limits: str) -> None:
    """Run schemathesis, and fail with its report if it has one."""
    (folder / "openapi.json").write_text(json.dumps(document), encoding="utf-8")
    (folder / "schemathesis.toml").write_text(SETTINGS)
    command = [sys.executable, "-m", "schemathesis.cli", "run", "openapi.json", "--url", url, "--checks", "all"]
    command += ["--continue-on-failure", "--no-color", "--output-truncate", "false", *limits]
    command += [word for name, value in headers.items() for word in ("--header", f"{name}: {value}")]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"Tested: \d{1,2}\n", done.stdout)


@pytest.fixture(name="attack", params=CALLERS)
def _attack(request, target, tmp_path):
    """Return a function that runs schemathesis with one kind of caller."""
    caller = request.param
    if caller == "nobody":  # of a service that has no guests
        (tmp_path / "service").mkdir()
        environment = service_environment(tmp_path / "service", PUBLIC, target.google.url)
        with serving(environment, workers=1) as program:
            document = narrowed("https://tokens.example.com", acts_for_others=False)
            yield lambda *limits: run(tmp_path, program.url, document, {}, *limits)
        return
    headers = {}
    if caller == "site JWT":
        headers["Authorization"] = f"Bearer {target.jwt}"
    if caller == "API key":
        headers["Authorization"] = f"Bearer {target.api_key}"
    if caller == "login":
        signed_in = target.sign_in("127.0.5.2")
        headers["Authorization"] = f"Bearer {signed_in.json['access_token']}"
        headers["Cookie"] = signed_in.headers["set-cookie"].split(";")[0]
    document = narrowed(target.program.url, acts_for_others=caller == "API key")
    yield lambda *limits: run(tmp_path, target.program.url, document, headers, *limits)


def test_a_few_examples_of_each_operation_have_no_finding(attack):
    """The pages, which are the same for every caller, are left to `make soak`."""
    attack("--max-examples", str(FEW), "--seed", "1", "--exclude-tag", "pages")


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_hundreds_of_examples_of_each_operation_have_no_finding(attack):
    attack("--max-examples", str(MANY))
