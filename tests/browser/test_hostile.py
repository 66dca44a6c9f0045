"""Hostile words from the Live API: they are shown as words, run nothing, and move nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from browser.conftest import ALLOWED, FAKE_DEVICES, open_to
from browser.hostile import HOSTILE
from browser.sound import spoken, write_wav

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from browser.caller import Caller
    from browser.hosting import Site
    from programs import Program

# As fast as it can be said; a person would wait for minutes.
AT_ONCE = ["--latency", "0", "--send-rate", "10000", "--playback-rate", "10000"]
LONGEST_REASON = 123  # bytes in a close frame (RFC 6455, section 5.5)
BETWEEN = " · "
TRAP = """
globalThis.ran = 0;
globalThis.pwned = globalThis.alert = globalThis.confirm = globalThis.prompt = () => { ran += 1; };
"""
# Where everything is that is not the text itself.
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
# What a line of the log must not do: leave it at a side, or hold anything but text and links.
STRAY = """() => {
  const log = document.querySelector('live-agent').shadowRoot.querySelector('.log');
  const { left, right } = log.getBoundingClientRect();
  const outside = [...log.querySelectorAll('*')].filter((element) => {
    const box = element.getBoundingClientRect();
    return !element.closest('.unseen') && (box.left < left - 1 || box.right > right + 1);
  });
  const harmless = ['div', 'span', 'p', 'ul', 'li', 'a', 'code'];
  const strange = [...log.querySelectorAll('*')].filter(
    (element) =>
      !harmless.includes(element.localName) ||
      element.getAttributeNames().some((name) => name.startsWith('on') || name === 'style') ||
      (element.localName === 'a' && !/^https?:/.test(element.href)),
  );
  // Whatever a link calls itself, where it leads stands beside it.
  const nameless = [...log.querySelectorAll('a')].filter(({ host, nextElementSibling: named }) =>
    !named?.checkVisibility() || named.innerText !== host);
  return [...outside, ...strange, ...nameless].map((element) => element.outerHTML.slice(0, 200));
}"""


def typed(number: int) -> str:
    return f"Say number {number}."


def source(word: str) -> list[dict[str, str]]:
    """A search result that has *word* for a title, one that has it for an address, and a page's."""
    return [
        {"title": word, "url": "https://evil.test/"},
        {"title": "A page", "url": word},
        {"title": word, "url": f"https://evil.test/?{word}"},
    ]


@pytest.fixture(name="evil", scope="module")
def _evil(
    start_emulator: Callable[..., Program], tmp_path_factory: pytest.TempPathFactory
) -> Program:
    """A Live API that says, calls, finds and closes with hostile words."""
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
        {"when": f"Leave {number}", "close": {"code": 1007, "reason": word}}
        for number, word in enumerate(HOSTILE)
        if len(word.encode()) <= LONGEST_REASON
    ]
    spoken_turn = {"transcript": BETWEEN.join(HOSTILE), "say": "What?"}
    scenario = tmp_path_factory.mktemp("scenario") / "hostile.json"
    scenario.write_text(json.dumps({"turn": [spoken_turn, *said, *closed]}))
    return start_emulator("--scenario", str(scenario), "--input-transcripts", "final", *AT_ONCE)


@pytest.fixture(name="lured", scope="module")
def _lured(start_service: Callable[..., Program], evil: Program, site: Site) -> Program:
    """A service whose visitors talk to it."""
    return start_service(open_to(site), evil.url)


@pytest.fixture(name="victim")
def _victim(call: Callable[..., Caller], lured: Program) -> Callable[..., Caller]:
    """Somebody in a conversation with it, on a page whose policy would stop nothing."""

    def victim(widget: str = "<live-agent></live-agent>", **options: object) -> Caller:
        caller = call(widget, service=lured, **options)
        caller.page.add_init_script(TRAP)
        caller.asked = []
        caller.page.on("request", lambda request: caller.asked.append(request.url))
        caller.arrive()
        caller.reach()
        return caller

    return victim


