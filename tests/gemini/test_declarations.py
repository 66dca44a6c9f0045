"""Server tools that cannot be declared are refused at start, with the key and the parameter."""

import pytest

from tokensvc.errors import ConfigurationError

HERE = "gemini.undeclarable"


@pytest.mark.parametrize(
    ("tool", "fault"),
    [
        ({"python": f"{HERE}:untyped"}, "python: parameter “number” has no type"),
        ({"python": f"{HERE}:no_docstring"}, "python: the function has no docstring"),
        ({"python": f"{HERE}:many"}, "python: parameter “numbers” has no name"),
        ({"python": f"{HERE}:called_back"}, "python: Google's SDK cannot declare it"),
        ({"python": f"{HERE}:misspelled"}, "python: its parameters cannot be read: name 'strr' is not defined"),
        ({"python": f"{HERE}:NOTHING"}, "python: “NOTHING” is not a function"),
        ({"python": f"{HERE}:missing"}, f"python: {HERE} has no “missing”"),
        ({"python": "no.such.module:f"}, "python: No module named 'no'; start the service in the folder"),
        ({"python": f"{HERE}:fine", "bind": {"owner": "x"}}, "bind.owner: the function has no such parameter"),
        ({"python": f"{HERE}:fine", "same": ["color"]}, "same: there is no parameter “color”"),
        ({"python": f"{HERE}:fine", "confirm": "Sell {x}?"}, "confirm: there is no parameter “x”"),
        ({"url": "https://shop.test/{x}", "description": "Look up."}, "url: there is no parameter “x”"),
        (
            {"url": "https://shop.test/", "description": "Look up.", "parameters": {"type": "STRING"}},
            'parameters.type: write "OBJECT"',
        ),
        (
            {"url": "https://shop.test/", "description": "Look up.", "parameters": {"kind": "OBJECT"}},
            "parameters: Google's Schema rejects this",
        ),
        (
            {
                "url": "https://shop.test/",
                "description": "Look up.",
                "bind": {"x": "y"},
                "parameters": {"type": "OBJECT", "properties": {"x": {"type": "STRING"}}},
            },
            "bind.x: is also in parameters",
        ),
    ],
)
def test_tool_that_cannot_be_declared_is_refused_with_its_key(compile_all, monkeypatch, tool, fault):
    monkeypatch.setenv("PYTHONPATH", "tests")
    with pytest.raises(ConfigurationError) as caught:
        compile_all({"tools": {"look_up": tool}})
    assert caught.value.faults[0].startswith(f"profiles.p0.tools.look_up.{fault}")


@pytest.mark.parametrize(
    ("model", "tool", "behavior"),
    [
        ("gemini-3.8-live", {}, "BLOCKING"),
        ("gemini-3.8-live", {"confirm": "Sell {number}?"}, "NON_BLOCKING"),
        ("gemini-3.8-live", {"confirm": "Sell {number}?", "behavior": "BLOCKING"}, "BLOCKING"),
        ("gemini-3.1-flash-live-preview", {"confirm": "Sell {number}?"}, "BLOCKING"),
    ],
)
def test_behavior_is_one_that_the_model_has(compile_all, monkeypatch, model, tool, behavior):
    """While a person is asked, the conversation goes on where the model can."""
    monkeypatch.setenv("PYTHONPATH", "tests")
    tool = {"python": f"{HERE}:fine", "bind": {"customer": "${subject}"}, **tool}
    (compiled,) = compile_all({"model": model, "tools": {"look_up": tool}})
    assert compiled.features["tools"] == [{"name": "look_up", "behavior": behavior, "runs": "server", "timeout": 8}]
    assert compiled.schema_of("look_up")["properties"] == {"number": {"type": "STRING"}}


def test_behavior_that_the_model_does_not_have_is_refused(compile_all, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "tests")
    tool = {"python": f"{HERE}:fine", "bind": {"customer": "x"}, "behavior": "NON_BLOCKING"}
    with pytest.raises(ConfigurationError, match=r"look_up\.behavior: this model takes BLOCKING"):
        compile_all({"model": "gemini-3.1-flash-live-preview", "tools": {"look_up": tool}})


def test_function_is_declared_anew_at_each_start(compile_all, monkeypatch, tmp_path):
    """Its source may have changed, wherever it is."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    names = []
    for name in ("number", "order_number"):
        (tmp_path / "changing.py").write_text(f'def f({name}: str) -> str:\n    "Look up."\n    return ""\n')
        (compiled,) = compile_all({"tools": {"look_up": {"python": "changing:f"}}})
        names += compiled.schema_of("look_up")["properties"]
    assert names == ["number", "order_number"]
