"""Reads web/ once, at start, and compresses each file that is served, unless the wheel has it compressed."""

import gzip
import hashlib
import mimetypes
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

# The files in web/ that browsers may fetch, and that the wheel carries (tools/hatch_build.py).
SERVED = (
    *("*.html", "*.css", "*.js", "*.svg", "openapi.json"),
    *("embed/**/*.js", "live/**/*.js", "page/**/*.js", "widget/**/*.js"),
)


@dataclass(frozen=True)
class Asset:
    """A file as it is served, both plain and compressed."""

    content: bytes
    compressed: bytes
    media_type: str
    digest: str


@dataclass(frozen=True)
class Release:
    """The files in web/ that browsers may fetch, by POSIX path: pages, and the parts they load."""

    digest: str
    pages: Mapping[str, Asset]
    parts: Mapping[str, Asset]


def web_folder() -> Path:
    """Return the folder web/: inside the package if installed, beside the package in a clone."""
    package = Path(__file__).parents[1]
    inside = package / "web"
    return inside if inside.is_dir() else package.parent / "web"


def read_release(folder: Path) -> Release:
    """Return everything that is served from *folder*."""
    contents = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(path for pattern in SERVED for path in folder.glob(pattern))
    }
    whole = hashlib.sha256()
    for name, content in contents.items():
        whole.update(f"{name}\0{len(content)}\0".encode() + content)
    digest = whole.hexdigest()[:32]
    parts = {name: content for name, content in contents.items() if not _is_page(name)}
    pages = {name: _linked(content, parts.keys(), digest) for name, content in contents.items() if _is_page(name)}
    return Release(
        digest,
        pages={name: _asset(name, content) for name, content in pages.items()},
        parts={name: _asset(name, content, folder / f"{name}.gz") for name, content in parts.items()},
    )


def _is_page(name: str) -> bool:
    return name.endswith(".html")


def _linked(page: bytes, names: Collection[str], digest: str) -> bytes:
    """Return *page* with its links to *names* changed to those files in the release *digest*."""

    def link(found: re.Match[str]) -> str:
        attribute, name = found.groups()
        return f'{attribute}="assets/{digest}/{name}"' if name in names else found[0]

    return re.sub(r'\b(src|href)="([^"]+)"', link, page.decode()).encode()


def _asset(name: str, content: bytes, zipped: Path | None = None) -> Asset:
    media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    if name.endswith(".js"):
        media_type = "text/javascript"  # some machines' tables say otherwise
    return Asset(
        content=content,
        compressed=zipped.read_bytes() if zipped and zipped.exists() else gzip.compress(content, 9, mtime=0),
        media_type=media_type,
        digest=hashlib.sha256(content).hexdigest()[:32],
    )
