"""URLs compared, taken apart and joined; never fetched."""

import functools
import ipaddress
import re
from urllib.parse import SplitResult, quote, urljoin, urlsplit, urlunsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}
_WWW = re.compile(r"^(?:www\.)+(?=[^.]+\.)")
# What most links are: nothing to join, to encode or to normalise; the host, the path and the query.
_PLAIN = re.compile(r"https?://(?!www\.)([a-z0-9.-]+)((?:/[!-\"$->@-~]*)?)((?:\?[!-\"$->@-~]+)?)")
# What most listed addresses are: nothing for `normalise` to change.
_NORMAL = re.compile(r"https?://[a-z0-9.-]+/[!-\"$->@-~]*(?:\?[!-\"$->@-~]+)?")
RESERVED = "%/:?#[]@!$&'()*+,;=~"  # RFC 3986 section 2.2; quoted already is quoted enough
_IN_PATHS = "%/:?@!$&'()*+,;=~"
_ENCODED = re.compile(r"[A-Za-z0-9._~%/:?@!$&'()*+,;=-]*(?:#[A-Za-z0-9._~%/:?@!$&'()*+,;=-]*)?")
_PLACE = re.compile(r"\A((?:[a-zA-Z]+://[^/?]*)?)(.*)", re.DOTALL)
_WEB = re.compile(r"https?:", re.IGNORECASE)
_SPACE = re.compile(r"\s")

# Parameters that say how a reader came to a page, not which page it is.
_TRACKING_PREFIXES = ("utm_", "mtm_", "pk_", "hsa_")
_TRACKING = frozenset({
    # advertisers
    "fbclid", "gclid", "dclid", "gbraid", "wbraid", "msclkid", "yclid", "twclid", "igshid", "igsh",
    # newsletters
    "mc_cid", "mc_eid", "_hsenc", "_hsmi", "mkt_tok", "vero_id", "ck_subscriber_id",
    # publishers' own
    "cmp", "cmpid", "ncid", "ref", "ref_src", "referrer", "s_cid", "smid", "spm", "src", "wt_mc",
})  # fmt: skip


def normalise(url: str) -> str:
    """Write a URL the one way in which listed URLs are compared.

    Shape: scheme and host in lower case, host in ASCII, no default port, no fragment, "/" for no path.
    Text that is no URL comes back as it is, stripped.
    """
    if _NORMAL.fullmatch(url):
        return url
    parts = _split(url)
    if parts is None or not parts.hostname:
        return url.strip()
    scheme = parts.scheme.lower()
    userinfo, at, _ = parts.netloc.rpartition("@")
    return urlunsplit((scheme, f"{userinfo}{at}{_authority(parts)}", parts.path or "/", parts.query, ""))


def web_address(url: str) -> str:
    """Return the address that a `feed:` one stands for; any other comes back as it is, stripped.

    Shape: `feed:https://…` is what follows the colon, `feed://…` is http.
    """
    text = url.strip()
    if text[:5].lower() != "feed:":
        return text
    rest = text[5:].removeprefix("//")
    return rest if _WEB.match(rest) else f"http://{rest}"


def is_web(url: str) -> bool:
    """Say whether a URL is an http or https one that names a host."""
    if _NORMAL.fullmatch(url):
        return True
    parts = _split(url)
    return parts is not None and parts.scheme.lower() in _DEFAULT_PORTS and bool(parts.hostname)


def canonical(url: str) -> str | None:
    """Write the key under which two links are the same story, or None where the URL names no web page.

    Shape: as `normalise`, always https, without `www.`, final slash and tracking parameters.
    """
    plain = _PLAIN.fullmatch(url)
    if plain:
        return f"https://{plain[1]}{plain[2].rstrip('/')}{_untracked(plain[3])}"
    parts = _split(url)
    if parts is None or not parts.hostname or parts.scheme.lower() not in _DEFAULT_PORTS:
        return None
    authority = _WWW.sub("", _authority(parts), count=1)
    return urlunsplit(("https", authority, parts.path.rstrip("/"), _untracked(f"?{parts.query}")[1:], ""))


def encoded(url: str) -> str:
    """Return a URL with the characters alone that RFC 3986 allows, as documents of ours hold it.

    Shape: what cannot be taken apart is quoted as it is; a fragment stays.
    """
    if _ENCODED.fullmatch(url):
        return url
    whole, mark, fragment = url.strip().partition("#")
    parts = _split(whole)
    if parts and parts.hostname and not parts.netloc.isascii():
        user, at, _ = parts.netloc.rpartition("@")
        whole = urlunsplit(parts._replace(netloc=f"{user}{at}{_authority(parts)}"))
    [(place, path)] = _PLACE.findall(whole)
    return quote(place, RESERVED) + quote(path, _IN_PATHS) + mark + quote(fragment, _IN_PATHS)


def is_plain(url: str) -> bool:
    """Say whether a URL is one that joining to any base leaves as it is, without taking it apart."""
    return _PLAIN.fullmatch(url) is not None


@functools.lru_cache(maxsize=4096)  # a poll asks three times for each feed
def host(url: str) -> str:
    """Return the host in lower case and ASCII, without brackets; empty where there is none."""
    parts = _split(url)
    return "" if parts is None else _ascii(parts.hostname or "")


def registrable_domain(url: str) -> str:
    """Return the domain somebody registered, the unit of politeness; an IP address is its own.

    Source: the public suffix list (private suffixes such as github.io included) in the package `tld`.
    """
    return _registrable(host(url))


def absolute(base: str, url: str) -> str:
    """Join a reference to its base; what cannot be joined comes back as it is, stripped."""
    text = url.strip()
    try:
        return urljoin(base, text)
    except ValueError:  # an unclosed bracket of an IPv6 address
        return text


@functools.lru_cache(maxsize=4096)
def _registrable(name: str) -> str:
    if _is_address(name) or "." not in name:
        return name
    import tld  # a twentieth of a second to load; a round of unchanged feeds does not ask

    parts = SplitResult("https", name, "/", "", "")
    found = tld.get_fld(parts, fail_silently=True)
    # The list's own rule for a suffix it does not know is "*": one label under it.
    return str(found) if found else ".".join(name.rstrip(".").split(".")[-2:])


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _split(url: str) -> SplitResult | None:
    """Take a URL apart without its fragment; None where its host or port are malformed."""
    text = _SPACE.sub(lambda space: quote(space[0]), url.partition("#")[0].strip())
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 - raises where the port is no number
    except ValueError:
        return None
    return None if "]" in (parts.hostname or "") else parts


def _authority(parts: SplitResult) -> str:
    name = _ascii(parts.hostname or "")
    shown = f"[{name}]" if ":" in name else name
    default = _DEFAULT_PORTS.get(parts.scheme.lower())
    return shown if parts.port in {None, default} else f"{shown}:{parts.port}"


def _ascii(name: str) -> str:
    lower = name.lower()
    if lower.isascii():
        return lower
    import idna  # its tables are large, and hardly any name needs them

    try:
        return idna.encode(lower, uts46=True).decode("ascii")
    except idna.IDNAError:
        return lower


def _untracked(query: str) -> str:
    """Return a query with its question mark without tracking parameters; nothing where nothing is left."""
    kept = "&".join(pair for pair in query[1:].split("&") if not _is_tracking(pair))
    return kept and f"?{kept}"


def _is_tracking(pair: str) -> bool:
    name = pair.partition("=")[0].lower()
    return not name or name in _TRACKING or name.startswith(_TRACKING_PREFIXES)
