import logging
import os
from threading import Event, Thread

import pytest

from tokensvc.errors import ConfigurationError
from tokensvc.reloading import FollowedPolicy, stamp


class Source:
    """A file, and what reading it gives."""

    def __init__(self, path):
        self.path, self.reads, self.result = path, 0, "first"
        self.is_read, self.may_go_on = Event(), Event()
        self.may_go_on.set()
        self.write("first")

    def write(self, result):
        self.result = result
        self.path.write_text(str(result))
        # A file system's clock is coarse: a change within its step would not be one.
        os.utime(self.path, ns=(0, self.path.stat().st_mtime_ns + 1_000_000 * (self.reads + 1)))

    def read(self):
        self.reads += 1
        self.is_read.set()
        self.may_go_on.wait(10)
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


@pytest.fixture(name="source")
def _source(tmp_path):
    return Source(tmp_path / "tokensvc.toml")


@pytest.fixture(name="policy")
def _policy(source):
    return FollowedPolicy(source.path, "first", source.read, seen=stamp(source.path))


def test_a_file_that_changes(source, policy, caplog):
    """It is in force, and the log says so."""
    source.write("second")
    policy.check()

    assert policy() == "second"
    assert "change in force" in caplog.text


def test_a_file_that_changes_while_nobody_asks(source, policy):
    """It is looked at all the same."""
    policy.follow()
    source.write("second")

    assert source.is_read.wait(30)


def test_a_file_that_changes_while_it_is_first_read(source):
    """The change is not missed."""
    seen = stamp(source.path)
    source.write("second")
    policy = FollowedPolicy(source.path, "first", source.read, seen=seen)
    policy.check()

    assert policy() == "second"


def test_a_file_that_stays(source, policy):
    """It is not read again."""
    for _ in range(5):
        policy.check()

    assert policy() == "first"
    assert source.reads == 0


def test_a_slow_compilation(source, policy):
    """Nobody waits for it."""
    source.may_go_on.clear()
    source.write("second")
    looking = Thread(target=policy.check)
    looking.start()
    assert source.is_read.wait(30)
    assert policy() == "first"

    source.may_go_on.set()
    looking.join()
    assert policy() == "second"


@pytest.mark.parametrize(
    "failure", [ConfigurationError("f", ["profiles.x: is missing"]), ZeroDivisionError()]
)
def test_a_broken_file(source, policy, failure, caplog):
    """The last good policy stays, loudly; the mended file is taken."""
    source.write(failure)
    policy.check()
    assert policy() == "first"
    assert [r.levelno for r in caplog.records] == [logging.ERROR]
    assert "change rejected" in caplog.text

    source.write("third")
    policy.check()
    assert policy() == "third"


def test_a_file_that_is_gone(source, policy):
    """The policy in force stays, and the file is taken when it is back."""
    source.path.unlink()
    source.result = ConfigurationError("f", ["there is no such file"])
    policy.check()
    assert policy() == "first"

    source.write("second")
    policy.check()
    assert policy() == "second"
