"""What a thread learns while it waits for the next request."""

from __future__ import annotations

import socket

import pytest

from tokensvc.connections import ClientSocket


@pytest.fixture(name="client")
def _client():
    client, ours = socket.socketpair()
    with client, ClientSocket(ours.family, ours.type, ours.proto, ours.detach()) as connection:
        yield client, connection


@pytest.mark.parametrize(
    ("does", "learned"),
    [
        (lambda client: client.sendall(b"GET"), True),
        (lambda _client: None, False),
        (lambda client: client.shutdown(socket.SHUT_WR), True),
        (lambda client: client.close(), True),
    ],
    ids=["sends", "is silent", "will send no more", "leaves"],
)
def test_silence_is_told_from_a_request_and_from_an_end(client, does, learned):
    far, connection = client
    does(far)
    assert connection.await_request() is learned
