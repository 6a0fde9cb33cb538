"""Which IP addresses may be connected to."""

import ipaddress
from collections.abc import Iterator

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Where clouds answer any local caller with credentials; not all lie in a range that is refused anyway.
_METADATA = frozenset(
    ipaddress.ip_address(text)
    for text in (
        "169.254.169.254", "100.100.100.200", "168.63.129.16", "192.0.0.192",
        "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "fd00:c1::a9fe:a9fe", "fd00:42::42",
    )
)  # fmt: skip
# What carries an IPv4 address in its last 32 bits: NAT64 (RFC 6052, RFC 8215), IPv4-translated (RFC 7915),
# IPv4-compatible (RFC 4291).
_CARRIERS = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "::ffff:0:0:0/96", "::/96")))


def refusal(address: str, *, allow_private: bool) -> str | None:
    """Return why an address must not be connected to, or None where it may.

    Only the canonical notation passes: what `0177.1` or `2130706433` means is decided by each resolver anew.
    IPv4 addresses inside IPv6 ones (mapped, 6to4, Teredo, NAT64, …) are judged as well.
    """
    try:
        outer = ipaddress.ip_address(address)
    except ValueError:
        return "is no canonical IP address"
    reasons = (_reason(each, allow_private=allow_private) for each in (outer, *_inner(outer)))
    return next((reason for reason in reasons if reason), None)


def _reason(address: _Address, *, allow_private: bool) -> str | None:
    if address in _METADATA:
        return "is a cloud's metadata service"
    if address.is_link_local:
        return "is link-local"
    if address.is_multicast or address.is_unspecified:
        return "is no single host"
    if not allow_private and not _is_public(address):
        return "is private (see allow_private_hosts)"
    return None


def _is_public(address: _Address) -> bool:
    if address.version == 4:
        return address.is_global
    # A mapped address is judged by what it maps to; ::ffff:0:0/96 itself counts as reserved.
    return (address.is_global and not address.is_site_local) or address.ipv4_mapped is not None


def _inner(address: _Address) -> Iterator[ipaddress.IPv4Address]:
    if address.version == 4:
        return
    teredo = address.teredo
    for found in (address.ipv4_mapped, address.sixtofour, teredo and teredo[1]):
        if found:
            yield found
    if any(address in network for network in _CARRIERS):
        yield ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
