import threading
import time

import pytest

from tokensvc.errors import ToolBusy
from tokensvc.tools.running import Bulkhead


def nothing():
    pass


def test_result_and_exception_are_those_of_the_function():
    bulkhead = Bulkhead(nothing)
    with bulkhead.place() as place:
        assert place.run(lambda: 17, time.monotonic() + 5, nothing) == 17
    with bulkhead.place() as place, pytest.raises(ZeroDivisionError):
        place.run(lambda: 1 // 0, time.monotonic() + 5, nothing)


def test_place_that_is_not_used_is_free_again():
    bulkhead = Bulkhead(nothing, most=1)
    for _ in range(3):
        with bulkhead.place():
            pass


def test_function_past_its_deadline_keeps_its_place_until_it_returns():
    bulkhead, gate, returned = Bulkhead(nothing, most=1), threading.Event(), threading.Event()

    def hang():
        gate.wait()
        returned.set()

    with bulkhead.place() as place, pytest.raises(TimeoutError):
        place.run(hang, time.monotonic() + 0.01, nothing)
    with pytest.raises(ToolBusy), bulkhead.place():
        pass
    gate.set()
    assert returned.wait(5)
    until = time.monotonic() + 5
    while True:  # its thread has a last step to do
        try:
            with bulkhead.place():
                break
        except ToolBusy:
            assert time.monotonic() < until


def test_process_is_replaced_once_when_half_of_the_places_hang():
    replaced, gate = [], threading.Event()
    bulkhead = Bulkhead(lambda: replaced.append(1), most=4)
    for hanging in (1, 2, 3):
        with bulkhead.place() as place, pytest.raises(TimeoutError):
            place.run(gate.wait, time.monotonic() + 0.01, nothing)
        assert len(replaced) == (hanging >= 2)
    gate.set()


def test_somebody_looks_now_and_then_while_it_runs():
    looks, gate = [], threading.Event()

    def look():
        looks.append(1)
        gate.set()

    with Bulkhead(nothing).place() as place:
        assert place.run(gate.wait, time.monotonic() + 5, look)
    assert looks
