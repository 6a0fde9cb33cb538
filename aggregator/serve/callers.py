"""Who asks, from where, and whether a form came from a page of ours: from what a request says of itself."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

_UNKNOWN = "unknown"
# What proxies add. Their values count where the proxy runs on this machine: anybody else may write anything.
_FORWARDED = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Real-IP", "Forwarded", "Via")


class Headers(Protocol):
    """Headers whose lines may come more than once."""

    def get(self, name: str, /) -> str | None:
        """Return the first line of this name."""

    def getall(self, name: str, default: list[str], /) -> list[str]:
        """Return all lines of this name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Where a request came from."""

    network: str  # the address, of IPv6 its /64: what limits count by
    is_safe: bool  # nobody between could read along: https up to here, or no network at all
    is_here: bool = False  # it came from this machine, and no proxy says that it passed it on


def caller(peer: str | None, headers: Headers) -> Caller:
    """Return who asks: the peer, or where that is a proxy of this machine, whom it names."""
    is_here = _is_loopback(peer or "")
    if not is_here or not any(headers.get(name) for name in _FORWARDED):
        return Caller(network=_network(peer or ""), is_safe=is_here, is_here=is_here)
    scheme = _nearest(headers, "X-Forwarded-Proto").lower()
    return Caller(network=_network(_nearest(headers, "X-Forwarded-For")), is_safe=scheme == "https")


def is_own_form(headers: Mapping[str, str], site_url: str) -> bool:
    """Tell whether a form was sent from a page of ours, and not over plain http through a network.

    Shape: `Origin` must be this very server, at the address that was asked or at base_url; a site whose name
    leads to 127.0.0.1 is none of ours.
    Source: Fetch Metadata Request Headers, section 2.3; Fetch, section 3.2 (Origin).
    """
    if headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        return False
    origin = headers.get("Origin", "").lower()
    scheme, _, host = origin.partition("://")
    if scheme not in {"http", "https"} or host not in {headers.get("Host", "").lower(), _host(site_url)}:
        return False
    return scheme == "https" or _is_loopback(urlsplit(origin).hostname or "")


def names_loopback(host: str) -> bool:
    """Tell whether a Host is this machine's own; a site whose name leads to 127.0.0.1 says another."""
    try:
        return _is_loopback(urlsplit(f"//{host}").hostname or "")
    except ValueError:  # half a bracket
        return False


def is_secure(headers: Mapping[str, str]) -> bool:
    """Tell whether the form was sent from a page that the browser has over https."""
    return headers.get("Origin", "").lower().startswith("https://")


def _nearest(headers: Headers, name: str) -> str:
    """Return the value that the nearest proxy added: the last one."""
    return ",".join(headers.getall(name, [])).rpartition(",")[2].strip()


def _network(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address.strip("[]"))
    except ValueError:
        return _UNKNOWN
    if isinstance(parsed, ipaddress.IPv6Address) and not parsed.is_loopback:
        return str(parsed.ipv4_mapped or ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


def _is_loopback(host: str) -> bool:
    try:
        parsed = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return host == "localhost"
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return (mapped or parsed).is_loopback


def _host(url: str) -> str:
    return urlsplit(url).netloc.lower()
