import logging
import os
import threading
from threading import Event, Thread

import pytest

from tokensvc.errors import ConfigurationError
from tokensvc.reloading import FollowedPolicy, stamp


class Source:
    """A file and the result of reading it."""

    def __init__(self, path):
        self.path, self.reads, self.result = path, 0, "first"
        self.is_read, self.may_finish = Event(), Event()
        self.may_finish.set()
        self.write("first")

    def write(self, result):
        self.result = result
        self.path.write_text(str(result))
        # File times are coarse, so two changes in a row could get the same one.
        os.utime(self.path, ns=(0, self.path.stat().st_mtime_ns + 1_000_000 * (self.reads + 1)))

    def read(self):
        self.reads += 1
        result = self.result
        self.is_read.set()
        self.may_finish.wait(10)
        if isinstance(result, BaseException):
            raise result
        return result


@pytest.fixture(name="source")
def _source(tmp_path):
    return Source(tmp_path / "tokensvc.toml")


@pytest.fixture(name="policy")
def _policy(source):
    return FollowedPolicy(source.path, "first", source.read, seen=stamp(source.path))


def test_changed_file_is_applied_and_logged(source, policy, caplog):
    source.write("second")
    policy.check()

    assert policy() == "second"
    assert "change in force" in caplog.text


# The thread lives as long as the process, unless an exception ends it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_changed_file_is_read_in_the_background(source, policy):
    earlier = threading.enumerate()
    policy.follow()
    (following,) = (thread for thread in threading.enumerate() if thread not in earlier)
    source.write("second")
    assert source.is_read.wait(30)

    source.write(SystemExit())
    following.join(30)
    assert not following.is_alive()
    assert policy() == "second"


def test_change_during_the_first_read_is_not_missed(source):
    seen = stamp(source.path)
    source.write("second")
    policy = FollowedPolicy(source.path, "first", source.read, seen=seen)
    policy.check()

    assert policy() == "second"


def test_unchanged_file_is_not_read_again(source, policy):
    for _ in range(5):
        policy.check()

    assert policy() == "first"
    assert source.reads == 0


def test_policy_in_force_is_served_during_a_slow_reload(source, policy):
    source.may_finish.clear()
    source.write("second")
    looking = Thread(target=policy.check)
    looking.start()
    assert source.is_read.wait(30)
    assert policy() == "first"

    source.may_finish.set()
    looking.join()
    assert policy() == "second"


@pytest.mark.parametrize("failure", [ConfigurationError("f", ["profiles.x: is missing"]), ZeroDivisionError()])
def test_invalid_file_keeps_the_last_policy_until_fixed(source, policy, failure, caplog):
    source.write(failure)
    policy.check()
    assert policy() == "first"
    assert [r.levelno for r in caplog.records] == [logging.ERROR]
    assert "change rejected" in caplog.text

    source.write("third")
    policy.check()
    assert policy() == "third"


def test_missing_file_keeps_the_last_policy_until_it_is_back(source, policy):
    source.path.unlink()
    source.result = ConfigurationError("f", ["there is no such file"])
    policy.check()
    assert policy() == "first"

    source.write("second")
    policy.check()
    assert policy() == "second"
