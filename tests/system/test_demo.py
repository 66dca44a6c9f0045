"""`tokensvc demo`, installed from the wheel into an empty environment."""

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
from system.fleet import children
from system.launching import free_ports
from wheels import CLONE, UV

if TYPE_CHECKING:
    from collections.abc import Iterator

    from programs import Program


def _run(*command: str | Path, **named) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*map(str, command)], capture_output=True, text=True, check=False, timeout=180, **named)


@pytest.fixture(name="elsewhere", scope="module")
def _elsewhere(tmp_path_factory) -> Path:
    """Return an empty folder outside the clone."""
    return tmp_path_factory.mktemp("elsewhere")


@pytest.fixture(name="installed", scope="module")
def _installed(tmp_path_factory, wheel) -> Path:
    """Install the wheel, with only the extra `emulator`; return the path of `tokensvc`."""
    folder = tmp_path_factory.mktemp("installed")
    finished = _run(UV, "venv", "--quiet", "--python", sys.executable, folder / "venv")
    assert finished.returncode == 0, finished.stderr
    finished = _run(
        *(UV, "pip", "install", "--quiet", "--python", folder / "venv" / "bin" / "python"),
        *("--constraint", CLONE / "tests" / "requirements.txt", f"{wheel}[emulator]"),
    )
    assert finished.returncode == 0, finished.stderr
    return folder / "venv" / "bin" / "tokensvc"


def _starting(tokensvc: Path, folder: Path, announced: str, *options: str):
    """Start the demo on free ports; wait for the line that matches *announced*."""
    page, emulator = map(str, free_ports(2))
    command = [str(tokensvc), "demo", "--port", page, "--emulator-port", emulator, *options]
    return running(command, announced, environment=clean_environment(), folder=folder)


@pytest.fixture(name="demo", scope="module")
def _running_demo(installed, elsewhere) -> Iterator[Program]:
    """Start the demo as a user of the wheel does."""
    with _starting(installed, elsewhere, r"Open +(http://\S+[^/\s])/?\s") as program:
        program.await_line("Ctrl-C")
        yield program


def _descendants(pid: int) -> list[int]:
    """Return the descendants of process *pid*."""
    return [descendant for child in children(pid) for descendant in (child, *_descendants(child))]


def _ports(program: Program) -> list[int]:
    """Return the ports of the page and of the emulator."""
    policy = program.get("/").headers["content-security-policy"]
    emulator = re.search(r"ws://127[.]0[.]0[.]1:([0-9]+)", policy)
    return [urlsplit(program.url).port, int(emulator[1])]


def test_demo_prints_its_address_an_account_and_how_to_stop_it(demo):
    output = "".join(demo.lines)
    assert demo.url.startswith("http://localhost:")
    assert re.search(r"Sign in +demo / \S{12,}", output)
    assert "Ctrl-C" in output


def test_wheel_contains_the_page_its_modules_and_the_widget(demo):
    page = demo.get("/")
    assert page.status == 200
    assert page.headers["content-type"].startswith("text/html")
    assert demo.get("/app.js").status == demo.get("/live/session.js").status == 200
    widget = demo.get("/widget.js")
    assert widget.status == 302
    assert b"widget/element.js" in demo.get(widget.headers["location"]).body


def test_printed_account_signs_in_and_gets_a_token_for_the_emulator(demo):
    username, password = re.search(r"Sign in +(\S+) / (\S+)", "".join(demo.lines)).groups()
    account = {"username": username, "password": password}
    signed_in = demo.post("/login", account, headers={"Origin": demo.url})
    assert signed_in.status == 200
    bearer = signed_in.json["access_token"]
    granted = demo.post("/token", {"options": {"voice": "Puck"}}, bearer=bearer)
    assert granted.status == 200
    assert granted.json["websocket_url"].startswith(f"ws://127.0.0.1:{_ports(demo)[1]}/")
    assert granted.json["features"]["tools"][0]["name"] == "get_local_time"
    assert demo.post("/token").status == 200  # so does a guest


