import pytest

from tokensvc.tools.arguments import check, normal

ORDER = {
    "type": "OBJECT",
    "required": ["number"],
    "properties": {
        "number": {"type": "STRING"},
        "count": {"type": "INTEGER"},
        "price": {"type": "NUMBER", "nullable": True},
        "express": {"type": "BOOLEAN"},
        "size": {"type": "STRING", "enum": ["small", "large"]},
        "tags": {"type": "ARRAY", "items": {"type": "STRING"}},
        "to": {"type": "OBJECT", "required": ["city"], "properties": {"city": {"type": "STRING"}}},
        "when": {"anyOf": [{"type": "STRING"}, {"type": "INTEGER"}]},
        "anything": {"type": "OBJECT"},
    },
}


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"count": 3},
        {"count": 3.0},
        {"price": 2.5},
        {"price": None},
        {"express": False, "size": "small", "tags": ["a", "b"], "to": {"city": "Rome"}},
        {"when": "now"},
        {"when": 3},
        {"anything": {"at": {"all": 1}}},
    ],
)
def test_arguments_that_fit_are_accepted(more):
    check(normal({"number": "17", **more}), ORDER)


@pytest.mark.parametrize(
    ("args", "fault"),
    [
        ({}, "args.number is missing"),
        ({"number": 17}, "args.number must be of type string"),
        ({"number": "17", "count": 2.5}, "args.count must be of type integer"),
        ({"number": "17", "count": True}, "args.count must be of type integer"),
        ({"number": "17", "count": float("nan")}, "args.count must be of type integer"),
        ({"number": "17", "count": float("inf")}, "args.count must be of type integer"),
        ({"number": "17", "express": 1}, "args.express must be of type boolean"),
        ({"number": "17", "size": "huge"}, "args.size must be one of small, large"),
        ({"number": "17", "tags": "a"}, "args.tags must be of type array"),
        ({"number": "17", "tags": ["a", 1]}, r"args.tags\[1\] must be of type string"),
        ({"number": "17", "to": {}}, "args.to.city is missing"),
        ({"number": "17", "to": {"city": "Rome", "x": 1}}, "args.to has an unknown key"),
        ({"number": "17", "when": 2.5}, "args.when fits none"),
        ({"number": "17", "color": "red"}, "args has an unknown key"),
    ],
)
def test_arguments_that_do_not_fit_say_what_to_correct(args, fault):
    with pytest.raises(ValueError, match=fault):
        check(args, ORDER)


def test_tool_without_parameters_takes_none():
    check({}, {})
    with pytest.raises(ValueError, match="unknown key"):
        check({"number": "17"}, {})


@pytest.mark.parametrize("written", [1.0, -0.0, 1e15])
def test_numbers_that_json_writes_in_two_ways_are_one(written):
    assert repr(normal({"n": written, "in": [{"n": written}]})) == repr(
        {"n": int(written), "in": [{"n": int(written)}]}
    )
