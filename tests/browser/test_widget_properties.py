"""The widget's properties, and the attributes that they stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from browser.caller import Caller

SET = """(agent, { property, value }) => {
  agent[property] = value === 'undefined' ? undefined : value;
  return [agent[property], agent.getAttribute(property.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`))];
}"""
CHOSEN = {
    "profile": "orders",
    "mode": "headless",
    "corner": "top-start",
    "input": "text",
    "theme": "dark",
    "consent": "Please agree",
    "consentDays": "30",
    "keep": "session",
    "greeting": "Good morning",
    "suggestions": "Where is my order?|Opening hours",
}


@pytest.fixture(name="set_property")
def _set_property(call: Callable[..., Caller]) -> Callable[[str, object], list[object]]:
    """Sets a property of an element with every attribute; returns the property and the attribute."""
    names = {"consentDays": "consent-days"}
    attributes = " ".join(f'{names.get(name, name)}="{value}"' for name, value in CHOSEN.items())
    caller = call(f"<live-agent push-to-talk open rating {attributes}></live-agent>")
    caller.arrive()
    caller.until("document.querySelector('live-agent').state")
    return lambda name, value: caller.widget.evaluate(SET, {"property": name, "value": value})


def test_property_without_a_value_falls_back_to_the_default(set_property: Callable[..., list[object]]) -> None:
    """As frameworks do it, which set `undefined` or null for what a component was not given."""
    defaults: dict[str, object] = {"consentDays": "", "keep": "", "greeting": "", "suggestions": ""}
    defaults |= {"profile": "default", "mode": "floating", "corner": "bottom-end", "input": "both", "theme": "auto"}
    defaults |= {"consent": None, "pushToTalk": False, "open": False, "rating": False}
    for nothing in ("undefined", None):
        for name, value in CHOSEN.items():
            assert set_property(name, value) == [value, value]
        for name, default in defaults.items():
            assert set_property(name, nothing) == [default, None], name
    own = set_property("service", "https://voice.example")
    assert own == ["https://voice.example/", "https://voice.example"]
    usual, attribute = set_property("service", "undefined")
    assert attribute is None
    assert "undefined" not in str(usual)


def test_flag_is_set_by_true_and_by_the_empty_text_of_an_attribute(set_property: Callable[..., list[object]]) -> None:
    for value, wanted in ((True, True), (False, False), ("", True), (0, False)):
        assert set_property("rating", value) == [wanted, "" if wanted else None]
    assert set_property("consent", value=True) == ["", ""], "the built-in text"


def test_suggestions_are_set_as_an_array_too(set_property: Callable[..., list[object]]) -> None:
    joined = "Where is my order?|Opening hours"
    assert set_property("suggestions", ["Where is my order?", "Opening hours"]) == [joined, joined]


def test_value_that_is_not_a_choice_counts_as_the_default(set_property: Callable[..., list[object]]) -> None:
    for name, usual in (("mode", "floating"), ("input", "both"), ("theme", "auto")):
        assert set_property(name, "sideways") == [usual, "sideways"]
