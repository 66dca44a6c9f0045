"""A real nginx in front of the service, configured as an operator would do it."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from programs import Answer, Program, clean_environment, running
from system.launching import free_ports
from wheels import CLONE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

# The proxies' own addresses towards the service, to distinguish them from a client's.
PROXY, OUTER_PROXY = "127.0.0.2", "127.0.0.3"

_IN_A_FOLDER = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr notice;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
"""

_AROUND_THE_SHIPPED = f"{_IN_A_FOLDER}  include {{folder}}/shipped.conf;\n}}}}\n"

_CONFIGURATION = (
    _IN_A_FOLDER
    + """
  client_max_body_size 16k;
  upstream tokensvc {{
    {servers}
    keepalive 64;
    keepalive_timeout 4s;  # shorter than gunicorn's, so that no request meets a closing connection
  }}
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  proxy_set_header Host $http_host;
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
  proxy_set_header X-Forwarded-Proto $scheme;
  proxy_bind {proxy};
  {hosts}
}}
"""
)

_AT_THE_ROOT = """
  server {{  # appends the client's address to the header
    listen 127.0.0.1:{ports[0]};
    location / {{ proxy_pass http://tokensvc; }}
  }}
  server {{  # replaces the header by the client's address
    listen 127.0.0.1:{ports[1]};
    location / {{
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_pass http://tokensvc;
    }}
  }}
  server {{  # precedes the first, as a CDN does
    listen 127.0.0.1:{ports[2]};
    location / {{
      proxy_bind {outer_proxy};
      proxy_pass http://127.0.0.1:{ports[0]};
    }}
  }}
"""

_KEEPING_THE_PATH = """
  server {{
    listen 127.0.0.1:{ports[0]};
    location /voice/ {{ proxy_pass http://tokensvc; }}
  }}
"""

_REMOVING_THE_PATH = """
  server {{
    listen 127.0.0.1:{ports[0]};
    location /voice/ {{ proxy_pass http://tokensvc/; }}
  }}
"""

_WITH_A_DENIED_PATH = """
  server {{
    listen 127.0.0.1:{ports[0]};
    underscores_in_headers on;
    location /login {{ deny all; }}
    location / {{ proxy_pass http://tokensvc; }}
  }}
"""


def in_front_of(folder: Path, urls: Sequence[str]) -> AbstractContextManager[list[Program]]:
    """Start three proxies to *urls*: appending, overwriting, and behind another proxy."""
    return _proxies(folder, urls, _AT_THE_ROOT, free_ports(3))


def below_a_path(folder: Path, url: str, port: int, *, removed: bool) -> AbstractContextManager[list[Program]]:
    """Start a proxy that serves *url* below /voice/, which is *removed* from requests or not."""
    hosts = _REMOVING_THE_PATH if removed else _KEEPING_THE_PATH
    return _proxies(folder, [url], hosts, [port])


def with_a_denied_path(folder: Path, url: str) -> AbstractContextManager[list[Program]]:
    """Start a proxy to *url* that denies /login, and passes on headers with underscores."""
    return _proxies(folder, [url], _WITH_A_DENIED_PATH, free_ports(1))


@dataclass
class NamedProgram(Program):
    """A program that is asked for a host by name, whatever its address."""

    host: str = ""

    def request(self, method: str, path: str, body: object = None, **named: Any) -> Answer:
        """Send a request, as `Program.request` does."""
        named["headers"] = {"Host": self.host} | (named.get("headers") or {})
        return super().request(method, path, body, **named)


@contextmanager
def as_shipped(folder: Path, urls: Sequence[str]) -> Iterator[tuple[NamedProgram, Program]]:
    """Start nginx with deploy/nginx.conf in front of two instances; yield its https and its http address.

    SSL_CERT_FILE must name `ca.pem` in *folder* for a client to trust it.
    """
    ports, authority, host = free_ports(2), trustme.CA(), "tokens.example.com"
    certificate = authority.issue_cert(host, "localhost")
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    certificate.private_key_pem.write_to_path(str(folder / "privkey.pem"))
    for pem in certificate.cert_chain_pems:
        pem.write_to_path(str(folder / "fullchain.pem"), append=True)
    text = (CLONE / "deploy" / "nginx.conf").read_text(encoding="utf-8")
    for shipped, here in {
        "listen 80;": f"listen 127.0.0.1:{ports[1]};",
        "listen 443 ssl;": f"listen 127.0.0.1:{ports[0]} ssl;",
        "10.89.0.11:8080": urls[0].removeprefix("http://"),
        "10.89.0.12:8080": urls[1].removeprefix("http://"),
        "/etc/nginx/tls/fullchain.pem": f"{folder}/fullchain.pem",
        "/etc/nginx/tls/privkey.pem": f"{folder}/privkey.pem",
    }.items():
        assert text.count(shipped) == 1, shipped
        text = text.replace(shipped, here)
    (folder / "shipped.conf").write_text(text, encoding="utf-8")
    file = folder / "nginx.conf"
    file.write_text(_AROUND_THE_SHIPPED.format(folder=folder), encoding="utf-8")
    with _started(folder, file) as nginx:
        encrypted = NamedProgram(nginx.child, nginx.lines, f"https://localhost:{ports[0]}", host=host)
        yield encrypted, _at(nginx, ports[1])


@contextmanager
def _proxies(folder: Path, urls: Sequence[str], hosts: str, ports: Sequence[int]) -> Iterator[list[Program]]:
    file = folder / "nginx.conf"
    servers = " ".join(f"server {url.removeprefix('http://')} max_fails=0;" for url in urls)
    named = hosts.format(ports=ports, outer_proxy=OUTER_PROXY)
    file.write_text(_CONFIGURATION.format(folder=folder, servers=servers, hosts=named, proxy=PROXY))
    with _started(folder, file) as nginx:
        yield [_at(nginx, port) for port in ports]


def _started(folder: Path, file: Path) -> AbstractContextManager[Program]:
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    if program is None:
        pytest.fail("nginx is missing: “make programs” installs it.")
    command = [program, "-e", "stderr", "-p", str(folder), "-c", str(file)]
    # nginx logs this once its sockets listen.
    return running(command, r"using the \"(\w+)\" event method", environment=clean_environment())


def _at(nginx: Program, port: int) -> Program:
    proxy = type(nginx)(nginx.child, nginx.lines)
    proxy.url = f"http://127.0.0.1:{port}"
    return proxy
