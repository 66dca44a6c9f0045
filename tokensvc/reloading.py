"""Follows the configuration file, so that profiles and limits change without a restart.

The rest of the file is read again at a reload (SIGHUP): see serving.py.
"""

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from tokensvc.errors import ConfigurationError
from tokensvc.issuing import Policy

_log = logging.getLogger(__name__)
_INTERVAL = 1.0  # seconds between two checks of the file

Stamp = tuple[int, int, int] | None


def stamp(file: Path) -> Stamp:
    """Return a value that changes when *file* does, or None if there is no file."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


class FollowedPolicy:
    """The policy in a file: compiled in the background when the file changes, replaced as a whole.

    If the file becomes invalid, the last valid policy stays in force and the log says so. Each
    process has its own.
    """

    def __init__(self, file: Path, policy: Policy, read: Callable[[], Policy], *, seen: Stamp) -> None:
        """*policy* is what *file* held when its stamp was *seen*; *read* reads it again."""
        self._file = file
        self._policy = policy
        self._read = read
        self._seen = seen
        self._stopped = threading.Event()

    def __call__(self) -> Policy:
        """Return the policy in force, without reading the file."""
        return self._policy

    def follow(self) -> None:
        """Check the file now, and then once a second until `stop`.

        Runs in its own thread, so that a worker that was idle is up to date for its next request.
        """
        self.check()
        threading.Thread(target=self._keep_checking, name="reloading", daemon=True).start()

    def stop(self) -> None:
        """Follow the file no longer."""
        self._stopped.set()

    def check(self) -> None:
        """If the file has changed, apply it, or log why it was rejected."""
        found = stamp(self._file)
        if found == self._seen:
            return
        self._seen = found  # first, so that an invalid file is logged only once
        try:
            self._policy = self._read()
        except ConfigurationError as error:
            faults = "; ".join(error.faults)
            _log.error("configuration change rejected file=%s faults=%s", self._file, faults)
        except Exception:  # noqa: BLE001 - whatever it is, the policy in force stays
            _log.exception("configuration change rejected file=%s", self._file)
        else:
            _log.warning("configuration change in force file=%s", self._file)

    def _keep_checking(self) -> None:
        while not self._stopped.wait(_INTERVAL):
            self.check()
