import asyncio
import threading
import time

import pytest

from tokensvc.errors import ToolBusy
from tokensvc.tools.running import Bulkhead


def nothing():
    pass


def test_result_and_exception_are_those_of_the_function():
    bulkhead = Bulkhead(nothing)
    with bulkhead.place("ada") as run:
        assert run(lambda: 17, time.monotonic() + 5, nothing) == 17
    with bulkhead.place("ada") as run, pytest.raises(ZeroDivisionError):
        run(lambda: 1 // 0, time.monotonic() + 5, nothing)


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit(), asyncio.CancelledError()])
def test_function_that_would_end_its_process_ends_its_call(error):
    def ends():
        raise error

    with Bulkhead(nothing).place("ada") as run, pytest.raises(RuntimeError, match=type(error).__name__):
        run(ends, time.monotonic() + 5, nothing)


def test_place_that_is_not_used_is_free_again():
    bulkhead = Bulkhead(nothing, most=1)
    for _ in range(3):
        with bulkhead.place("ada"):
            pass


def test_function_past_its_deadline_keeps_its_place_until_it_returns():
    bulkhead, gate, returned = Bulkhead(nothing, most=1), threading.Event(), threading.Event()

    def hang():
        gate.wait()
        returned.set()

    with bulkhead.place("ada") as run, pytest.raises(TimeoutError):
        run(hang, time.monotonic() + 0.01, nothing)
    with pytest.raises(ToolBusy), bulkhead.place("bob"):
        pass
    gate.set()
    assert returned.wait(5)
    until = time.monotonic() + 5
    while True:  # its thread has a last step to do
        try:
            with bulkhead.place("bob"):
                break
        except ToolBusy:
            assert time.monotonic() < until


def test_one_person_has_a_quarter_of_the_places():
    bulkhead, gate = Bulkhead(nothing, most=8), threading.Event()
    with bulkhead.place("ada") as run, pytest.raises(TimeoutError):
        run(gate.wait, time.monotonic() + 0.01, nothing)  # it keeps its place
    with bulkhead.place("ada"):
        with pytest.raises(ToolBusy), bulkhead.place("ada"):
            pass
        with bulkhead.place("bob") as run:
            assert run(lambda: 17, time.monotonic() + 5, nothing) == 17
    with bulkhead.place("ada"):
        pass
    gate.set()


def test_process_is_replaced_once_when_half_of_the_places_hang():
    replaced, gate = [], threading.Event()
    bulkhead = Bulkhead(lambda: replaced.append(1), most=4)
    for hanging in (1, 2, 3):
        with bulkhead.place(f"person {hanging}") as run, pytest.raises(TimeoutError):
            run(gate.wait, time.monotonic() + 0.01, nothing)
        assert len(replaced) == (hanging >= 2)
    gate.set()


def test_somebody_looks_now_and_then_while_it_runs():
    looks, gate = [], threading.Event()

    def look():
        looks.append(1)
        gate.set()

    with Bulkhead(nothing).place("ada") as run:
        assert run(gate.wait, time.monotonic() + 5, look)
    assert looks
