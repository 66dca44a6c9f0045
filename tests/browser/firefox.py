"""Firefox, driven by WebDriver BiDi (w3.org/TR/webdriver-bidi); its microphone hums at 1 kHz."""

from __future__ import annotations

import itertools
import json
import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from websockets.sync.client import ClientConnection, connect

from programs import running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATIENCE = 60
# The content sandbox would keep a process that runs as root from the sound device.
PREFERENCES = {
    "media.navigator.streams.fake": True,
    "media.navigator.permission.disabled": True,
    "media.autoplay.default": 0,
    "media.autoplay.blocking_policy": 0,
    "security.sandbox.content.level": 0,
    "datareporting.policy.dataSubmissionEnabled": False,
    "app.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
}


@dataclass
class Page:
    """A tab."""

    socket: ClientConnection
    context: str = ""
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def command(self, method: str, **params: Any) -> Any:
        """Send a command and wait for its result."""
        number = next(self._numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            message = json.loads(self.socket.recv(timeout=PATIENCE))
            if message.get("id") == number:
                assert message["type"] == "success", message
                return message["result"]

    def go(self, address: str) -> None:
        """Open an address and wait until it has loaded."""
        self.command("browsingContext.navigate", context=self.context, url=address, wait="complete")

    def call(self, function: str, *arguments: str) -> str:
        """Call a JavaScript function that takes strings and returns one, or a promise of one."""
        called = self.command(
            "script.callFunction",
            functionDeclaration=function,
            arguments=[{"type": "string", "value": value} for value in arguments],
            target={"context": self.context},
            awaitPromise=True,
            userActivation=True,
        )
        assert called["type"] == "success", called["exceptionDetails"]["text"]
        return called["result"]["value"]


@contextmanager
def loudspeaker(folder: Path) -> Iterator[dict[str, str]]:
    """A null sound device and its address; without one, no audio is processed."""
    socket = folder / "pulse.sock"
    command = [
        *("pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--log-level=info"),
        "--load=module-null-sink sink_name=out rate=48000",
        f"--load=module-native-protocol-unix auth-anonymous=1 socket={socket}",
    ]
    environment = os.environ | {"XDG_RUNTIME_DIR": str(folder), "HOME": str(folder)}
    with running(command, "(Daemon startup complete)", environment=environment):
        yield {"PULSE_SERVER": f"unix:{socket}", "XDG_RUNTIME_DIR": str(folder)}


@contextmanager
def firefox(folder: Path) -> Iterator[Page]:
    """A Firefox with its own profile and sound device in *folder*."""
    profile = folder / "profile"
    profile.mkdir()
    preferences = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in PREFERENCES.items()]
    (profile / "user.js").write_text("\n".join(preferences))
    with loudspeaker(folder) as device:
        command = [
            *("firefox-esr", "--headless", "--no-remote", "--profile", str(profile)),
            *("--remote-debugging-port", "0"),
        ]
        environment = os.environ | device | {"HOME": str(folder)}
        announced = r"WebDriver BiDi listening on (ws://\S+)"
        with (
            running(command, announced, environment=environment) as program,
            connect(f"{program.url}/session", max_size=None) as socket,
        ):
            page = Page(socket)
            page.command("session.new", capabilities={})
            page.context = page.command("browsingContext.getTree")["contexts"][0]["context"]
            yield page
            page.command("session.end")
