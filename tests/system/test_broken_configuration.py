"""A start with a broken configuration ends at once and reports every fault."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from programs import OPEN_PROFILE, SECRET_KEY, service_environment

SERVE = ["-m", "tokensvc", "serve", "--port", "0"]
PROCFILE = (Path(__file__).parents[2] / "Procfile").read_text(encoding="utf-8")
# The Procfile's command, bound to the address of each test.
GUNICORN = ["-m", *PROCFILE.splitlines()[0].removeprefix("web: ").replace("'", "").split()]

ALL_INTERFACES = "0.0.0.0"  # noqa: S104 - the test expects a refusal
PROFILE = '[profiles.default]\nmodel = "gemini-3.8-live"\nallow = ["user"]\n'


@dataclass(frozen=True)
class Broken:
    """A configuration file and an environment, and what the report must name.

    *command* starts the service: `serve` is `tokensvc serve`, `gunicorn` the Procfile's command.
    """

    named: list[str]
    command: str = "serve"
    host: str = "127.0.0.1"
    file: str | None = OPEN_PROFILE
    environment: dict[str, str] = field(default_factory=dict)


BROKEN = {
    "every variable": Broken(
        [
            "GEMINI_API_KEY is not set",
            "TOKENSVC_SECRET_KEY",
            "DATABASE_URL",
            "TOKENSVC_GEMINI_BASE_URL",
            "TOKENSVC_LOG_LEVEL",
        ],
        environment={
            "GEMINI_API_KEY": " , ",
            "TOKENSVC_LOG_LEVEL": "loud",
            "TOKENSVC_SECRET_KEY": "much-too-short",
            "DATABASE_URL": "mysql://root:hunter2-hunter2@localhost/x",
            "TOKENSVC_GEMINI_BASE_URL": "http://192.0.2.1",
        },
    ),
    "missing key and short secret": Broken(
        ["GEMINI_API_KEY is not set", "TOKENSVC_SECRET_KEY"],
        "gunicorn",
        environment={"GEMINI_API_KEY": "", "TOKENSVC_SECRET_KEY": SECRET_KEY + ",short"},
    ),
    "unknown log level": Broken(["TOKENSVC_LOG_LEVEL"], "gunicorn", environment={"TOKENSVC_LOG_LEVEL": "loud"}),
    "missing file": Broken(["tokensvc.toml", "there is no such file"], file=None),
    "invalid TOML": Broken(["tokensvc.toml", "is not TOML", "line 2"], "gunicorn", file="[profiles]\nx = = 1\n"),
    "many faults at once": Broken(
        [
            "http.origins.0",
            "http.pubic_url: there is no such key",
            "http.trusted_proxies.0: is every address",
            "http.trusted_proxies.1: is every address",
            "issuers.0: missing: audience",
            "profiles.default.model",
            "profiles.default.allow",
            "profiles.default.token_lifetime",
            "profiles.other.options.voice",
            "limits.user.0",
        ],
        file="""
[http]
origins = ["https://*.example.com"]
pubic_url = "https://a.example"
trusted_proxies = ["0.0.0.0/0", "::/0"]
[[issuers]]
name = "shop"
issuer = "https://shop.test/"
algorithms = ["HS256"]
secret_env = "SHOP_SECRET"
[profiles.default]
allow = ["everybody"]
token_lifetime = "21h30"
[profiles.other]
model = "gemini-3.8-live"
allow = ["user"]
[profiles.other.options.voice]
path = "speech_config.voice_config.prebuilt_voice_config.voice_name"
choices = ["Kore"]
default = "Puck"
[limits]
user = ["10/fortnight"]
""",
    ),
    "all interfaces without a public URL": Broken(["http.public_url: is missing", ALL_INTERFACES], host=ALL_INTERFACES),
    "all interfaces, and metrics at another port of theirs": Broken(
        ["http.public_url: is missing", ALL_INTERFACES],
        host=ALL_INTERFACES,
        file=f'[http]\nmetrics_bind = "{ALL_INTERFACES}:9403"\n{PROFILE}',
    ),
    "all IPv6 interfaces without a public URL": Broken(["http.public_url: is missing", "::"], "gunicorn", host="[::]"),
    "faults of two issuers": Broken(
        ["issuers.0 (shop)", "SHOP_SECRET", "issuers.1 (bank)", "bank.pem"],
        file=f"""
[[issuers]]
name = "shop"
issuer = "https://shop.test/"
audience = "a"
algorithms = ["HS256"]
secret_env = "SHOP_SECRET"
[[issuers]]
name = "bank"
issuer = "https://bank.test/"
audience = "a"
algorithms = ["RS256"]
public_key_file = "bank.pem"
{PROFILE}""",
        environment={"SHOP_SECRET": "short"},
    ),
    "fields that Google refuses": Broken(
        [
            "profiles.default.config.respons_modalities",
            "profiles.other.config.thinking_config",
        ],
        "gunicorn",
        file=f"""
{PROFILE}
[profiles.default.config]
respons_modalities = ["AUDIO"]
[profiles.other]
model = "gemini-3.8-live"
allow = ["user"]
[profiles.other.config.thinking_config]
thinking_level = "LOW"
""",
    ),
}


@pytest.fixture(name="reports", scope="module")
def _reports(tmp_path_factory) -> dict[str, subprocess.CompletedProcess[str]]:
    """Return the finished process of each start."""

    def start(broken: Broken) -> subprocess.CompletedProcess[str]:
        folder = tmp_path_factory.mktemp("broken")
        environment = service_environment(folder, broken.file or "", "http://127.0.0.1:9")
        if broken.file is None:
            (folder / "tokensvc.toml").unlink()
        command = {
            "serve": [*SERVE, "--host", broken.host],
            "gunicorn": [*GUNICORN, "--bind", f"{broken.host}:0"],
        }[broken.command]
        return subprocess.run(
            [sys.executable, *command],
            env=environment | broken.environment,
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(BROKEN, pool.map(start, BROKEN.values()), strict=True))


@pytest.mark.parametrize("name", BROKEN)
def test_broken_start_fails_and_names_every_fault_but_no_secret(reports, name):
    finished = reports[name]
    output = finished.stdout + finished.stderr
    assert finished.returncode == 2
    for key in BROKEN[name].named:
        assert key in output, output
    assert "Fix these in " in output
    assert "Traceback" not in output
    assert "hunter2" not in output
    assert "much-too-short" not in output
    assert "Listening" not in output
