"""Under gunicorn's --preload, each worker follows the file and the key sets, as without it."""

from __future__ import annotations

import signal
import sys

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from authn.provider_for_tests import jwk, provider
from programs import LISTENING, running, service_environment, serving
from system import site
from system.configurations import configuration
from system.fleet import prepared

ISSUER = """
[[issuers]]
name = "bank"
issuer = "https://bank.test/"
audience = "https://tokens.test/"
algorithms = ["ES256"]
jwks_url = "{url}"
"""
GUNICORN = [sys.executable, "-m", "gunicorn", "--preload", "--workers=2", "--bind=127.0.0.1:0"]
OURS = ["--config=python:tokensvc.serving"]
PLAIN = ["--threads=4"]
IN_FORCE = "configuration change in force"


def edited(fleet, content):
    written = fleet.config.with_suffix(".new")
    written.write_text(content, encoding="utf-8")
    written.rename(fleet.config)


def status(fleet, profile):
    return fleet.first.post("/token", {"profile": profile}, bearer=site.signed("ada")).status


@pytest.mark.parametrize("settings", [OURS, PLAIN], ids=["our settings", "gunicorn's own"])
def test_each_worker_follows_the_file_and_the_key_set(new_folder, google, settings):
    key = ec.generate_private_key(ec.SECP256R1())
    with provider(jwk(key, "one")) as bank:
        keys = ISSUER.format(url=bank.url)
        before, after = (configuration(**{name: ""}) + keys for name in ("removed", "added"))
        fleet = prepared(new_folder(), before, google.url)
        command = [*GUNICORN, *settings, "tokensvc.app:create_app()"]
        with running(command, LISTENING, environment=fleet.environment) as program:
            fleet.instances.append(program)
            program.await_lines("Booting worker", 2)
            for _ in fleet.each_worker():
                assert status(fleet, "removed") == 200
            edited(fleet, after)
            program.await_lines(IN_FORCE, 2)
            for _ in fleet.each_worker():
                assert status(fleet, "added") == 200
                assert status(fleet, "removed") == 403
            bank.await_asked(2)  # by each worker
            assert sum(IN_FORCE in line for line in program.lines) == 2  # not in the master


def test_first_start_creates_the_store_and_sighup_applies_a_change(tmp_path, google):
    first = configuration(default="")
    environment = service_environment(tmp_path, first, google.url, SHOP_SECRET=site.SECRET)
    with serving(environment | {"GUNICORN_CMD_ARGS": "--preload"}) as program:
        program.await_lines("worker started", 2)
        assert program.post("/token", bearer=site.signed("ada")).status == 200
        assert program.get("/").status == 404

        changed = first.replace("page = false", "page = true")
        (tmp_path / "tokensvc.toml").write_text(changed, encoding="utf-8")
        program.child.send_signal(signal.SIGHUP)
        program.await_lines("worker started", 4)
        program.await_lines("Worker exiting", 2)
        assert program.get("/").status == 200
