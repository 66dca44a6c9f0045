"""T11. The log: one JSON object a line, whatever is logged, and no message of an error."""

from __future__ import annotations

import json
import logging
import secrets
import sys
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from system.canaries import Canaries
from tokensvc.logs import JsonFormatter, log_failed_threads


def formatted(message, *args, error=None):
    record = logging.LogRecord("x", logging.ERROR, __file__, 1, message, args, error and (type(error), error, None))
    return JsonFormatter().format(record)


@settings(max_examples=1000, deadline=None, database=None, derandomize=True)
@given(st.text(st.characters()))
def test_any_text_is_one_line_of_json(text):
    line = formatted("request refused cause=%s", text)
    assert len(line.splitlines()) == 1
    assert line.isascii()
    assert json.loads(line)["message"] == f"request refused cause={text}"


def failing(secret, layer):
    """Raise an error as a library would that quotes what it was given, below *layer* others."""
    unused = {"local": secret}  # noqa: F841 - a local variable, as every layer has
    try:
        if layer:
            failing(secret, layer - 1)
        {}[secret]
    except KeyError as error:
        error.add_note(f"while reading {secret}")
        kind = [ValueError, OSError, RuntimeError][layer % 3]
        raise kind(f"cannot use {secret!r}") from (error if layer % 2 else None)


@pytest.mark.parametrize("layers", range(5))
def test_traceback_names_errors_and_places_but_has_no_message_or_variable(layers):
    canaries = Canaries()
    secret = canaries.add("secret", secrets.token_urlsafe(24) + ' "wörd" ☂')
    try:
        failing(secret, layers)
    except (ValueError, OSError, RuntimeError):
        error = sys.exc_info()[1]
    line = formatted("request failed", error=error)
    assert canaries.found_in(line.encode()) == {}
    assert len(line.splitlines()) == 1
    described = json.loads(line)["exception"]
    assert type(error).__name__ in described
    assert "KeyError" in described
    assert f"{__name__.rpartition('.')[2]}.py" in described


def test_thread_that_fails_is_logged_without_the_message(caplog, monkeypatch, capfd):
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    log_failed_threads()
    secret = secrets.token_urlsafe(24)
    thread = threading.Thread(target=failing, args=(secret, 1), name="sweeping")
    thread.start()
    thread.join()
    (record,) = caplog.records
    line = JsonFormatter().format(record)
    assert json.loads(line)["message"] == "thread failed name=sweeping"
    assert "failing" in json.loads(line)["exception"]
    assert secret not in line
    assert secret not in "".join(capfd.readouterr())
