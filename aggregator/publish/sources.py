"""The feeds everything comes from, as the page of sources names them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Literal
from zoneinfo import ZoneInfo

from aggregator.model import Document
from aggregator.publish import pages, source_feeds
from aggregator.publish.edition import Site

State = Literal["ok", "new", "failing", "paused", "gone"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A listed feed."""

    title: str
    site_url: str | None
    category: str
    published: int  # entries that readers were given, ever
    newest_at: datetime | None
    state: State
    since: datetime | None = None  # when it was read for the last time
    slug: str = ""  # of its own feeds, where it has any

    @property
    def path(self) -> str:
        """Where its own feeds lie, beneath the site."""
        return source_feeds.path(self.slug)


def state_text(source: Source, zone: ZoneInfo) -> str:
    """Say in plain Japanese whether a feed can be read, and since when not."""
    since = pages.date_text(source.since, zone) if source.since else ""
    match source.state:
        case "ok":
            return "読めています"
        case "new":
            return "まだ読んでいません"
        case "paused":
            return "読むのを休んでいます"
        case "gone":
            return f"配信を終えました（{since}に確認）" if since else "配信を終えました"
        case "failing":
            return f"{since}を最後に読めていません" if since else "まだ一度も読めていません"


def page(sources: Sequence[Source], site: Site) -> Document:
    """Write the page that names every feed, its site, what it brought and its state.

    Shape: the sources by category.
    """
    groups = [(category, list(found)) for category, found in groupby(sources, key=lambda each: each.category)]
    return pages.render(
        "sources.html", "sources.html", site, groups=groups, total=len(sources), state_text=state_text
    )
