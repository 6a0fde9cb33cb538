"""The demo's feeds in eight formats, from string templates.

What the publishing step writes would be too clean to prove anything about reading. Each renderer returns
the text of one document; `render` adds the encoding its declaration names.
"""

import html
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

from aggregator.demo.sound import CHIME
from aggregator.demo.stories import DemoFeed, Story
from aggregator.times import to_text

JST = timezone(timedelta(hours=9))
AUDIO_TYPE = "audio/x-wav"

Renderer = Callable[[DemoFeed, int], str]


@dataclass(frozen=True, slots=True)
class Form:
    """How one kind of feed is written and served."""

    media_type: str
    render: Renderer
    encoding: str = "utf-8"


def render(feed: DemoFeed, port: int) -> bytes:
    """Return the feed's document."""
    form = FORMS[feed.form]
    return form.render(feed, port).encode(form.encoding)


def _tag(name: str, text: str, **attributes: str) -> str:
    written = "".join(f' {key}="{html.escape(value)}"' for key, value in attributes.items())
    return f"<{name}{written}>{html.escape(text, quote=False)}</{name}>"


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _http_date(moment: datetime) -> str:
    return format_datetime(moment, usegmt=moment.tzinfo is not JST)


# --- the RSS family -----------------------------------------------------------------------------------------


def _rss(
    feed: DemoFeed, port: int, entries: str, *, version: str = "2.0", encoding: str = "UTF-8", head: str = ""
) -> str:
    return f"""<?xml version="1.0" encoding="{encoding}"?>
<rss version="{version}" xmlns:atom="http://www.w3.org/2005/Atom" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:slash="http://purl.org/rss/1.0/modules/slash/">
<channel>
{_tag("title", feed.title)}
{_tag("link", feed.url(port, "/"))}
{_tag("description", feed.subtitle)}
{_tag("language", feed.language)}
{head}{entries}</channel>
</rss>
"""


def _rss_entry(*elements: str) -> str:
    return f"<item>\n{_lines(element for element in elements if element)}</item>\n"


def _headline(feed: DemoFeed, story: Story, port: int) -> str:
    return _tag("title", story.title) + "\n" + _tag("link", feed.permalink(story, port))


def _rss091(feed: DemoFeed, port: int) -> str:
    """RSS 0.91 knows neither dates nor guids of entries."""
    entries = "".join(
        _rss_entry(_headline(feed, story, port), _tag("description", story.text_html(port)))
        for story in feed.stories
    )
    head = f"""<!-- a feed from another century -->
{_tag("pubDate", _http_date(feed.changed_at))}
"""
    return _rss(feed, port, entries, version="0.91", head=head)


def _rss20(feed: DemoFeed, port: int) -> str:
    head = f"""<atom:link rel="self" type="application/rss+xml" href="{html.escape(feed.url(port))}"/>
<ttl>60</ttl>
"""
    return _rss(feed, port, "".join(_rss20_entry(feed, story, port) for story in feed.stories), head=head)


def _rss20_entry(feed: DemoFeed, story: Story, port: int) -> str:
    return _rss_entry(
        _headline(feed, story, port),
        _tag("guid", f"{feed.key}-{story.key}", isPermaLink="false"),
        _tag("dc:creator", story.author),
        _tag("pubDate", _http_date(story.published_at)),
        *(_tag("category", tag) for tag in story.tags),
        _tag("description", story.summary),
        f"<content:encoded><![CDATA[{story.text_html(port)}]]></content:encoded>",
        _enclosure(feed, story, port) if story.audio else "",
    )


def _enclosure(feed: DemoFeed, story: Story, port: int) -> str:
    url = feed.url(port, f"/audio/{story.key}.wav")
    return f'<enclosure url="{html.escape(url)}" length="{len(CHIME)}" type="{AUDIO_TYPE}"/>'


def _slash(feed: DemoFeed, port: int) -> str:
    entries = "".join(
        _rss_entry(
            _headline(feed, story, port),
            _tag("guid", f"{feed.key}-{story.key}", isPermaLink="false"),
            _tag("dc:creator", story.author),
            _tag("pubDate", _http_date(story.published_at)),
            _tag("comments", feed.comments_url(story, port)),
            _tag("slash:comments", str(story.comments)),
            _tag("description", story.text_html(port)),
        )
        for story in feed.stories
    )
    return _rss(feed, port, entries)


def _shift_jis(feed: DemoFeed, port: int) -> str:
    """Says Shift_JIS and means Windows' code page 932, as Japanese feeds of its age do."""
    entries = "".join(
        _rss_entry(
            _headline(feed, story, port),
            _tag("guid", story.url(port), isPermaLink="true"),
            _tag("pubDate", _http_date(story.published_at.astimezone(JST))),
            *(_tag("category", tag) for tag in story.tags),
            _tag("description", story.text_html(port)),
        )
        for story in feed.stories
    )
    return _rss(feed, port, entries, encoding="Shift_JIS")


