"""Runs tools beside requests: a bulkhead, so that slow tools cannot take every thread."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from tokensvc.errors import ToolBusy
from tokensvc.threads import start_thread
from tokensvc.tools import ToolCall

_LOOK = 0.5  # seconds
MOST = 48  # a quarter of the worker's threads (`serving.threads`)
_SHARE = 4  # one person has at most a quarter of these
_log = logging.getLogger(__name__)

Work = Callable[[], object]
Run = Callable[[Work, float, Callable[[], None]], object]


class Runnable(Protocol):
    """Runs one tool."""

    def prepare(self, arguments: dict[str, Any], call: ToolCall) -> object:
        """Run what comes before a pause or a question; its result is given to `run`."""
        ...

    def run(self, arguments: dict[str, Any], call: ToolCall, prepared: object = None) -> object:
        """Return the result, which JSON can hold; any exception means that the tool failed."""
        ...


@dataclass(eq=False)
class _Place:
    person: str
    started: bool = False
    overdue: bool = False


class Bulkhead:
    """Runs at most *most* at once, each in a thread of its own, and at most a quarter of them for one person.

    A thread cannot be stopped. So a function that ignores its deadline keeps its place; if half of
    them are kept so, *exhausted* is called once, to replace the process.
    """

    def __init__(self, exhausted: Callable[[], None], most: int = MOST) -> None:
        self._exhausted = exhausted
        self._most = most
        self._lock = threading.Lock()
        self._places: set[_Place] = set()

    @contextmanager
    def place(self, person: str) -> Iterator[Run]:
        """Hold a place for *person*, and yield what runs one function in it.

        That returns the function's result, or raises its exception. It calls its last argument now and then
        meanwhile, and raises TimeoutError if the deadline (of `time.monotonic`) passes first.

        Raises:
            ToolBusy: if there is no place.
        """
        place = _Place(person)
        with self._lock:
            own = sum(each.person == person for each in self._places)
            if len(self._places) >= self._most or own >= max(1, self._most // _SHARE):
                raise ToolBusy(cause=f"{len(self._places)} tools running, {own} of this person", retry_after=1)
            self._places.add(place)
        try:
            yield partial(self._run, place)
        finally:
            if not place.started:
                self._leave(place)

    def _run(self, place: _Place, work: Work, deadline: float, look: Callable[[], None]) -> object:
        result: Future[object] = Future()
        if not start_thread(self._work, place, work, result, name="tool"):
            raise ToolBusy(cause="no thread")
        place.started = True
        while not wait([result], min(_LOOK, max(0.0, deadline - time.monotonic()))).done:
            if time.monotonic() >= deadline:
                self._give_up(place)
                raise TimeoutError
            look()
        return result.result()

    def _work(self, place: _Place, work: Work, result: Future[object]) -> None:
        """Run *work* in its thread; it keeps the place until it returns."""
        try:
            result.set_result(work())
        except BaseException as error:  # noqa: BLE001 - raised where it is awaited, which SystemExit must not end
            result.set_exception(error if isinstance(error, Exception) else RuntimeError(type(error).__name__))
        finally:
            self._leave(place)

    def _give_up(self, place: _Place) -> None:
        with self._lock:
            place.overdue = True
            overdue = sum(each.overdue for each in self._places)
            exhausted = place in self._places and overdue == self._most // 2
        if exhausted:
            _log.error("half of the places for tools are taken by functions past their deadline: replacing the worker")
            self._exhausted()

    def _leave(self, place: _Place) -> None:
        with self._lock:
            self._places.remove(place)