def test_file_of_a_recipe_is_served_instead_if_given(installed, elsewhere):
    recipe = CLONE / "docs/recipes/guests.toml"
    with _starting(installed, elsewhere, r"Open +(http://\S+[^/\s])/?\s", "--config", str(recipe)) as program:
        (profile,) = program.get("/profiles").json["profiles"]
        assert profile["description"] == "Help for visitors of the shop"
        program.await_line("Ctrl-C")
        assert "Sign in" not in "".join(program.lines), "it admits guests only"


def test_page_of_another_site_can_neither_post_nor_read(demo):
    foreign = {"Origin": "https://evil.test"}
    assert demo.post("/token", headers=foreign).status == 403
    assert "access-control-allow-origin" not in demo.get("/profiles", headers=foreign).headers


@pytest.mark.parametrize("origin", ["http://localhost:5173", "http://127.0.0.1:8000", "http://localhost"])
def test_page_at_any_port_of_this_machine_can_call_so_that_the_widget_works_beside_the_demo(demo, origin):
    granted = demo.post("/token", headers={"Origin": origin})
    assert granted.status == 200
    assert granted.headers["access-control-allow-origin"] == origin
    assert demo.get("/profiles", headers={"Origin": origin}).headers["access-control-allow-origin"] == origin
    for other in (f"{origin}.evil.test", origin.replace("http:", "https:"), f"{origin}1234567"):
        assert demo.post("/token", headers={"Origin": other}).status == 403


def test_page_says_that_an_emulator_answers(demo):
    (profile,) = demo.get("/profiles").json["profiles"]
    assert profile["description"].startswith("An emulator answers, which plays back what you say.")


def test_site_of_one_s_own_can_call_if_it_is_named(installed, elsewhere):
    site = {"Origin": "https://shop.example.com"}
    with _starting(installed, elsewhere, r"Open +(http://\S+[^/\s])/?\s", "--origin", site["Origin"]) as program:
        assert program.post("/token", headers=site).headers["access-control-allow-origin"] == site["Origin"]
        assert program.post("/token", headers={"Origin": "http://localhost:3000"}).status == 200


@pytest.mark.parametrize("flag", ["--port", "--emulator-port"])
def test_demo_names_the_flag_of_a_port_in_use(demo, installed, elsewhere, flag):
    other = {"--port": "--emulator-port", "--emulator-port": "--port"}[flag]
    taken, free = _ports(demo)[0], free_ports(1)[0]
    finished = _run(
        *(installed, "demo", flag, str(taken), other, str(free)),
        cwd=elsewhere,
        env=clean_environment(),
    )
    assert finished.returncode != 0
    assert f"Port {taken} on 127.0.0.1" in finished.stderr
    assert f"Choose another with {flag}." in finished.stderr
    assert "Traceback" not in finished.stderr


def test_demo_writes_nothing_into_the_current_folder(demo, elsewhere):
    assert demo.get("/livez").status == 200
    assert list(elsewhere.iterdir()) == []


def test_wheel_contains_the_page_and_the_migrations(installed):
    python = installed.with_name("python")
    listed = _run(
        python,
        "-c",
        "import json; from importlib.metadata import files;print(json.dumps([str(f) for f in files('tokensvc')]))",
        cwd=installed.parent,
    )
    names = json.loads(listed.stdout)
    assert "tokensvc/web/index.html" in names
    assert any(name.startswith("tokensvc/store/migrations/versions/") for name in names)


def test_hangup_during_the_start_leaves_no_process(installed, elsewhere):
    with _starting(installed, elsewhere, "(Starting the service)") as program:
        processes = _descendants(program.child.pid)
        assert processes  # the emulator at least
        program.child.send_signal(signal.SIGHUP)
        assert program.child.wait(timeout=30) == 0
    assert [pid for pid in processes if Path(f"/proc/{pid}").exists()] == []


def test_ctrl_c_stops_all_processes_and_frees_both_ports(demo):
    """This test must be the last, because it stops the demo."""
    ports, processes = _ports(demo), _descendants(demo.child.pid)
    assert len(processes) >= 4  # the emulator, gunicorn and its two workers
    demo.child.send_signal(signal.SIGINT)
    assert demo.child.wait(timeout=30) == 0
    assert [pid for pid in processes if Path(f"/proc/{pid}").exists()] == []
    for port in ports:
        socket.create_server(("127.0.0.1", port)).close()
    demo.await_line("Stopped.")
