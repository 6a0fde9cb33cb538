"""What readers are given of each story: the limits of its feed's rights, the frozen body, the editions.

How much of a source is shown is decided here alone (`limited`); everything that writes a
document takes it from an `EditionEntry`.
"""

import functools
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from operator import attrgetter
from typing import Literal

from aggregator.model import (
    CommentCount,
    Edition,
    EditionEntry,
    Enclosure,
    PublicationState,
    Related,
    Rights,
    ShownComment,
    SourceRef,
    Viewpoint,
)
from aggregator.publish.counts import reactions, tally
from aggregator.publish.room import KEPT

MARK = "【未訳】"  # before the title of an entry shown untranslated
WRITTEN = "（AIによる要約）"  # after a summary that a model wrote
EXCERPT_SENTENCES = 3
EXCERPT_WIDTH = 600  # of 300 Japanese characters; a Latin letter is half as wide
LANGUAGE = "ja"
_TAG = re.compile("[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")  # RFC 4287, atomLanguageTag
_JAPANESE = re.compile("[ぁ-ヺ]")
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, production 2

Sentences = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """A row of `publications`."""

    public_id: str
    story_id: int
    slug: str
    state: PublicationState
    held_at: datetime
    first_published_at: datetime | None = None
    updated_at: datetime | None = None
    title: str = ""
    body: str = ""
    fingerprint: str = ""  # of what was frozen, see promote.py
    room: int | None = None  # bytes the excerpt in `body` may take, see room.py


@dataclass(frozen=True, slots=True, kw_only=True)
class Translated:
    """The lead entry's last good translation; shapes as in model.Summary."""

    engine: str
    model: str
    title: str
    summary: str
    story: str
    current: bool  # made from the entry as its feed has it now
    written: bool = False  # the summary, by a model, of the article
    headline: bool = False  # the title too was written, not translated
    writer: str = ""  # what wrote either


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All the store knows of a story that has a publication; texts as in model.Summary."""

    publication: Publication
    title: str
    summary: str
    story: str
    translated: Translated | None
    rights: Rights
    sources: tuple[SourceRef, ...]  # the lead's first
    sort_at: datetime
    permalink: str | None = None
    language: str | None = None
    published_at: datetime | None = None
    source_updated_at: datetime | None = None
    category: str = ""
    authors: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    enclosures: tuple[Enclosure, ...] = ()
    image_url: str | None = None
    picture: str = ""  # path of our copy of it
    comments_url: str | None = None
    comments_feed_url: str | None = None
    counts: tuple[CommentCount, ...] = ()  # as they were counted, see counts.tally
    comments: tuple[ShownComment, ...] = ()
    viewpoints: tuple[Viewpoint, ...] = ()
    related: tuple[Related, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What every document says of the place it is published at."""

    title: str
    base_url: str  # of the folder the documents lie in, with a final slash
    home_url: str  # the same without a private path: the feeds' identity
    timezone: str
    private: bool
    contact: str
    generator: str
    waiting: int  # entries without a translation
    viewpoints: bool = False  # machines comment here
    search: bool = True  # a server answers /search
    images: Literal["none", "source", "proxy"] = "source"  # whose pictures feeds name: see the setting
    hub: str = ""  # tells readers at once what is new
    indexable: bool = False  # search engines may list the pages


def limited(rights: Rights, summary: str, story: str) -> tuple[Sentences, tuple[Sentences, ...]]:
    """Cut summary and story to what the feed's rights allow."""
    sentences = tuple(line for line in summary.splitlines() if line.strip())
    match rights:
        case "titles":
            return (), ()
        case "excerpt":
            return _excerpt(sentences), ()
        case "full":
            paragraphs = (tuple(p.splitlines()) for p in story.split("\n\n") if p.strip())
            return sentences, tuple(paragraphs)


