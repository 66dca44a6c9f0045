"""Tokens that are minted ahead, through the service as it is deployed."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from programs import OPEN_PROFILE
from system.launching import launched, rows
from system.upstream import Upstream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from programs import Program

MINTED = "token minted ahead profile=default"


def with_ready_tokens(count: int) -> str:
    return OPEN_PROFILE.replace("[limits]", f"ready_tokens = {count}\n[limits]")


@pytest.fixture(name="google")
def _google() -> Iterator[Upstream]:
    with Upstream() as google:
        yield google


@pytest.fixture(name="service")
def _service(tmp_path: Path, google: Upstream) -> Iterator[Program]:
    """Start one worker, because each has tokens of its own."""
    with launched(tmp_path, with_ready_tokens(4), google.url, workers=1) as program:
        yield program


def test_second_start_is_answered_on_record_while_google_answers_nothing(service: Program, google: Upstream) -> None:
    assert google.received == []  # nobody has asked yet
    first = service.post("/token")
    service.await_line(MINTED)
    google.gate.clear()
    try:
        second = service.post("/token", headers={"X-Request-Id": "second"})
    finally:
        google.gate.set()

    assert (first.status, second.status) == (200, 200)
    assert {first.json["token"], second.json["token"]} == set(google.minted[:2])
    assert 270 <= second.json["expires_in"] <= 300
    assert 30 <= second.json["new_session_expires_in"] <= 60
    fingerprint = hashlib.sha256(second.json["token"].encode()).hexdigest()
    events = rows(service, "select kind, fingerprint from events where request_id = 'second' order by id")
    assert events == [("reserved", None), ("granted", fingerprint)]
    assert rows(service, "select count(*) from events") == [(4,)]  # of those two requests alone


def test_changed_profile_gets_no_token_of_the_one_before(service: Program, google: Upstream) -> None:
    service.post("/token")
    service.await_line(MINTED)
    before = list(google.minted)
    (service.folder / "tokensvc.toml").write_text(with_ready_tokens(5), encoding="utf-8")
    service.await_line("configuration change in force")

    assert service.post("/token").json["token"] not in before
