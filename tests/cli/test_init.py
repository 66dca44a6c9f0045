"""`tokensvc init`, and that what it writes passes `tokensvc check`."""

import json
import subprocess
import sys
import tomllib

import pytest

from programs import clean_environment
from wheels import CLONE


def run(folder, *words, typed=None, **environment):
    """Run a command in *folder*, as a new user does."""
    return subprocess.run(
        [sys.executable, "-m", "tokensvc", *words],
        cwd=folder,
        env=clean_environment(PYTHONPATH=str(CLONE), **environment),
        input=typed,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def secrets_in(folder):
    lines = (folder / ".env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if not line.startswith("#"))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--who", "guests"], "for       guest"),
        (["--who", "accounts", "--public-url", "https://tokens.example.com"], "answers   https://tokens.example.com"),
        (["--who", "jwt", "--origin", "https://shop.example.com"], "JWTs of https://shop.example.com for tokensvc"),
        (["--instruction", 'Say "ja".\nOr “nein”.', "--voice", "Puck"], '"voice_name": "Puck"'),
        (
            ["--instruction", 'Mind ["guest"] and origins = [] \x7f\\', "--origin", "https://shop.example.com"],
            r"Mind [\"guest\"] and origins = [] \u007f\\",
        ),
    ],
)
def test_what_init_writes_passes_check(tmp_path, words, expected):
    done = run(tmp_path, "init", *words)
    assert (done.returncode, done.stderr) == (0, "")
    assert ("tokensvc users add" in done.stdout) == ("accounts" in words)

    checked = run(tmp_path, "check", **secrets_in(tmp_path))
    assert checked.returncode == 0, checked.stderr
    assert expected in checked.stdout
    assert "GEMINI_API_KEY looks like a placeholder" in checked.stderr


def test_editors_find_the_schema_that_init_has_written(tmp_path):
    run(tmp_path, "init", "--who", "guests")
    first, _ = (tmp_path / "tokensvc.toml").read_text().split("\n", 1)
    written = (tmp_path / first.removeprefix("#:schema ")).read_text()

    assert first.startswith("#:schema ./")
    assert json.loads(written)["properties"]["profiles"]
    assert run(tmp_path, "schema").stdout == written


def test_init_asks_and_takes_the_key_from_the_environment(tmp_path):
    done = run(tmp_path, "init", typed="accounts\nhttps://shop.example.com\n\n\nAoede\n", GEMINI_API_KEY="AIza-of-mine")

    assert done.returncode == 0, done.stderr
    written = tomllib.loads((tmp_path / "tokensvc.toml").read_text())
    assert written["profiles"]["default"]["allow"] == ["user"]
    assert written["http"]["origins"] == ["https://shop.example.com"]
    assert secrets_in(tmp_path)["GEMINI_API_KEY"] == "AIza-of-mine"
    assert "AIza-of-mine" not in done.stdout


def test_files_are_private_differ_each_time_and_are_never_overwritten(tmp_path):
    run(tmp_path, "init", "--who", "guests")
    first = secrets_in(tmp_path)["TOKENSVC_SECRET_KEY"]
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600

    again = run(tmp_path, "init", "--who", "guests")
    assert (again.returncode, "tokensvc.toml exists, so nothing was written" in again.stderr) == (1, True)
    (tmp_path / "tokensvc.toml").unlink()
    again = run(tmp_path, "init", "--who", "guests")
    assert (again.returncode, ".env exists, so nothing was written" in again.stderr) == (1, True)
    assert secrets_in(tmp_path)["TOKENSVC_SECRET_KEY"] == first
    (tmp_path / ".env").unlink()
    run(tmp_path, "init", "--who", "guests")
    assert secrets_in(tmp_path)["TOKENSVC_SECRET_KEY"] != first


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["--who", "jwt"], "name the site that signs the tokens (--origin)"),
        (["--origin", "http://shop.example.com"], "http.origins.0: must be https"),
        (["--public-url", "tokens.example.com"], "http.public_url: must look like https://"),
    ],
)
def test_answer_that_cannot_be_used_is_refused_and_nothing_is_written(tmp_path, words, fault):
    done = run(tmp_path, "init", *words)

    assert done.returncode in {1, 2}
    assert fault in done.stderr
    assert list(tmp_path.iterdir()) == []
