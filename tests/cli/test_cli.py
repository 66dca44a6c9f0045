import json
import subprocess
import sys

import pytest

from programs import OPEN_PROFILE, clean_environment
from tokensvc.emulator.background import BackgroundEmulator

LIMITED = OPEN_PROFILE.replace("budget = {", 'budget = { everyone = "20h/day",')


def test_help_lists_every_command_and_suggests_demo(tokensvc):
    output = tokensvc("--help").stdout

    for verb in ("serve", "demo", "emulator", "check", "users", "keys", "db"):
        assert f"\n  {verb} " in output
    assert "tokensvc demo" in output


def test_check_explains_each_profile(tokensvc):
    output = tokensvc("check").stdout

    assert "Profile default" in output
    assert "for       user, guest" in output
    assert "bidiGenerateContentSetup" in output


@pytest.mark.parametrize(
    ("http", "expected"),
    [
        (
            "",
            ["this machine only", "only our own may call", "https     no,", "http.trusted_proxies"],
        ),
        (
            """public_url = "https://tokens.example.com"
            origins = ["https://www.example.com", "https://shop.example.com"]
            frame_ancestors = ["'none'"]
            trusted_proxies = ["10.0.0.0/8", "2001:db8::/32"]
            page = false""",
            [
                "answers   https://tokens.example.com; a request for any other host is refused",
                "HSTS",
                "our own and those of https://www.example.com, https://shop.example.com may call",
                "a POST from any other is refused (403)",
                "page      none, framed by 'none'",
                "X-Forwarded-For that is not a proxy of 10.0.0.0/8, 2001:db8::/32",
            ],
        ),
        ('public_url = "http://localhost:8080"', ["http://localhost:8080", "https     no,"]),
    ],
)
def test_check_explains_hosts_origins_framing_and_proxies(tokensvc, tmp_path, http, expected):
    file = tmp_path / "web.toml"
    file.write_text(f"[http]\n{http}\n{OPEN_PROFILE}")
    output = tokensvc("check", TOKENSVC_CONFIG=str(file)).stdout

    assert [line for line in expected if line not in output] == []


def test_check_body_prints_only_json(tokensvc):
    body = json.loads(tokensvc("check", "--body", "default").stdout)

    assert body["bidiGenerateContentSetup"]["model"] == "models/gemini-3.8-live"


def test_check_body_of_an_unknown_profile_fails_with_a_message(tokensvc):
    done = tokensvc("check", "--body", "sales")

    assert done.exit_code == 1
    assert "There is no profile “sales”." in done.stderr


def test_check_refuses_an_option_without_a_value(tokensvc):
    done = tokensvc("check", "--body", "default", "--option", "voice")

    assert done.exit_code == 1
    assert "NAME=VALUE" in done.stderr


def test_check_refuses_extended_thinking_without_a_level_and_says_what_to_write(tokensvc, tmp_path):
    file = tmp_path / "thinking.toml"
    profile = LIMITED.replace("gemini-3.8-live", "gemini-3.8-live-extended-thinking")
    file.write_text(profile)
    done = tokensvc("check", TOKENSVC_CONFIG=str(file))

    assert done.exit_code == 2
    assert "profiles.default.config.thinking_config.thinking_level: is missing; write LOW or" in done.stderr

    file.write_text(profile + '[profiles.default.config]\nthinking_config.thinking_level = "LOW"\n')
    accepted = tokensvc("check", TOKENSVC_CONFIG=str(file))
    assert (accepted.exit_code, accepted.stderr) == (0, "")


def test_check_refuses_a_field_of_v1alpha_on_v1beta_and_says_what_to_set(tokensvc, tmp_path):
    file = tmp_path / "affective.toml"
    model = "gemini-2.5-flash-native-audio-latest"
    file.write_text(
        LIMITED.replace("gemini-3.8-live", model) + "[profiles.default.config]\nenable_affective_dialog = true\n"
    )
    done = tokensvc("check", TOKENSVC_CONFIG=str(file))

    assert done.exit_code == 2
    assert "config.enable_affective_dialog: exists on v1alpha only" in done.stderr
    assert 'set gemini.api_version = "v1alpha"' in done.stderr

    file.write_text(file.read_text() + '[gemini]\napi_version = "v1alpha"\n')
    accepted = tokensvc("check", TOKENSVC_CONFIG=str(file))
    assert (accepted.exit_code, accepted.stderr) == (0, "")


