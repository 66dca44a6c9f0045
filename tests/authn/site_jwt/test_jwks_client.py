from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

import pytest

from authn.provider_for_tests import (
    LIES,
    PATIENCE,
    SteppedClocks,
    dripping,
    hanging,
    jwk,
    provider,
    resetting,
)
from authn.tokens_for_tests import private_key
from tokensvc.authn.site_jwt.jwks_cache import JwksCache
from tokensvc.authn.site_jwt.jwks_client import (
    LONGEST_BACKOFF,
    LONGEST_STALE,
    PAUSE,
    JwksClient,
    JwksRefresher,
)
from tokensvc.errors import TemporarilyUnavailable

FETCH_LIMIT = 0.3  # seconds: what the service bounds by 3 s
OLD = private_key("ES256")


@pytest.fixture(name="clock")
def _clock():
    return SteppedClocks()


@pytest.fixture(name="connect")
def _connect(clock, tmp_path):
    """Makes the key set of a provider, as a worker does that starts."""

    def connect(serving, algorithms=("ES256",), **fields):
        keys = JwksClient(
            serving.url,
            algorithms,
            JwksCache(tmp_path / "key_sets", serving.url),
            clocks=clock.clocks(),
            fetch_limit=fields.pop("fetch_limit", FETCH_LIMIT),
            **fields,
        )
        keys.load_cached()
        return keys

    return connect


def fetch(keys):
    """One fetch, from its start to its end."""
    ended = keys.refresh_if_due()
    assert ended is not None
    assert ended.wait(PATIENCE)


def found(keys, kid, algorithm="ES256"):
    return bool(keys.for_token(algorithm, kid))


def test_a_published_key(connect):
    """It is found by its name and for its algorithm, and by nothing else."""
    with provider(jwk(OLD, "one")) as serving:
        keys = connect(serving)

        assert keys.for_token("ES256", "one") == [OLD.public_key()]
        assert not found(keys, "other")
        assert not found(keys, None)
        assert not found(keys, "one", "ES384")


def test_a_start(connect):
    """The first who comes waits for the keys once; everybody after them does not ask."""
    with provider(jwk(OLD, "one")) as serving:
        keys = connect(serving)

        assert all(found(keys, "one") for _ in range(10))
        assert serving.asked == 1


def test_a_start_of_many_at_once(connect):
    """They share one fetch."""
    with provider(jwk(OLD, "one")) as serving, ThreadPoolExecutor(4) as people:
        keys = connect(serving)

        assert all(people.map(lambda _: found(keys, "one"), range(4)))
        assert serving.asked == 1


def test_unknown_keys(connect, clock):
    """Whoever makes them up causes one fetch in 30 seconds, not one each."""
    with provider(jwk(OLD, "one")) as serving:
        keys = connect(serving)
        fetch(keys)
        for second in range(61):
            assert not any(found(keys, f"made-up-{second}-{number}") for number in range(20))
            clock.advance(1)

        assert serving.asked == 1 + 2  # at the start, after 30 s, after 60 s


def test_a_key_that_is_new(connect, clock):
    """It is good as soon as a fetch may leave, for the very request that brings it."""
    with provider(jwk(OLD, "old")) as serving:
        keys = connect(serving)
        fetch(keys)
        serving.publish(jwk(OLD, "old"), jwk(OLD, "new"))
        clock.advance(PAUSE - 1)
        assert not found(keys, "new")
        clock.advance(1)

        assert found(keys, "new")
        assert found(keys, "old")


def test_a_key_that_is_withdrawn(connect, clock):
    """It is refused after the next fetch, which comes within ten minutes by itself."""
    with provider(jwk(OLD, "old")) as serving:
        keys = connect(serving)
        fetch(keys)
        serving.publish(jwk(OLD, "new"))
        clock.advance(600 * 0.8)
        fetch(keys)

        assert not found(keys, "old")
        assert found(keys, "new")


@pytest.mark.parametrize(
    ("max_age", "due"), [(None, 300), (0, 30), (100, 50), (10**9, 300), (600, 300)]
)
def test_how_long_a_set_is_good_for(connect, clock, max_age, due):
    """As long as the provider says, from one minute to ten; it is fetched at half of that."""
    with provider() as serving:
        serving.publish(jwk(OLD, "one"), max_age=max_age)
        keys = connect(serving)
        fetch(keys)
        clock.advance(due - 1)
        assert keys.refresh_if_due() is None
        clock.advance(1)
        fetch(keys)

        assert serving.asked == 2


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_a_provider_that_answers_with(connect, clock, lie):
    """Known keys stay good, unknown ones are refused, and one fetch leaves in 30 seconds."""
    with provider(jwk(OLD, "one")) as serving:
        keys = connect(serving)
        fetch(keys)
        serving.answer = lie
        clock.advance(300)
        fetch(keys)
        for _ in range(29):
            keys.refresh_if_due()
            assert found(keys, "one")
            assert not found(keys, "made-up")
            clock.advance(1)
        assert serving.asked == 2

        clock.advance(1)
        serving.publish(jwk(OLD, "two"))
        assert found(keys, "two")


