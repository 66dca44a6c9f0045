"""Mutants that put back faults of the client's life cycle, which the tests of it must notice."""

from __future__ import annotations

from mutants.mutant import Case, Mutant

LIVE = "tests/web/live"
ORDERS = f"{LIVE}/interleavings.test.js"


def case(name, file, old, new, test=ORDERS):
    """Return a case of one mutant of the client, which a file of tests must notice."""
    return Case(f"life cycle: {name}", (Mutant(f"web/live/{file}", old, new),), (test,))


CASES = [
    case(
        "a socket is opened after the hang-up",
        "connection/connection.js",
        "    signal.throwIfAborted();\n    this.#listeners = listeners;",
        "    this.#listeners = listeners;",
    ),
    case(
        "a hang-up leaves the socket open",
        "connection/connection.js",
        "    signal.addEventListener('abort', this.close);\n",
        "",
    ),
    case(
        "a token is requested after the hang-up",
        "connection/token-source.js",
        "limit = FETCH_LIMIT_MS) {\n    signal.throwIfAborted();",
        "limit = FETCH_LIMIT_MS) {",
    ),
    case(
        "a lease that is granted after the hang-up is kept",
        "connection/token-source.js",
        "if (content && !('lease' in request)) this.end(content);",
        "",
    ),
    case(
        "a lease that is granted between two steps of the hang-up is kept",
        "connection/reconnecting.js",
        "if (this.#signal.aborted && !this.#left) this.#tokens.end(grant);",
        "",
    ),
    case(
        "live without a connection after a drop during a mint",
        "connection/resumable-connection.js",
        "const result = await Promise.race([ended, minted]);",
        "const result = await minted;",
        f"{LIVE}/connection/renewal.test.js",
    ),
    case(
        "live without a connection after a drop",
        "connection/resumable-connection.js",
        "ended: (failed) => failed && this.#phase !== 'last' && this.#leave(),",
        "ended: () => {},",
        f"{LIVE}/session.test.js",
    ),
    case(
        "a page that hangs up in an event is resumed",
        "session.js",
        "become: (state) => signal.aborted || this.#become(state, null),",
        "become: (state) => this.#become(state, null),",
    ),
    case(
        "waiting for a close outlives the hang-up",
        "connection/connection.js",
        "AbortSignal.any([this.#signal, this.#closed.signal])",
        "this.#closed.signal",
    ),
    case(
        "a wait for the page outlives the hang-up",
        "connection/token-source.js",
        "pause(this.#clock, LIMIT_MS, AbortSignal.any([signal, done.signal]))",
        "pause(this.#clock, LIMIT_MS, done.signal)",
    ),
    case(
        "a credential that never comes is waited for for ever",
        "connection/token-source.js",
        "Promise.race([answer, overdue])",
        "answer",
        f"{LIVE}/connection/token-source.test.js",
    ),
    case(
        "a microphone that is granted late stays on",
        "media/audio-devices.js",
        "      if (signal.aborted) stop();\n",
        "",
    ),
    case(
        "a microphone is asked for after the hang-up",
        "media/audio-devices.js",
        "    signal.throwIfAborted();\n    const given",
        "    const given",
    ),
    case(
        "a microphone stays on while its worklet is loaded",
        "media/audio-devices.js",
        "    signal.addEventListener('abort', stop, { once: true });\n",
        "",
    ),
    case(
        "a camera that is granted late stays on",
        "media/camera.js",
        "await Promise.race([video.play(), aborted(ending)]);",
        "await video.play();",
    ),
    case(
        "a camera starts although the video was stopped",
        "conversation.js",
        "this.#showing.abort(hungUp());\n    this.#video?.stop();",
        "this.#video?.stop();",
        f"{LIVE}/video.test.js",
    ),
    case(
        "a camera that is switched starts although the video was stopped",
        "media/video.js",
        "    if (wanted.aborted) camera.close();\n    wanted.throwIfAborted();\n",
        "",
        f"{LIVE}/video.test.js",
    ),
    case(
        "the idle timer outlives a hang-up in the live event",
        "idle-timer.js",
        "    if (signal.aborted) return;\n",
        "",
        f"{LIVE}/idle-timer.test.js",
    ),
    case(
        "a start that fails without a handler reaches the host",
        "session.js",
        "      this.#started.catch(() => {});\n",
        "",
        f"{LIVE}/session.test.js",
    ),
    case(
        "typed text is dropped in a long outage",
        "connection/handover.js",
        "this.#entries.push({ frame, sound: false });",
        "this.addSound(String(frame), 3000);",
        f"{LIVE}/connection/recovery.test.js",
    ),
    case(
        "an account without credit is tried again",
        "connection/recovery.js",
        r"|credits?\b.*(deplet|exhaust)",
        "",
        f"{LIVE}/connection/recovery.test.js",
    ),
    case(
        "an answer that is cut off is final",
        "connection/token-source.js",
        "cause instanceof SyntaxError ? unusable(true)",
        "cause instanceof SyntaxError ? unusable(false)",
        f"{LIVE}/connection/token-source.test.js",
    ),
]
