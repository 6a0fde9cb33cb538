"""Which IP addresses may be connected to."""

import pytest

from aggregator.http.addresses import refusal


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "2606:4700::1111", "::ffff:93.184.216.34", "64:ff9b::5db8:d822"]
)
def test_public_addresses_pass(address: str):
    assert refusal(address, allow_private=False) is None


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "127.9.9.9", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "::1", "fc00::1",
     "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "240.0.0.1",
     "::127.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b:1::10.0.0.1", "fec0::1"],
)  # fmt: skip
def test_private_addresses_pass_only_where_allowed(address: str):
    assert refusal(address, allow_private=False) == "is private (see allow_private_hosts)"
    assert refusal(address, allow_private=True) is None


@pytest.mark.parametrize(
    "address",
    ["169.254.169.254", "169.254.1.1", "fe80::1", "fe80::1%eth0", "::ffff:169.254.169.254", "fd00:ec2::254",
     "fd20:ce::254", "::169.254.169.254", "::ffff:0:169.254.169.254", "64:ff9b:1::a9fe:a9fe", "100.100.100.200", "168.63.129.16", "0.0.0.0", "::", "224.0.0.1", "ff02::1",
     "2130706433", "0x7f.1", "0177.0.0.1", "127.1", "example.com", ""],
)  # fmt: skip
def test_link_local_metadata_and_odd_notations_never_pass(address: str):
    assert refusal(address, allow_private=True)
    assert refusal(address, allow_private=False)
