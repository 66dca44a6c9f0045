"""Hostile strings from the Live API are shown as text, run nothing and move nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from browser.conftest import open_to
from browser.flags import ALLOWED, FAKE_DEVICES
from browser.hostile import HOSTILE
from browser.sound import spoken, write_wav

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from browser.caller import Caller
    from browser.hosting import Site
    from programs import Program

# Spoken as fast as possible: at normal speed this would take minutes.
AT_ONCE = ["--latency", "0", "--send-rate", "10000", "--playback-rate", "10000"]
FINAL = "Quota: "  # begins a reason after which nothing is tried again
LONGEST_WORD = 123 - len(FINAL)  # bytes in a close frame (RFC 6455, section 5.5)
SAMPLED = 5  # every fifth, because each ends a conversation
BATCH = 8  # strings between two looks at the page, which still shows them all
BETWEEN = " · "
TRAP = """
globalThis.ran = 0;
globalThis.pwned = globalThis.alert = globalThis.confirm = globalThis.prompt = () => { ran += 1; };
"""
# The position of everything except the text itself.
LAYOUT = """() => {
  const agent = document.querySelector('live-agent');
  const parts = ['.frame', '.panel', '.header', '.visualizer', '.log', '.composer', '.controls'];
  const boxes = [
    ...parts.map((part) => agent.shadowRoot.querySelector(part)),
    ...document.querySelectorAll('main, h1, #search'),
  ].map((element) => {
    const { x, y, width, height } = element.getBoundingClientRect();
    return [element.className || element.localName, x, y, width, height].join(' ');
  });
  const { scrollWidth, scrollHeight } = document.documentElement;
  return [...boxes, scrollWidth, scrollHeight].join('\\n');
}"""
# Lines of the log that overflow it, or contain anything but text and links.
STRAY = """() => {
  const log = document.querySelector('live-agent').shadowRoot.querySelector('.log');
  const { left, right } = log.getBoundingClientRect();
  const outside = [...log.querySelectorAll('*')].filter((element) => {
    const box = element.getBoundingClientRect();
    return !element.closest('.unseen') && (box.left < left - 1 || box.right > right + 1);
  });
  const harmless = ['div', 'span', 'p', 'ul', 'ol', 'li', 'a', 'code', 'pre', 'strong', 'em'];
  const strange = [...log.querySelectorAll('*')].filter(
    (element) =>
      !(harmless.includes(element.localName) || element.matches('iframe.suggestion[sandbox]')) ||
      element.getAttributeNames().some((name) => name.startsWith('on') || name === 'style') ||
      (element.localName === 'a' && !/^https?:/.test(element.href)),
  );
  // Whatever a link's title says, its host is shown beside it, unless the title is the address.
  const nameless = [...log.querySelectorAll('a')].filter(({ host, origin, textContent, nextElementSibling: named }) =>
    textContent !== host && !textContent.startsWith(origin) && (!named?.checkVisibility() || named.innerText !== host));
  return [...outside, ...strange, ...nameless].map((element) => element.outerHTML.slice(0, 200));
}"""


def typed(number: int) -> str:
    return f"Say number {number}."


def source(word: str) -> list[dict[str, str]]:
    """A search result with *word* as title, one with it as address, and a normal page."""
    return [
        {"title": word, "url": "https://evil.test/"},
        {"title": "A page", "url": word},
        {"title": word, "url": f"https://evil.test/?{word}"},
    ]


@pytest.fixture(name="evil", scope="module")
def _evil(start_emulator: Callable[..., Program], tmp_path_factory: pytest.TempPathFactory) -> Program:
    """A Live API that says, calls, finds and closes with hostile strings."""
    said = [
        {
            "when": typed(number),
            "steps": [
                {"search": {"query": word, "sources": source(word)}},
                {"call": word, "then": [{"say": word}]},
            ],
        }
        for number, word in enumerate(HOSTILE)
    ]
    closed = [
        {"when": f"Leave {number}", "close": {"code": 1011, "reason": FINAL + word}}
        for number, word in enumerate(HOSTILE)
        if len(word.encode()) <= LONGEST_WORD
    ]
    spoken_turn = {"transcript": BETWEEN.join(HOSTILE), "say": "What?"}
    scenario = tmp_path_factory.mktemp("scenario") / "hostile.json"
    scenario.write_text(json.dumps({"turn": [spoken_turn, *said, *closed]}))
    return start_emulator("--scenario", str(scenario), "--input-transcripts", "final", *AT_ONCE)


@pytest.fixture(name="lured", scope="module")
def _lured(start_service: Callable[..., Program], evil: Program, site: Site) -> Program:
    """A service connected to it."""
    return start_service(open_to(site), evil.url)


@pytest.fixture(name="victim")
def _victim(call: Callable[..., Caller], lured: Program) -> Callable[..., Caller]:
    """A visitor in a conversation with it, on a page whose policy blocks nothing."""

    def victim(widget: str = "<live-agent></live-agent>", **options: object) -> Caller:
        caller = call(widget, service=lured, **options)
        caller.page.add_init_script(TRAP)
        caller.asked = []
        caller.page.on("request", lambda request: caller.asked.append(request.url))
        caller.arrive()
        caller.open_widget()
        return caller

    return victim


def layout_of(caller: Caller) -> str:
    """The widget's layout with all its controls: those for video are loaded on demand."""
    caller.page.locator(".controls .camera").wait_for()
    return caller.page.evaluate(LAYOUT)


