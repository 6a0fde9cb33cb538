"""Rows of the store as what publishing knows of a story."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, get_args

from aggregator import urls
from aggregator.markup import unturned
from aggregator.model import CommentCount, Enclosure, Rights, SourceRef
from aggregator.publish import relayed
from aggregator.publish.edition import Facts, Publication, Translated
from aggregator.times import from_text, maybe_time

Row = Mapping[str, Any]


def facts_of(row: Row, sources: Iterable[Row], counts: Iterable[Row]) -> Facts:
    """Return what rows say of a story: its lead's, its sources', the lead's first, and its counts'."""
    facts = Facts(
        publication=_publication(row), title=unturned(row["original"]),
        summary=row["summary"], story=row["story"],
        translated=_translated(row), sources=_sources(sources),
        rights=row["rights"] if row["rights"] in get_args(Rights) else "excerpt",
        sort_at=from_text(row["sort_at"]),
        permalink=_url(row["permalink"]), language=row["language"],
        published_at=maybe_time(row["published_at"]), category=row["category"],
        source_updated_at=maybe_time(row["source_updated_at"]),
        authors=_names(row["authors"]), tags=_names(row["tags"]),
        enclosures=tuple(map(_enclosure, json.loads(row["enclosures"]))),
        image_url=_url(row["image_url"]), comments_url=_url(row["comments_url"]),
        comments_feed_url=_url(row["comments_feed_url"]), counts=tuple(map(_count, counts)),
    )  # fmt: skip
    line = relayed.read(row["relayed"] or "")
    return relayed.credited(facts, line) if line else facts


def _url(text: str | None) -> str | None:
    """Return an address as documents may hold it; feeds give them as they like."""
    return None if text is None else urls.encoded(text)


def _enclosure(fields: dict[str, Any]) -> Enclosure:
    return Enclosure(**fields | {"url": urls.encoded(fields["url"])})


def _names(text: str) -> tuple[str, ...]:
    return tuple(map(unturned, json.loads(text)))


def _publication(row: Row) -> Publication:
    return Publication(
        public_id=row["public_id"], story_id=row["story_id"], slug=row["slug"], state=row["state"],
        held_at=from_text(row["held_at"]), first_published_at=maybe_time(row["first_published_at"]),
        updated_at=maybe_time(row["updated_at"]), title=row["title"], body=row["body"],
        fingerprint=row["fingerprint"], room=row["room"],
    )  # fmt: skip


def _translated(row: Row) -> Translated | None:
    if row["t_title"] is None:
        return None
    return Translated(
        engine=row["engine"] or "", model=row["model"] or "", title=row["t_title"], summary=row["t_summary"],
        story=row["t_story"], current=bool(row["current"]), written=row["t_origin"] == "llm",
        headline=bool(row["headline"]), writer=row["writer"],
    )  # fmt: skip


def _sources(rows: Iterable[Row]) -> tuple[SourceRef, ...]:
    """Return each feed once, with its first entry: a feed may carry a story again under another guid."""
    by_feed: dict[str, SourceRef] = {}
    for row in rows:
        by_feed.setdefault(row["listed_url"], _source(row))
    return tuple(by_feed.values())


def _source(row: Row) -> SourceRef:
    return SourceRef(
        feed_title=row["title"],
        site_url=_url(row["site_url"]),
        permalink=_url(row["permalink"]),
        feed_url=row["listed_url"],
        category=row["category"],
    )


def _count(row: Row) -> CommentCount:
    return CommentCount(
        source=row["source"], count=row["count"], url=_url(row["url"]),
        counted_at=from_text(row["counted_at"]),
    )  # fmt: skip
