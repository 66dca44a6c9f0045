"""The faults of an upstream, by name."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
from typing import TYPE_CHECKING

from upstream_for_tests import http_answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from system.upstream import Exchange, Received

    Fault = Callable[[Exchange, Received], bool | None]

DRIP = 0.05  # seconds between two bytes
TOKEN = "auth_tokens/0123456789abcdef0123456789abcdef"
GOOD = json.dumps({"name": TOKEN}).encode()
NOISE = "An internal message of Google's: "


def answer(status: int, body: bytes, *headers: str) -> bytes:
    """Return an HTTP answer with a JSON body."""
    return http_answer(status, body, "".join(f"{header}\r\n" for header in headers).encode())


def refusal(status: int, echoed: str, *headers: str, reason: str = "", word: str = "") -> bytes:
    """Return an error in Google's form; its message contains *echoed*, as Google's may."""
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}]
    error = {"code": status, "message": NOISE + echoed, "status": word, "details": details}
    return answer(status, json.dumps({"error": error}).encode(), *headers)


def _refusing(status: int, *headers: str, reason: str = "", word: str = "", because: str = "") -> Fault:
    def fault(exchange: Exchange, received: Received) -> bool:
        key = received.headers.get("x-goog-api-key", "")
        exchange.send(refusal(status, because + key, *headers, reason=reason, word=word))
        return True

    return fault


def _sending(content: bytes, *, keep: bool = True) -> Fault:
    """Send *content*; an answer that is complete must not be followed by a close that was not announced."""

    def fault(exchange: Exchange, _received: Received) -> bool:
        exchange.send(content)
        return keep

    return fault


def _body(body: bytes) -> Fault:
    return _sending(answer(200, body))


def _redirecting(status: int) -> Fault:
    def fault(exchange: Exchange, received: Received) -> bool:
        elsewhere = exchange.server.upstream.trap.url + received.path
        exchange.send(answer(status, b"{}", f"Location: {elsewhere}"))
        return True

    return fault


def _silent(exchange: Exchange, _received: Received) -> None:
    exchange.server.upstream.stopping.wait()


def _dripping(prefix: bytes, byte: bytes) -> Fault:
    """Send *prefix*, then *byte* again and again: slow, though no single wait is long."""

    def fault(exchange: Exchange, _received: Received) -> None:
        exchange.send(prefix)
        while not exchange.server.upstream.stopping.wait(DRIP):
            exchange.send(byte)

    return fault


def _flooding(prefix: bytes, block: bytes) -> Fault:
    """Send *prefix*, then *block* again and again, as fast as possible."""

    def fault(exchange: Exchange, _received: Received) -> None:
        exchange.send(prefix)
        while not exchange.server.upstream.stopping.is_set():
            exchange.send(block)

    return fault


def _reset(exchange: Exchange, _received: Received) -> None:
    exchange.send(answer(200, GOOD)[:-10])
    with contextlib.suppress(OSError):
        # Close with a reset instead of an end of file.
        exchange.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        exchange.request.close()


_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"

FAULTS: dict[str, Fault] = {
    # Error responses.
    "400": _refusing(400),
    "400-key": _refusing(400, reason="API_KEY_INVALID"),
    "400-place": _refusing(400, word="FAILED_PRECONDITION"),
    "401": _refusing(401),
    "402": _refusing(402),
    "403": _refusing(403),
    "404": _refusing(404),
    "429": _refusing(429, "Retry-After: 7"),
    "429-empty": _refusing(429, word="RESOURCE_EXHAUSTED", because="Your credits are depleted."),
    "429-absurd": _refusing(429, "Retry-After: " + "9" * 5000),
    "429-date": _refusing(429, "Date: Wed, 21 Oct 2026 07:27:49 GMT", "Retry-After: Wed, 21 Oct 2026 07:28:00 GMT"),
    "429-past": _refusing(429, "Date: Wed, 21 Oct 2026 07:28:49 GMT", "Retry-After: Wed, 21 Oct 2026 07:28:00 GMT"),
    "429-later": _refusing(429, "Retry-After: Fri, 31 Dec 2199 23:59:59 GMT"),
    "429-negative": _refusing(429, "Retry-After: -1"),
    "429-silent": _refusing(429),
    "500": _refusing(500),
    "503": _refusing(503, "Retry-After: 3"),
    "no-object": _sending(answer(500, b"[1, 2]")),
    "no-error-object": _sending(answer(400, b'{"error": [{"code": 400}]}')),
    # Redirects to another host.
    "301": _redirecting(301),
    "302": _redirecting(302),
    "307": _redirecting(307),
    "308": _redirecting(308),
    # Successful responses without a valid token.
    "empty": _body(b""),
    "empty-object": _body(b"{}"),
    "html": _body(b"<!doctype html><title>Sign in to the hotel's network</title>"),
    "list": _body(b'["auth_tokens/0123456789abcdef"]'),
    "name-number": _body(b'{"name": 12345678}'),
    "name-short": _body(b'{"name": "auth_tokens/x"}'),
    "name-long": _body(json.dumps({"name": "auth_tokens/" + "a" * 60_000}).encode()),
    "name-lines": _body(json.dumps({"name": TOKEN + "\r\nSet-Cookie: a=b"}).encode()),
    "name-elsewhere": _body(json.dumps({"name": "https://evil.test/" + TOKEN}).encode()),
    "not-utf8": _body(b'{"name": "auth_tokens/\xff\xfe\xfd0123456789"}'),
    "deep": _body(b"[" * 60_000),
    "big-number": _body(b'{"name": ' + b"9" * 5000 + b"}"),
    "zipped": _sending(answer(200, b"\x1f\x8b\x08\x00" + b"\x00" * 20, "Content-Encoding: gzip")),
    "no-content": _sending(b"HTTP/1.1 204 No Content\r\n\r\n"),
    "created": _sending(answer(201, GOOD)),
    "huge": _flooding(_HEAD + b"Content-Length: 104857600\r\n\r\n", b" " * 65536),
    "huge-chunks": _flooding(_HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b" " * 65536 + b"\r\n"),
    "truncated": _sending(answer(200, GOOD)[:-10], keep=False),
    "reset": _reset,
    # Not valid HTTP.
    "ssh": _sending(b"SSH-2.0-OpenSSH_9.6\r\n", keep=False),
    "hangs-up": _sending(b"", keep=False),
    "bad-status": _sending(b"HTTP/1.1 yes OK\r\n\r\n"),
    "bad-length": _sending(_HEAD + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n{}"),
    "bad-chunk": _sending(_HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n" + GOOD),
    "many-headers": _sending(_HEAD + b"X-Filler: 1\r\n" * 500 + b"\r\n" + GOOD),
    "long-header": _flooding(_HEAD + b"X-Filler: ", b"a" * 65536),
    "continues": _flooding(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
    # Slow responses.
    "silent": _silent,
    "drips-headers": _dripping(_HEAD + b"X-Filler: ", b"a"),
    "drips-body": _dripping(_HEAD + b"Content-Length: 60000\r\n\r\n", b" "),
    "drips-chunks": _dripping(_HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "drips-continue": _dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
}

SLOW = {name for name in FAULTS if name == "silent" or name.startswith("drips-")}


def profiles() -> str:
    """Return the TOML of a profile for each fault, with the fault's name."""
    return "\n".join(f'[profiles.{name}]\nmodel = "fault-{name}"\nallow = ["user", "guest"]' for name in FAULTS)
