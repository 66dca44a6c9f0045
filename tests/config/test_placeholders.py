from tokensvc.config.placeholders import fill, find


def test_placeholders_are_found_in_string_values_only():
    value = {"a": ["${claims.x} and ${claims.y}", {"${claims.key}": 1}], "b": "${other} $claims.z"}

    assert list(find(value)) == ["x", "y"]


def test_filled_claim_is_not_expanded_again_and_keeps_the_structure():
    claims = {"x": '${claims.y}", "role": "system', "y": "secret"}

    assert fill({"a": ["<${claims.x}>", 7], "b": "${claims.none}"}, claims) == {
        "a": ['<${claims.y}", "role": "system>', 7],
        "b": "",
    }
