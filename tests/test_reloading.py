import logging
import os
from threading import Event

import pytest

from tokensvc.errors import ConfigurationError
from tokensvc.reloading import FollowedPolicy


class Source:
    """A file, and what reading it gives."""

    def __init__(self, path):
        self.path, self.now, self.reads, self.result = path, 0.0, 0, "first"
        self.may_go_on = Event()
        self.may_go_on.set()
        self.write("first")

    def write(self, result):
        self.result = result
        self.path.write_text(str(result))
        # A file system's clock is coarse: a change within its step would not be one.
        os.utime(self.path, ns=(0, self.path.stat().st_mtime_ns + 1_000_000 * (self.reads + 1)))

    def read(self):
        self.reads += 1
        self.may_go_on.wait(10)
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


@pytest.fixture(name="source")
def _source(tmp_path):
    return Source(tmp_path / "tokensvc.toml")


@pytest.fixture(name="policy")
def _policy(source):
    return FollowedPolicy(source.path, "first", source.read, lambda: source.now)


def test_a_file_that_changes(source, policy, caplog):
    """It is in force once it is compiled, and the log says so."""
    source.write("second")
    source.now += 1
    policy()
    policy.settle()

    assert policy() == "second"
    assert "changed and is in force" in caplog.text


def test_a_second(source, policy):
    """The file is looked at no more often."""
    source.write("second")
    source.now += 0.9

    assert policy() == "first"
    assert source.reads == 0


def test_a_file_that_stays(source, policy):
    """It is not read again."""
    for _ in range(5):
        source.now += 1
        assert policy() == "first"

    assert source.reads == 0


def test_a_slow_compilation(source, policy):
    """Nobody waits for it, and it runs once at a time."""
    source.may_go_on.clear()
    source.write("second")
    for _ in range(5):
        source.now += 1
        assert policy() == "first"
    assert source.reads <= 1

    source.may_go_on.set()
    policy.settle()
    assert policy() == "second"


@pytest.mark.parametrize(
    "failure", [ConfigurationError("f", ["profiles.x: is missing"]), ZeroDivisionError()]
)
def test_a_broken_file(source, policy, failure, caplog):
    """The last good policy stays, loudly; the mended file is taken."""
    source.write(failure)
    source.now += 1
    policy()
    policy.settle()
    assert policy() == "first"
    assert [r.levelno for r in caplog.records] == [logging.ERROR]
    assert "is NOT in force" in caplog.text

    source.write("third")
    source.now += 1
    policy()
    policy.settle()
    assert policy() == "third"


def test_a_file_that_is_gone(source, policy):
    """The policy in force stays, and the file is taken when it is back."""
    source.path.unlink()
    source.result = ConfigurationError("f", ["there is no such file"])
    source.now += 1
    policy()
    policy.settle()
    assert policy() == "first"

    source.write("second")
    source.now += 1
    policy()
    policy.settle()
    assert policy() == "second"
