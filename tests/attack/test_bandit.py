"""bandit, with its default profile, reports nothing about the package that is not listed here with its reason."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter

from wheels import CLONE

OUR_OWN_COMMAND = "it runs this Python, with a fixed list of arguments and without a shell"
NOT_SECRET = "it spreads tries and faults; nothing depends on it being unpredictable"
NO_PASSWORD = "it is a word of the contract"
REASONS = {
    ("tokensvc/cli/demo.py", "B404"): OUR_OWN_COMMAND,
    ("tokensvc/cli/demo.py", "B603"): OUR_OWN_COMMAND,
    ("tokensvc/cli/demo.py", "B310"): "the address is the demo's own, of http",
    ("tokensvc/cli/serve.py", "B606"): "it becomes gunicorn, with a fixed list of arguments and without a shell",
    ("tokensvc/gemini/compiler.py", "B404"): OUR_OWN_COMMAND,
    ("tokensvc/gemini/compiler.py", "B603"): OUR_OWN_COMMAND,
    ("tokensvc/emulator/faults/fault.py", "B311"): NOT_SECRET,
    ("tokensvc/gemini/gate.py", "B311"): NOT_SECRET,
    ("tokensvc/store/sqlite.py", "B311"): NOT_SECRET,
    ("tokensvc/web_api/bodies.py", "B105"): NO_PASSWORD,
    ("tokensvc/web_api/logins.py", "B105"): NO_PASSWORD,
}
TWICE = {("tokensvc/emulator/faults/fault.py", "B311")}


def test_bandit_reports_nothing_that_is_not_listed():
    command = [sys.executable, "-m", "bandit", "--quiet", "--recursive", "--format", "json", "tokensvc"]
    done = subprocess.run(command, cwd=CLONE, capture_output=True, text=True, check=False)
    report = json.loads(done.stdout)
    assert not report["errors"]
    found = Counter((each["filename"], each["test_id"]) for each in report["results"])
    assert found == {each: 1 + (each in TWICE) for each in REASONS}, report["results"]
