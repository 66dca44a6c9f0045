"""web/ as it is served: each file stripped of comments and compressed once, at start."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tokensvc.web_api.comments import without_comments

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_SERVED = {".html", ".js", ".css", ".svg", ".png", ".json", ".webmanifest"}
_NOT_SERVED = {"package.json", "tsconfig.json", "tsconfig.worklet.json"}


@dataclass(frozen=True)
class Asset:
    """A file as it is served, and compressed."""

    content: bytes
    compressed: bytes
    media_type: str
    digest: str


@dataclass(frozen=True)
class Release:
    """What a browser may have of web/, by its path in POSIX form; pages apart from their parts."""

    digest: str
    pages: Mapping[str, Asset]
    parts: Mapping[str, Asset]


def web_folder() -> Path:
    """The folder web/: inside the package where it was installed, beside it in a clone."""
    package = Path(__file__).parents[1]
    inside = package / "web"
    return inside if inside.is_dir() else package.parent / "web"


def read_release(folder: Path) -> Release:
    """All that is served of *folder*."""
    contents = {
        path.relative_to(folder).as_posix(): _content(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and path.suffix in _SERVED
        and path.name not in _NOT_SERVED
        and "node_modules" not in path.parts
    }
    whole = hashlib.sha256()
    for name, content in contents.items():
        whole.update(f"{name}\0{len(content)}\0".encode() + content)
    digest = whole.hexdigest()[:32]
    parts = {name: content for name, content in contents.items() if not _is_page(name)}
    pages = {
        name: _linked(content, parts.keys(), digest)
        for name, content in contents.items()
        if _is_page(name)
    }
    return Release(
        digest,
        pages={name: _asset(name, content) for name, content in pages.items()},
        parts={name: _asset(name, content) for name, content in parts.items()},
    )


def _is_page(name: str) -> bool:
    return name.endswith(".html")


def _content(path: Path) -> bytes:
    if path.suffix == ".js":
        return without_comments(path.read_text(encoding="utf-8")).encode()
    return path.read_bytes()


def _linked(page: bytes, names: Collection[str], digest: str) -> bytes:
    """*page* with each of *names* that it links, taken from the release *digest*."""

    def link(found: re.Match[str]) -> str:
        attribute, name = found.groups()
        return f'{attribute}="assets/{digest}/{name}"' if name in names else found[0]

    return re.sub(r'\b(src|href)="([^"]+)"', link, page.decode()).encode()


def _asset(name: str, content: bytes) -> Asset:
    media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    if name.endswith(".js"):
        media_type = "text/javascript"  # whatever this machine's table says
    return Asset(
        content=content,
        compressed=gzip.compress(content, 9, mtime=0),
        media_type=media_type,
        digest=hashlib.sha256(content).hexdigest()[:32],
    )
