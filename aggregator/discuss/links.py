"""Which addresses are one page in other dress, and how to ask a provider that takes them by letter.

Wider than `urls.canonical`, which is what stories are told apart by: two stories may have one key here.
"""

import re
from urllib.parse import urlsplit, urlunsplit

from aggregator import urls

# Google's viewer and cache of AMP pages, as `urls.canonical` writes them: the page's own address follows.
_VIEWER = re.compile(
    r"https://(?:google\.[a-z]{2,3}(?:\.[a-z]{2})?/amp|[a-z0-9-]+\.cdn\.ampproject\.org/(?:c|v|wp))/(?:s/)?([^/.]+\.[^/]+.*)"
)
_VIEWERS = 3  # of viewers within viewers
_DRESSED_HOST = re.compile(r"(?:(?<=\.)|^)(?:m|mobile|amp)\.")
# A guitar shop and a repository have pages called amp: there a bare word goes before, not an article's name.
_SLUG = re.compile(r"[-_.0-9]")
_INDEX = re.compile(r"/index\.(?:html?|php)$")


def key(url: str) -> str | None:
    """Write the key under which two links are the same page, or None where the URL names no web page.

    Shape: as `urls.canonical`, without AMP, hosts for telephones and `index.html`.
    """
    canonical = urls.canonical(_unwrapped(url))
    if canonical is None:
        return None
    parts = urlsplit(canonical)
    path = _INDEX.sub("", _without_amp(parts.path))
    query = "&".join(pair for pair in parts.query.split("&") if not _is_amp(pair))
    return urls.canonical(urlunsplit(("https", _desktop(parts.netloc), path, query, "")))


def twins(url: str) -> tuple[str, ...]:
    """Return the addresses under which a page may be known to who compares them by letter.

    Shape: its own scheme first, then the other of http and https; no tracking parameters, else as it is.
    Nothing where the URL names no web page.
    """
    canonical = urls.canonical(url)
    if canonical is None:
        return ()
    parts = urlsplit(urls.normalise(url))
    schemes = ("http", "https") if parts.scheme == "http" else ("https", "http")
    authority, query = parts.netloc.rpartition("@")[2], urlsplit(canonical).query
    return tuple(urlunsplit((scheme, authority, parts.path, query, "")) for scheme in schemes)


def _unwrapped(url: str) -> str:
    for _ in range(_VIEWERS):
        found = _VIEWER.fullmatch(urls.canonical(url) or "")
        if found is None:
            break
        url = f"https://{found[1]}"
    return url


def _desktop(authority: str) -> str:
    plain = _DRESSED_HOST.sub("", authority)
    if plain == authority:
        return authority
    domain = urls.registrable_domain(f"https://{authority}")
    return plain if f".{urls.host(f'https://{plain}')}".endswith(f".{domain}") else authority


def _without_amp(path: str) -> str:
    while path.endswith("/amp") and _SLUG.search(path[:-4].rpartition("/")[2]):
        path = path[:-4]
    if path.startswith("/amp/") and _SLUG.search(path):
        path = path[4:]
    if path.endswith(".amp.html"):
        return f"{path[:-9]}.html"
    return path.removesuffix(".amp")


def _is_amp(pair: str) -> bool:
    lower = pair.lower()
    name = lower.partition("=")[0]
    return name == "amp" or name.startswith("amp_") or lower == "outputtype=amp"
