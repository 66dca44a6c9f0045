"""Measures the compressed size of the wheel's widget, as served by gunicorn, against its budget."""

from __future__ import annotations

import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1]))

from playwright.sync_api import sync_playwright

from browser.caller import Caller
from browser.conftest import open_to
from browser.flags import ALLOWED, FAKE_DEVICES, FLAGS
from browser.hosting import hosting
from programs import chromium, clean_environment, running, service_environment, serving
from wheels import CLONE, build, unpacked

if TYPE_CHECKING:
    from browser.hosting import Site
    from programs import Program

KILOBYTE = 1000  # as other widgets state their sizes
BEFORE_REACH = 5.2 * KILOBYTE
CONVERSATION = 40 * KILOBYTE
# Loaded once the conversation is live, because an outage may need it when nothing can be loaded any more.
RECOVERY = re.compile(r"/live/connection/(recovery|unanswered)\.js$")
LOADER = KILOBYTE  # for sites that use it

# One file each, by gzip -9, measured on 2026-11-21; docs/embedding.md says how they compare.
OTHERS = {
    "ElevenLabs convai-widget-embed 0.16.4": 461_508,
    "LiveKit agent-starter-embed": 286_650,
    "Vapi client-sdk-react 0.1.1": 184_146,
    "dograh widget: one voice, no camera": 18_090,
    "Deepgram browser-agent 0.2.1: no transcript": 5_029,
}


def spoken_only(site: Site) -> str:
    """The configuration without video, so that its modules are not fetched."""
    return open_to(site).replace('video = ["camera", "screen"]', "video = []")


@dataclass(frozen=True)
class Weight:
    """Compressed bytes of each file: loaded with the page, until the conversation is live, and then for an outage."""

    before: dict[str, int]
    after: dict[str, int]
    recovery: dict[str, int]

    @property
    def button(self) -> int:
        return sum(self.before.values())

    @property
    def conversation(self) -> int:
        return self.button + sum(self.after.values())

    @property
    def whole(self) -> int:
        """A conversation with what it keeps ready for an outage."""
        return self.conversation + sum(self.recovery.values())


def weigh(caller: Caller, service: Program) -> Weight:
    """Hold a spoken conversation in one language and measure what was fetched."""
    seen = len(service.lines)
    caller.arrive()
    caller.button("Talk to us").wait_for()
    before = _files(service, seen)
    caller.open_widget()
    caller.talk()
    caller.page.locator(".status", has_text="Listening").wait_for()
    service.await_lines("/live/connection/unanswered.js", 1)
    ended = sum("POST /lease/end" in line for line in service.lines)
    caller.hang_up()
    service.await_lines("POST /lease/end", ended + 1)
    after = [path for path in _files(service, seen) if path not in before]
    sizes = {path: _weigh(service, path) for path in [*before, *after]}
    recovery = {path for path in after if RECOVERY.search(path)}
    assert recovery, "nothing was prepared for an outage"
    return Weight(
        {path: sizes[path] for path in before},
        {path: sizes[path] for path in after if path not in recovery},
        {path: sizes[path] for path in recovery},
    )


def _files(service: Program, seen: int) -> list[str]:
    """The release files that were fetched, by the log of the service, which has worklets too."""
    files = re.findall(r'"GET (/assets/[^"]+)", "status": 200', "".join(service.lines[seen:]))
    assert len(files) == len(set(files)), "something was fetched twice"
    return files


def _weigh(service: Program, path: str) -> int:
    answer = service.get(path, headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    return len(answer.body)


def loader_bytes(service: Program) -> int:
    """The compressed size of the classic loader."""
    return _weigh(service, "/widget-loader.js")


def table(weight: Weight) -> str:
    """The sizes against the budget and beside other widgets."""
    rows = [
        ("before anybody reaches for it", weight.button, f"of {BEFORE_REACH / KILOBYTE:.1f}"),
        ("a voice conversation", weight.conversation, f"of {CONVERSATION / KILOBYTE:.0f}"),
        ("with what it then keeps ready for an outage", weight.whole, ""),
        *((name, size, "") for name, size in OTHERS.items()),
    ]
    lines = [f"{name:<45}{size / KILOBYTE:7.1f} KB {limit}" for name, size, limit in rows]
    heaviest = sorted((weight.before | weight.after).items(), key=lambda file: -file[1])[:5]
    lines += [f"  {path.split('/', 3)[3]:<43}{size / KILOBYTE:7.1f} KB" for path, size in heaviest]
    return "\n".join(lines)


def main() -> int:
    """Build the wheel, hold the conversation and print the table.

    Returns 1 if the budget is exceeded.
    """
    with tempfile.TemporaryDirectory() as folder:
        weight, loader = _weigh_wheel(Path(folder))
    print(table(weight))  # noqa: T201 - this is what the command is for
    print(f"{'widget-loader.js':<45}{loader / KILOBYTE:7.1f} KB of {LOADER / KILOBYTE:.0f}")  # noqa: T201 - likewise
    return int(weight.button > BEFORE_REACH or weight.conversation > CONVERSATION or loader > LOADER)


def _weigh_wheel(folder: Path) -> tuple[Weight, int]:
    from_wheel = unpacked(build(CLONE, folder), folder / "unpacked")
    emulator = [sys.executable, "-m", "tokensvc.emulator", "--port", "0"]
    with (
        hosting() as site,
        running(emulator, r"on (http://[0-9.:]+)", environment=clean_environment()) as live,
        serving(service_environment(folder, spoken_only(site), live.url, **from_wheel), workers=1) as service,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium(), args=[*FLAGS, *FAKE_DEVICES, *ALLOWED])
        script = f'<script type="module" src="{service.url}/widget.js"></script>'
        address = site.publish(f"{script}<live-agent></live-agent>")
        weight = weigh(Caller(browser.new_page(), address, "main"), service)
        loader = loader_bytes(service)
        browser.close()
    return weight, loader


if __name__ == "__main__":
    sys.exit(main())