def test_check_warns_of_guests_whose_cost_nothing_limits(tokensvc, tmp_path):
    file = tmp_path / "guests.toml"
    file.write_text(OPEN_PROFILE)
    warned = tokensvc("check", TOKENSVC_CONFIG=str(file))
    file.write_text(LIMITED)
    limited = tokensvc("check", TOKENSVC_CONFIG=str(file))

    assert (warned.exit_code, limited.exit_code) == (0, 0)
    assert "profiles.default admits guests" in warned.stderr
    assert "limits.budget.everyone" in warned.stderr
    assert limited.stderr == ""


def test_check_warns_of_an_unknown_model_and_explains_it(tokensvc, tmp_path):
    file = tmp_path / "unknown.toml"
    file.write_text(OPEN_PROFILE.replace("gemini-3.8-live", "gemini-3.8-life"))
    done = tokensvc("check", TOKENSVC_CONFIG=str(file))

    assert done.exit_code == 0
    assert "Profile default" in done.stdout
    assert "profiles.default.model: tokensvc does not know models/gemini-3.8-life" in done.stderr
    assert "gemini-3.8-live," in done.stderr
    body = tokensvc("check", "--body", "default", TOKENSVC_CONFIG=str(file)).stdout
    assert json.loads(body)["bidiGenerateContentSetup"]["model"] == "models/gemini-3.8-life"


@pytest.mark.parametrize(
    "voice",
    [
        'speech_config.voice_config.prebuilt_voice_config.voice_name = "Korre"',
        'speechConfig.voiceConfig.prebuiltVoiceConfig.voiceName = "Korre"',
    ],
)
def test_check_warns_of_an_unknown_voice(tokensvc, tmp_path, voice):
    file = tmp_path / "voice.toml"
    file.write_text(f"{OPEN_PROFILE}[profiles.default.config]\n{voice}\n")
    done = tokensvc("check", TOKENSVC_CONFIG=str(file))

    assert done.exit_code == 0
    assert "profiles.default.config: tokensvc does not know the voice Korre; did you mean “Kore”?" in done.stderr


def test_check_lists_every_fault_of_the_environment(tokensvc):
    done = tokensvc("check", GEMINI_API_KEY=None, TOKENSVC_SECRET_KEY="canary")

    assert done.exit_code == 2
    assert "GEMINI_API_KEY is not set" in done.stderr
    assert "TOKENSVC_SECRET_KEY is shorter than 32 bytes" in done.stderr
    assert "Traceback" not in done.stderr
    assert "canary" not in done.stderr + done.stdout


def test_accounts_are_added_listed_and_removed_and_mistakes_fail_with_a_message(tokensvc):
    assert tokensvc("users", "add", "alice", "--password-stdin", typed="a long password\n").stdout == ("Added alice.\n")
    assert tokensvc("users", "list").stdout == "alice\n"
    again = tokensvc("users", "add", "alice", "--password-stdin", typed="a long password\n")
    assert (again.exit_code, "already" in again.stderr) == (1, True)
    short = tokensvc("users", "set-password", "alice", "--password-stdin", typed="short\n")
    assert (short.exit_code, "12 to 1024" in short.stderr) == (1, True)
    assert tokensvc("users", "remove", "alice").stdout == "Removed alice.\n"
    assert tokensvc("users", "remove", "alice").exit_code == 1
    assert tokensvc("users", "list").stdout == ""


def test_api_keys_are_created_listed_and_removed_and_mistakes_fail_with_a_message(tokensvc):
    created = tokensvc("keys", "create", "backend")
    assert created.stdout.startswith("tsk_")
    assert len(created.stdout) == len("tsk_") + 38 + 1  # scripts need the key alone
    assert "key:backend" in created.stderr
    assert created.stdout.strip() not in created.stderr
    again = tokensvc("keys", "create", "backend")
    assert (again.exit_code, "already" in again.stderr) == (1, True)
    assert tokensvc("keys", "create", "back end").exit_code == 1
    assert tokensvc("keys", "list").stdout.startswith("backend\t20")
    assert tokensvc("keys", "remove", "backend").stdout == "Removed backend.\n"
    assert tokensvc("keys", "remove", "backend").exit_code == 1
    assert tokensvc("keys", "list").stdout == ""


def test_api_key_is_created_and_listed_with_its_profiles(tokensvc):
    created = tokensvc("keys", "create", "phone", "--profile", "sales", "--profile", "help")
    assert created.stdout.startswith("tsk_")
    assert "help, sales" in created.stderr
    tokensvc("keys", "create", "all")
    unrestricted, restricted = tokensvc("keys", "list").stdout.splitlines()
    assert restricted.endswith("help, sales, if “allow” lists “key:phone”")
    assert unrestricted.endswith("every profile whose “allow” lists “key:all”")
    for name in ("a b", "", "x" * 65, "ü"):
        refused = tokensvc("keys", "create", "other", "--profile", name)
        assert (refused.exit_code, "profile's name" in refused.stderr) == (1, True)