def stays(caller: Caller, layout: str) -> None:
    """Wait until everything is where it was: a turn's last words are on their way to the page."""
    caller.until(f"({LAYOUT})() === {json.dumps(layout)}")


def unharmed(caller: Caller, word: str) -> None:
    """Nothing ran, nothing was fetched, and no dialog, frame or page has come up."""
    assert caller.page.evaluate("ran") == 0
    assert [address for address in caller.asked if "evil" in address] == []
    assert len(caller.page.frames) == 1
    assert len(caller.page.context.pages) == 1
    assert caller.page.evaluate(STRAY) == [], word


def test_what_is_said_called_and_found(victim: Callable[..., Caller]) -> None:
    """As a transcript, as a tool's name, as a search and as its sources: words, and no more."""
    assert len(HOSTILE) >= 60
    # Wide enough that our own words for what is going on, which come and go, stay on one line.
    caller = victim('<live-agent style="--live-agent-width: 640px"></live-agent>')
    caller.say("Hello")
    caller.becomes("live")
    caller.until("heard.some(({ type, detail }) => type === 'transcript' && detail.final)")
    caller.reads_status("Ready for your message")
    before = caller.page.evaluate(LAYOUT)
    for number, word in enumerate(HOSTILE):
        caller.page.evaluate("heard.length = 0")
        caller.say(typed(number))
        caller.until("heard.some(({ type }) => type === 'sources')")
        caller.until(
            "heard.some(({ type, detail }) => type === 'tool' && detail.status === 'failed')"
        )
        (tool,) = {told["name"] for told in caller.heard("tool")}
        assert tool == word
        if word.split():
            caller.until(
                "heard.some(({ type, detail: { side, final } }) => "
                "type === 'transcript' && side === 'agent' && final)"
            )
            line = caller.page.locator(".log .utterance.agent").last.text_content()
            assert "".join(word.split()) in "".join(line.split())
        stays(caller, before)
        unharmed(caller, word)
    assert caller.complaints == []
    links = caller.page.locator(".log a").evaluate_all(
        "all => all.map((link) => [link.protocol, link.target, link.rel])"
    )
    assert len(links) > len(HOSTILE)
    assert {tuple(link) for link in links} <= {
        (scheme, "_blank", "noopener noreferrer") for scheme in ("https:", "http:")
    }


def test_what_the_person_is_said_to_have_said(
    victim: Callable[..., Caller], tmp_path: Path
) -> None:
    """The transcript of speech comes from a model as well."""
    microphone = tmp_path / "asks.wav"
    write_wav(microphone, spoken(3.0, "ask-for-the-time", 60.0))
    speaking = f"--use-file-for-fake-audio-capture={microphone}"
    caller = victim(flags=[*FAKE_DEVICES, *ALLOWED, speaking])
    caller.talk()
    caller.reads("What?")
    before = caller.page.evaluate(LAYOUT)
    caller.reads("evil.test")
    unharmed(caller, "what was heard")
    words = ".log .utterance.user"
    assert "".join("".join(HOSTILE).split())[:200] in "".join(
        caller.page.locator(words).first.text_content().replace(BETWEEN, "").split()
    )
    # What it would look like, had something harmless been said.
    caller.page.locator(words).first.evaluate("(line) => { line.textContent = 'Hello'; }")
    stays(caller, before)


def test_why_it_closes(victim: Callable[..., Caller]) -> None:
    """The reason of a close is nobody's words to a person: ours stand in its place."""
    caller = victim()
    sentences = set()
    for number, word in enumerate(HOSTILE):
        if len(word.encode()) > LONGEST_REASON:
            continue
        caller.page.evaluate("heard.length = 0")
        caller.say(f"Leave {number}")
        caller.until(
            "heard.some(({ type, detail }) => type === 'state' && detail.state === 'closed')"
        )
        sentences.add(caller.page.locator(".panel [role=alert] p").inner_text())
        unharmed(caller, word)
    assert sentences == {
        "This assistant is not set up correctly. Please contact the site owner."
    }


def test_the_trap_closes(victim: Callable[..., Caller]) -> None:
    """Were one of them taken for HTML, it would be noticed."""
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
