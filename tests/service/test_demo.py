"""`tokensvc demo`, from the wheel in an empty environment: the whole product with one command."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from programs import clean_environment, running
from wheels import CLONE, UV

if TYPE_CHECKING:
    from collections.abc import Iterator

    from programs import Program


def _run(*command: str | Path, **named) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*map(str, command)], capture_output=True, text=True, check=False, timeout=180, **named
    )


@pytest.fixture(name="elsewhere", scope="module")
def _elsewhere(tmp_path_factory) -> Path:
    """An empty folder outside the clone."""
    return tmp_path_factory.mktemp("elsewhere")


@pytest.fixture(name="installed", scope="module")
def _installed(tmp_path_factory, wheel) -> Path:
    """`tokensvc` of an empty environment that has the wheel, the extra `emulator` and no more."""
    folder = tmp_path_factory.mktemp("installed")
    ended = _run(UV, "venv", "--quiet", "--python", sys.executable, folder / "venv")
    assert ended.returncode == 0, ended.stderr
    ended = _run(
        *(UV, "pip", "install", "--quiet", "--python", folder / "venv" / "bin" / "python"),
        *("--constraint", CLONE / "tests" / "requirements.txt", f"{wheel}[emulator]"),
    )
    assert ended.returncode == 0, ended.stderr
    return folder / "venv" / "bin" / "tokensvc"


def _starting(tokensvc: Path, folder: Path, announced: str):
    """The demo on free ports, from the line that is *announced*."""
    page, emulator = map(str, _free_ports(2))
    command = [str(tokensvc), "demo", "--port", page, "--emulator-port", emulator]
    return running(command, announced, environment=clean_environment(), folder=folder)


def _free_ports(count: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [server.getsockname()[1] for server in held]
    for server in held:
        server.close()
    return ports


@pytest.fixture(name="demo", scope="module")
def _running_demo(installed, elsewhere) -> Iterator[Program]:
    """The demo, as the wheel's user sees it."""
    with _starting(installed, elsewhere, r"Open +(http://\S+[^/\s])/?\s") as program:
        program.await_line("Ctrl-C")
        yield program


def _family(pid: int) -> list[int]:
    """The processes that descend from *pid*."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return [member for child in map(int, children) for member in (child, *_family(child))]


def _ports(program: Program) -> list[int]:
    """The ports of the page and of the emulator."""
    policy = program.get("/").headers["content-security-policy"]
    emulator = re.search(r"ws://127[.]0[.]0[.]1:([0-9]+)", policy)
    return [urlsplit(program.url).port, int(emulator[1])]


def test_what_it_prints(demo):
    """One address, and an account to sign in with."""
    said = "".join(demo.lines)
    assert demo.url.startswith("http://localhost:")
    assert re.search(r"Sign in +demo / \S{12,}", said)
    assert "Ctrl-C" in said


def test_the_page(demo):
    """The wheel carries the page, its modules and the widget."""
    page = demo.get("/")
    assert page.status == 200
    assert page.headers["content-type"].startswith("text/html")
    assert demo.get("/app.js").status == demo.get("/live/session.js").status == 200
    widget = demo.get("/widget.js")
    assert widget.status == 302
    assert b"widget/element.js" in demo.get(widget.headers["location"]).body


def test_a_conversation_is_granted(demo):
    """The printed account signs in, and its token leads to the emulator's own socket."""
    username, password = re.search(r"Sign in +(\S+) / (\S+)", "".join(demo.lines)).groups()
    account = {"username": username, "password": password}
    signed_in = demo.post("/login", account, headers={"Origin": demo.url})
    assert signed_in.status == 200
    bearer = signed_in.json["access_token"]
    granted = demo.post("/token", {"options": {"voice": "Puck"}}, bearer=bearer)
    assert granted.status == 200
    assert granted.json["websocket_url"].startswith(f"ws://127.0.0.1:{_ports(demo)[1]}/")
    assert granted.json["features"]["tools"][0]["name"] == "get_local_time"
    assert demo.post("/token").status == 200  # a guest may, too


def test_another_site(demo):
    """Without a list of origins no other site's page may call, or read."""
    foreign = {"Origin": "https://evil.test"}
    assert demo.post("/token", headers=foreign).status == 403
    assert "access-control-allow-origin" not in demo.get("/profiles", headers=foreign).headers


@pytest.mark.parametrize("flag", ["--port", "--emulator-port"])
def test_a_port_that_is_taken(demo, installed, elsewhere, flag):
    """A sentence names the port and the flag that changes it, and nothing is started."""
    other = {"--port": "--emulator-port", "--emulator-port": "--port"}[flag]
    taken, free = _ports(demo)[0], _free_ports(1)[0]
    ended = _run(
        *(installed, "demo", flag, str(taken), other, str(free)),
        cwd=elsewhere,
        env=clean_environment(),
    )
    assert ended.returncode != 0
    assert f"Port {taken} on 127.0.0.1" in ended.stderr
    assert f"Choose another with {flag}." in ended.stderr
    assert "Traceback" not in ended.stderr


def test_nothing_is_left_behind_in_the_folder(demo, elsewhere):
    """The demo keeps nothing where it is started."""
    assert demo.get("/livez").status == 200
    assert list(elsewhere.iterdir()) == []


def test_what_the_wheel_holds(installed):
    """The wheel has the page and the migrations."""
    python = installed.with_name("python")
    listed = _run(
        python,
        "-c",
        "import json; from importlib.metadata import files;"
        "print(json.dumps([str(f) for f in files('tokensvc')]))",
        cwd=installed.parent,
    )
    names = json.loads(listed.stdout)
    assert "tokensvc/web/index.html" in names
    assert any(name.startswith("tokensvc/store/migrations/versions/") for name in names)


def test_it_is_ended_while_it_starts(installed, elsewhere):
    """A window closed before it is ready leaves nothing running either."""
    with _starting(installed, elsewhere, "(Starting the service)") as program:
        family = _family(program.child.pid)
        assert family  # the emulator at least
        program.child.send_signal(signal.SIGHUP)
        assert program.child.wait(timeout=30) == 0
    assert [pid for pid in family if Path(f"/proc/{pid}").exists()] == []


def test_it_ends(demo):
    """Ctrl-C stops everything: no process left, both ports free. It is the last test for that."""
    ports, family = _ports(demo), _family(demo.child.pid)
    assert len(family) >= 4  # the emulator, gunicorn and its two workers
    demo.child.send_signal(signal.SIGINT)
    assert demo.child.wait(timeout=30) == 0
    assert [pid for pid in family if Path(f"/proc/{pid}").exists()] == []
    for port in ports:
        socket.create_server(("127.0.0.1", port)).close()
    demo.await_line("Stopped.")
