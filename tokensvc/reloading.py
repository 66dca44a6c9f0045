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


Stamp = tuple[int, int, int] | None


def stamp(file: Path) -> Stamp:
    """What tells one state of *file* from another; None where there is none."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


class FollowedPolicy:
    """The policy of a file: compiled aside when the file changes, swapped whole.

    Where the file no longer makes sense, the last good policy stays in force, and the log says so.
    Belongs to one process.
    """

    def __init__(
        self, file: Path, policy: Policy, read: Callable[[], Policy], *, seen: Stamp
    ) -> None:
        """*policy* is what *file* said when it looked like *seen*; *read* reads it anew."""
        self._file = file
        self._policy = policy
        self._read = read
        self._seen = seen

    def __call__(self) -> Policy:
        """The policy in force; never waits for a file."""
        return self._policy

    def follow(self) -> None:
        """Look once a second from now on, for as long as the process lives.

        In a thread of its own: a worker that nobody has asked for an hour answers the next one by
        what the file says now.
        """
        threading.Thread(target=self._keep_looking, name="reloading", daemon=True).start()

    def look(self) -> None:
        """Where the file has changed, put it in force, or say loudly that it is not."""
        found = stamp(self._file)
        if found == self._seen:
            return
        self._seen = found
        try:
            self._policy = self._read()
        except ConfigurationError as error:
            _log.error("%s changed and is NOT in force: %s", self._file, "; ".join(error.faults))
        except Exception:  # noqa: BLE001 - whatever it is, the policy in force stays
            _log.exception("%s changed and is NOT in force", self._file)
        else:
            _log.warning("%s changed and is in force", self._file)

    def _keep_looking(self) -> None:
        while True:
            time.sleep(_LOOK_EVERY)
            self.look()
