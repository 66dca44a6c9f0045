from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

import pytest

from authn.provider_for_tests import (
    BAD_RESPONSES,
    TIMEOUT,
    SteppedClocks,
    dripping,
    hanging,
    jwk,
    provider,
    resetting,
)
from authn.tokens_for_tests import private_key
from tokensvc.authn.site_jwt.jwks_client import (
    LONGEST_BACKOFF,
    LONGEST_STALE,
    PAUSE,
    JwksClient,
    JwksRefresher,
)
from tokensvc.errors import TemporarilyUnavailable

OLD = private_key("ES256")


@pytest.fixture(name="clock")
def _clock():
    return SteppedClocks()


@pytest.fixture(name="connect")
def _connect(clock, tmp_path):
    """Make the JWKS client of a provider, as a worker does when it starts."""

    def connect(serving, algorithms=("ES256",)):
        keys = JwksClient(
            serving.url,
            algorithms,
            tmp_path / "key_sets",
            clocks=clock.clocks(),
        )
        keys.load_cached()
        return keys

    return connect


def fetch(keys):
    """Run one fetch to its end."""
    ended = keys.refresh_if_due()
    assert ended is not None
    assert ended.wait(TIMEOUT)


def is_found(keys, kid, algorithm="ES256"):
    return bool(keys(algorithm, kid))


def test_key_is_found_only_by_its_kid_and_algorithm(connect):
    with provider(jwk(OLD, "one")) as serving:
        keys = connect(serving)

        assert keys("ES256", "one") == (OLD.public_key(),)
        assert not is_found(keys, "other")
        assert not is_found(keys, None)
        assert not is_found(keys, "one", "ES384")


def test_first_lookup_fetches_once_for_all_later_ones(connect):
    with provider(jwk(OLD, "one")) as serving:
        keys = connect(serving)

        assert all(is_found(keys, "one") for _ in range(10))
        assert serving.asked == 1


def test_concurrent_first_lookups_share_one_fetch(connect):
    with provider(jwk(OLD, "one")) as serving, ThreadPoolExecutor(4) as threads:
        keys = connect(serving)

        assert all(threads.map(lambda _: is_found(keys, "one"), range(4)))
        assert serving.asked == 1


def test_unknown_kids_cause_at_most_one_fetch_in_30_seconds(connect, clock):
    with provider(jwk(OLD, "one")) as serving:
        keys = connect(serving)
        fetch(keys)
        for second in range(61):
            assert not any(is_found(keys, f"made-up-{second}-{number}") for number in range(20))
            clock.advance(1)

        assert serving.asked == 1 + 2  # at the start, after 30 s and after 60 s


def test_new_key_is_found_by_the_first_lookup_after_the_pause(connect, clock):
    with provider(jwk(OLD, "old")) as serving:
        keys = connect(serving)
        fetch(keys)
        serving.publish(jwk(OLD, "old"), jwk(OLD, "new"))
        clock.advance(PAUSE - 1)
        assert not is_found(keys, "new")
        clock.advance(1)

        assert is_found(keys, "new")
        assert is_found(keys, "old")


def test_key_added_under_a_known_kid_is_found_by_its_algorithm(connect, clock):
    with provider(jwk(OLD, "one")) as serving:
        keys = connect(serving, ("ES256", "ES384"))
        fetch(keys)
        serving.publish(jwk(OLD, "one"), jwk(private_key("ES384"), "one"))
        clock.advance(PAUSE)

        assert is_found(keys, "one", "ES384")
        assert is_found(keys, "one")


def test_withdrawn_key_is_refused_after_the_next_refresh(connect, clock):
    with provider(jwk(OLD, "old")) as serving:
        keys = connect(serving)
        fetch(keys)
        serving.publish(jwk(OLD, "new"))
        clock.advance(600 * 0.8)
        fetch(keys)

        assert not is_found(keys, "old")
        assert is_found(keys, "new")


@pytest.mark.parametrize(("max_age", "due"), [(None, 300), (0, 30), (100, 50), (10**9, 300), (600, 300)])
def test_refresh_is_due_at_half_the_cache_lifetime(connect, clock, max_age, due):
    """The lifetime is the provider's max-age, but at least one minute and at most ten."""
    with provider() as serving:
        serving.publish(jwk(OLD, "one"), max_age=max_age)
        keys = connect(serving)
        fetch(keys)
        clock.advance(due - 1)
        assert keys.refresh_if_due() is None
        clock.advance(1)
        fetch(keys)

        assert serving.asked == 2


