"""What is published."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from aggregator.model.discussions import ShownComment, Viewpoint
from aggregator.model.feeds import Rights
from aggregator.model.polls import Enclosure

PublicationState = Literal["held", "untranslated", "translated", "withdrawn"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentCount:
    """How many comments one source counts for an entry."""

    source: str  # "feed", later "hackernews", "lobsters", …
    count: int
    url: str | None = None
    counted_at: datetime | None = None
    at_least: bool = False  # there may be more


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRef:
    """One feed an entry's story came from."""

    feed_title: str
    site_url: str | None
    permalink: str | None
    feed_url: str
    category: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Related:
    """Another published entry that tells the same story."""

    slug: str
    title: str
    state: PublicationState


@dataclass(frozen=True, slots=True, kw_only=True)
class EditionEntry:
    """One published entry: what readers were given (frozen) and what may move beside it.

    `title`, `body_html`, `updated_at`, `first_published_at` are frozen; the rest is shown on the page and in
    elements readers do not compare. `summary` and `story` are plain sentences, cut to the rights.
    """

    public_id: str
    slug: str  # yyyy/mm/<short id>
    state: PublicationState
    title: str
    body_html: str
    first_published_at: datetime
    updated_at: datetime
    original_title: str
    original_language: str | None
    permalink: str | None
    published_at: datetime | None
    sources: tuple[SourceRef, ...]  # the lead first
    category: str
    authors: tuple[str, ...]
    tags: tuple[str, ...]
    enclosures: tuple[Enclosure, ...]
    image_url: str | None
    picture: str = ""  # path of our copy of it
    rights: Rights
    page_title: str  # the current translation, which may be newer than `title`
    summary: tuple[str, ...]
    story: tuple[tuple[str, ...], ...]
    engine: str
    model: str
    written: bool = False  # the summary, by a model, of the article
    headline: bool = False  # the page's title was written too
    writer: str = ""  # engine and model that wrote either
    comments_url: str | None
    comments_feed_url: str | None
    counts: tuple[CommentCount, ...]  # one a source
    reactions: CommentCount | None = None  # which are no comments
    rise: int = 0  # comments an hour, in the edition that is ranked by it
    comments: tuple[ShownComment, ...] = ()  # people's, the leading ones
    viewpoints: tuple[Viewpoint, ...] = ()  # machines'
    related: tuple[Related, ...] = ()
    path: str = ""  # of its page, where that is no entry's own: a digest's


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """A published list: main, all, later one a category."""

    name: str  # "main", "all"
    path: str  # "" or "category/security/"
    title: str
    updated_at: datetime | None  # the newest entry's, never the clock's
    entries: tuple[EditionEntry, ...]
    digests: tuple[EditionEntry, ...] = ()  # lists of others, which feeds carry among the entries
    label: str = ""  # what pages call a part: "Security"
    older: str = ""  # path of the document that holds what it held before


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One file of output/."""

    path: str  # relative, with forward slashes
    media_type: str
    body: bytes
