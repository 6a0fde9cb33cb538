"""How far apart a domain is asked, and how far a server's wish to be left alone reaches."""

from datetime import timedelta

from aggregator import urls
from aggregator.model import FeedSettings, RetryScope

LARGE_SPACING = timedelta(seconds=5)
# Registrable domains that hold a great many feeds for one operator, who counts requests over all of them.
# Domains on the public suffix list (github.io, blogspot.com) are missing: there each customer is one.
LARGE = frozenset({
    "arxiv.org", "bsky.app", "dev.to", "feedburner.com", "github.com", "gitlab.com", "google.com",
    "hashnode.dev", "libsyn.com", "livejournal.com", "mastodon.social", "medium.com", "microsoft.com",
    "reddit.com", "rsshub.app", "sourceforge.net", "stackexchange.com", "stackoverflow.com",
    "substack.com", "tumblr.com", "vimeo.com", "wordpress.com", "ycombinator.com", "youtube.com",
})  # fmt: skip


def spacing(domain: str, usual: timedelta) -> timedelta:
    """Return the time between two requests to a domain: 5 s where it is large, but 0 where 0 is usual."""
    return max(usual, LARGE_SPACING) if usual and domain in LARGE else usual


def scope_of(settings: FeedSettings, usual: RetryScope) -> RetryScope:
    """Return how far a refusal of this feed reaches."""
    return settings.retry_scope or usual


def reach(url: str, scope: RetryScope) -> str:
    """Return what a refusal of this URL holds for: the URL itself, its host or its registrable domain."""
    if scope == "url":
        return url
    return urls.host(url) if scope == "host" else urls.registrable_domain(url)
