"""Find the feeds a page names: autodiscovery."""

from dataclasses import dataclass
from urllib.parse import unquote

from lxml import etree, html  # type: ignore[import-untyped]

from aggregator import urls
from aggregator.poll import clean

# application/json is left out: every WordPress page names its API under that type.
_TYPES = frozenset(
    {"application/rss+xml", "application/atom+xml", "application/rdf+xml", "application/feed+json",
     "application/xml", "text/xml"}
)  # fmt: skip
_COMMENTS = ("comment", "コメント")

# Where generators put their feed by default, and the path that most sites without a known one answer.
_PATHS = {
    "blogger": "/feeds/posts/default", "eleventy": "/feed/feed.xml", "ghost": "/rss/", "hexo": "/atom.xml",
    "hugo": "/index.xml", "jekyll": "/feed.xml", "zola": "/atom.xml",
}  # fmt: skip
_USUAL_PATH = "/feed"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedLink:
    """A feed that a page names."""

    url: str
    title: str
    media_type: str


def feed_links(page: bytes, url: str) -> tuple[FeedLink, ...]:
    """Return the feeds a page names, in its order; feeds of comments last.

    Source: HTML Living Standard, 4.6.6.1 "alternate"
    """
    tree = _tree(page)
    if tree is None:
        return ()
    base = (
        next((clean.web_url(url, node.get("href")) for node in tree.iter("base") if node.get("href")), None)
        or url
    )
    found: dict[str, FeedLink] = {}
    for node in tree.iter("link"):
        link = _link(node, base)
        if link:
            found.setdefault(link.url, link)
    return tuple(sorted(found.values(), key=_is_of_comments))


def common_path(page: bytes, url: str) -> str:
    """Return where a page that names no feed most likely has one: where what generated it puts it."""
    tree = _tree(page)
    metas = () if tree is None else tree.iter("meta")
    said = [node.get("content") or "" for node in metas if (node.get("name") or "").lower() == "generator"]
    generator = " ".join(said).lower()
    path = next((path for name, path in _PATHS.items() if name in generator), _USUAL_PATH)
    return urls.absolute(url, path)


def _tree(page: bytes) -> etree._Element | None:
    try:
        page.decode("utf-8")
        encoding = "utf-8"
    except UnicodeDecodeError:
        encoding = None  # the page's own meta element decides
    if not page.strip():
        return None
    return etree.HTML(page, html.HTMLParser(encoding=encoding))


def _link(node: etree._Element, base: str) -> FeedLink | None:
    relations = (node.get("rel") or "").lower().split()
    media_type = (node.get("type") or "").partition(";")[0].strip().lower()
    url = clean.web_url(base, node.get("href"))
    if url is None or "alternate" not in relations or "stylesheet" in relations or media_type not in _TYPES:
        return None
    return FeedLink(url=url, title=clean.heading(node.get("title") or ""), media_type=media_type)


def _is_of_comments(link: FeedLink) -> bool:
    said = f"{unquote(link.url)} {link.title}".lower()
    return any(word in said for word in _COMMENTS)
