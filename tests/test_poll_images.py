"""Which picture of an entry is taken from what its feed declares."""

import json

import pytest

from aggregator.poll import images
from aggregator.poll.parse import parse

URL = "https://quillon.example/feed"
THUMBNAIL = '<media:thumbnail url="/t.jpg" width="140" height="1"/>'
CONTENT = '<media:content url="/c" medium="image"/>'
ITUNES = '<itunes:image href="/i.jpg"/>'
FILE = '<enclosure url="https://quillon.example/e.png" type="image/png" length="9"/>'
NOTE = '<enclosure url="https://quillon.example/e.mp3" type="audio/mpeg" length="9"/>'
DOT = '<media:thumbnail url="/dot.gif" width="1" height="1px"/>'


def picture(inside: str, end: str = "") -> str | None:
    """Return the picture of an RSS entry; with `end` the document is broken, and feedparser reads it."""
    body = f"""<rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/"
      xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"><channel><title>Quillon</title>
      <item><title>Quillon ships{end}</title><guid isPermaLink="false">1</guid>{inside}</item></channel></rss>"""
    [entry] = parse(body.encode(), "application/rss+xml", URL).entries
    return entry.image_url


BOTH_PARSERS = pytest.mark.parametrize("end", ["", " & counts"], ids=["fast", "lenient"])


@BOTH_PARSERS
@pytest.mark.parametrize(
    ("inside", "url"),
    [
        (FILE + ITUNES + CONTENT + THUMBNAIL, "https://quillon.example/t.jpg"),
        (FILE + ITUNES + CONTENT, "https://quillon.example/c"),
        (FILE + ITUNES, "https://quillon.example/i.jpg"),
        (NOTE + FILE, "https://quillon.example/e.png"),
        (NOTE, None),
        ('<media:content url="/film.mp4" medium="video"/>', None),
        ('<media:content url="/film.jpg" type="video/mp4"/>', None),
        ('<media:content url="/c.JPG?w=140"/>', "https://quillon.example/c.JPG?w=140"),
        ('<media:content url="/unknown"/>', None),
        ("", None),
    ],
)
def test_a_thumbnail_comes_first_then_pictures_then_files(inside: str, url: str | None, end: str):
    assert picture(inside, end) == url


@BOTH_PARSERS
def test_a_picture_of_one_dot_is_none_and_the_next_is_taken(end: str):
    assert picture(DOT, end) is None
    assert picture(DOT + CONTENT, end) == "https://quillon.example/c"


@pytest.mark.parametrize(
    "url",
    [
        "https://pixel.wp.com/b.gif?v=noscript",
        "https://0.gravatar.com/avatar/1?s=96",
        "http://ad.doubleclick.net/1.gif",
        "https://feeds.feedburner.com/~r/quillon/~4/1",
        "https://www.facebook.com/tr?id=1",
        "javascript:alert(1)",
        "data:image/gif;base64,R0lGOD",
    ],
)
def test_what_counts_readers_is_no_picture(url: str):
    assert images.shown(URL, url) is None
    assert images.declared(URL, [{"url": url}, {"href": "/i.jpg"}]) == "https://quillon.example/i.jpg"


def test_a_name_that_only_ends_like_a_counter_s_is_a_picture():
    assert images.shown(URL, "https://mygravatar.com/1.png") == "https://mygravatar.com/1.png"


@pytest.mark.parametrize(
    ("fields", "url"),
    [
        ({"image": "/i.png", "banner_image": "/b.png"}, "https://quillon.example/i.png"),
        ({"banner_image": "/b.png"}, "https://quillon.example/b.png"),
        ({"image": "https://pixel.wp.com/b.gif", "banner_image": "/b.png"}, "https://quillon.example/b.png"),
        (
            {"attachments": [{"url": "https://quillon.example/a.webp", "mime_type": "image/webp"}]},
            "https://quillon.example/a.webp",
        ),
        ({}, None),
    ],
)
def test_a_json_feed_s_picture_is_read(fields: dict[str, object], url: str | None):
    feed = {"version": "https://jsonfeed.org/version/1.1", "title": "Quillon",
            "items": [{"id": "1", "title": "One", "content_text": "x"} | fields]}  # fmt: skip
    [entry] = parse(json.dumps(feed).encode(), "application/json", URL).entries
    assert entry.image_url == url


def test_a_picture_makes_no_revision():
    def fingerprint(inside: str) -> str:
        body = f"""<rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/"><channel><title>Q</title>
          <item><title>One</title><guid>1</guid>{inside}</item></channel></rss>"""
        [entry] = parse(body.encode(), "application/rss+xml", URL).entries
        return entry.fingerprint

    assert fingerprint(THUMBNAIL) == fingerprint("")
