"""Follows the configuration file: profiles and limits change without a restart."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from tokensvc.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tokensvc.issuing import Policy

_log = logging.getLogger(__name__)
_LOOK_EVERY = 1.0  # seconds


class FollowedPolicy:
    """The policy of a file: looked at once a second, compiled aside, swapped whole.

    Where the file no longer makes sense, the last good policy stays in force, and the log says so.
    Belongs to one process.
    """

    def __init__(
        self,
        file: Path,
        policy: Policy,
        read: Callable[[], Policy],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """*policy* is what *file* says now; *read* reads it anew; *clock* is in seconds."""
        self._file = file
        self._policy = policy
        self._read = read
        self._clock = clock
        self._seen = self._stamp()
        self._looked = clock()
        self._lock = threading.Lock()
        self._reader: threading.Thread | None = None

    def __call__(self) -> Policy:
        """The policy in force; never waits for a file."""
        if self._clock() - self._looked >= _LOOK_EVERY and self._lock.acquire(blocking=False):
            try:
                self._look()
            finally:
                self._lock.release()
        return self._policy

    def settle(self) -> None:
        """Wait for a change that was seen to be in force, or refused."""
        with self._lock:
            reader = self._reader
        if reader is not None:
            reader.join()

    def _look(self) -> None:
        self._looked = self._clock()
        stamp = self._stamp()
        if stamp == self._seen or (self._reader is not None and self._reader.is_alive()):
            return
        self._seen = stamp
        self._reader = threading.Thread(target=self._reload, name="reloading", daemon=True)
        self._reader.start()

    def _reload(self) -> None:
        try:
            self._policy = self._read()
        except ConfigurationError as error:
            _log.error("%s changed and is NOT in force: %s", self._file, "; ".join(error.faults))
        except Exception:  # noqa: BLE001 - a thread's last resort; the policy in force stays
            _log.exception("%s changed and is NOT in force", self._file)
        else:
            _log.warning("%s changed and is in force", self._file)

    def _stamp(self) -> tuple[int, int] | None:
        try:
            found = self._file.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino
