import json
import subprocess
import sys

import pytest

from programs import OPEN_PROFILE, clean_environment


def test_help(tokensvc):
    """It lists every verb, and says with which to start."""
    said = tokensvc("--help").stdout

    for verb in ("serve", "demo", "emulator", "check", "users", "keys", "db"):
        assert f"\n  {verb} " in said
    assert "tokensvc demo" in said


def test_check(tokensvc):
    """It explains each profile: what is locked, what may be chosen, what Google gets."""
    said = tokensvc("check").stdout

    assert "Profile default" in said
    assert "for       user, guest" in said
    assert "bidiGenerateContentSetup" in said


@pytest.mark.parametrize(
    ("http", "expected"),
    [
        ("", ["this machine alone", "our own alone may call", "https     not here", "list it in"]),
        (
            """public_url = "https://tokens.example.com"
            origins = ["https://www.example.com", "https://shop.example.com"]
            frame_ancestors = ["'none'"]
            trusted_proxies = ["10.0.0.0/8", "2001:db8::/32"]
            page = false""",
            [
                "answers   https://tokens.example.com; a request for any other host is refused",
                "HSTS",
                "our own and https://www.example.com, https://shop.example.com may call",
                "a POST from any other is refused (403)",
                "page      none, framed by 'none'",
                "where X-Forwarded-For leaves the proxies of 10.0.0.0/8, 2001:db8::/32",
            ],
        ),
        ('public_url = "http://localhost:8080"', ["http://localhost:8080", "https     not here"]),
    ],
)
def test_check_of_the_web(tokensvc, tmp_path, http, expected):
    """It says who is answered, which pages may call, and whose word is taken for an address."""
    file = tmp_path / "web.toml"
    file.write_text(f"[http]\n{http}\n{OPEN_PROFILE}")
    said = tokensvc("check", TOKENSVC_CONFIG=str(file)).stdout

    assert [line for line in expected if line not in said] == []


def test_check_of_one_body(tokensvc):
    """It is JSON and nothing else."""
    body = json.loads(tokensvc("check", "--body", "default").stdout)

    assert body["bidiGenerateContentSetup"]["model"] == "models/gemini-3.8-live"


def test_check_of_a_profile_that_is_not_there(tokensvc):
    """It is a sentence and a failure."""
    done = tokensvc("check", "--body", "sales")

    assert done.exit_code == 1
    assert "There is no profile “sales”." in done.stderr


def test_check_lists_every_fault_of_the_environment(tokensvc):
    done = tokensvc("check", GEMINI_API_KEY=None, TOKENSVC_SECRET_KEY="canary")

    assert done.exit_code == 2
    assert "GEMINI_API_KEY is not set" in done.stderr
    assert "TOKENSVC_SECRET_KEY is shorter than 32 bytes" in done.stderr
    assert "Traceback" not in done.stderr
    assert "canary" not in done.stderr + done.stdout


def test_accounts(tokensvc):
    """They are added, listed, changed and removed; a mistake is a sentence."""
    assert tokensvc(
        "users", "add", "alice", "--password-stdin", typed="a long password\n"
    ).stdout == ("Added alice.\n")
    assert tokensvc("users", "list").stdout == "alice\n"
    again = tokensvc("users", "add", "alice", "--password-stdin", typed="a long password\n")
    assert (again.exit_code, "already" in again.stderr) == (1, True)
    short = tokensvc("users", "set-password", "alice", "--password-stdin", typed="short\n")
    assert (short.exit_code, "12 to 1024" in short.stderr) == (1, True)
    assert tokensvc("users", "remove", "alice").stdout == "Removed alice.\n"
    assert tokensvc("users", "remove", "alice").exit_code == 1
    assert tokensvc("users", "list").stdout == ""


def test_api_keys(tokensvc):
    """They are made and shown once, listed by name, removed; a mistake is a sentence."""
    made = tokensvc("keys", "create", "backend")
    assert made.stdout.startswith("tsk_")
    assert len(made.stdout) == len("tsk_") + 38 + 1  # for scripts: the key and nothing else
    assert "key:backend" in made.stderr
    assert made.stdout.strip() not in made.stderr
    again = tokensvc("keys", "create", "backend")
    assert (again.exit_code, "already" in again.stderr) == (1, True)
    assert tokensvc("keys", "create", "back end").exit_code == 1
    assert tokensvc("keys", "list").stdout.startswith("backend\t20")
    assert tokensvc("keys", "remove", "backend").stdout == "Removed backend.\n"
    assert tokensvc("keys", "remove", "backend").exit_code == 1
    assert tokensvc("keys", "list").stdout == ""


def test_an_api_key_for_some_profiles(tokensvc):
    """It is made and listed with them; a name that no profile has is a mistake."""
    made = tokensvc("keys", "create", "phone", "--profile", "sales", "--profile", "help")
    assert made.stdout.startswith("tsk_")
    assert "help, sales" in made.stderr
    tokensvc("keys", "create", "all")
    of_all, of_phone = tokensvc("keys", "list").stdout.splitlines()
    assert of_phone.endswith("help, sales, where “allow” lists “key:phone”")
    assert of_all.endswith("every profile whose “allow” lists “key:all”")
    for name in ("a b", "", "x" * 65, "ü"):
        refused = tokensvc("keys", "create", "other", "--profile", name)
        assert (refused.exit_code, "profile's name" in refused.stderr) == (1, True)


def test_check_of_an_issuer(tokensvc, tmp_path):
    """It says whose JWTs are believed, and fetches nothing; a fault is told with its issuer."""
    issuer = """
[[issuers]]
name = "clerk"
preset = "clerk"
issuer = "https://clerk.example.com"
"""
    file = tmp_path / "issuer.toml"
    file.write_text(OPEN_PROFILE + issuer + 'clients = ["https://www.example.com"]')
    said = tokensvc("check", TOKENSVC_CONFIG=str(file)).stdout
    assert "JWTs of https://clerk.example.com for no audience: RS256" in said

    file.write_text(OPEN_PROFILE + issuer)
    done = tokensvc("check", TOKENSVC_CONFIG=str(file))
    assert done.exit_code != 0
    assert "issuers.0 (clerk): clients is missing" in done.stderr


def test_a_password_that_is_made_up(tokensvc):
    """It is shown once, to whoever left it empty."""
    said = tokensvc("users", "add", "bob", typed="\n").stdout

    assert len(said.split("Password: ")[-1].strip()) >= 12


def test_the_store(tokensvc, tmp_path):
    """It is made, or brought up to date, with no secret at hand."""
    done = tokensvc("db", "upgrade", GEMINI_API_KEY=None, TOKENSVC_SECRET_KEY=None)

    assert done.stdout == "The store's schema is up to date.\n"
    assert (tmp_path / "data" / "tokensvc.db").exists()


def test_no_emulator():
    """Without its libraries the verb says what to install, and the others work."""
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
