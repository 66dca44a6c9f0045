"""The service that is attacked, and a caller's credential of each kind."""

from __future__ import annotations

import secrets
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from programs import HIGH_LIMITS, clean_environment, operate
from system import site
from system.configurations import CLERK, ORIGIN
from system.raw import login
from system.upstream import Upstream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from programs import Answer, Program

TOOLS = str(Path(site.__file__).parent)  # of order_tools.py
INTERNATIONAL = "https://bücher.example"  # also an origin that is listed
_FAULTS = ("400", "429", "500", "silent")  # of the upstream
TARGET = f"""
[http]
origins = ["{ORIGIN}", "{INTERNATIONAL}", "http://localhost:*"]
{site.ISSUER}
[profiles.default]
model = "gemini-3.8-live"
allow = ["user", "guest", "key:backend"]
{CLERK}
[profiles.shop]
model = "gemini-3.8-live"
allow = ["user", "guest"]
[profiles.shop.tools.find_order]
python = "order_tools:find_order"
bind = {{ customer = "${{subject}}" }}
label = "Looking up your order"
[profiles.shop.tools.now]
python = "order_tools:now"
scheduling = "WHEN_IDLE"
per_conversation = 1
[profiles.shop.tools.book]
python = "order_tools:book"
confirm = "Book a table for {{day}}?"
hold = "0.1s"
refusals = ["hold on"]

[profiles.members]
model = "gemini-3.8-live"
allow = ["user"]
[profiles.seldom]
model = "gemini-3.8-live"
allow = ["user"]
limits = ["1/hour"]
{"".join(f'[profiles.{name}]{chr(10)}model = "fault-{name}"{chr(10)}allow = ["user"]{chr(10)}' for name in _FAULTS)}
{HIGH_LIMITS}"""


@dataclass
class Target:
    """A service with an account “ada” and an API key “backend”."""

    program: Program
    google: Upstream
    password: str
    api_key: str

    @property
    def jwt(self) -> str:
        """A JWT of the site for a visitor."""
        return site.signed("visitor", exp=int(time.time()) + 3600)

    def sign_in(self, source: str = "127.0.0.1") -> Answer:
        """Sign in as ada, from the address *source*, by which attempts are limited."""
        answer = login(self.program, "ada", self.password, source=source)
        assert answer.status == 200
        return answer


@pytest.fixture(name="google", scope="session")
def _google() -> Iterator[Upstream]:
    with Upstream() as google:
        yield google


@pytest.fixture(name="target", scope="session")
def _target(start_service: Callable[..., Program], google: Upstream) -> Target:
    program = start_service(TARGET, google.url, workers=1, SHOP_SECRET=site.SECRET, PYTHONPATH=TOOLS)
    password = secrets.token_urlsafe(12)
    operate(program, "users", "add", "ada", "--password-stdin", said=password + "\n")
    made = subprocess.run(
        [sys.executable, "-m", "tokensvc", "keys", "create", "backend"],
        env=clean_environment(TOKENSVC_DATA_DIR=str(program.folder / "data")),
        check=True,
        text=True,
        capture_output=True,
    )
    return Target(program, google, password, made.stdout.strip())
