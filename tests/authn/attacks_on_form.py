"""What is no token at all, or two at once."""

import json

from authn.attack_kit import Attack, last_letter, with_claims, written
from tokensvc.authn.api_keys import make_key

WELL_FORMED_KEY = make_key()

PARTS = [
    Attack(f"claims {name}", with_claims(claims), held_by)
    for name, claims, held_by in [
        ("with a subject twice", lambda m: _twin(m, "sub", "eve"), ("twins",)),
        ("with an audience twice", lambda m: _twin(m, "aud", "x"), ("twins",)),
        ("with an end twice", lambda m: _twin(m, "exp", 1), ("twins",)),
        ("with a twin far inside", lambda m: _inside(m, b'{"a":{"b":1,"b":2}}'), ("twins",)),
        ("with NaN in an odd place", lambda m: _inside(m, b"NaN"), ("constants",)),
        ("in a list", lambda m: json.dumps([m.claims()]).encode(), ("JSON",)),
        ("in text", lambda m: json.dumps(json.dumps(m.claims())).encode(), ("JSON",)),
        ("of a number", b"1", ("JSON",)),
        ("of null", b"null", ("JSON",)),
        ("of nothing", b" ", ("JSON",)),
        ("that are no JSON", b"sub=alice", ("JSON",)),
        ("that are no UTF-8", lambda m: _inside(m, b'"\xff"'), ("JSON",)),
        ("in UTF-16", lambda m: json.dumps(m.claims()).encode("utf-16"), ("JSON",)),
        ("after a byte order mark", lambda m: b"\xef\xbb\xbf" + _json(m), ("JSON",)),
        ("with something after", lambda m: _json(m) + b"x", ("JSON",)),
        ("twice over", lambda m: _json(m) * 2, ("JSON",)),
        ("cut short", lambda m: _json(m)[:-1], ("JSON",)),
        ("in single quotes", lambda m: _json(m).replace(b'"', b"'"), ("JSON",)),
        ("with a comment", lambda m: _json(m) + b"// alice", ("JSON",)),
        ("with a comma too many", lambda m: _json(m)[:-1] + b",}", ("JSON",)),
        ("nested deep", lambda m: _inside(m, b"[" * 2500 + b"]" * 2500), ("JSON",)),
        ("with a number without end", lambda m: _inside(m, b"9" * 5000), ("JSON",)),
        ("of nothing at all", b"{}", ("issuer", "audience", "subject", "end stated")),
    ]
] + [
    Attack(
        "header with an algorithm twice",
        lambda mode: mode.sign(b'{"alg":"none",' + json.dumps(mode.header()).encode()[1:]),
        ("twins",),
    ),
    Attack(
        "header in a list",
        lambda mode: mode.sign(json.dumps([mode.header()]).encode()),
        ("JSON", "signature"),
    ),
    Attack("header that is no JSON", lambda mode: mode.sign(b"alg=none"), ("JSON", "signature")),
    Attack("header of nothing", lambda mode: mode.sign(b"{}"), ("algorithm", "key", "signature")),
]


def _json(mode):
    return json.dumps(mode.claims()).encode()


def _twin(mode, name, value):
    return json.dumps({name: value}).encode()[:-1] + b"," + _json(mode)[1:]


def _inside(mode, value):
    return b'{"x":' + value + b"," + _json(mode)[1:]


FORMS = [
    Attack(f"token {name}", written(change), held_by)
    for name, change, held_by in [
        ("with padding", lambda t: t + "=", ("form", "signature")),
        (
            "with padding in its header",
            lambda t: t.replace(".", "=.", 1),
            ("form", "spelling", "signature"),
        ),
        ("with a wide blank after", lambda t: t + "\u00a0", ("form", "signature")),
        ("with a wide blank before", lambda t: "\u3000" + t, ("form", "spelling", "signature")),
        (
            "with a blank inside",
            lambda t: t.replace(".", ". ", 1),
            ("form", "spelling", "signature"),
        ),
        (
            "with a line break",
            lambda t: t.replace(".", ".\n", 1),
            ("form", "spelling", "signature"),
        ),
        ("with a line break after", lambda t: t + "\n", ("form", "signature")),
        ("with a null byte", lambda t: t + "\x00", ("form", "signature")),
        ("with a plus sign", lambda t: t[:-1] + "+", ("form", "signature")),
        ("with a slash", lambda t: t[:-1] + "/", ("form", "signature")),
        ("with exclamation marks", lambda t: t + "!!!!", ("form", "signature")),
        ("in quotes", lambda t: f'"{t}"', ("form", "spelling", "signature")),
        (
            "percent encoded",
            lambda t: t.replace("e", "%65", 1),
            ("form", "spelling", "JSON", "signature"),
        ),
        (
            "with a letter of another alphabet",
            lambda t: t.replace("e", "е", 1),  # noqa: RUF001 - that is the point
            ("form", "spelling", "JSON", "signature"),
        ),
        ("with a dot after", lambda t: t + ".", ("guest",)),
        ("with a dot before", lambda t: "." + t, ("guest",)),
        ("of two parts", lambda t: t.rpartition(".")[0], ("guest",)),
        ("of one part", lambda t: t.partition(".")[0], ("guest",)),
        ("of five parts", lambda t: t + "..", ("guest",)),
        ("in JSON", lambda t: json.dumps(dict(zip("abc", t.split("."), strict=True))), ("guest",)),
        ("of dots", lambda _: "..", ("form", "JSON", "signature")),
        ("without a header", lambda t: "." + t.partition(".")[2], ("form", "JSON", "signature")),
        (
            "without claims",
            lambda t: t.split(".")[0] + ".." + t.split(".")[2],
            ("form", "JSON", "signature"),
        ),
        ("of null", lambda _: "null", ("guest",)),
        ("of undefined", lambda _: "undefined", ("guest",)),
        ("that is an object", lambda _: "[object Object]", ("guest",)),
        ("that is a user and a password", lambda _: "YWxpY2U6c2VjcmV0", ("guest",)),
    ]
] + [
    Attack(
        "token over 8000 bytes", lambda mode: mode.sign(claims=mode.claims(x="a" * 8000)), ("form",)
    ),
    Attack("header in another spelling", last_letter(0), ("spelling", "signature")),
    Attack("claims in another spelling", last_letter(1), ("spelling", "signature")),
    Attack("signature in another spelling", last_letter(2), ("signature",)),
]

API_KEYS = [
    Attack(f"API key {name}", lambda _, key=key: key, ("API key",))
    for name, key in {
        "that nobody made": WELL_FORMED_KEY,
        "with a wrong checksum": WELL_FORMED_KEY[:-1] + "0",
        "cut short": WELL_FORMED_KEY[:-1],
        "with more after": WELL_FORMED_KEY + "0",
        "of nothing": "tsk_",
        "that is a name": "tsk_backend",
        "with wildcards": "tsk_" + "%" * 38,
    }.items()
] + [Attack("API key with dots", lambda _: "tsk_a.b.c", ("spelling", "JSON", "signature"))]

ON_FORM = [*PARTS, *FORMS, *API_KEYS]
