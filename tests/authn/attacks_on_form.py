"""Malformed tokens and API keys."""

import json

from authn.attack_kit import EVERY_MODE, Attack, with_claims, with_spare_bits_set, with_text_changed
from tokensvc.authn.api_keys import make_key

WELL_FORMED_KEY = make_key()

PARTS = [
    Attack(f"claims {name}", with_claims(claims), stopped_by)
    for name, claims, stopped_by in [
        ("with a duplicate subject", lambda m: _with_duplicate(m, "sub", "eve"), ("duplicates",)),
        ("with a duplicate audience", lambda m: _with_duplicate(m, "aud", "x"), ("duplicates",)),
        ("with a duplicate expiry", lambda m: _with_duplicate(m, "exp", 1), ("duplicates",)),
        (
            "with a nested duplicate",
            lambda m: _with_extra(m, b'{"a":{"b":1,"b":2}}'),
            ("duplicates",),
        ),
        ("with NaN in an extra claim", lambda m: _with_extra(m, b"NaN"), ("constants",)),
        ("as a list", lambda m: json.dumps([m.claims()]).encode(), ("JSON",)),
        ("as a string", lambda m: json.dumps(json.dumps(m.claims())).encode(), ("JSON",)),
        ("as a number", b"1", ("JSON",)),
        ("as null", b"null", ("JSON",)),
        ("that are blank", b" ", ("JSON",)),
        ("that are not JSON", b"sub=alice", ("JSON",)),
        ("that are not UTF-8", lambda m: _with_extra(m, b'"\xff"'), ("JSON",)),
        ("in UTF-16", lambda m: json.dumps(m.claims()).encode("utf-16"), ("JSON",)),
        ("after a byte order mark", lambda m: b"\xef\xbb\xbf" + _json(m), ("JSON",)),
        ("with trailing data", lambda m: _json(m) + b"x", ("JSON",)),
        ("repeated", lambda m: _json(m) * 2, ("JSON",)),
        ("truncated", lambda m: _json(m)[:-1], ("JSON",)),
        ("in single quotes", lambda m: _json(m).replace(b'"', b"'"), ("JSON",)),
        ("with a comment", lambda m: _json(m) + b"// alice", ("JSON",)),
        ("with a trailing comma", lambda m: _json(m)[:-1] + b",}", ("JSON",)),
        ("nested too deep", lambda m: _with_extra(m, b"[" * 2500 + b"]" * 2500), ("JSON",)),
        ("with a huge number", lambda m: _with_extra(m, b"9" * 5000), ("JSON",)),
        ("that are an empty object", b"{}", ("issuer", "audience", "subject", "expiry present")),
    ]
] + [
    Attack(
        "header with a duplicate algorithm",
        lambda mode: mode.sign(b'{"alg":"none",' + json.dumps(mode.header()).encode()[1:]),
        ("duplicates",),
    ),
    Attack(
        "header as a list",
        lambda mode: mode.sign(json.dumps([mode.header()]).encode()),
        ("JSON",),
    ),
    Attack("header that is not JSON", lambda mode: mode.sign(b"alg=none"), ("JSON",)),
    Attack(
        "header that is an empty object",
        lambda mode: mode.sign(b"{}"),
        ("algorithm", "key", "signature"),
    ),
]


def _json(mode):
    return json.dumps(mode.claims()).encode()


def _with_duplicate(mode, name, value):
    return json.dumps({name: value}).encode()[:-1] + b"," + _json(mode)[1:]


def _with_extra(mode, value):
    return b'{"x":' + value + b"," + _json(mode)[1:]


FORMS = [
    Attack(f"token {name}", with_text_changed(change), stopped_by)
    for name, change, stopped_by in [
        ("with padding", lambda t: t + "=", ("form", "encoding")),
        (
            "with padding in its header",
            lambda t: t.replace(".", "=.", 1),
            ("form", "encoding", "signature"),
        ),
        ("with a no-break space after", lambda t: t + "\u00a0", ("form", "encoding")),
        (
            "with an ideographic space before",
            lambda t: "\u3000" + t,
            ("form", "encoding", "signature"),
        ),
        (
            "with a space inside",
            lambda t: t.replace(".", ". ", 1),
            ("one credential", "form", "encoding", "signature"),
        ),
        (
            "with a line break",
            lambda t: t.replace(".", ".\n", 1),
            ("form", "encoding", "signature"),
        ),
        ("with a line break after", lambda t: t + "\n", ("form", "encoding")),
        ("with a null byte", lambda t: t + "\x00", ("form", "encoding")),
        ("with a plus sign", lambda t: t[:-1] + "+", ("form", "encoding", "signature")),
        ("with a slash", lambda t: t[:-1] + "/", ("form", "encoding", "signature")),
        ("with exclamation marks", lambda t: t + "!!!!", ("form", "encoding")),
        ("in quotes", lambda t: f'"{t}"', ("form", "encoding", "signature")),
        (
            "percent encoded",
            lambda t: t.replace("e", "%65", 1),
            ("form", "encoding", "JSON", "signature"),
        ),
        (
            "with a Cyrillic letter",
            lambda t: t.replace("e", "е", 1),  # noqa: RUF001 - the look-alike is the attack
            ("form", "encoding", "JSON", "signature"),
        ),
        ("with a dot after", lambda t: t + ".", ("guest",)),
        ("with a dot before", lambda t: "." + t, ("guest",)),
        ("of two parts", lambda t: t.rpartition(".")[0], ("guest",)),
        ("of one part", lambda t: t.partition(".")[0], ("guest",)),
        ("of five parts", lambda t: t + "..", ("guest",)),
        (
            "in JSON serialization",
            lambda t: json.dumps(dict(zip("abc", t.split("."), strict=True))),
            ("one credential", "guest"),
        ),
        ("of dots alone", lambda _: "..", ("form", "JSON", "signature")),
        ("without a header", lambda t: "." + t.partition(".")[2], ("form", "JSON", "signature")),
        (
            "without claims",
            lambda t: t.split(".")[0] + ".." + t.split(".")[2],
            ("form", "JSON", "signature"),
        ),
        ("that says null", lambda _: "null", ("guest",)),
        ("that says undefined", lambda _: "undefined", ("guest",)),
        ("that says [object Object]", lambda _: "[object Object]", ("one credential", "guest")),
        ("that holds Basic credentials", lambda _: "YWxpY2U6c2VjcmV0", ("guest",)),
    ]
] + [
    Attack(
        "token over 16,000 bytes",
        lambda mode: mode.sign(claims=mode.claims(x="a" * 16_000)),
        ("form",),
    ),
    Attack("header with unused bits set", with_spare_bits_set(0), ("encoding", "signature")),
    Attack("claims with unused bits set", with_spare_bits_set(1), ("encoding", "signature")),
    Attack("signature with unused bits set", with_spare_bits_set(2), ("encoding",), EVERY_MODE),
]

API_KEYS = [
    Attack(f"API key {name}", lambda _, key=key: key, ("API key",))
    for name, key in {
        "that was never created": WELL_FORMED_KEY,
        "with a wrong checksum": WELL_FORMED_KEY[:-1] + "0",
        "truncated": WELL_FORMED_KEY[:-1],
        "with an extra character": WELL_FORMED_KEY + "0",
        "with an empty body": "tsk_",
        "that is a name": "tsk_backend",
        "with wildcards": "tsk_" + "%" * 38,
    }.items()
] + [Attack("API key with dots", lambda _: "tsk_a.b.c", ("encoding", "JSON", "signature"))]

ON_FORM = [*PARTS, *FORMS, *API_KEYS]
