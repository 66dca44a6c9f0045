import ipaddress

import pytest

from tokensvc.web_api.origins import believed_address

PROXIES = [ipaddress.ip_network(text) for text in ("10.0.0.0/8", "127.0.0.1/32", "2001:db8::/32")]


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("192.0.2.1", [], "192.0.2.1"),
        ("192.0.2.1", ["6.6.6.6"], "192.0.2.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["192.0.2.1"], "192.0.2.1"),
        ("10.0.0.1", ["6.6.6.6, 192.0.2.1"], "192.0.2.1"),
        ("10.0.0.1", ["6.6.6.6", "192.0.2.1"], "192.0.2.1"),
        ("10.0.0.1", ["6.6.6.6, 192.0.2.1, 10.0.0.2"], "192.0.2.1"),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", ["192.0.2.1, nonsense"], "10.0.0.1"),
        ("10.0.0.1", ["192.0.2.1,"], "10.0.0.1"),
        ("10.0.0.1", ["192.0.2.1:4711"], "192.0.2.1"),
        ("10.0.0.1", ["[2001:db9::7]:4711"], "2001:db9::7"),
        ("10.0.0.1", ["2001:db9::7"], "2001:db9::7"),
        ("10.0.0.1", ["::ffff:192.0.2.1"], "192.0.2.1"),
        ("::ffff:10.0.0.1", ["192.0.2.1"], "192.0.2.1"),
        ("2001:db8::1", ["192.0.2.1"], "192.0.2.1"),
        ("10.0.0.1", ["192.0.2.1\r\nX: y"], "10.0.0.1"),
        ("10.0.0.1", ["a" * 10_000], "10.0.0.1"),
    ],
)
def test_the_clients_address(peer, forwarded, expected):
    """It is the nearest one that no trusted proxy stands behind: nobody chooses their own."""
    assert believed_address(peer, forwarded, PROXIES) == expected


def test_no_proxy():
    """Without a trusted proxy the peer is the client, whatever is forwarded."""
    assert believed_address("127.0.0.1", ["192.0.2.1"], []) == "127.0.0.1"
