"""Attacks on a service without some of its checks; only `make mutants` runs these tests.

`check_mutants.py` says which checks are removed for which of them.
"""

from __future__ import annotations

import time

import pytest

from authn.attack_kit import MODES, Mode, new_key
from authn.attacked_service import assert_refused, attacked_service, send
from authn.attacks import ATTACKS

EACH_ATTACK = pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)


@pytest.fixture(name="mode", scope="module")
def _mode():
    return Mode("rsa", MODES["rsa"], new_key(MODES["rsa"]), int(time.time()))


@pytest.fixture(name="client", scope="module")
def _client(mode, tmp_path_factory):
    return attacked_service(tmp_path_factory.mktemp("attacked"), [mode])


@EACH_ATTACK
def test_attack_is_accepted(client, mode, attack):
    """A service that fails later on has accepted the token, which its code could then rely on."""
    status = send(client, attack.make(mode)).status_code

    assert status in {200, 500}
    assert send(client, mode.good).status_code == 200


@EACH_ATTACK
def test_attack_is_refused(client, mode, attack):
    token = attack.make(mode)

    assert_refused(send(client, token), token)
    assert send(client, mode.good).status_code == 200
