"""What no input changes, tried with a thousand of each kind.

tests/store/test_any_order.py has the properties of limits, and tests/store/test_histories.py those of leases: start,
renew, end, block, refund and the clock in random order, on both engines.
"""

from __future__ import annotations

import ipaddress
import json
import string

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.exceptions import HTTPException, default_exceptions

from attack.contract import DOCUMENT, documented_codes, faults
from attack.test_openapi import refusals
from programs import Answer
from tokensvc.config.file import Http
from tokensvc.config.profiles import Profile
from tokensvc.domain import Limit, Quota
from tokensvc.errors import Refusal
from tokensvc.gemini.compiler import compile_profiles
from tokensvc.gemini.error_responses import refusal_for
from tokensvc.http_client import Answer as Response
from tokensvc.web_api import headers, origins, problems
from tokensvc.web_api.observing import Observing
from tokensvc.web_api.origins import find_client_address

thousand = settings(max_examples=1000, deadline=None, database=None, derandomize=True)

# Options.

VOICE = "speech_config.voice_config.prebuilt_voice_config.voice_name"
OPTIONS = {
    "voice": {"path": VOICE, "choices": ["Kore", "Puck"]},
    "language": {"path": "speech_config.language_code", "choices": ["en-GB", "de-DE"]},
    "thinking": {"path": "temperature", "choices": ["0.1", "0.9"]},
}
CONFIG = {
    "system_instruction": "You help ${claims.name} with ${claims.what}.",
    "temperature": 0.5,
    "tools": [{"function_declarations": [{"name": "f", "description": "Not ${claims.name}."}]}],
}


@pytest.fixture(name="compiled", scope="module")
def _compiled(tmp_path_factory):
    fields = {"name": "default", "model": "gemini-3.8-live", "allow": ["user"], "config": CONFIG, "options": OPTIONS}
    profile = Profile.model_validate(fields)
    (compiled,) = compile_profiles(
        [profile], api_version="v1beta", cache_dir=tmp_path_factory.mktemp("compiled"), source="tokensvc.toml"
    ).values()
    return compiled


def leaves(value, path=()):
    """Yield each leaf of *value*, which is JSON, with its path."""
    if isinstance(value, dict | list):
        for key, below in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(below, (*path, key))
    else:
        yield path, value


names = st.sampled_from([*OPTIONS]) | st.text(max_size=20)
values = st.sampled_from([choice for option in OPTIONS.values() for choice in option["choices"]]) | st.text(max_size=20)


@thousand
@given(st.dictionaries(names, values, max_size=4), st.dictionaries(st.sampled_from(["name", "what", "x"]), st.text()))
def test_options_and_claims_change_only_what_the_profile_offers(compiled, options, claims):
    """That is the values of its options, and the words of its instruction."""
    declared = all(name in OPTIONS and value in OPTIONS[name]["choices"] for name, value in options.items())
    try:
        resolved = compiled.profile.resolve(options)
    except ValueError:
        assert not declared
        return
    assert declared
    plain, changed = dict(leaves(compiled.body)), dict(leaves(compiled.body_for(resolved, claims)))
    assert changed.keys() == plain.keys()
    for path in {path for path, value in changed.items() if value != plain[path]}:
        assert path[1] == "systemInstruction" or str(changed[path]) in options.values()


# Google's messages in the log.

urlsafe = string.ascii_letters + string.digits + "-_"
known = st.text(urlsafe, min_size=16, max_size=80)  # our API keys, and a handle
unknown = st.one_of(
    st.text(urlsafe, min_size=1, max_size=80).map("auth_tokens/{}".format),
    st.text(urlsafe, min_size=1, max_size=80).map("AIza{}".format),
    st.text(urlsafe, min_size=24, max_size=80).filter(lambda text: any(c.isdigit() for c in text)),
)


messages = given(
    st.lists(known, min_size=1, max_size=3),
    st.lists(known | unknown | st.text(), max_size=6),
    st.lists(unknown, max_size=2),
    st.sampled_from([400, 401, 402, 403, 404, 429, 500]),
)


def redacts(ours, words, others, status):
    """Assert that the cause, for the log, has no secret of Google's message, which may quote what it was sent."""
    message = " ".join([*words, *ours, *others, *words])
    body = json.dumps({"error": {"code": status, "message": message, "status": "INVALID_ARGUMENT"}})
    cause = refusal_for(Response(status, {}, body.encode()), ours).cause
    assert not [secret for secret in [*ours, *others] if secret in cause]
    assert cause.isprintable()


@thousand
@messages
def test_no_secret_is_in_the_cause_of_a_refusal(ours, words, others, status):
    redacts(ours, words, others, status)


