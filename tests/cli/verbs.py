"""Runs every verb of the command line in one process, and prints what each did as JSON."""

from __future__ import annotations

import json
import os
import resource
import sys
from pathlib import Path

from click.testing import CliRunner

from tokensvc.cli import root
from tokensvc.store import sqlite

VERBS = {
    "block all": "",
    "block subject alice": "",
    "unblock all": "",
    "blocks": "",
    "audit list": "",
    "audit export": "",
    "audit prune --older-than 1h": "",
    "audit erase --subject alice --yes": "",
    "users list": "",
    "users add bob --password-stdin": "a long password\n",
    "users set-password alice --password-stdin": "a long password\n",
    "users remove alice": "",
    "keys list": "",
    "keys create backend": "",
    "keys remove phone": "",
    "db backup FILE": "",
    "db upgrade": "",
}


def main() -> None:
    """Run the verbs; the argument is the size in bytes of the largest file, or nothing."""
    sqlite.BUSY = 0.2
    if len(sys.argv) > 1:
        most = int(sys.argv[1])
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    outcomes = {}
    for words, typed in VERBS.items():
        file = Path(os.environ["TOKENSVC_CONFIG"]).with_name("copy.db")
        done = CliRunner().invoke(root.tokensvc, words.replace("FILE", str(file)).split(), input=typed)
        escaped = not isinstance(done.exception, SystemExit | None)
        outcomes[words] = [done.exit_code, done.stdout, done.stderr, escaped]
    json.dump(outcomes, sys.stdout)


if __name__ == "__main__":
    main()
