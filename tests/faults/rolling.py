"""Two instances that are restarted one after the other, behind nginx, with visitors who retry as documented."""

from __future__ import annotations

import os
import threading
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

from faults.load import visitor
from programs import LISTENING, running
from system import fleet as fleets
from system.launching import free_ports


class Instances:
    """Two instances on ports that a restart keeps."""

    def __init__(self, fleet):
        self.fleet = fleet
        self.ports = free_ports(2)
        self.running = [None, None]

    @property
    def urls(self):
        return [f"http://127.0.0.1:{port}" for port in self.ports]

    def start(self, number):
        stack, environment = ExitStack(), self.fleet.environment
        command = fleets.command(self.ports[number], 1)
        # gunicorn imports from its working directory first.
        folder = Path(environment["PYTHONPATH"]) if "PYTHONSAFEPATH" in environment else None
        program = stack.enter_context(running(command, LISTENING, environment=environment, folder=folder))
        program.await_ready(200)
        self.running[number] = stack
        return program

    def restart(self, number):
        self.running[number].close()
        return self.start(number)

    def roll(self, **changed):
        """Restart one after the other, with *changed* variables."""
        self.fleet.environment |= changed
        for number in (0, 1):
            self.restart(number)

    def close(self):
        for stack in self.running:
            if stack is not None:
                stack.close()


class Patient:
    """Visitors who start and renew, and retry as docs/api.md says; an error is what is left after that."""

    def __init__(self, program, count=6):
        self._program, self._stopping = program, threading.Event()
        self.served, self.retried, self.errors = 0, 0, []
        self._threads = [threading.Thread(target=self._converse) for _ in range(count)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Let each finish the request that it waits for."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(60)

    def await_more(self, count):
        wanted, end = self.served + count, time.monotonic() + 60
        while self.served < wanted:
            assert time.monotonic() < end, f"{self.served} served, {self.errors}"
            time.sleep(0.05)

    def _converse(self):
        while not self._stopping.is_set():
            bearer, body = visitor(), None
            for _ in range(4):
                granted = self._ask(bearer, body)
                if granted is None:
                    break
                body = {"lease": granted["lease"], "resumption_handle": os.urandom(4).hex()}

    def _ask(self, bearer, body):
        """Try at most five times, after a second or the time that the answer gives."""
        for _ in range(5):
            reply = None
            try:
                reply = self._program.post("/token", body, bearer=bearer)
            except OSError:
                wait = 1.0
            else:
                if reply.status == 200:
                    self.served += 1
                    return reply.json
                problem = reply.headers["content-type"] == "application/problem+json"
                if problem and not reply.json["retryable"]:  # nginx's own 502 may be retried
                    break
                wait = float(reply.headers.get("retry-after", "1"))
            self.retried += 1
            time.sleep(wait)
        self.errors.append(reply and reply.body)
        return None


@contextmanager
def rolling(fleet, in_front_of):
    """Run two instances of *fleet* behind nginx, which *in_front_of* starts, with visitors."""
    instances = Instances(fleet)
    try:
        for number in (0, 1):
            instances.start(number)
        with in_front_of(fleet.folder, instances.urls) as proxies, Patient(proxies[0]) as patient:
            patient.await_more(20)
            yield instances, patient
    finally:
        instances.close()
