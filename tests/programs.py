"""Runs the programs under test: the emulator, and the service in gunicorn."""

from __future__ import annotations

import json
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

START_DEADLINE = 60  # seconds until a program must be listening
LISTENING = r"Listening at: (http://[0-9.]+:[0-9]+)"  # what gunicorn says
COMPILED = "TESTS_COMPILED_PROFILES"  # names the folder that services of a test run share
SECRET_KEY = "signs-in-tests-and-nowhere-else-0123456789"
API_KEY = "AIzaSy-the-tests-own-key-and-nobody-elses"

# Too high to matter.
HIGH_LIMITS = """
[limits]
user = ["100000/minute"]
guest = ["100000/minute"]
concurrent = { user = 1000, guest = 1000 }
budget = { guest = "99999h/day" }
"""
# Open to every user and guest.
OPEN_PROFILE = f"""
[profiles.default]
model = "gemini-3.8-live"
allow = ["user", "guest"]
{HIGH_LIMITS}"""


@dataclass(frozen=True)
class Answer:
    """An HTTP response of any status."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of a problem response, after checking its documented form."""
        assert self.headers["content-type"] == "application/problem+json"
        problem = self.json
        assert problem["status"] == self.status
        assert {"type", "title", "status", "detail", "instance", "code", "retryable"} <= set(problem)
        assert self.headers["cache-control"] == "no-store"
        return problem["code"]


class NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


@dataclass
class Program:
    """A running program and its output."""

    child: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    url: str = ""
    folder: Path | None = None
    _printed: threading.Condition = field(default_factory=threading.Condition, repr=False)
    _stopping: bool = False

    def stop(self) -> None:
        """Tell the program to stop, once; `running` waits until it has."""
        if not self._stopping:
            self._stopping = True
            self.child.send_signal(signal.SIGTERM)

    def prints(self, line: str) -> None:
        """Record a line of output."""
        with self._printed:
            self.lines.append(line)
            self._printed.notify_all()

    def await_line(self, text: str, *, timeout: float = 30) -> None:
        """Wait until the output has a line containing *text*."""
        self.await_lines(text, 1, timeout=timeout)

    def await_lines(self, text: str, count: int, *, timeout: float = 30) -> None:
        """Wait until the output has *count* lines containing *text*."""
        with self._printed:
            printed = self._printed.wait_for(lambda: sum(text in line for line in self.lines) >= count, timeout)
        assert printed, f"“{text}” was not printed {count} times within {timeout} s"

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        bearer: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Send a request; a body that is not bytes is sent as JSON."""
        headers = dict(headers or {})
        if bearer is not None:
            headers["Authorization"] = f"Bearer {bearer}"
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
        prepared = urllib.request.Request(  # noqa: S310 - our own address
            self.url + path, body, headers, method=method
        )
        opener = urllib.request.build_opener(NoRedirects)
        try:
            with opener.open(prepared, timeout=30) as response:
                return Answer(response.status, _lower(response.headers), response.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, _lower(error.headers), error.read())

    def get(self, path: str, **named: Any) -> Answer:
        return self.request("GET", path, **named)

    def await_ready(self, status: int, **fields: Any) -> None:
        """Wait for /readyz to have *status* and *fields*: workers repeat an answer for a second."""
        end = time.monotonic() + 5
        while True:
            answer = self.get("/readyz")
            if answer.status == status and fields.items() <= answer.json.items():
                return
            assert time.monotonic() < end, f"/readyz: {answer.status} {answer.json}"
            time.sleep(0.05)

    def post(self, path: str, body: object = None, **named: Any) -> Answer:
        return self.request("POST", path, body, **named)


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


@contextmanager
def running(
    command: list[str], announced: str, *, environment: dict[str, str], folder: Path | None = None
) -> Iterator[Program]:
    """Run *command* until SIGTERM; yield once it prints *announced*, whose group 1 is its URL."""
    child = subprocess.Popen(
        command,
        env=environment,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    program = Program(child)
    output: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        assert child.stdout is not None
        for line in child.stdout:
            program.prints(line)
            output.put(line)
        output.put(None)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        while not program.url:
            line = output.get(timeout=START_DEADLINE)
            if line is None:
                printed = "".join(program.lines)
                pytest.fail(f"{command} ended with {child.wait()} before it listened:\n{printed}")
            if match := re.search(announced, line):
                program.url = match[1]
        yield program
    finally:
        program.stop()
        try:
            child.wait(timeout=30)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        reader.join(timeout=10)
        assert not reader.is_alive(), f"{command} left a program running"
        child.stdout.close()


class Programs(ExitStack):
    """Programs that run until the end of a block, and are then stopped all at once."""

    def __init__(self) -> None:
        super().__init__()
        self._started: list[Program] = []

    def start(self, program: AbstractContextManager[Program]) -> Program:
        """Start a program, given as what `running` returns."""
        self._started.append(self.enter_context(program))
        return self._started[-1]

    def __exit__(self, *raised: object) -> bool | None:
        for program in self._started:
            program.stop()
        return super().__exit__(*raised)


def chromium() -> str:
    """Return the browser that CHROMIUM names, is installed or was downloaded by Playwright."""
    named = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if named is not None:
        return named
    with sync_playwright() as playwright:
        downloaded = playwright.chromium.executable_path
    if not Path(downloaded).exists():
        pytest.fail("There is no Chromium: “make programs” installs one, CHROMIUM names another.")
    return downloaded


def clean_environment(**added: str) -> dict[str, str]:
    """Return our environment without settings of the service or an SDK, and with *added*."""
    ours = ("TOKENSVC_", "GEMINI_", "GOOGLE_", "DATABASE_", "GUNICORN_", "WEB_CONCURRENCY", "PORT")
    return {name: v for name, v in os.environ.items() if not name.startswith(ours)} | added


def service_environment(folder: Path, configuration: str, upstream: str, **added: str) -> dict[str, str]:
    """Write the configuration file to *folder* and return the environment of its service."""
    file = folder / "tokensvc.toml"
    file.write_text(configuration, encoding="utf-8")
    settings = {
        "GEMINI_API_KEY": API_KEY,
        "TOKENSVC_SECRET_KEY": SECRET_KEY,
        "TOKENSVC_CONFIG": str(file),
        "TOKENSVC_DATA_DIR": str(folder / "data"),
        "TOKENSVC_GEMINI_BASE_URL": upstream,
        "TOKENSVC_GEMINI_WEBSOCKET_URL": upstream.replace("http", "ws", 1),
    }
    return clean_environment(**settings | added)


def share_compiled_profiles(folder: Path) -> None:
    """Let the service in *folder* use the test run's cache of compiled profiles."""
    (folder / "data").mkdir()
    (folder / "data" / "compiled").symlink_to(os.environ[COMPILED])


