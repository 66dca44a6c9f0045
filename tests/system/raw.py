"""Sends requests byte for byte, for those that no client library would send."""

from __future__ import annotations

import json
import socket
from http.client import HTTPResponse
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from programs import Answer

if TYPE_CHECKING:
    from programs import Program


def request(method: str, path: str, *headers: str, body: bytes = b"", host: str = "127.0.0.1"):
    """Return a request for a single exchange; *headers* may override its Content-Length."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", "Connection: close", *headers]
    framed = ("content-length:", "transfer-encoding:")
    if body and not any(header.lower().startswith(framed) for header in headers):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def chunked(body: bytes, size: int = 4096) -> bytes:
    """Return *body* in chunks, without its total length."""
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in [*pieces, b""])


def exchange(url: str, content: bytes, *, source: str = "127.0.0.1", ends: bool = False) -> Answer:
    """Send *content* from the address *source*, and no more if it *ends*; return the answer."""
    parts = urlsplit(url)
    address = (parts.hostname, parts.port)
    with socket.create_connection(address, timeout=30, source_address=(source, 0)) as connection:
        connection.sendall(content)
        if ends:
            connection.shutdown(socket.SHUT_WR)
        with HTTPResponse(connection, method="HEAD" if content.startswith(b"HEAD ") else None) as response:
            response.begin()
            headers = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, headers, response.read())


def login(program: Program, username: str, password: str, *, source: str) -> Answer:
    """Send POST /login from the address *source*, by which attempts are limited."""
    body = json.dumps({"username": username, "password": password}).encode()
    content = request("POST", "/login", "Content-Type: application/json", body=body)
    return exchange(program.url, content, source=source)
