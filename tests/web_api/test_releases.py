"""A release is identified by a digest of everything served."""

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
    "live/b.html": "<p>",
    "node_modules/left/index.js": "export {};",
    "dist/live/a.js": "export {};",
}


@pytest.fixture(name="folder")
def _folder(tmp_path):
    """A small copy of the web/ folder."""
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("name", ["index.html", "app.js", "live/a.js", "widget.js"])
def test_changed_file_changes_the_digest(folder, name):
    before = read_release(folder).digest
    (folder / name).write_text(FILES[name] + "\nf();", encoding="utf-8")
    assert read_release(folder).digest != before


def test_renamed_file_changes_the_digest(folder):
    before = read_release(folder).digest
    (folder / "live/a.js").rename(folder / "live/b.js")
    assert read_release(folder).digest != before


@pytest.mark.parametrize("name", ["package.json", "live/scope.d.ts", "dist/live/a.js"])
def test_files_that_are_not_served_do_not_change_the_digest(folder, name):
    before = read_release(folder).digest
    (folder / name).write_text("", encoding="utf-8")
    assert read_release(folder).digest == before


def test_page_loads_parts_of_its_own_release_and_keeps_other_urls(folder):
    release = read_release(folder)
    assert release.parts.keys() == {"app.js", "live/a.js", "widget.js"}
    assert release.pages["index.html"].content.decode() == (
        f'<script src="assets/{release.digest}/app.js"></script><a href="https://a.test/app.js">app.js</a>'
    )
