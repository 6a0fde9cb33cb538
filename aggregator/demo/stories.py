"""The demo's stories and the feeds that carry them, read from stories.json."""

import functools
import html
import json
import re
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from typing import Any

from aggregator.times import from_text, maybe_time

Block = str | tuple[str, ...]  # a paragraph of inline markup, or the entries of a list

_STORY_LINK = re.compile(r"story:([a-z0-9-]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One article. It lives on one host, and more than one feed may link to it."""

    key: str
    host: str
    title: str
    author: str
    published_at: datetime
    updated_at: datetime | None
    tags: tuple[str, ...]
    summary: str
    body: tuple[Block, ...]  # empty where there is no more than the summary
    comments: int | None
    audio: bool

    @property
    def path(self) -> str:
        """The path of the article's page."""
        return f"/{self.published_at:%Y/%m}/{self.key}"

    @property
    def changed_at(self) -> datetime:
        """The time of the last change."""
        return self.updated_at or self.published_at

    def url(self, port: int) -> str:
        """Return the address of the article's page."""
        return f"http://{self.host}:{port}{self.path}"

    def body_html(self, port: int) -> str:
        """Return the article as XHTML, empty where there is none."""
        blocks = "\n".join(_block_html(block) for block in self.body)
        return _STORY_LINK.sub(lambda match: _homes()[match[1]].url(port), blocks)

    def text_html(self, port: int) -> str:
        """Return the article, or the summary where there is none."""
        return self.body_html(port) or f"<p>{html.escape(self.summary)}</p>"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoFeed:
    """One feed, on a loopback host of its own."""

    key: str
    host: str
    path: str
    form: str  # a key of feeds.FORMS
    title: str
    subtitle: str
    category: str
    language: str
    tracking: str  # query that the feed adds to its links
    stories: tuple[Story, ...]  # newest first

    @property
    def changed_at(self) -> datetime:
        """The time of the last change of any of its stories."""
        return max(story.changed_at for story in self.stories)

    def url(self, port: int, path: str | None = None) -> str:
        """Return the address of the feed, or of another path on its host."""
        return f"http://{self.host}:{port}{self.path if path is None else path}"

    def permalink(self, story: Story, port: int) -> str:
        """Return the link this feed gives for a story."""
        return story.url(port) + (f"?{self.tracking}" if self.tracking else "")

    def comments_url(self, story: Story, port: int) -> str:
        """Return the address of this feed's thread about a story."""
        return self.url(port, f"/comments/{story.key}")


@functools.cache
def load() -> tuple[DemoFeed, ...]:
    """Read the demo's feeds, each with its stories."""
    text = resources.files(__package__).joinpath("stories.json").read_text(encoding="utf-8")
    tree = json.loads(text)
    homes: dict[str, str] = {}
    for feed in tree["feeds"]:
        for key in feed["stories"]:
            homes.setdefault(key, feed["host"])  # the first feed that lists a story is the one it belongs to
    stories = {raw["key"]: _story(raw, homes[raw["key"]]) for raw in tree["stories"]}
    return tuple(_feed(raw, stories) for raw in tree["feeds"])


@functools.cache
def _homes() -> dict[str, Story]:
    return {story.key: story for feed in load() for story in feed.stories}


def _story(raw: dict[str, Any], host: str) -> Story:
    return Story(
        key=raw["key"],
        host=host,
        title=raw["title"],
        author=raw["author"],
        published_at=from_text(raw["published"]),
        updated_at=maybe_time(raw.get("updated")),
        tags=tuple(raw["tags"]),
        summary=raw["summary"],
        body=tuple(block if isinstance(block, str) else tuple(block) for block in raw.get("body", ())),
        comments=raw.get("comments"),
        audio=raw.get("audio", False),
    )


def _feed(raw: dict[str, Any], stories: dict[str, Story]) -> DemoFeed:
    newest_first = sorted(
        (stories[key] for key in raw["stories"]), key=lambda s: s.published_at, reverse=True
    )
    return DemoFeed(**{"tracking": "", **raw, "stories": tuple(newest_first)})


def _block_html(block: Block) -> str:
    if isinstance(block, str):
        return f"<p>{block}</p>"
    return "<ul>" + "".join(f"<li>{line}</li>" for line in block) + "</ul>"