def test_check_explains_each_issuer_and_names_the_invalid_one(tokensvc, tmp_path):
    issuer = """
[[issuers]]
name = "clerk"
preset = "clerk"
issuer = "https://clerk.example.com"
"""
    file = tmp_path / "issuer.toml"
    file.write_text(OPEN_PROFILE + issuer + 'clients = ["https://www.example.com"]')
    output = tokensvc("check", TOKENSVC_CONFIG=str(file)).stdout
    assert "JWTs of https://clerk.example.com for no audience: RS256" in output

    file.write_text(OPEN_PROFILE + issuer)
    done = tokensvc("check", TOKENSVC_CONFIG=str(file))
    assert done.exit_code != 0
    assert "issuers.0 (clerk): clients is missing" in done.stderr


def test_generated_password_is_shown(tokensvc):
    output = tokensvc("users", "add", "bob", typed="\n").stdout

    assert len(output.split("Password: ")[-1].strip()) >= 12


def test_db_upgrade_creates_the_store_without_any_secret(tokensvc, tmp_path):
    done = tokensvc("db", "upgrade", GEMINI_API_KEY=None, TOKENSVC_SECRET_KEY=None)

    assert done.stdout == "The store's schema is up to date.\n"
    assert (tmp_path / "data" / "tokensvc.db").exists()


def test_emulator_without_its_packages_says_what_to_install():
    """The other commands work without the emulator's packages."""
    hide = (
        "import sys; sys.modules['aiohttp'] = None; sys.modules['numpy'] = None\n"
        "from tokensvc.cli import main; sys.argv = ['tokensvc', *sys.argv[1:]]; main()"
    )
    for words, expected in (
        (["emulator"], "pip install 'tokensvc[emulator]'"),
        (["--help"], "serve"),
    ):
        done = subprocess.run(
            [sys.executable, "-c", hide, *words],
            env=clean_environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

        assert expected in done.stderr + done.stdout


def test_check_prints_every_limit_in_force_and_the_terms(tokensvc, tmp_path):
    file = tmp_path / "limits.toml"
    file.write_text("""
        [profiles.default]
        model = "gemini-3.8-live"
        allow = ["user"]
        limits = ["3/hour"]
        limits_mode = "record"
        [limits.concurrent]
        mode = "record"
        [limits.groups.support]
        budget = "8h/day"
    """)
    output = tokensvc("check", TOKENSVC_CONFIG=str(file)).stdout

    for line in (
        "of a person: 10/minute, 60/hour",
        "of an address of guests (IPv6: a /64): 20/minute, 200/day",
        "3 of a person, 20 of an address of guests (only recorded: more is logged, and passes)",
        "of a person no limit, of an address of guests 30m, of everyone no limit",
        "group     support: talk a day of all 8h",
        "default: starts of a person: 3/hour; talk a day of all no limit (only recorded: more is logged, and passes)",
        "EEA, Switzerland or the UK: only with a paid key",
        "people under 18",
        "people must be told that they talk to a machine",
    ):
        assert line in output


def test_check_warns_of_google_search_whose_suggestions_a_page_has_to_show(tokensvc, tmp_path):
    file = tmp_path / "search.toml"
    file.write_text(OPEN_PROFILE + "[[profiles.default.config.tools]]\ngoogle_search = {}\n")
    done = tokensvc("check", TOKENSVC_CONFIG=str(file))

    assert done.exit_code == 0
    assert "Google requires that its Search Suggestions are shown" in done.stderr


def test_check_reports_a_store_that_cannot_be_used(tokensvc):
    done = tokensvc("check", DATABASE_URL="mysql://somewhere/else")

    assert (done.exit_code, "DATABASE_URL must" in done.stderr) == (2, True)


def test_check_live_opens_the_store_and_mints_a_token(tokensvc):
    with BackgroundEmulator() as emulator:
        done = tokensvc("check", "--live", TOKENSVC_GEMINI_BASE_URL=emulator.url)
        assert done.exit_code == 0, done.output
    assert "The store can be written (sqlite)." in done.stdout
    assert "A token was minted for profile default." in done.stdout

    done = tokensvc("check", "--live", TOKENSVC_GEMINI_BASE_URL="http://127.0.0.1:9")
    assert (done.exit_code, "No token: upstream-unavailable" in done.stderr) == (1, True)


def test_help_of_block_says_how_long_and_how_to_undo(tokensvc):
    output = tokensvc("block", "--help").stdout

    for words in (
        "tokensvc block all --for 30m",
        "tokensvc unblock subject alice",
        "tokensvc blocks",
        "token_lifetime",
    ):
        assert words in output
