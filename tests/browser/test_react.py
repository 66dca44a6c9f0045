"""The React binding in a browser, in StrictMode, with a scripted Live API."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from browser.hosting import Site
    from browser.visitor import Visitor

HERE = Path(__file__).parent
TESTS = HERE.parent
WEB = TESTS.parent / "web"
REACTS = {
    "React 19": TESTS / "node_modules",
    "React 18": TESTS / "frameworks/react-18/node_modules",
}


@pytest.fixture(
    name="script",
    scope="module",
    params=["React 19", pytest.param("React 18", marks=pytest.mark.frameworks)],
)
def _script(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page's script, with React in development mode."""
    script = tmp_path_factory.mktemp("hooks") / "hooks.js"
    modules = {name: REACTS[request.param] / name for name in ("react", "react-dom")}
    modules["tokensvc-live/react"] = WEB / "react/index.js"
    modules["tokensvc-live/testing"] = WEB / "live/scripted-transport.js"
    command = [
        *(TESTS / "node_modules/.bin/esbuild", HERE / "hooks-host.jsx", f"--outfile={script}"),
        *("--bundle", "--format=esm", "--jsx=automatic", "--log-level=error"),
        '--define:process.env.NODE_ENV="development"',
        *(f"--alias:{name}={path}" for name, path in modules.items()),
    ]
    subprocess.run(command, check=True)
    return script.read_text(encoding="utf-8")


class Page:
    """The page of `hooks-host.jsx`."""

    def __init__(self, visitor: Visitor) -> None:
        self._visitor = visitor
        visitor.arrive()

    def evaluate(self, script: str) -> Any:
        return self._visitor.page.evaluate(script)

    def receive(self, **content: object) -> None:
        """Let the Live API send a message."""
        self._visitor.page.evaluate("(message) => api.receive(message)", content)

    def start(self) -> None:
        self._visitor.button("Start").click()
        self.reads("live")

    def show(self, changes: str) -> None:
        self.evaluate(f"show({changes})")

    def reads(self, text: str) -> None:
        """Wait until the page shows *text* by itself."""
        self._visitor.page.get_by_text(text, exact=True).wait_for()

    def wait_until_gone(self, text: str) -> None:
        self._visitor.page.get_by_text(text, exact=True).wait_for(state="detached")

    def answer_to_a_call(self) -> str:
        """Let the model call the tool; returns what it is answered."""
        self.receive(toolCall={"functionCalls": [{"id": "call-1", "name": "look_up", "args": {}}]})
        answers = "api.sent.flatMap(({ toolResponse }) => toolResponse?.functionResponses ?? [])"
        self.evaluate(
            f"""async () => {{
              while ({answers}.length === 0) await new Promise(requestAnimationFrame);
            }}"""
        )
        (answer,) = self.evaluate(answers)
        assert answer["id"] == "call-1"
        return str(answer["response"])

    @property
    def lines(self) -> list[str]:
        return self._visitor.page.locator("li").all_text_contents()

    @property
    def errors(self) -> list[str]:
        return self._visitor.page_errors


@pytest.fixture(name="page")
def _page(visit: Callable[..., Visitor], site: Site, script: str) -> Page:
    address = site.publish(script, headers={"Content-Type": "text/javascript"}, whole=True)
    tag = f'<script type="module" src="{address}"></script>'
    return Page(visit(site.publish(tag), awaits="main button"))


def said(text: str) -> dict[str, object]:
    return {"outputTranscription": {"text": text}}


def test_strict_mode_opens_one_conversation_which_unmounting_ends(page: Page) -> None:
    page.start()
    assert page.evaluate("[api.connections, api.requests.length]") == [1, 1]
    page.show("{ provider: false }")
    page.reads("Nothing")
    assert page.evaluate("session.state") == "closed"
    page.show("{ provider: true }")
    page.start()
    assert page.evaluate("api.connections") == 2
    assert page.errors == []


def test_strict_mode_opens_one_conversation_for_an_effect_that_starts(page: Page) -> None:
    """Also where the provider mounts at the same time."""
    page.show("{ hurry: true }")
    page.reads("live")
    assert page.evaluate("[api.connections, api.requests.length]") == [1, 1]
    page.show("{ provider: false }")
    page.reads("Nothing")
    page.show("{ provider: true }")
    page.reads("live")
    assert page.evaluate("[api.connections, api.requests.length]") == [2, 2]
    assert page.errors == []


def test_component_shows_why_a_conversation_ended(page: Page) -> None:
    page.start()
    page.evaluate("api.close(1007, 'User location is not supported for the API use.')")
    page.reads("location-unsupported")
    page.start()


def test_component_that_mounts_late_shows_what_was_said_before(page: Page) -> None:
    page.show("{ transcript: false }")
    page.start()
    page.receive(serverContent=said("Good morning"))
    page.receive(serverContent={"turnComplete": True})
    page.show("{ transcript: true }")
    page.reads("Good morning")


def test_next_conversation_begins_with_an_empty_transcript(page: Page) -> None:
    """Until then the last one stays, to be read."""
    page.start()
    page.receive(serverContent=said("Good morning"))
    page.reads("Good morning")
    page.evaluate("session.close()")
    page.reads("closed")
    assert page.lines == ["Good morning"]
    page.start()
    assert page.lines == []


def test_flood_of_speech_is_rendered_once_a_frame(page: Page) -> None:
    """StrictMode renders each component twice."""
    page.start()
    renders = page.evaluate(
        """async () => {
          const before = renders;
          for (let piece = 0; piece < 2000; piece += 1) {
            api.receive({ serverContent: { outputTranscription: { text: `word ${piece} ` } } });
          }
          await new Promise(requestAnimationFrame);
          await new Promise(requestAnimationFrame);
          return renders - before;
        }"""
    )
    assert 1 <= renders <= 4
    assert [line.count("word") for line in page.lines] == [2000]


def test_tool_is_handled_by_the_function_of_the_latest_render(page: Page) -> None:
    page.start()
    page.show("{ answer: 'second' }")
    page.reads("second")
    assert "second" in page.answer_to_a_call()


def test_tool_is_handled_until_its_component_is_unmounted(page: Page) -> None:
    page.start()
    page.show("{ tool: false, answer: 'gone' }")
    page.wait_until_gone("first")
    assert "first" not in page.answer_to_a_call()
    page.show("{ tool: true }")
    page.reads("gone")


def test_component_shows_whether_the_microphone_is_muted(page: Page) -> None:
    page.start()
    page.evaluate("session.muted = true")
    page.reads("muted")
    page.evaluate("session.muted = false")
    page.wait_until_gone("muted")
