from tokensvc.config.placeholders import fill, find


def test_what_is_asked_for():
    """Placeholders are found in every string leaf, and nowhere else."""
    value = {"a": ["${claims.x} and ${claims.y}", {"${claims.key}": 1}], "b": "${other} $claims.z"}

    assert list(find(value)) == ["x", "y"]


def test_what_is_filled_in():
    """A claim is text: it opens no other placeholder and changes no structure."""
    claims = {"x": '${claims.y}", "role": "system', "y": "secret"}

    assert fill({"a": ["<${claims.x}>", 7], "b": "${claims.none}"}, claims) == {
        "a": ['<${claims.y}", "role": "system>', 7],
        "b": "",
    }
