"""Each misconfiguration is reported in one line, and each way to write the same value is read."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from config.misconfigurations import MISCONFIGURATIONS, PROFILE, Wrong
from programs import SECRET_KEY
from tokensvc.cli.root import tokensvc


def _check(environment: dict[str, str]):
    return CliRunner().invoke(tokensvc, ["check"], env=environment)


@pytest.mark.parametrize("name", MISCONFIGURATIONS)
def test_check_reports_a_misconfiguration_in_one_line_with_its_fix(tmp_path, name):
    wrong = MISCONFIGURATIONS[name]
    done = _check(wrong.prepared(tmp_path))

    print(f"\n{name:38}{wrong.report_line(done.stderr).strip()}")  # noqa: T201 - shown by -s
    assert done.exit_code == 2
    assert isinstance(done.exception, SystemExit)


WEB = '[http]\npublic_url = "{}"\n' + PROFILE


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("https://tokens.test:443", "https://tokens.test"),
        ("HTTPS://Tokens.TEST/", "https://tokens.test"),
        (" https://tokens.test:0443 ", "https://tokens.test"),
        ("https://bücher.test", "https://xn--bcher-kva.test"),
        ("https://tokens.test:", "https://tokens.test"),
        ("http://localhost:80", "http://localhost"),
        ("http://[0:0:0:0:0:0:0:1]:8080", "http://[::1]:8080"),
        ("https://tokens.test:8443", "https://tokens.test:8443"),
    ],
)
def test_address_is_used_as_browsers_write_it(tmp_path, written, shown):
    output = _check(Wrong((), WEB.format(written)).prepared(tmp_path)).stdout

    assert f"answers   {shown};" in output


@pytest.mark.parametrize("around", ['"{}"', "'{}'", "{}\n", "{}\r", " {} ", "\ufeff{}", "' {} '\r\n"])
def test_quotes_blanks_and_marks_around_a_variable_are_no_part_of_it(tmp_path, around):
    """`docker --env-file` keeps quotes, and files that Windows wrote keep carriage returns."""
    environment = Wrong(()).prepared(tmp_path)
    wrapped = {
        name: around.format(environment[name]) for name in environment if name.startswith(("TOKENSVC_", "GEMINI_"))
    }
    wrapped |= {"PORT": around.format("8080"), "WEB_CONCURRENCY": around.format("2")}
    wrapped["DATABASE_URL"] = around.format(f"sqlite:///{tmp_path}/x.db")
    done = _check(environment | wrapped)

    assert (done.exit_code, done.stderr) == (0, "")


def test_each_value_of_a_list_may_be_in_quotes(tmp_path):
    environment = Wrong(()).prepared(tmp_path)
    environment["TOKENSVC_SECRET_KEY"] = f'"{SECRET_KEY}", "{SECRET_KEY[::-1]}"'

    assert _check(environment).exit_code == 0


CONTENT = '# ☂ ü\n[profiles.default]\nmodel = "gemini-3.8-live"\nallow = ["user"]\n'


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_file_is_read_as_any_editor_saves_it(tmp_path, encoding, ends):
    content = CONTENT.replace("\n", ends).encode(encoding)
    done = _check(Wrong((), content).prepared(tmp_path))

    assert (done.exit_code, done.stderr) == (0, "")


def test_names_that_may_exist_tomorrow_are_warned_of(tmp_path):
    path = "speech_config.voice_config.prebuilt_voice_config.voice_name"
    profile = (
        f'{PROFILE}config.{path} = "Kora"\n[profiles.default.options.voice]\npath = "{path}"\n'
        'choices = ["Kora", "Puck", "Nova"]\n'
    )
    done = _check(Wrong((), profile.replace("3.8-live", "4-live")).prepared(tmp_path))

    assert done.exit_code == 0
    model, kora, nova = done.stderr.splitlines()
    assert "profiles.default.model: tokensvc does not know models/gemini-4-live" in model
    assert "the voice Kora; did you mean “Kore”?" in kora
    assert "the voice Nova" in nova