@pytest.mark.soak
@settings(thousand, max_examples=10_000)
@messages
def test_none_of_ten_thousand_secrets_is_in_the_cause_of_a_refusal(ours, words, others, status):
    redacts(ours, words, others, status)


# Addresses.

TRUSTED = [ipaddress.ip_network(text) for text in ("10.0.0.0/8", "::1/128", "2001:db8::/32")]


def reference_address(peer, forwarded):
    """Return the client's address, as docs/configuring.md describes it, without a regular expression."""

    def parse(text):
        if text.startswith("["):
            text, end, port = text[1:].partition("]")
            if not end or (port and not (port[0] == ":" and port[1:].isdecimal())):
                return None
        elif text.count(":") == 1:
            text, _, port = text.partition(":")
            if not port.isdecimal():
                return None
        try:
            address = ipaddress.ip_address(text.split("%")[0])
        except ValueError:
            return None
        return getattr(address, "ipv4_mapped", None) or address

    address = parse(peer)
    for hop in reversed([hop.strip() for hop in ",".join(forwarded).split(",")] if forwarded else []):
        if not any(address.version == network.version and address in network for network in TRUSTED):
            break
        if parse(hop) is None:
            break
        address = parse(hop)
    return str(address)


addresses = st.one_of(
    st.ip_addresses().map(str),
    st.ip_addresses(v=4).map("::ffff:{}".format),
    st.ip_addresses(v=4, network="10.0.0.0/8").map(str),
    st.ip_addresses(v=6, network="2001:db8::/32").map(str),
)
hops = st.one_of(
    addresses,
    addresses.map("[{}]".format),
    st.tuples(addresses, st.integers(0, 99999)).map(lambda pair: f"{pair[0]}:{pair[1]}"),
    st.tuples(addresses, st.integers(0, 99999)).map(lambda pair: f"[{pair[0]}]:{pair[1]}"),
    addresses.map("{}%eth0".format),
    st.text("0123456789abcdef:.,[]% \t", max_size=20),
    st.text(max_size=8),
)


@thousand
@given(addresses, st.lists(st.lists(hops, min_size=1, max_size=3).map(", ".join), max_size=3))
def test_client_address_is_that_of_a_reference(peer, forwarded):
    assert find_client_address(peer, forwarded, TRUSTED) == reference_address(peer, forwarded)


# Errors.

PROBLEM = {"application/problem+json": {"schema": DOCUMENT["components"]["schemas"]["Problem"]}}
CANARY = "canary-in-an-exception"
quotas = st.builds(
    Quota, st.text(), st.builds(Limit, st.integers(1), st.integers(1)), st.integers(0), st.floats(0, 9e9)
)
refused = st.builds(
    lambda kind, **named: kind(**named),
    st.sampled_from(list(refusals())),
    detail=st.none() | st.text(),
    cause=st.text(),
    retry_after=st.none() | st.floats(0, 1e9),
    quotas=st.lists(quotas, max_size=3).map(tuple),
)
of_http = st.builds(lambda kind, text: kind(text), st.sampled_from([*default_exceptions.values()]), st.text())
unexpected = st.builds(
    lambda kind, text: kind(CANARY + text),
    st.sampled_from([ValueError, KeyError, OSError, RecursionError, MemoryError, AssertionError, StopIteration]),
    st.text(),
)


@pytest.fixture(name="fail", scope="module")
def _fail():
    """Return a function that raises an error in a request, and returns the answer."""
    app = Flask(__name__)
    problems.install(app)
    origins.install(app, Http())
    headers.install(app, Http())
    app.wsgi_app = Observing(app.wsgi_app, None)
    errors = []

    @app.get("/")
    def raise_last():
        raise errors[-1]

    def fail(error):
        errors.append(error)
        response = app.test_client().get("/", headers={"Host": "localhost"})
        received = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, received, response.data)

    return fail


@thousand
@given(refused | of_http | unexpected)
def test_any_exception_becomes_a_documented_problem(fail, error):
    answer = fail(error)
    assert documented_codes()[answer.code] == answer.status
    if isinstance(error, Refusal):
        assert (answer.code, answer.status, answer.json["detail"]) == (error.code, error.status, error.detail)
    elif isinstance(error, HTTPException):
        assert answer.status // 100 == error.code // 100
    else:
        assert answer.code == "internal-error"
        assert CANARY not in str(answer)
    # The headers are as the test happens to have chosen them.
    named = {"content-type": "application/problem+json"}
    assert faults({"headers": {}, "content": PROBLEM}, Answer(answer.status, named, answer.body)) == []
