"""A release is named by all that is served of it."""

from __future__ import annotations

import pytest

from tokensvc.web_api.releases import read_release

FILES = {
    "index.html": '<script src="app.js"></script><a href="https://a.test/app.js">app.js</a>',
    "app.js": "import './live/a.js'; // the page",
    "live/a.js": "export {};",
    "widget.js": "import './live/a.js';",
    "package.json": "{}",
    "live/scope.d.ts": "type A = 1;",
}


@pytest.fixture(name="folder")
def _folder(tmp_path):
    """A small web/."""
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("name", ["index.html", "app.js", "live/a.js", "widget.js"])
def test_a_file_that_changes(folder, name):
    """Any other content anywhere is another release."""
    before = read_release(folder).digest
    (folder / name).write_text(FILES[name] + "\nf();", encoding="utf-8")
    assert read_release(folder).digest != before


def test_a_file_that_is_renamed(folder):
    """The same content under another name is another release."""
    before = read_release(folder).digest
    (folder / "live/a.js").rename(folder / "live/b.js")
    assert read_release(folder).digest != before


@pytest.mark.parametrize(
    ("name", "text"),
    [("package.json", "[]"), ("live/scope.d.ts", ""), ("app.js", "import './live/a.js'; // ours")],
)
def test_what_no_browser_sees(folder, name, text):
    """What is not sent makes no other release: neither the tools' files nor a comment."""
    before = read_release(folder).digest
    (folder / name).write_text(text, encoding="utf-8")
    assert read_release(folder).digest == before


def test_a_page(folder):
    """It takes its parts from its own release, and other addresses stay as they are."""
    release = read_release(folder)
    assert release.parts.keys() == {"app.js", "live/a.js", "widget.js"}
    assert release.pages["index.html"].content.decode() == (
        f'<script src="assets/{release.digest}/app.js"></script>'
        '<a href="https://a.test/app.js">app.js</a>'
    )