def _broken(feed: DemoFeed, port: int) -> str:
    """No well-formed XML: ampersands stand bare and paragraphs are never closed."""
    entries = "".join(
        _rss_entry(
            f"<title>{story.title}</title>",
            f"<link>{feed.permalink(story, port)}</link>",
            f"<guid>{story.url(port)}</guid>",
            f"<author>{story.author}</author>",
            f"<pubDate>{_http_date(story.published_at)}</pubDate>",
            f"<description>{story.text_html(port).replace('</p>', '')}</description>",
        )
        for story in feed.stories
    )
    return f"""<rss version="2.0">
<channel>
<title>{feed.title}</title>
<link>{feed.url(port, "/")}</link>
<description>{feed.subtitle}</description>
<language>{feed.language}</language>
{entries}</channel>
</rss>
"""


def _rss10(feed: DemoFeed, port: int) -> str:
    order = _lines(f'<rdf:li rdf:resource="{html.escape(story.url(port))}"/>' for story in feed.stories)
    entries = "".join(_rss10_entry(feed, story, port) for story in feed.stories)
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<rdf:RDF xmlns="http://purl.org/rss/1.0/" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:content="http://purl.org/rss/1.0/modules/content/">
<channel rdf:about="{html.escape(feed.url(port))}">
{_tag("title", feed.title)}
{_tag("link", feed.url(port, "/"))}
{_tag("description", feed.subtitle)}
{_tag("dc:language", feed.language)}
<items><rdf:Seq>
{order}</rdf:Seq></items>
</channel>
{entries}</rdf:RDF>
"""


def _rss10_entry(feed: DemoFeed, story: Story, port: int) -> str:
    elements = (
        _headline(feed, story, port),
        _tag("description", story.summary),
        _tag("dc:creator", story.author),
        _tag("dc:date", to_text(story.published_at)),
        *(_tag("dc:subject", tag) for tag in story.tags),
        f"<content:encoded><![CDATA[{story.text_html(port)}]]></content:encoded>",
    )
    return f'<item rdf:about="{html.escape(story.url(port))}">\n{_lines(elements)}</item>\n'


# --- Atom and JSON Feed -------------------------------------------------------------------------------------


def _atom(feed: DemoFeed, port: int) -> str:
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xmlns:thr="http://purl.org/syndication/thread/1.0"
 xml:lang="{feed.language}">
<id>tag:{feed.key}.example,2026:feed</id>
{_tag("title", feed.title)}
{_tag("subtitle", feed.subtitle)}
<updated>{to_text(feed.changed_at)}</updated>
<link rel="self" type="application/atom+xml" href="{html.escape(feed.url(port))}"/>
<link rel="alternate" type="text/html" href="{html.escape(feed.url(port, "/"))}"/>
{"".join(_atom_entry(feed, story, port) for story in feed.stories)}</feed>
"""


def _atom_entry(feed: DemoFeed, story: Story, port: int) -> str:
    replies = html.escape(feed.comments_url(story, port))
    elements = (
        f"<id>tag:{feed.key}.example,{story.published_at:%Y-%m-%d}:{story.key}</id>",
        _tag("title", story.title),
        f'<link rel="alternate" type="text/html" href="{html.escape(feed.permalink(story, port))}"/>',
        f'<link rel="replies" type="text/html" href="{replies}" thr:count="{story.comments}"/>',
        f"<thr:total>{story.comments}</thr:total>",
        f"<published>{to_text(story.published_at)}</published>",
        f"<updated>{to_text(story.changed_at)}</updated>",
        f"<author>{_tag('name', story.author)}</author>",
        *(f'<category term="{html.escape(tag)}"/>' for tag in story.tags),
        _tag("summary", story.summary),
        f'<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">{story.text_html(port)}</div></content>',
    )
    return f"<entry>\n{_lines(elements)}</entry>\n"


def _json(feed: DemoFeed, port: int) -> str:
    document = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "description": feed.subtitle,
        "home_page_url": feed.url(port, "/"),
        "feed_url": feed.url(port),
        "language": feed.language,
        "items": [_json_entry(feed, story, port) for story in feed.stories],
    }
    return json.dumps(document, ensure_ascii=False, indent=1)


def _json_entry(feed: DemoFeed, story: Story, port: int) -> dict[str, object]:
    return {
        "id": story.url(port),
        "url": feed.permalink(story, port),
        "title": story.title,
        "summary": story.summary,
        "content_html": story.text_html(port),
        "date_published": to_text(story.published_at),
        "authors": [{"name": story.author}],
        "tags": list(story.tags),
    }


FORMS: dict[str, Form] = {
    "rss091": Form("text/xml; charset=utf-8", _rss091),
    "rss10": Form("application/rdf+xml; charset=utf-8", _rss10),
    "rss20": Form("application/rss+xml; charset=utf-8", _rss20),
    "atom": Form("application/atom+xml; charset=utf-8", _atom),
    "json": Form("application/feed+json", _json),
    "shift_jis": Form("text/xml; charset=Shift_JIS", _shift_jis, encoding="cp932"),
    "broken": Form("text/xml; charset=utf-8", _broken),
    "slash": Form("application/rss+xml; charset=utf-8", _slash),
}