def _excerpt(sentences: Sentences) -> Sentences:
    kept: list[str] = []
    room = EXCERPT_WIDTH
    for sentence in sentences[:EXCERPT_SENTENCES]:
        room -= _width(sentence)
        if room < 0:
            break
        kept.append(sentence)
    if sentences and not kept:
        return (sentences[0][: EXCERPT_WIDTH // 2 - 1] + "…",)
    return tuple(kept)


@functools.lru_cache(maxsize=2000)  # the same sentences at each look
def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def shown_title(facts: Facts) -> str:
    """Choose the best title there is now; never empty, for Atom demands one."""
    original = facts.title or facts.permalink or facts.sources[0].feed_title
    return (_legal(facts.translated.title) or original) if facts.translated else MARK + original


def shown_texts(facts: Facts) -> tuple[Sentences, tuple[Sentences, ...]]:
    """Choose the best summary and story there are now, within the rights."""
    text = facts.translated or facts
    return limited(facts.rights, _legal(text.summary), _legal(text.story))


def _legal(text: str) -> str:
    return _ILLEGAL.sub("", text)  # an engine may return anything


def written_parts(*, headline: bool, summary: bool) -> str:
    """Name what a model wrote: 「見出し・要約」, "" where it wrote nothing."""
    return "・".join(part for part, written in (("見出し", headline), ("要約", summary)) if written)


def source_language(facts: Facts) -> str:
    """Return the tag of the source's language; English where the feed's own is none.

    What passed through untranslated is Japanese where it is written so, whatever its feed says.
    """
    passed = facts.translated and facts.translated.engine == "original"
    if passed and _JAPANESE.search(f"{facts.title}\n{facts.summary}"):
        return LANGUAGE
    return language_tag(facts.language)


def language_tag(named: str | None) -> str:
    """Return the tag that a feed's own word for its language means; English where it means none."""
    tag = (named or "").replace("_", "-")
    return tag if _TAG.fullmatch(tag) else "en"


def web_url(url: str | None) -> str | None:
    """Return the URL where a reader may follow it (http, https), else None."""
    return url if url and url.lower().startswith(("http://", "https://")) else None


def present(facts: Facts) -> EditionEntry:
    """Build the published entry; its publication has been promoted."""
    row = facts.publication
    if row.first_published_at is None or row.updated_at is None:
        raise ValueError(f"{row.public_id} is held and not to be shown")
    summary, story = shown_texts(facts)
    return EditionEntry(
        public_id=row.public_id, slug=row.slug, state=row.state, title=row.title, body_html=row.body,
        first_published_at=row.first_published_at, updated_at=row.updated_at,
        original_title=facts.title, original_language=source_language(facts),
        permalink=web_url(facts.permalink), published_at=facts.published_at, sources=facts.sources,
        category=facts.category, authors=facts.authors, tags=facts.tags,
        enclosures=tuple(e for e in facts.enclosures if web_url(e.url)),
        image_url=None if facts.rights == "titles" else web_url(facts.image_url), rights=facts.rights,
        picture="" if facts.rights == "titles" else facts.picture,
        page_title=shown_title(facts), summary=summary,
        story=story, engine=facts.translated.engine if facts.translated else "",
        model=facts.translated.model if facts.translated else "",
        written=facts.translated is not None and facts.translated.written,
        headline=facts.translated is not None and facts.translated.headline,
        writer=facts.translated.writer if facts.translated else "", comments_url=web_url(facts.comments_url),
        comments_feed_url=web_url(facts.comments_feed_url), counts=tally(facts.counts),
        reactions=reactions(facts.counts),
        comments=facts.comments, viewpoints=facts.viewpoints, related=facts.related,
    )  # fmt: skip


def picture_url(entry: EditionEntry, site: Site) -> str | None:
    """Return the address of an entry's picture: where its feed says that it lies, or of our copy."""
    match site.images:
        case "none":
            return None
        case "source":
            return entry.image_url
        case "proxy":
            return site.base_url + entry.picture if entry.picture else None


def ordered(stories: Iterable[Facts]) -> list[EditionEntry]:
    """Sort as feeds are: what was published last comes first."""
    by_id = sorted(stories, key=lambda facts: facts.publication.public_id)
    by_age = sorted(by_id, key=lambda facts: facts.sort_at, reverse=True)
    return sorted(map(present, by_age), key=lambda entry: entry.first_published_at, reverse=True)


def cut(
    entries: Sequence[EditionEntry],
    most: int,
    at: Callable[[EditionEntry], datetime] = attrgetter("first_published_at"),
) -> tuple[EditionEntry, ...]:
    """Keep the first `most`, and beyond them what is within 48 hours of the newest."""
    if not entries:
        return ()
    oldest = at(entries[0]) - KEPT
    return tuple(e for n, e in enumerate(entries) if n < most or at(e) >= oldest)


def compose(name: str, title: str, entries: tuple[EditionEntry, ...]) -> Edition:
    """Make an edition, as new as its newest entry."""
    updated_at = max((entry.updated_at for entry in entries), default=None)
    return Edition(name=name, path="", title=title, updated_at=updated_at, entries=entries)


def with_digests(made: Edition, digests: Iterable[EditionEntry]) -> Edition:
    """Add digests to an edition, which is as new as the newest of them all."""
    added = tuple(digests)
    newest = max((each.updated_at for each in (*made.entries, *added)), default=None)
    return replace(made, digests=added, updated_at=newest)


def given(made: Edition) -> Edition:
    """Return the edition as feeds carry it: digests among the entries, the newest first."""
    everything = sorted(
        (*made.digests, *made.entries), key=lambda entry: entry.first_published_at, reverse=True
    )
    return replace(made, entries=tuple(everything), digests=()) if made.digests else made


def byline(entry: EditionEntry) -> str:
    """Name author and feed in one, for readers show no `source`: 「原著者 (媒体名)」."""
    feed = entry.sources[0].feed_title
    return f"{'、'.join(entry.authors)} ({feed})" if entry.authors else feed


def terms(entry: EditionEntry) -> tuple[str, ...]:
    """List category and tags once each."""
    return tuple(dict.fromkeys(filter(None, (entry.category, *entry.tags))))


def original_url(entry: EditionEntry, site: Site) -> str:
    """Return the one alternate of an entry: the original, or our page where it has none."""
    return entry.permalink or page_url(entry, site)


def page_url(entry: EditionEntry, site: Site) -> str:
    """Return the address of the entry's own page."""
    return site.base_url + page_path(entry)


def page_path(entry: EditionEntry) -> str:
    """Return the path of the entry's own page, which never changes."""
    return entry.path or f"entries/{entry.slug}.html"
