"""A device of its own: a network namespace with two ways to this machine, which can be lost."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

IP = shutil.which("ip") or "/usr/sbin/ip"


@dataclass(frozen=True)
class Way:
    """A link between the device and this machine; of two, the one with the lower metric is used."""

    name: str
    here: str
    there: str
    metric: int


@dataclass(frozen=True)
class Device:
    """A network namespace in which a browser can run.

    Attributes:
        server: This machine's address, which the device reaches by either way. It is one of
            127.0.0.0/8, so that service and browser allow everything without TLS.
    """

    name: str
    server: str
    wifi: Way
    mobile: Way

    def connect(self, way: Way) -> None:
        """Bring a link up, with its address and its route."""
        self._ip("address", "add", f"{way.there}/30", "dev", way.name)
        self._ip("link", "set", way.name, "up")
        _allow_loopback(way.name, "netns", "exec", self.name)
        via = ("via", way.here, "dev", way.name, "metric", str(way.metric))
        self._ip("route", "add", self.server, *via)

    def lose(self, way: Way) -> None:
        """Take a link down, and its address with it, as network managers do; nobody is told."""
        self._ip("link", "set", way.name, "down")
        self._ip("address", "flush", "dev", way.name)

    def wrap(self, program: str, folder: Path) -> Path:
        """Return a program that runs *program* on the device."""
        wrapper = folder / f"on-{self.name}"
        wrapper.write_text(f'#!/bin/sh\nexec {IP} netns exec {self.name} "{program}" "$@"\n')
        wrapper.chmod(0o755)
        return wrapper

    def _ip(self, *words: str) -> None:
        _ip("-n", self.name, *words)


@contextmanager
def connected_device() -> Iterator[Device]:
    """Make a device with both links up; fail the test if this machine does not allow it."""
    number = os.getpid()
    # 198.18.0.0/15 is for tests between networks (RFC 2544).
    network = f"198.18.{number % 256}."
    wifi = Way("wifi", network + "5", network + "6", metric=100)
    mobile = Way("mobile", network + "9", network + "10", metric=200)
    device = Device(f"device-{number}", f"127.77.{number % 256}.1", wifi, mobile)
    _ip("netns", "add", device.name)
    try:
        # Its own loopback addresses are all but the server's.
        _ip("-n", device.name, "address", "add", "127.0.0.1/16", "dev", "lo")
        _ip("-n", device.name, "link", "set", "lo", "up")
        for way in (wifi, mobile):
            end = f"{way.name}-{number}"
            peer = ("peer", "name", way.name, "netns", device.name)
            _ip("link", "add", end, "type", "veth", *peer)
            _ip("address", "add", f"{way.here}/30", "dev", end)
            _ip("link", "set", end, "up")
            _allow_loopback(end)
            device.connect(way)
        yield device
    finally:
        _ip("netns", "delete", device.name)  # and its links with it


def _allow_loopback(link: str, *where: str) -> None:
    """Let a link carry packets from and to 127.0.0.0/8."""
    setting = f"/proc/sys/net/ipv4/conf/{link}/route_localnet"
    _run(*([IP, *where] if where else []), "sh", "-c", f"echo 1 > {setting}")


def _ip(*words: str) -> None:
    _run(IP, *words)


def _run(*command: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        error = done.stderr if done.returncode else None
    except FileNotFoundError:
        error = "ip is not installed: “make programs” installs it (iproute2)"
    if error is not None:
        pytest.fail(
            f"This test makes a network namespace, which needs root with CAP_NET_ADMIN and "
            f"iproute2. “{' '.join(command)}” failed: {error}"
        )
