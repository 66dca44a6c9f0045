"""A page stays answerable, and small, whatever the Live API sends at once."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import pytest
from websockets.sync.server import serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from websockets.sync.server import ServerConnection

    from browser.caller import Caller

LONGEST_GAP_MS = 2000  # 200 on a quiet machine; the bound is for a busy one
MOST_HEAP_MB = 100


def _said(text: str, side: str = "output") -> dict[str, object]:
    return {"serverContent": {f"{side}Transcription": {"text": text}}}


def _called(number: int) -> dict[str, object]:
    return {"toolCall": {"functionCalls": [{"id": f"c{number}", "name": "get_local_time", "args": {}}]}}


def _turn(number: int, text: str = "") -> dict[str, object]:
    return {"serverContent": {"outputTranscription": {"text": f"Turn {number}.{text}"}, "turnComplete": True}}


def _grounded(number: int) -> dict[str, object]:
    chunks = [{"web": {"uri": f"https://{number}.test/", "title": f"{number}"}}]
    return {"serverContent": {"groundingMetadata": {"webSearchQueries": [f"q{number}"], "groundingChunks": chunks}}}


FLOODS: dict[str, Callable[[], list[dict[str, object]]]] = {
    "6,000 pieces in a turn": lambda: [_said(f"piece {i} ") for i in range(6000)],
    "6,000 pieces of Markdown in a turn": lambda: [_said(f"- **{i}** [x](https://{i}.test/) \n") for i in range(6000)],
    "4,000 turns of Markdown": lambda: [_turn(i, "**a** `b` " * 200) for i in range(4000)],
    "20 MB of marks": lambda: [_said("**a [_`" * 2857) for _ in range(1000)],
    "5,000 tool calls": lambda: [_called(i) for i in range(5000)],
    "4,000 turns": lambda: [_turn(i) for i in range(4000)],
    "20 MB of text": lambda: [_said("x" * 19_999 + " ") for _ in range(1000)],
    "5,000 sources": lambda: [_said("Look."), *(_grounded(i) for i in range(5000))],
    "6,000 interim transcripts": lambda: [
        {"serverContent": {"interimInputTranscription": {"text": "word " * (i % 500)}}} for i in range(6000)
    ],
    "5,000 cancellations": lambda: [{"toolCallCancellation": {"ids": [f"c{i}"]}} for i in range(5000)],
    "5,000 unknown messages": lambda: [{f"kind{i}": {}} for i in range(5000)],
    "5,000 counts of usage": lambda: [{"usageMetadata": {"totalTokenCount": i}} for i in range(5000)],
}
SOAKED = ("4,000 turns of Markdown", "20 MB of marks")


@pytest.fixture(name="flooder")
def _flooder() -> Iterator[tuple[str, list[dict[str, object]], list[dict[str, object]]]]:
    """A server that accepts every setup, and answers a text with what is in its list; with what it received."""
    flood: list[dict[str, object]] = []
    received: list[dict[str, object]] = []

    def converse(connection: ServerConnection) -> None:
        for frame in connection:
            message = json.loads(frame)
            received.append(message)
            if "setup" in message:
                connection.send(json.dumps({"setupComplete": {}}))
            elif "text" in message.get("realtimeInput", {}):
                for each in flood:
                    connection.send(json.dumps(each))
                connection.send(json.dumps(_turn(-1)))
                connection.send(json.dumps(_said("The end.")))

    with serve(converse, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        port = server.socket.getsockname()[1]
        yield f"ws://127.0.0.1:{port}", flood, received
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.soak if name in SOAKED else ()) for name in FLOODS]
)
def test_page_stays_answerable_under_a_flood(
    call: Callable[..., Caller], flooder: tuple[str, list[dict[str, object]], list[dict[str, object]]], name: str
) -> None:
    """Frames are drawn all along, and the log ends with what was sent last."""
    address, flood, received = flooder
    caller = call()
    caller.page.add_init_script(
        f"globalThis.WebSocket = class extends WebSocket {{ constructor() {{ super({json.dumps(address)}); }} }};"
    )
    caller.arrive()
    caller.widget.evaluate("(agent) => { agent.strings = { 'tool:get_local_time': 'a clock' }; }")
    caller.open_widget()
    caller.type_only()
    caller.page.locator(".log", has_text="The end.").wait_for()
    flood.extend(FLOODS[name]())
    caller.page.evaluate(
        """() => {
          globalThis.longest = 0;
          let last = performance.now();
          const next = (now) => {
            longest = Math.max(longest, performance.now() - last);
            last = performance.now();
            requestAnimationFrame(next);
          };
          requestAnimationFrame(next);
          heard.length = 0;
          heard.push = () => 0; // what a test records is not the page's
          globalThis.ends = 0;
          document.querySelector('live-agent').addEventListener('live-agent-transcript', ({ detail }) => {
            if (detail.text === 'The end.') ends += 1;
          });
        }"""
    )
    caller.say("Flood")
    caller.page.wait_for_function("ends > 0", timeout=90_000)
    longest = caller.page.evaluate("new Promise(requestAnimationFrame).then(() => longest)")
    protocol = caller.page.context.new_cdp_session(caller.page)
    protocol.send("HeapProfiler.collectGarbage")
    heap = protocol.send("Runtime.getHeapUsage")["usedSize"] / 1_000_000
    print(f"{name}: longest gap {longest:.0f} ms, heap {heap:.1f} MB")  # noqa: T201 - the figures of a run with -s
    assert longest < LONGEST_GAP_MS
    assert heap < MOST_HEAP_MB
    assert caller.page.locator(".log > *").count() <= 501
    if name == "5,000 tool calls":
        responses = [message.get("toolResponse", {}).get("functionResponses", []) for message in received]
        answers = [each for group in responses for each in group]
        assert len(answers) == len(flood)
