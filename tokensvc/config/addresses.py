"""Checks addresses, and writes them as browsers do (WHATWG URL)."""

import ipaddress
import re
from urllib.parse import urlsplit

from tokensvc.plain_text import tidy

_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?", re.ASCII)
# Python follows an older standard than browsers, which writes these as other letters.
_DIFFERS = re.compile("[ßς\u200c\u200d]")


def is_loopback(host: str) -> bool:
    """Return whether *host* can only be this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def web_address(text: str, secure: str = "https", *, path: bool = False, query: bool = False) -> str:
    """Return the address *text* as browsers write it: its host in lower case and as Punycode.

    Its scheme must be *secure*, https or wss; http and ws are for this machine only. It may have a *path* or a
    *query* if they are true; without a *query*, it ends without a slash. A ValueError says what to write instead.
    """
    text = tidy(text)
    plain = secure.removesuffix("s")
    like = f"must look like {secure}://www.example.com"
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:  # its message may quote a password
        raise ValueError(f"is not a valid URL; it {like}") from None
    if not host or parts.scheme not in {secure, plain} or port == 0 or set(text) & set(" \\"):
        raise ValueError(like)
    host = _host(host)
    if "@" in parts.netloc:
        raise ValueError("must not contain credentials; remove them")
    if parts.scheme == plain and not is_loopback(host.strip("[]")):
        raise ValueError(f"must be {secure}; {plain} is allowed on this machine only")
    written = f"{parts.scheme}://{host}"
    if port not in {None, _PORTS[parts.scheme]}:
        written += f":{port}"
    rest = parts.path if query else parts.path.removesuffix("/")
    if (rest and not path) or parts.fragment or (parts.query and not query):
        raise ValueError(f"must end after the host{' and path' if path else ''}: write {written}")
    return written + rest + (f"?{parts.query}" if parts.query else "")


def _host(host: str) -> str:
    """Return *host* as browsers write it; raise ValueError if they would refuse it."""
    try:
        if ":" in host and "%" not in host:
            return f"[{ipaddress.IPv6Address(host)}]"
        if not host.isascii():
            host = "" if _DIFFERS.search(host) else host.encode("idna").decode().lower()
        if host.rpartition(".")[2].isdecimal():
            return str(ipaddress.IPv4Address(host))
    except ValueError:
        host = ""
    if not all(map(_LABEL.fullmatch, host.split("."))):
        raise ValueError("has a host that is not valid; write an international one with xn--")
    return host
