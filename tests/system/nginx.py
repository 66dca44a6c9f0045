"""A real nginx in front of the service, configured as an operator would do it."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from programs import clean_environment, running
from system.launching import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from programs import Program

# The proxies' own addresses towards the service, to distinguish them from a client's.
PROXY, OUTER_PROXY = "127.0.0.2", "127.0.0.3"

_CONFIGURATION = """
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


@contextmanager
def _proxies(folder: Path, urls: Sequence[str], hosts: str, ports: Sequence[int]) -> Iterator[list[Program]]:
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    if program is None:
        pytest.fail("nginx is missing: “make programs” installs it.")
    file = folder / "nginx.conf"
    servers = " ".join(f"server {url.removeprefix('http://')} max_fails=0;" for url in urls)
    named = hosts.format(ports=ports, outer_proxy=OUTER_PROXY)
    file.write_text(_CONFIGURATION.format(folder=folder, servers=servers, hosts=named, proxy=PROXY))
    command = [program, "-e", "stderr", "-p", str(folder), "-c", str(file)]
    # nginx logs this once its sockets listen.
    listens = r"using the \"(\w+)\" event method"
    with running(command, listens, environment=clean_environment()) as nginx:
        yield [_at(nginx, port) for port in ports]


def _at(nginx: Program, port: int) -> Program:
    proxy = type(nginx)(nginx.child, nginx.lines)
    proxy.url = f"http://127.0.0.1:{port}"
    return proxy
