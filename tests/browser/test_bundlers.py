"""An app that uses the npm package, built by each bundler: somebody talks to it in Chromium."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from browser.bundling import FRAMEWORKS, TESTS, copied, next_turbopack, program, vite
from browser.caller import Caller
from browser.conftest import CONFIGURATION
from browser.flags import ALLOWED, FAKE_DEVICES
from browser.sound import spoken, write_wav
from npm_package import pack_with_the_tests_tools
from system.launching import free_ports

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from browser.bundling import App
    from programs import Program

COMPONENT = TESTS.parent / "docs/recipes/react-vite/src/agent.jsx"
REACT_18 = FRAMEWORKS / "react-18/node_modules"
NOTHING = {"tracks": 0, "sockets": 0, "contexts": 0}


def write_page(app: App) -> None:
    """Write the page, for bundlers that build scripts only."""
    page = (app.folder / "index.html").read_text()
    (app.folder / "dist/index.html").write_text(page.replace("main.jsx", "main.js"))


def vite_development(app: App) -> AbstractContextManager[object]:
    return app.serve(program("vite", TESTS), "--host", "127.0.0.1", "--strictPort")


def webpack(app: App) -> AbstractContextManager[object]:
    app.run(program("webpack"))
    write_page(app)
    return app.host()


def esbuild(app: App, *options: str) -> AbstractContextManager[object]:
    """Build with what docs/npm.md says: the worklet is copied by hand."""
    how = ("--bundle", "--splitting", "--format=esm", "--jsx=automatic", "--outdir=dist")
    app.run(program("esbuild"), "main.jsx", *how, *options)
    for worklet in (app.folder / "node_modules/tokensvc-live/dist/live/media").glob("*-worklet.js"):
        shutil.copy(worklet, app.folder / "dist")
    write_page(app)
    return app.host()


def esbuild_react_18(app: App) -> AbstractContextManager[object]:
    aliases = [f"--alias:{name}={REACT_18 / name}" for name in ("react", "react-dom")]
    return esbuild(app, *aliases)


def next_webpack(app: App) -> AbstractContextManager[object]:
    app.run(program("next"), "build", "--webpack")
    return app.serve(program("next"), "start", "--hostname", "127.0.0.1")


IN_EVERY_RUN = [vite, vite_development]
BUNDLERS = [
    *IN_EVERY_RUN,
    *(
        pytest.param(build, marks=[pytest.mark.frameworks, pytest.mark.timeout(600)])
        for build in (webpack, esbuild, esbuild_react_18, next_turbopack, next_webpack)
    ),
]


@pytest.fixture(name="package", scope="module")
def _package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack_with_the_tests_tools(tmp_path_factory.mktemp("package"))


@pytest.fixture(name="ports", scope="module")
def _ports() -> list[int]:
    """One for each test."""
    return free_ports(len(BUNDLERS) + 1)


@pytest.fixture(name="voice", scope="module")
def _voice(start_service: Callable[..., Program], emulator: Program, ports: list[int]) -> Program:
    """A service that lists the apps."""
    origins = ", ".join(f'"http://127.0.0.1:{port}"' for port in ports)
    return start_service(f"{CONFIGURATION}\n[http]\norigins = [{origins}]\n", emulator.url)


@pytest.fixture(name="app")
def _app(package: Path, voice: Program, ports: list[int]) -> Iterator[App]:
    with copied(FRAMEWORKS / "app", package, ports.pop(), voice) as app:
        (app.folder / "service.js").write_text(f"export const service = '{voice.url}';\n")
        # The emulator answers this with a tool call.
        shown, asked = "sendText('What time is it?')", "sendText('get_local_time')"
        component = COMPONENT.read_text()
        assert shown in component
        (app.folder / "agent.jsx").write_text(component.replace(shown, asked))
        yield app


@pytest.mark.frameworks
def test_app_in_typescript_compiles_with_react_18(app: App) -> None:
    """Its types differ from those of React 19, which tests/web/package/ tries."""
    for name in ("agent", "app"):
        (app.folder / f"{name}.jsx").rename(app.folder / f"{name}.tsx")
    component = app.folder / "agent.tsx"
    component.write_text(component.read_text().replace("({ service })", "({ service }: { service: string })"))
    # With node_modules/ in the path this would be the types of React 19.
    paths = {
        "react": [str(REACT_18 / "@types/react")],
        "react/*": [str(REACT_18 / "@types/react/*")],
    }
    options = {
        "strict": True,
        "noEmit": True,
        "allowJs": True,
        "jsx": "react-jsx",
        "module": "ESNext",
        "moduleResolution": "bundler",
        "target": "ESNext",
        "lib": ["ESNext", "DOM", "DOM.Iterable"],
        "types": [],
        "paths": paths,
    }
    settings = {"compilerOptions": options, "include": ["*.tsx"]}
    (app.folder / "tsconfig.json").write_text(json.dumps(settings))
    app.run(program("tsc", TESTS))


@pytest.mark.parametrize("build", BUNDLERS)
def test_built_app_holds_a_conversation(
    visit: Callable[..., Caller],
    emulator: Program,
    app: App,
    build: Callable[[App], AbstractContextManager[object]],
    tmp_path: Path,
) -> None:
    """By the hooks, spoken and with a tool; then by the widget, typed."""
    question = tmp_path / "question.wav"
    write_wav(question, spoken(1.5, "ask-for-the-time", 60.0))
    microphone = f"--use-file-for-fake-audio-capture={question}%noloop"
    with build(app):
        flags = [*FAKE_DEVICES, *ALLOWED, microphone]
        address = f"http://127.0.0.1:{app.port}/"
        caller = visit(address, awaits="live-agent", kind=Caller, flags=flags)
        caller.arrive()
        caller.button("Talk").click()
        caller.page.get_by_text("speaking", exact=True).wait_for()
        caller.page.locator("li", has_text="agent: ").first.wait_for()
        caller.page.get_by_text("live", exact=True).wait_for()
        caller.button("What time is it?").click()
        caller.page.locator("li", has_text="GMT").wait_for()
        caller.button("Hang up").click()
        caller.button("Talk").wait_for()
        assert emulator.get("/emulator/sessions/last").json["counters"]["audio_chunks"] > 50

        caller.open_widget()
        caller.say("Hello")
        caller.page.locator(".frame[data-state=live]").wait_for()
        caller.reads("Hello")
        caller.button("End").click()
        caller.page.locator(".frame[data-state=closed]").wait_for()
        # The page has a socket to Vite as well.
        assert caller.left_open | {"sockets": 0} == NOTHING
        api = emulator.url.replace("http", "ws")
        opened = f"opened.sockets.filter(({{ url }}) => url.startsWith('{api}'))"
        assert caller.page.evaluate(f"{opened}.map(({{ readyState }}) => readyState >= 2)") == [
            True,
            True,
        ]
        assert caller.violations == []
        assert caller.page_errors == []
