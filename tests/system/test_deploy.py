"""The files in deploy/ do what docs/deploying.md says; what needs Docker, Traefik or a booted systemd is not run."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from programs import clean_environment, running
from system import fleet as fleets
from system.configurations import PUBLIC_URL, configuration
from system.launching import free_ports
from system.nginx import NamedProgram, as_shipped
from tokensvc.config import file as config_file
from tokensvc.config.environment import Settings
from wheels import CLONE

DEPLOY = CLONE / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
DEPLOYING = (CLONE / "docs" / "deploying.md").read_text(encoding="utf-8")
HTTP = f'public_url = "{PUBLIC_URL}"\ntrusted_proxies = ["127.0.0.1/32"]'
LIMITED = 'guest = ["3/minute"]'
INSTANCES = ("10.89.0.11:8080", "10.89.0.12:8080")


@pytest.fixture(name="fleet")
def _fleet(tmp_path, google):
    google.fault = None
    fleet = fleets.prepared(tmp_path, configuration(http=HTTP, limits=LIMITED, default=""), google.url)
    with fleets.started(fleet, instances=2, workers=1):
        yield fleet


@contextmanager
def nginx(folder, urls):
    with as_shipped(folder, urls) as (proxy, in_the_clear):
        moved = in_the_clear.get("/embed?x=1")
        assert (moved.status, moved.headers["location"]) == (308, "https://tokens.example.com/embed?x=1")
        yield proxy


@contextmanager
def caddy(folder, urls):
    """Start Caddy with deploy/Caddyfile, without the certificate, which it would get from a public authority."""
    program = shutil.which("caddy")
    if program is None:
        pytest.fail("Caddy is missing: “make programs” installs it.")
    (port,), host = free_ports(1), "tokens.example.com"
    text = (DEPLOY / "Caddyfile").read_text(encoding="utf-8")
    for shipped, here in {
        "\n{\n": "\n{\n\tadmin off\n",
        f"\n{host} {{": f"\nhttp://{host}:{port} {{\n\tbind 127.0.0.1",
        INSTANCES[0]: urls[0].removeprefix("http://"),
        INSTANCES[1]: urls[1].removeprefix("http://"),
    }.items():
        assert text.count(shipped) == 1, shipped
        text = text.replace(shipped, here)
    (folder / "Caddyfile").write_text(text, encoding="utf-8")
    command = [program, "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]
    environment = clean_environment(XDG_DATA_HOME=str(folder), XDG_CONFIG_HOME=str(folder))
    with running(command, '"(serving initial configuration)"', environment=environment) as child:
        yield NamedProgram(child.child, child.lines, f"http://127.0.0.1:{port}", host=host)


@pytest.mark.parametrize("proxy", [nginx, caddy])
def test_shipped_proxy_passes_on_the_clients_own_address_and_survives_an_instance(tmp_path, fleet, proxy, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with proxy(tmp_path, [program.url for program in fleet.instances]) as front:
        # Guests are limited by their address, so an invented one must not help.
        answers = [front.post("/token", headers={"X-Forwarded-For": f"192.0.2.{n}"}) for n in range(4)]
        assert [answer.status for answer in answers] == [200, 200, 200, 429]
        assert [row.address for row in fleet.rows("select distinct address from events")] == ["127.0.0.1"]
        assert front.post("/token", b'{"profile": "' + b"x" * 20_000 + b'"}').status == 413
        fleet.instances[0].stop()
        fleet.instances[0].child.wait(30)
        assert {front.get("/readyz").status for _ in range(6)} == {200}


def test_compose_names_settings_and_files_that_exist(tmp_path):
    """The secrets are made by the commands in the documentation."""
    commands = re.search(r"(?:^    .*\n)*^    .*> secrets/.*\n(?:^    .*\n)*", DEPLOYING, re.MULTILINE)[0]
    script = commands.replace("cat > secrets/gemini_api_key", "echo a-key > secrets/gemini_api_key")
    (tmp_path / "deploy").mkdir()
    for name in ("nginx.conf", "compose.yaml"):
        shutil.copy(DEPLOY / name, tmp_path / "deploy")
    subprocess.run(["bash", "-ec", f"umask 022\n{script}"], cwd=tmp_path / "deploy", check=True)
    services, secrets = COMPOSE["services"], COMPOSE["secrets"]
    assert (tmp_path / "deploy" / "secrets").stat().st_mode & 0o077 == 0
    for service in services.values():
        used = set(service.get("secrets", []))
        environment = {
            name: value.replace("/run/secrets/", f"{tmp_path}/deploy/secrets/")
            for name, value in service.get("environment", {}).items()
        }
        assert {Path(value).name for name, value in environment.items() if name.endswith("_FILE")} == used
        for name in used:
            file = tmp_path / "deploy" / secrets[name]["file"]
            assert file.stat().st_mode & 0o444 == 0o444, "another user, in a container, must be able to read it"
        if service.get("image", "").startswith("tokensvc:"):
            settings = Settings.read(environment)
            assert settings.workers == 2
            password = (tmp_path / "deploy" / "secrets" / "database_password").read_text(encoding="utf-8").strip()
            assert settings.paths.database_url == f"postgresql://tokensvc:{password}@database/tokensvc"
            known = {f"`{re.sub('_FILE$', '', name)}`" for name in environment}
            documented = (CLONE / "docs" / "reference" / "configuration.md").read_text(encoding="utf-8")
            assert {name for name in known if name not in documented} == set()
    addresses = {name: services[name]["networks"]["inside"]["ipv4_address"] for name in ("one", "two", "nginx")}
    for file in ("nginx.conf", "Caddyfile", "traefik.yaml"):
        text = (DEPLOY / file).read_text(encoding="utf-8")
        assert re.findall(r"10\.89\.0\.\d+:\d+", text) == list(INSTANCES)
    assert [f"{addresses[name]}:8080" for name in ("one", "two")] == list(INSTANCES)
    assert f'trusted_proxies = ["{addresses["nginx"]}/32"]' in DEPLOYING


def test_containers_run_without_root_and_write_only_to_memory():
    dockerfile = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    assert re.findall(r"^USER (.*)$", dockerfile, re.MULTILINE) == ["10001"]
    ours = [each for each in COMPOSE["services"].values() if each["image"].startswith("tokensvc:")]
    assert len(ours) == 3
    assert all(each["read_only"] and each["cap_drop"] == ["ALL"] for each in ours)
    assert all(each["stop_grace_period"] == "30s" for each in ours)


def test_systemd_accepts_the_units(tmp_path):
    for name in ("tokensvc.service", "tokensvc.socket"):
        text = (DEPLOY / name).read_text(encoding="utf-8")
        (tmp_path / name).write_text(text.replace("/opt/tokensvc/bin", str(Path(sys.executable).parent)))
    units = [str(tmp_path / name) for name in ("tokensvc.service", "tokensvc.socket")]
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True, check=False
    )
    assert (verified.returncode, verified.stderr) == (0, "")
    exposure = ["systemd-analyze", "security", "--offline=yes", "--threshold=20", "--no-pager", units[0]]
    assert subprocess.run(exposure, capture_output=True, check=False).returncode == 0


def test_environment_of_the_unit_is_complete(tmp_path):
    lines = (DEPLOY / "environment").read_text(encoding="utf-8").splitlines()
    environment = dict(line.split("=", 1) for line in lines if not line.startswith("#"))
    for name, path in environment.items():
        if name.endswith("_FILE"):
            (tmp_path / Path(path).name).write_text("zuKQmOIfuGxfbd1/cnDYwjD0MAW2yVp39cbGKa9ExZA=\n")
            environment[name] = str(tmp_path / Path(path).name)
    settings = Settings.read(environment)
    assert str(settings.paths.data_dir) == "/var/lib/tokensvc"
    assert re.search(r"^StateDirectory=tokensvc$", (DEPLOY / "tokensvc.service").read_text(), re.MULTILINE)


@pytest.mark.parametrize("block", re.findall(r"^    \[http\]\n(?:^    .*\n)+", DEPLOYING, re.MULTILINE))
def test_documented_settings_behind_each_proxy_are_valid(tmp_path, block):
    (tmp_path / "tokensvc.toml").write_text(
        re.sub("^    ", "", block, flags=re.MULTILINE)
        + '[profiles.default]\nmodel = "gemini-3.8-live"\nallow = ["guest"]\n',
        encoding="utf-8",
    )
    assert config_file.load(tmp_path / "tokensvc.toml").http.trusted_proxies
