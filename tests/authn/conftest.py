from datetime import UTC, datetime, timedelta

import pytest

from tokensvc.domain import Lease, Principal


@pytest.fixture(name="lease")
def _lease():
    started = datetime.fromtimestamp(1_790_000_000, UTC)
    person = Principal("user", "https://shop.example", "alice")
    return Lease(
        "lease-1", person, "default", {"voice": "Kore"}, started, started + timedelta(minutes=30)
    )