@pytest.mark.parametrize("slow", [hanging, dripping])
def test_a_fetch_that_is_in_flight(connect, clock, slow):
    """Nobody with a known key waits for it: they are served while it is still in the air."""
    with provider(jwk(OLD, "one")) as serving:
        keys = connect(serving, fetch_limit=PATIENCE)
        fetch(keys)
        clock.advance(300)
        serving.answer = slow
        serving.arrived.clear()
        ended = keys.refresh_if_due()
        assert serving.arrived.wait(PATIENCE)

        assert all(found(keys, "one") for _ in range(1000))
        assert not ended.is_set()
        assert serving.asked == 2


def test_strangers_at_a_provider_that_hangs(connect, clock):
    """Four of them may wait, so that they cannot hold every thread; a fifth is refused at once."""
    with provider(jwk(OLD, "one")) as serving, ThreadPoolExecutor(5) as strangers:
        keys = connect(serving, fetch_limit=PATIENCE)
        fetch(keys)
        clock.advance(PAUSE)
        serving.answer = hanging
        asking = [strangers.submit(found, keys, "made-up") for _ in range(5)]
        refused, waiting = wait(asking, PATIENCE, FIRST_COMPLETED)

        assert (len(refused), len(waiting)) == (1, 4)
        assert not keys.refresh_if_due().is_set()
        serving.released.set()
        assert not any(stranger.result(PATIENCE) for stranger in asking)
        assert serving.asked == 2


def test_a_provider_that_is_down_at_the_start(connect, clock):
    """Nobody can be judged, so nobody is refused for good; it is asked ever more seldom."""
    with provider() as serving:
        serving.answer = resetting
        keys = connect(serving)
        asked = []
        for second in range(300):
            before = serving.asked
            with pytest.raises(TemporarilyUnavailable) as refused:
                keys.for_token("ES256", "one")
            asked += [second] if serving.asked > before else []
            clock.advance(1)

    assert asked == [0, 1, 3, 7, 15, 31, 63, 123, 183, 243]
    assert refused.value.retry_after == LONGEST_BACKOFF


def test_a_provider_that_stays_down(connect, clock):
    """Its keys are good for a day; after that they prove nothing."""
    with provider(jwk(OLD, "one")) as serving:
        keys = connect(serving)
        fetch(keys)
        serving.answer = resetting
        clock.advance(LONGEST_STALE)
        fetch(keys)
        assert found(keys, "one")
        clock.advance(1)

        with pytest.raises(TemporarilyUnavailable):
            keys.for_token("ES256", "one")


def test_a_restart_during_an_outage(connect, clock):
    """The last good set is on the disk: a worker that starts serves by it, without asking."""
    with provider(jwk(OLD, "one")) as serving:
        fetch(connect(serving))
        serving.answer = hanging
        clock.advance(3600)
        restarted = connect(serving)

        assert found(restarted, "one")
        assert serving.asked == 1
        ended = restarted.refresh_if_due()
        assert found(restarted, "one")
        serving.released.set()
        assert ended.wait(PATIENCE)


def test_a_restart_after_a_long_outage(connect, clock):
    """What is on the disk is as old as it is, and not good for another day."""
    with provider(jwk(OLD, "one")) as serving:
        fetch(connect(serving))
        serving.answer = resetting
        clock.advance(LONGEST_STALE + 1)

        with pytest.raises(TemporarilyUnavailable):
            connect(serving).for_token("ES256", "one")


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b'{"fetched_at": "x", "content": ""}', b"\xff"]
)
def test_a_kept_file_that_is_broken(connect, tmp_path, content):
    """It is no fault: the provider is asked."""
    with provider(jwk(OLD, "one")) as serving:
        fetch(connect(serving))
        (file,) = (tmp_path / "key_sets").iterdir()
        file.write_bytes(content)

        assert found(connect(serving), "one")
        assert serving.asked == 2


def test_a_folder_that_cannot_be_written(connect, tmp_path):
    """It is no fault either: keys are served from memory."""
    (tmp_path / "key_sets").write_text("in the way")
    with provider(jwk(OLD, "one")) as serving:
        assert found(connect(serving), "one")


def test_the_refresher(connect, clock):
    """It fetches what is due with no request to wait for it, and what comes due later."""
    with provider(jwk(OLD, "one")) as serving:
        refresher = JwksRefresher([connect(serving)], tick=0.01)
        refresher.start()
        assert serving.arrived.wait(PATIENCE)
        serving.arrived.clear()
        clock.advance(300)
        assert serving.arrived.wait(PATIENCE)
        refresher.stop()

    assert serving.asked == 2