def stays(caller: Caller, layout: str) -> None:
    """Wait until the layout is still: a turn's last words are on their way to the page."""
    caller.until(f"({LAYOUT})() === {json.dumps(layout)}")


def unharmed(caller: Caller, word: str) -> None:
    """Assert that nothing ran, nothing was fetched, and no dialog or frame appeared."""
    assert caller.page.evaluate("ran") == 0
    assert [address for address in caller.asked if "evil" in address] == []
    frames = {urlsplit(frame.url).path for frame in caller.page.frames[1:]}
    assert frames <= {"/suggestions", ""}, "only the sandboxed one, which may be loading"
    assert len(caller.page.context.pages) == 1
    assert caller.page.evaluate(STRAY) == [], word


def test_hostile_transcripts_tools_and_sources_are_text(victim: Callable[..., Caller]) -> None:
    """Transcript, tool name, query and sources."""
    assert len(HOSTILE) >= 60
    # Wide enough for our own status texts to stay on one line.
    caller = victim('<live-agent style="--live-agent-width: 640px"></live-agent>')
    caller.say("Hello")
    caller.becomes("live")
    caller.until("heard.some(({ type, detail }) => type === 'transcript' && detail.final)")
    caller.reads_status("Ready for your message")
    before = layout_of(caller)
    for number, word in enumerate(HOSTILE):
        caller.page.evaluate("heard.length = 0")
        caller.say(typed(number))
        caller.until("heard.some(({ type }) => type === 'sources')")
        caller.until("heard.some(({ type, detail }) => type === 'tool' && detail.status === 'failed')")
        (tool,) = {told["name"] for told in caller.heard("tool")}
        assert tool == word
        if word.split():
            caller.until(
                "heard.some(({ type, detail: { side, final } }) => type === 'transcript' && side === 'agent' && final)"
            )
            line = next(line for line in reversed(caller.transcript) if line.startswith("Assistant:"))
            assert "".join(word.split()) in "".join(line.split())
        if (number + 1) % BATCH == 0 or number + 1 == len(HOSTILE):
            stays(caller, before)
            unharmed(caller, word)
    assert caller.page_errors == []
    links = caller.page.locator(".log a").evaluate_all(
        "all => all.map((link) => [link.protocol, link.target, link.rel])"
    )
    assert len(links) > len(HOSTILE)
    assert {tuple(link) for link in links} <= {
        (scheme, "_blank", "noopener noreferrer") for scheme in ("https:", "http:")
    }


def test_hostile_input_transcription_is_text(victim: Callable[..., Caller], tmp_path: Path) -> None:
    """It comes from a model too."""
    microphone = tmp_path / "asks.wav"
    write_wav(microphone, spoken(3.0, "ask-for-the-time", 60.0))
    speaking = f"--use-file-for-fake-audio-capture={microphone}"
    caller = victim(flags=[*FAKE_DEVICES, *ALLOWED, speaking])
    caller.talk()
    caller.reads("What?")
    before = layout_of(caller)
    caller.reads("evil.test")
    unharmed(caller, "what was heard")
    words = ".log .utterance.user"
    assert "".join("".join(HOSTILE).split())[:200] in "".join(
        caller.page.locator(words).first.text_content().replace(BETWEEN, "").split()
    )
    # The layout with a harmless text.
    caller.page.locator(words).first.evaluate("(line) => { line.textContent = 'Hello'; }")
    stays(caller, before)


def test_close_reason_is_never_shown(victim: Callable[..., Caller]) -> None:
    """Our own message takes its place."""
    caller = victim()
    sentences = set()
    for number, word in list(enumerate(HOSTILE))[::SAMPLED]:
        if len(word.encode()) > LONGEST_WORD:
            continue
        caller.page.evaluate("heard.length = 0")
        caller.say(f"Leave {number}")
        caller.until("heard.some(({ type, detail }) => type === 'state' && detail.state === 'closed')")
        sentences.add(caller.error)
        unharmed(caller, word)
    assert sentences == {"This site has reached its limit for the voice service. Please try again later."}


def test_trap_catches_a_script_that_runs(victim: Callable[..., Caller]) -> None:
    """If one of them were taken for HTML, it would be noticed."""
    caller = victim()
    caller.page.evaluate(
        """(html) => {
          const log = document.querySelector('live-agent').shadowRoot.querySelector('.log');
          log.append(Object.assign(document.createElement('div'), { innerHTML: html }));
        }""",
        HOSTILE[1],
    )
    caller.until("ran > 0")
    with pytest.raises(AssertionError):
        unharmed(caller, HOSTILE[1])
