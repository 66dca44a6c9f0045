"""Runs every mutant against the tests that must notice it: `make mutants`.

Each mutant is applied to a copy of the clone. A mutant survives if one of its tests does what it
does without the mutant.
"""

# ruff: noqa: T201 - prints its progress

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from mutants.cases import CASES
from mutants.mutant import CLONE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mutants.mutant import Case

COPIED = ("tokensvc", "web", "tests", "docs")
# Seconds: a check of a removed rule mostly waits for something that no longer happens.
CASE_TIMEOUT = 120
WAIT_SECONDS = "2"


def main() -> None:
    """Run the cases whose name contains an argument, or all of them."""
    parser = argparse.ArgumentParser(prog="python -m mutants", description=__doc__)
    parser.add_argument("words", nargs="*", help="run only the cases whose name contains a word")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    words = arguments.words or [""]
    cases = [case for case in CASES if any(word in case.name for word in words)]
    if not cases:
        sys.exit(f"no mutant's name contains {' or '.join(words)}")
    began = time.monotonic()
    survivors = 0
    with copies(arguments.jobs) as free, ThreadPoolExecutor(arguments.jobs) as pool:
        for number, (case, problem) in enumerate(pool.map(lambda one: run(one, free), cases), 1):
            print(f"{number}/{len(cases)} {'SURVIVED' if problem else 'killed'}: {case.name}")
            if problem:
                survivors += 1
                print(problem)
    print(f"{len(cases) - survivors} killed, {survivors} survived in {took(began)}")
    sys.exit(survivors > 0)


def took(began: float) -> str:
    """Return the time since *began* in minutes and seconds."""
    return "{} min {} s".format(*divmod(round(time.monotonic() - began), 60))


@contextmanager
def copies(count: int) -> Iterator[SimpleQueue[Path]]:
    """Provide copies of the clone, one for each job."""
    free: SimpleQueue[Path] = SimpleQueue()
    with TemporaryDirectory(prefix="mutants-") as folder:
        for number in range(count):
            copy = Path(folder) / str(number)
            for name in COPIED:
                unwanted = shutil.ignore_patterns("node_modules", "__pycache__")
                shutil.copytree(CLONE / name, copy / name, ignore=unwanted)
            for name in ("pyproject.toml", "requirements.txt"):
                shutil.copy(CLONE / name, copy)
            (copy / "tests" / "node_modules").symlink_to(CLONE / "tests" / "node_modules")
            free.put(copy)
        yield free


def run(case: Case, free: SimpleQueue[Path]) -> tuple[Case, str]:
    """Apply the mutants of *case* to a free copy and run its tests; return what went wrong."""
    copy = free.get()
    try:
        for mutant in case.mutants:
            (copy / mutant.file).write_text(mutant.apply(copy), encoding="utf-8")
        run_tests = node if case.tests[0].endswith(".js") else pytest
        return case, problem_of(case, run_tests(copy, case.tests))
    finally:
        for mutant in case.mutants:
            shutil.copy(CLONE / mutant.file, copy / mutant.file)
        free.put(copy)


def pytest(copy: Path, tests: tuple[str, ...]) -> str:
    """Run the tests in the copy, whose package is found before the installed one."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(copy),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LIVE_CLIENT_TIMEOUT": WAIT_SECONDS,
    }
    # Hypothesis is slow to import, and its plugin does so in every run.
    plugins = ["-p", "no:cacheprovider", "-p", "no:hypothesispytest"]
    command = [sys.executable, "-m", "pytest", "-q", "-rN", "--tb=line", *plugins]
    return finish([*command, *tests], copy, environment).stdout


def node(copy: Path, tests: tuple[str, ...]) -> str:
    """Run each file of tests in the copy, and sum up as pytest does."""
    finished = [finish(["node", "--test", file], copy, dict(os.environ)) for file in tests]
    failed = sum(one.returncode != 0 for one in finished)
    summary = [f"{failed} failed", f"{len(tests) - failed} passed"]
    output = "".join(one.stdout for one in finished)
    return output + "\n" + ", ".join(part for part in summary if not part.startswith("0"))


def finish(command: list[str], copy: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command in the copy; its output is in `stdout`, and says so if it did not end."""
    try:
        return subprocess.run(
            command,
            cwd=copy,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=CASE_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, f"did not end within {CASE_TIMEOUT} s", "")


def problem_of(case: Case, output: str) -> str:
    """Return the output if a test did anything but what the case expects, otherwise ''."""
    summary = output.strip().rpartition("\n")[2]
    counts = {word: int(number) for number, word in re.findall(r"(\d+) ([a-z]+)", summary)}
    expected = counts.get(case.outcome, 0) == len(case.tests)
    others = {"passed", "failed", "error", "errors", "skipped"} - {case.outcome}
    return "" if expected and others.isdisjoint(counts) else output[-3000:]


if __name__ == "__main__":
    main()
