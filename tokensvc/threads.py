"""Starts threads for work that may also be done later."""

import logging
import threading
from collections.abc import Callable

_log = logging.getLogger(__name__)


def start_thread(run: Callable[..., None], *args: object, name: str) -> bool:
    """Run *run* in a daemon thread; return False if there is no room for a thread now."""
    try:
        threading.Thread(target=run, args=args, name=name, daemon=True).start()
    except RuntimeError:  # a limit on processes or memory
        _log.warning("no thread can be started name=%s", name)
        return False
    return True
