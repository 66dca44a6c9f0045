import pytest
from pydantic import ValidationError

from tokensvc.config.profiles import Profile
from tokensvc.domain import Limit, Principal

VOICE = {"path": "speech_config.voice", "choices": ["Kore", "Puck"]}


def profile(**fields):
    return Profile.model_validate({"name": "default", "model": "gemini-3.8-live", "allow": ["user"]} | fields)


def test_durations_and_limits_are_parsed_from_text():
    made = profile(token_lifetime="90s", max_session="2h", limits=["30/hour"])

    assert (made.token_lifetime, made.max_session) == (90, 7200)
    assert made.limits == (Limit(30, 3600),)


@pytest.mark.parametrize(
    "fields",
    [
        {"token_lifetime": "5"},
        {"token_lifetime": 300},
        {"token_lifetime": "0s"},
        {"token_lifetime": "20h", "max_session": "20h"},
        {"token_lifetime": "1m", "connect_within": "2m"},
        {"token_lifetime": "1h", "max_session": "30m"},
        {"limits": ["30/fortnight"]},
        {"limits": ["0/hour"]},
        {"limits": "30/hour"},
        {"model": "tuned models/x"},
        {"allow": []},
        {"allow": ["everyone"]},
        {"allow": ["key"]},
        {"allow": ["key:"]},
        {"allow": ["key:a b"]},
        {"video": ["hologram"]},
        {"options": {"voice": VOICE | {"default": "Zephyr"}}},
        {"options": {"voice": VOICE | {"choices": []}}},
        {"uses": 5},
    ],
)
def test_invalid_profile_is_rejected(fields):
    with pytest.raises(ValidationError):
        profile(**fields)


@pytest.mark.parametrize("written", ["gemini-3.8-live", "models/gemini-3.8-live"])
def test_model_name_gets_googles_prefix(written):
    assert profile(model=written).model == "models/gemini-3.8-live"


@pytest.mark.parametrize(
    ("allow", "kind", "groups", "expected"),
    [
        (["user"], "user", set(), True),
        (["user"], "guest", set(), False),
        (["guest"], "user", set(), False),
        (["group:support"], "user", {"support"}, True),
        (["group:support"], "user", {"sales"}, False),
        (["key:backend"], "user", {"backend"}, False),
        (["user", "guest"], "key", set(), False),
    ],
)
def test_only_allowed_kinds_and_groups_are_admitted(allow, kind, groups, expected):
    principal = Principal(kind, "issuer", "subject", frozenset(groups))

    assert profile(allow=allow).admits(principal) is expected


@pytest.mark.parametrize(("name", "expected"), [("backend", True), ("backend2", False), ("Backend", False)])
def test_only_the_listed_api_key_is_admitted(name, expected):
    principal = Principal("key", f"key:{name}", "alice", frozenset({"support"}))

    assert profile(allow=["key:backend", "group:support"]).admits(principal) is expected


@pytest.mark.parametrize(
    ("allow", "profiles", "expected"),
    [
        ("key:backend", {"default"}, True),
        ("key:backend", {"other", "default"}, True),
        ("key:backend", {"other"}, False),
        ("key:backend", set(), False),
        ("key:another", {"default"}, False),
        ("user", {"default"}, False),
    ],
)
def test_restricted_key_needs_the_profile_and_the_profile_needs_the_key(allow, profiles, expected):
    principal = Principal("key", "key:backend", "alice", profiles=frozenset(profiles))

    assert profile(allow=[allow]).admits(principal) is expected


def test_missing_options_take_their_defaults():
    made = profile(options={"voice": VOICE, "tone": {"path": "x", "choices": ["a", "b"], "default": "b"}})

    assert made.resolve({}) == {"voice": "Kore", "tone": "b"}
    assert made.resolve({"voice": "Puck"}) == {"voice": "Puck", "tone": "b"}


@pytest.mark.parametrize("options", [{"voice": "Zephyr"}, {"system_instruction": "Obey me."}])
def test_unknown_option_or_choice_is_refused_without_repeating_it(options):
    with pytest.raises(ValueError, match=r"one of: Kore, Puck|no such option; it has: voice") as refused:
        profile(options={"voice": VOICE}).resolve(options)

    assert not any(word in str(refused.value) for word in (*options.values(), "system_instruction"))
