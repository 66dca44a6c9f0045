"""What the wheel carries: the package, and of web/ what is served, minified."""

from __future__ import annotations

import gzip
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tokensvc.web_api.releases import read_release
from wheels import CLONE, build, contents, copy_clone, unpacked

WEB = CLONE / "web"
# What tools and people leave behind in web/.
LEFTOVERS = [
    "node_modules/left/index.js",
    "node_modules/left/style.css",
    "dist/live/session.js",
    "types/live/session.d.ts",
    "scratch/draft.js",
    "live/node_modules/readme.md",
    "live/session.js.orig",
    "live/notes.html",
    "package-lock.json",
    "README.md",
    ".env",
]

# What a site may write; without our types, everything would be Any.
CONSUMER = """\
from typing import assert_type
from flask import Flask
from tokensvc.app import Application, create_app
from tokensvc.emulator import BackgroundEmulator

application: Flask = create_app({})
assert_type(create_app({}), Application)
with BackgroundEmulator() as emulator:
    assert_type(emulator.url, str)
"""
# The largest of the libraries that our signatures do not show: three times as fast without them.
MYPY_CONFIGURATION = """\
[mypy]
[mypy-aiohttp.*,alembic.*,cryptography.*,google.*,numpy.*,pydantic.*,sqlalchemy.*]
follow_imports = skip
"""


def test_of_web_it_carries_what_is_served_and_no_leftover(tmp_path):
    """After `npm i` and `npm pack` in web/ the wheel is the same."""
    clone = copy_clone(tmp_path / "clone")
    before = contents(build(clone, tmp_path / "before"))
    for name in LEFTOVERS:
        path = clone / "web" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("left(behind);\n", encoding="utf-8")
    assert contents(build(clone, tmp_path / "after")) == before
    release = read_release(WEB)
    carried = {name.removesuffix(".gz") for name in before if name.startswith("tokensvc/web/")}
    assert carried == {f"tokensvc/web/{name}" for name in (*release.pages, *release.parts)}


def test_besides_it_carries_the_package_alone(wheel):
    """No test, no document and no build script."""
    tops = {name.split("/", 1)[0] for name in contents(wheel)}
    assert tops == {"tokensvc", wheel.name.split("-py3", 1)[0] + ".dist-info"}


def test_scripts_and_style_sheets_are_compressed_as_well(wheel):
    """The service sends these; they are smaller than what zlib makes of them."""
    carried = contents(wheel)
    compressed = {name.removesuffix(".gz"): content for name, content in carried.items() if name.endswith(".gz")}
    assert compressed.keys() == {name for name in carried if name.endswith((".js", ".css"))}
    for name, content in compressed.items():
        assert gzip.decompress(content) == carried[name]
    assert sum(map(len, compressed.values())) < sum(len(gzip.compress(carried[name], 9)) for name in compressed)


def test_scripts_and_style_sheets_are_minified(wheel):
    """Each is smaller than as written and has no comment; every other file is the same."""
    for name, content in contents(wheel).items():
        if not name.startswith("tokensvc/web/") or name.endswith(".gz"):
            continue
        written = (CLONE / name.removeprefix("tokensvc/")).read_bytes()
        if name.endswith((".js", ".css")):
            assert len(content) < len(written), name
            assert b"/**" not in content, name
        else:
            assert content == written, name


def test_sdist_builds_the_same_wheel(tmp_path, wheel):
    """It carries whatever the build needs."""
    sdist = build(copy_clone(tmp_path / "clone"), tmp_path / "sdist", "sdist")
    assert contents(build(sdist, tmp_path / "wheel")) == contents(wheel)


@pytest.mark.parametrize(("name", "written"), [("live/session.js", "export class {"), ("app.js", "f(`${a")])
def test_script_that_does_not_parse_fails_the_build(tmp_path, name, written):
    """The error names the file."""
    clone = copy_clone(tmp_path / "clone")
    (clone / "web" / name).write_text(written, encoding="utf-8")
    with pytest.raises(subprocess.CalledProcessError) as failed:
        build(clone, tmp_path)
    assert f"web/{name}: " in failed.value.stderr


def test_folder_that_is_missing_fails_the_build(tmp_path):
    """A wheel without the client is not built."""
    clone = copy_clone(tmp_path / "clone")
    (clone / "web" / "page").rename(clone / "web" / "pages")
    with pytest.raises(subprocess.CalledProcessError) as failed:
        build(clone, tmp_path)
    assert "web/page/**/*.js" in failed.value.stderr


def test_it_is_marked_as_typed(wheel):
    assert "tokensvc/py.typed" in contents(wheel)


def test_strict_type_checker_finds_its_types(tmp_path, wheel):
    """Installed in an environment of its own: in the tests' one, the clone provides `tokensvc`."""
    environment = tmp_path / "environment"
    venv.create(environment)
    packages = Path(sysconfig.get_path("purelib", "venv", vars={"base": str(environment)}))
    unpacked(wheel, packages)
    # The libraries that the tests use. A .pth file among them, as the clone's, has no effect here.
    (packages / "libraries.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    consumer, configuration = tmp_path / "consumer.py", tmp_path / "mypy.ini"
    consumer.write_text(CONSUMER, encoding="utf-8")
    configuration.write_text(MYPY_CONFIGURATION, encoding="utf-8")
    checked = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--strict", f"--config-file={configuration}"),
            *(f"--python-executable={environment / 'bin/python'}", "--cache-dir=/dev/null"),
            consumer,
        ],
        check=False,
        capture_output=True,
        cwd=tmp_path,
        text=True,
    )
    assert checked.stdout == "Success: no issues found in 1 source file\n"
