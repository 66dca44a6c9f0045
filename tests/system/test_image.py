"""The steps of deploy/Dockerfile, in folders in place of an image, and its command with a read-only root.

What only a container runtime could show is not tried: the base image, and the user.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import pytest

from programs import LISTENING, OPEN_PROFILE, running, service_environment
from system.configurations import PUBLIC_URL
from system.launching import free_ports
from wheels import CLONE

STEPS = re.sub(r" *\\\n *", " ", (CLONE / "deploy" / "Dockerfile").read_text(encoding="utf-8")).splitlines()
# As with compose's read_only and cap_drop; the data and temporary files are on a tmpfs.
READ_ONLY = """
mount -o remount,bind,ro /
touch "$TOKENSVC_DATA_DIR.written" 2>/dev/null && exit 3
mount -t tmpfs tmpfs "$TOKENSVC_DATA_DIR"
exec setpriv --bounding-set=-all --inh-caps=-all --no-new-privs "$@"
"""
UNSHARED = ["unshare", "--mount", "--propagation=private", "sh", "-ec"]


def arguments(instruction):
    """Return the arguments of each step with *instruction*."""
    return [step.removeprefix(f"{instruction} ") for step in STEPS if step.startswith(f"{instruction} ")]


def copy_context(folder):
    """Copy what deploy/Dockerfile.dockerignore lets through."""
    for line in (CLONE / "deploy" / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines():
        source = CLONE / line.removeprefix("!")
        if not line.startswith("!"):
            continue
        if source.is_dir():
            shutil.copytree(source, folder / source.name, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
        else:
            shutil.copy(source, folder)


@pytest.mark.soak
def test_steps_of_the_image_build_a_service_that_needs_no_root_and_writes_only_data(tmp_path, google):
    if subprocess.run([*UNSHARED, "mount -o remount,bind,ro /"], capture_output=True, check=False).returncode:
        pytest.skip("mounting is not permitted here")
    for name in ("src", "data"):
        (tmp_path / name).mkdir()
    copy_context(tmp_path / "src")

    def here(text):
        return re.sub(r"(?<![\w./])/(opt|build|wheel)\b", lambda match: f"{tmp_path}/{match[1]}", text)

    built = [command for command in arguments("RUN") if not command.startswith("useradd")]
    for command in built:
        subprocess.run(["sh", "-ec", here(command)], cwd=tmp_path / "src", check=True, capture_output=True)
    assert len(built) == 2

    (port,) = free_ports(1)
    (variables,), (command,) = arguments("ENV"), arguments("CMD")
    http = f'[http]\npublic_url = "{PUBLIC_URL}"\n'
    environment = service_environment(tmp_path, http + OPEN_PROFILE, google.url)
    path = dict(pair.split("=", 1) for pair in here(variables).split())["PATH"]
    environment |= {"PATH": path, "PORT": str(port), "TMPDIR": str(tmp_path / "data"), "PYTHONDONTWRITEBYTECODE": "1"}
    (health,) = (text.partition("CMD ")[2] for text in arguments("HEALTHCHECK"))
    healthy = ["sh", "-c", health]
    with running([*UNSHARED, READ_ONLY, "sh", *json.loads(command)], LISTENING, environment=environment) as program:
        assert program.post("/token", headers={"Host": "tokens.example.com"}).status == 200
        assert subprocess.run(healthy, env=environment, check=False).returncode == 0
        program.stop()
        assert program.child.wait(30) == 0
    assert subprocess.run(healthy, env=environment, check=False, stderr=subprocess.DEVNULL).returncode == 1
    assert [*(tmp_path / "data").iterdir()] == [], "the tmpfs has gone with the namespace"
