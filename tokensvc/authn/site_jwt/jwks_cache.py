"""Caches a provider's last valid key set in a file, so that we can start while it is down."""

import base64
import hashlib
import json
import logging
import os
from pathlib import Path

_log = logging.getLogger(__name__)


class JwksCache:
    """A cache of one URL's key set; if its file cannot be used, it only logs a warning."""

    def __init__(self, folder: Path, url: str) -> None:
        """*folder* is created by the first write."""
        self._file = folder / f"{hashlib.sha256(url.encode()).hexdigest()[:32]}.json"

    def read(self) -> tuple[bytes, float] | None:
        """Return the content written last and when it was fetched (seconds since the epoch), or None."""
        try:
            kept = json.loads(self._file.read_bytes())
            return base64.b64decode(kept["content"]), float(kept["fetched_at"])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            _log.warning("JWKS cache unreadable file=%s reason=%s", self._file, type(error).__name__)
            return None

    def write(self, content: bytes, fetched_at: float) -> None:
        """Write *content* atomically."""
        kept = {"fetched_at": fetched_at, "content": base64.b64encode(content).decode()}
        unfinished = self._file.with_suffix(f".{os.getpid()}")  # one for each process
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            unfinished.write_text(json.dumps(kept), encoding="ascii")
            unfinished.replace(self._file)
        except OSError as error:
            _log.warning("JWKS not cached file=%s reason=%s", self._file, type(error).__name__)
