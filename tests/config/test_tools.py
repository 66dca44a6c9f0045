import pytest
from pydantic import ValidationError

from tokensvc.config.profiles import Profile


def profile(**tool):
    fields = {"name": "default", "model": "gemini-3.8-live", "allow": ["user"]}
    return Profile.model_validate(fields | {"tools": {"look_up": tool}})


@pytest.mark.parametrize(
    ("tool", "fault"),
    [
        ({}, "write one of python and url"),
        ({"python": "a:b", "url": "https://shop.test/", "description": "x"}, "write one of python and url"),
        ({"python": "a.b"}, "write the module and the function"),
        ({"python": "a:b", "parameters": {}}, "parameters and private_networks are for a url"),
        ({"url": "https://shop.test/"}, "description is missing"),
        ({"url": "http://shop.test/", "description": "x"}, "must be https"),
        ({"url": "https://{host}.test/", "description": "x"}, "an argument may be in the path only"),
        ({"url": "https://u:p@shop.test/", "description": "x"}, "must not contain credentials"),
        ({"python": "a:b", "bind": {"x": "${subjct}"}}, "“${subjct}” is not known"),
        ({"python": "a:b", "timeout": "2m"}, "less than or equal to 60"),
        ({"python": "a:b", "timeout": "1.5s"}, "write a duration"),
        ({"python": "a:b", "hold": "2"}, "write a pause such as “1.5s”"),
        ({"python": "a:b", "hold": "0s"}, "write a pause such as “1.5s”"),
        ({"python": "a:b", "hold": "11s"}, "less than or equal to 10"),
        ({"python": "a:b", "same": "number"}, "valid tuple"),
        ({"python": "a:b", "per_conversation": 0}, "greater than or equal to 1"),
        ({"python": "a:b", "refusals": [""]}, "at least 1 character"),
        ({"pyton": "a:b"}, "Extra inputs"),
    ],
)
def test_tool_that_cannot_work_is_refused(tool, fault):
    with pytest.raises(ValidationError) as caught:
        profile(**tool)
    assert fault in str(caught.value)


def test_name_is_one_that_google_takes():
    with pytest.raises(ValidationError, match="pattern"):
        Profile.model_validate(
            {"name": "default", "model": "gemini-3.8-live", "allow": ["user"], "tools": {"look up": {"python": "a:b"}}}
        )


def test_pause_may_be_a_fraction_of_a_second():
    assert profile(python="a:b", hold="1.5s").tools["look_up"].hold == 1.5


def test_question_shows_arguments_in_plain_and_few_characters():
    tool = profile(python="a:b", confirm="Refund {amount} for {number}?").tools["look_up"]
    assert tool.sentence({"amount": 5, "number": "17\u202e71"}) == "Refund 5 for 1771?"
    assert tool.sentence({"amount": "x" * 1000}) == f"Refund {'x' * 200}… for ?"
