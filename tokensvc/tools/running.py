"""Runs tools beside requests: a bulkhead, so that slow tools cannot take every thread."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from typing import Any, Protocol

from tokensvc.errors import ToolBusy
from tokensvc.threads import start_thread
from tokensvc.tools.call import ToolCall

_LOOK = 0.5  # seconds
MOST = 48  # a quarter of the worker's threads (`serving.threads`)
_log = logging.getLogger(__name__)


class Runnable(Protocol):
    """Runs one tool."""

    def prepare(self, arguments: dict[str, Any], call: ToolCall) -> object:
        """Run what comes before a pause or a question; its result is given to `run`."""
        ...

    def run(self, arguments: dict[str, Any], call: ToolCall, prepared: object = None) -> object:
        """Return the result, which JSON can hold; any exception means that the tool failed."""
        ...


class Bulkhead:
    """Runs at most *most* at once, each in a thread of its own.

    A thread cannot be stopped. So a function that ignores its deadline keeps its place; if half of
    them are kept so, *exhausted* is called once, to replace the process.
    """

    def __init__(self, exhausted: Callable[[], None], most: int = MOST) -> None:
        self._exhausted = exhausted
        self._most = most
        self._lock = threading.Lock()
        self._running = 0
        self._overdue: set[Place] = set()

    @contextmanager
    def place(self) -> Iterator["Place"]:
        """Hold a place, in which one function may run.

        Raises:
            ToolBusy: if there is none.
        """
        with self._lock:
            if self._running >= self._most:
                raise ToolBusy(cause=f"{self._running} tools running", retry_after=1)
            self._running += 1
        place = Place(self)
        try:
            yield place
        finally:
            if place.result is None:
                self._leave(place)

    def start(self, place: "Place", work: Callable[[], object]) -> Future[object]:
        """Start *work* in the thread of *place*, which it keeps until it returns."""
        place.result = Future()
        if not start_thread(self._run, place, work, name="tool"):
            place.result.set_exception(ToolBusy(cause="no thread"))
            self._leave(place)
        return place.result

    def give_up(self, place: "Place") -> None:
        """Stop waiting for the function in *place*."""
        with self._lock:
            if place.left:
                return
            self._overdue.add(place)
            exhausted = len(self._overdue) == self._most // 2
        if exhausted:
            _log.error("half of the places for tools are taken by functions past their deadline: replacing the worker")
            self._exhausted()

    def _run(self, place: "Place", work: Callable[[], object]) -> None:
        result = place.result or Future()
        try:
            value = work()
        except BaseException as error:  # noqa: BLE001 - raised where it is awaited
            result.set_exception(error)
        else:
            result.set_result(value)
        finally:
            self._leave(place)

    def _leave(self, place: "Place") -> None:
        with self._lock:
            place.left = True
            self._running -= 1
            self._overdue.discard(place)


class Place:
    """A place in a bulkhead."""

    result: Future[object] | None = None
    left = False

    def __init__(self, bulkhead: Bulkhead) -> None:
        self._bulkhead = bulkhead

    def run(self, work: Callable[[], object], deadline: float, look: Callable[[], None]) -> object:
        """Return the result of *work*, or raise its exception; call *look* now and then meanwhile.

        Raises:
            TimeoutError: if *deadline* (of `time.monotonic`) passes first.
        """
        result = self._bulkhead.start(self, work)
        while not wait([result], min(_LOOK, max(0.0, deadline - time.monotonic()))).done:
            if time.monotonic() >= deadline:
                self._bulkhead.give_up(self)
                raise TimeoutError
            look()
        return result.result()
