"""A shop with tools of every kind: functions, and an endpoint of its backend; and a visitor who calls them."""

from __future__ import annotations

import json
import time
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING

from programs import HIGH_LIMITS
from system import site

if TYPE_CHECKING:
    from programs import Answer, Program

NEW_LINE = "\n"
FAULTY = ["later", "hang", "fail", "leave", "cancel", "not_json", "not_a_number", "too_long"]
FIND_ORDER = """bind = { customer = "${subject}" }
label = "Looking up your order"
audit_args = true"""
REFUND = """confirm = "Refund {amount} for order {number}?"
hold = "0.3s"
same = ["number"]
refusals = ["hold on"]"""
COUNT = """per_conversation = 3
same = ["file"]"""


def tool(name: str, lines: str = "") -> str:
    return f'[profiles.default.tools.{name}]\npython = "order_tools:{name}"\n{lines}\n'


def endpoint(name: str, url: str, lines: str = 'private_networks = ["127.0.0.0/8"]') -> str:
    return f"""[profiles.default.tools.{name}]
url = "{url}"
description = "Look up a price."
bind = {{ customer = "${{subject}}", country = "de" }}
parameters = {{ type = "OBJECT", required = ["item"], properties = {{ item = {{ type = "STRING" }} }} }}
timeout = "1s"
{lines}
"""


class Backend(BaseHTTPRequestHandler):
    """The shop's own backend; what it does is in the item that is asked for."""

    asked: list[tuple[str, dict[str, str], dict[str, object]]] = []  # noqa: RUF012 - shared by all requests

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append((self.path, dict(self.headers), body))
        if self.path.endswith("/moved"):
            self.send_response(302)
            self.send_header("Location", "/prices/tea")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        content = b'{"price": 3}'
        if self.path.endswith("/huge"):
            content = b'"' + b"x" * 70_000 + b'"'
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.path.endswith("/slow"):
            for byte in content:
                time.sleep(0.5)
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
            return
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


def configuration(backend: str) -> str:
    """Return the configuration of the shop, whose backend is at this address."""
    return f"""{site.ISSUER}
[profiles.default]
model = "gemini-3.8-live"
allow = ["user", "guest"]
{tool("find_order", FIND_ORDER)}
{tool("count", COUNT)}
{"".join(tool(name, 'timeout = "1s"') for name in FAULTY)}
{tool("refund", REFUND)}
{tool("now", "pure = true" + NEW_LINE + 'scheduling = "WHEN_IDLE"')}
{endpoint("price", backend + "/prices/{item}")}
{endpoint("internal", backend + "/prices/{item}", "")}
[profiles.other]
model = "gemini-3.8-live"
allow = ["user", "guest"]
{HIGH_LIMITS}"""


class Caller:
    """A visitor with a conversation."""

    def __init__(self, service: Program, *, profile: str = "default", subject: str | None = "ada") -> None:
        self._service = service
        self.bearer = site.signed(subject) if subject else None
        self.grant = service.post("/token", {"profile": profile}, bearer=self.bearer).json
        self._calls = 0

    def call(
        self, name: str, args: object = None, *, call: str | None = None, path: str = "/tool", **named: object
    ) -> Answer:
        self._calls += 1
        body = {"lease": self.grant["lease"], "call": call or f"call-{self._calls}", "name": name, "args": args or {}}
        return self._service.post(path, {**body, **named}, bearer=self.bearer)

    def end(self) -> None:
        assert self._service.post("/lease/end", {"lease": self.grant["lease"]}).status == 204
