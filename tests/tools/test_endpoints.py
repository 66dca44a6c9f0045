import ipaddress

import pytest

from tokensvc.tools.endpoints import refuse_private


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07::1", "64:ff9b::8.8.8.8", "2002:808:808::1"])
def test_public_address_is_connected_to(address):
    refuse_private([])(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "100.64.0.1",
        "169.254.169.254",
        "0.0.0.1",
        "224.0.0.1",
        "::1",
        "::",
        "fd00::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
        "::ffff:10.0.0.1",
        "::10.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b::169.254.169.254",
        "64:ff9b:1::1",
        "2002:a00:1::1",
    ],
)
def test_address_that_leads_into_a_private_network_is_refused(address):
    """Also by a translator of IPv6, to the IPv4 address that is within it."""
    with pytest.raises(OSError, match="is not a public address"):
        refuse_private([])(address)


@pytest.mark.parametrize("address", ["10.0.0.1", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1"])
def test_private_network_may_be_allowed(address):
    refuse_private([ipaddress.ip_network("10.0.0.0/8")])(address)