@pytest.mark.parametrize("response", BAD_RESPONSES.values(), ids=BAD_RESPONSES)
def test_bad_response_keeps_known_keys_and_delays_the_next_fetch(connect, clock, response):
    with provider(jwk(OLD, "one")) as serving:
        keys = connect(serving)
        fetch(keys)
        serving.answer = response
        clock.advance(300)
        fetch(keys)
        for _ in range(29):
            keys.refresh_if_due()
            assert is_found(keys, "one")
            assert not is_found(keys, "made-up")
            clock.advance(1)
        assert serving.asked == 2

        clock.advance(1)
        serving.publish(jwk(OLD, "two"))
        assert is_found(keys, "two")


@pytest.mark.parametrize("slow", [hanging, dripping])
def test_known_key_does_not_wait_for_a_running_fetch(connect, clock, slow):
    with provider(jwk(OLD, "one")) as serving:
        clock.fetch_limit = TIMEOUT
        keys = connect(serving)
        fetch(keys)
        clock.advance(300)
        serving.answer = slow
        serving.request_arrived.clear()
        ended = keys.refresh_if_due()
        assert serving.request_arrived.wait(TIMEOUT)

        assert all(is_found(keys, "one") for _ in range(1000))
        assert not ended.is_set()
        assert serving.asked == 2


def test_at_most_four_lookups_of_unknown_keys_wait_for_a_fetch(connect, clock):
    """The limit keeps lookups of unknown keys from holding every worker thread."""
    with provider(jwk(OLD, "one")) as serving, ThreadPoolExecutor(5) as threads:
        clock.fetch_limit = TIMEOUT
        keys = connect(serving)
        fetch(keys)
        clock.advance(PAUSE)
        serving.answer = hanging
        lookups = [threads.submit(is_found, keys, "made-up") for _ in range(5)]
        refused, waiting = wait(lookups, TIMEOUT, FIRST_COMPLETED)

        assert (len(refused), len(waiting)) == (1, 4)
        assert not keys.refresh_if_due().is_set()
        serving.released.set()
        assert not any(lookup.result(TIMEOUT) for lookup in lookups)
        assert serving.asked == 2


def test_provider_down_at_start_is_retried_with_backoff(connect, clock):
    with provider() as serving:
        serving.answer = resetting
        keys = connect(serving)
        asked = []
        for second in range(300):
            before = serving.asked
            with pytest.raises(TemporarilyUnavailable) as refused:
                keys("ES256", "one")
            asked += [second] if serving.asked > before else []
            clock.advance(1)

    assert asked == [0, 1, 3, 7, 15, 31, 63, 123, 183, 243]
    assert refused.value.retry_after == LONGEST_BACKOFF


def test_keys_expire_after_a_day_without_a_successful_fetch(connect, clock):
    with provider(jwk(OLD, "one")) as serving:
        keys = connect(serving)
        fetch(keys)
        serving.answer = resetting
        clock.advance(LONGEST_STALE)
        fetch(keys)
        assert is_found(keys, "one")
        clock.advance(1)

        with pytest.raises(TemporarilyUnavailable):
            keys("ES256", "one")


def test_restarted_worker_serves_from_the_cache_during_an_outage(connect, clock):
    with provider(jwk(OLD, "one")) as serving:
        fetch(connect(serving))
        serving.answer = hanging
        clock.advance(3600)
        restarted = connect(serving)

        assert is_found(restarted, "one")
        assert serving.asked == 1
        ended = restarted.refresh_if_due()
        assert is_found(restarted, "one")
        serving.released.set()
        assert ended.wait(TIMEOUT)


def test_restart_does_not_extend_the_lifetime_of_cached_keys(connect, clock):
    with provider(jwk(OLD, "one")) as serving:
        fetch(connect(serving))
        serving.answer = resetting
        clock.advance(LONGEST_STALE + 1)

        with pytest.raises(TemporarilyUnavailable):
            connect(serving)("ES256", "one")


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"fetched_at": "x", "content": ""}', b"\xff"])
def test_invalid_cache_file_is_ignored_and_keys_are_fetched(connect, tmp_path, content):
    with provider(jwk(OLD, "one")) as serving:
        fetch(connect(serving))
        (file,) = (tmp_path / "key_sets").iterdir()
        file.write_bytes(content)

        assert is_found(connect(serving), "one")
        assert serving.asked == 2


def test_keys_are_served_from_memory_if_the_cache_cannot_be_written(connect, tmp_path):
    (tmp_path / "key_sets").write_text("in the way")
    with provider(jwk(OLD, "one")) as serving:
        assert is_found(connect(serving), "one")


def test_refresher_fetches_at_start_and_when_due_without_any_lookup(connect, clock):
    with provider(jwk(OLD, "one")) as serving:
        refresher = JwksRefresher([connect(serving)], tick=0.01)
        refresher.start()
        assert serving.request_arrived.wait(TIMEOUT)
        serving.request_arrived.clear()
        clock.advance(300)
        assert serving.request_arrived.wait(TIMEOUT)
        refresher.stop()

    assert serving.asked == 2