def operate(service: Program, *words: str, said: str = "") -> None:
    """Run the `tokensvc` command *words* on the store of *service*, with *said* as its input."""
    assert service.folder is not None
    environment = clean_environment(TOKENSVC_DATA_DIR=str(service.folder / "data"))
    command = [sys.executable, "-m", "tokensvc", *words]
    subprocess.run(command, input=said, text=True, env=environment, check=True)


def report_of(command: Sequence[str | Path], *, timeout: float = 120, **environment: str) -> Any:
    """Run a client to its end, with our environment and *environment*, and parse what it prints."""
    finished = subprocess.run(
        command,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout)


@contextmanager
def serving(
    environment: dict[str, str], *, workers: int = 2, host: str = "127.0.0.1", port: int = 0
) -> Iterator[Program]:
    """Run the service in gunicorn as users start it, on any free port by default."""
    where = ["--host", host, "--port", str(port), "--workers", str(workers)]
    command = [sys.executable, "-m", "tokensvc", "serve", *where]
    # gunicorn imports from its working directory first, even with PYTHONSAFEPATH: a wheel's service needs its own.
    folder = Path(environment["PYTHONPATH"]) if "PYTHONSAFEPATH" in environment else None
    with running(command, LISTENING, environment=environment, folder=folder) as program:
        yield program


@contextmanager
def emulating(*flags: str) -> Iterator[Program]:
    """Run an emulator with these flags, on a port of its own."""
    command = [sys.executable, "-m", "tokensvc.emulator", "--port", "0", *flags]
    announced = r"on (https?://[0-9.]+:[0-9]+)"
    with running(command, announced, environment=clean_environment()) as program:
        yield program
