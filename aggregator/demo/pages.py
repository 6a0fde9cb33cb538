"""Everything the demo's hosts serve: feeds, front pages, articles, pages of comments and the recording."""

import hashlib
import html
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from aggregator.demo.feeds import AUDIO_TYPE, FORMS, render
from aggregator.demo.sound import CHIME
from aggregator.demo.stories import DemoFeed, Story, load
from aggregator.times import to_text

_HTML = "text/html; charset=utf-8"
_STYLE = "body{max-width:40rem;margin:2rem auto;padding:0 1rem;font:1.05rem/1.6 system-ui,sans-serif}"


@dataclass(frozen=True, slots=True)
class Resource:
    """What one URL answers."""

    media_type: str
    body: bytes
    modified_at: datetime

    @property
    def etag(self) -> str:
        """A strong validator: it changes when a byte does."""
        return f'"{hashlib.sha256(self.body).hexdigest()[:32]}"'


def resources(port: int) -> dict[str, Resource]:
    """Return every resource of the demo by its URL."""
    return {url: resource for feed in load() for url, resource in _of_feed(feed, port)}


def _of_feed(feed: DemoFeed, port: int) -> Iterator[tuple[str, Resource]]:
    yield feed.url(port), Resource(FORMS[feed.form].media_type, render(feed, port), feed.changed_at)
    yield feed.url(port, "/"), _page(feed, port, feed.title, _front(feed, port), feed.changed_at)
    for story in feed.stories:
        if story.host == feed.host:
            yield story.url(port), _page(feed, port, story.title, _article(story, port), story.changed_at)
        if story.comments is not None:
            comments = _page(feed, port, story.title, _comments(story, port), story.changed_at)
            yield feed.comments_url(story, port), comments
        if story.audio:
            url = feed.url(port, f"/audio/{story.key}.wav")
            yield url, Resource(AUDIO_TYPE, CHIME, story.changed_at)


def _page(feed: DemoFeed, port: int, title: str, body: str, modified_at: datetime) -> Resource:
    media_type = FORMS[feed.form].media_type.partition(";")[0].replace("text/xml", "application/rss+xml")
    link = f'type="{media_type}" title="{html.escape(feed.title)}" href="{html.escape(feed.url(port))}"'
    text = f"""<!DOCTYPE html>
<html lang="{feed.language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{html.escape(title)}</title>
<link rel="alternate" {link}>
<style>{_STYLE}</style>
</head>
<body>
<p><a href="/">{html.escape(feed.title)}</a></p>
<h1>{html.escape(title)}</h1>
{body}
</body>
</html>
"""
    return Resource(_HTML, text.encode(), modified_at)


def _front(feed: DemoFeed, port: int) -> str:
    links = "\n".join(
        f'<li><a href="{html.escape(story.url(port))}">{html.escape(story.title)}</a></li>'
        for story in feed.stories
    )
    return f"<p>{html.escape(feed.subtitle)}</p>\n<ul>\n{links}\n</ul>"


def _article(story: Story, port: int) -> str:
    when = to_text(story.published_at)
    byline = f'<p>{html.escape(story.author)}, <time datetime="{when}">{when[:10]}</time></p>'
    return f"<article>\n{byline}\n{story.text_html(port)}\n</article>"


def _comments(story: Story, port: int) -> str:
    link = f'<a href="{html.escape(story.url(port))}">{html.escape(story.title)}</a>'
    return f"<p>{story.comments} comments on {link}. The demo counts them, but nobody wrote them.</p>"
