"""Copies of pictures over real sockets: what the main feeds show, from here, as long as they show it."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import feedparser
import pytest

from aggregator.executors import open_workers
from aggregator.pipeline import StageReport, run_stage
from aggregator.publish import pictures
from aggregator.publish.picture_stage import STAGE
from tests.feedserver import Answer, FeedServer
from tests.publishing import Newsroom

PNG = b"\x89PNG\r\n\x1a\n" + b"p" * 9000
JPEG = b"\xff\xd8\xff" + b"j" * 300


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with FeedServer() as running:
        yield running


@pytest.fixture
def room(tmp_path: Path) -> Newsroom:
    return Newsroom(
        tmp_path, images="proxy", allow_private_hosts=True, host_spacing=timedelta(), max_entries=2,
        digest_at=None, morning_at=None,
    )  # fmt: skip


def add(room: Newsroom, guid: str, url: str | None, rights: str | None = None) -> None:
    name = rights or "alpha"
    known = [
        row["feed_id"] for row in room.db.query("SELECT * FROM feeds WHERE host = ?", [f"{name}.example"])
    ]
    feed = known[0] if known else room.feed(name, rights)
    room.translate(room.entry(feed, guid, image_url=url), guid)


def publish(room: Newsroom, hours: float = 0) -> StageReport:
    """Publish, fetch pictures, and publish what names them."""
    room.publish(hours)
    report = run_stage(STAGE, room.db, room.config, open_workers("inline:"), lambda: room.now)
    room.publish()
    return report


def named(room: Newsroom, name: str = "feed.json") -> dict[str, str]:
    """Return the picture of each entry that has one, by title."""
    items = json.loads(room.path(name).read_bytes())["items"]
    return {item["title"]: item["image"] for item in items if "image" in item}


def copies(room: Newsroom) -> dict[str, bytes]:
    return {name: body for name, body in room.outputs().items() if name.startswith("images/")}


def test_a_picture_is_told_by_its_bytes_alone():
    for start, ending in ((PNG, "png"), (JPEG, "jpg"), (b"GIF89a", "gif"), (b"RIFF....WEBPVP8 ", "webp")):
        made = pictures.document(start + b"x" * 200)
        assert made is not None
        assert made.path.endswith(f".{ending}")
    for other in (b"<svg>" + b"x" * 300, b"<html>" + b"x" * 300, b"GIF89a", b""):
        assert pictures.document(other) is None


def test_feeds_name_the_copy_and_nothing_else(room: Newsroom, server: FeedServer):
    add(room, "a", server.serve("/a.png", PNG, headers={"Content-Type": "text/plain"}))
    publish(room)
    [(path, body)] = copies(room).items()
    assert body == PNG
    assert named(room) == {"a": f"https://news.example/{path}"}
    for name in ("atom.xml", "rss.xml"):
        text = room.path(name).read_bytes()
        [entry] = feedparser.parse(text).entries
        assert [each["url"] for each in entry.media_thumbnail] == [f"https://news.example/{path}"]
        assert b"127.0.0.1" not in text
    assert not room.path(f"{path}.gz").exists()


def test_until_the_copy_is_there_the_entry_has_no_picture(room: Newsroom, server: FeedServer):
    add(room, "a", server.serve("/a.png", PNG))
    room.publish()
    assert named(room) == {}
    assert server.paths() == []


def test_a_picture_is_fetched_once_whoever_shows_it(room: Newsroom, server: FeedServer):
    url = server.serve("/a.png", PNG)
    add(room, "a", url)
    add(room, "b", url)
    publish(room)
    publish(room, hours=1)
    assert server.paths() == ["/a.png"]
    assert len(copies(room)) == 1
    assert len(named(room)) == 2


def test_a_copy_goes_when_its_entry_leaves_the_main_feed(room: Newsroom, server: FeedServer):
    add(room, "a", server.serve("/a.png", PNG))
    add(room, "shared", server.serve("/shared.jpg", JPEG))
    publish(room)
    assert len(copies(room)) == 2
    for number in range(2):
        add(room, f"new{number}", server.url("/shared.jpg"))
    publish(room, hours=72)
    assert [*copies(room).values()] == [JPEG]
    publish(room, hours=1)
    assert set(named(room)) == {"new0", "new1"}
    for name, body in room.outputs().items():
        if name.endswith((".xml", ".json")):
            assert body.count(b"/images/") == body.count(next(iter(copies(room))).encode()), name


def test_with_titles_alone_nothing_is_fetched(room: Newsroom, server: FeedServer):
    add(room, "a", server.serve("/a.png", PNG), "titles")
    publish(room)
    assert (server.paths(), named(room), copies(room)) == ([], {}, {})


@pytest.mark.parametrize(
    "answer",
    [
        Answer(status=404),
        Answer(body=b"<svg xmlns='http://www.w3.org/2000/svg'>" + b" " * 300),
        Answer(body=PNG + b"x" * pictures.MOST),
        Answer(body=PNG[:100]),
    ],
    ids=["404", "svg", "large", "dot"],
)
def test_what_cannot_be_had_is_tried_again_later_and_at_last_no_more(
    room: Newsroom, server: FeedServer, answer: Answer
):
    server.script("/a.png", answer)
    add(room, "a", server.url("/a.png"))
    publish(room)
    assert named(room) == {}
    publish(room)
    assert len(server.paths()) == 1
    for hours, times in ((1, 2), (6, 3), (24, 4), (400, 4)):
        publish(room, hours)
        assert len(server.paths()) == times
    assert named(room) == {}


def test_private_addresses_are_not_asked_unless_they_are_allowed(room: Newsroom, server: FeedServer):
    room.settings(allow_private_hosts=False)
    add(room, "a", server.serve("/a.png", PNG))
    publish(room)
    assert server.paths() == []
    assert room.path("atom.xml").exists()


def test_another_picture_takes_the_place_of_the_first(room: Newsroom, server: FeedServer):
    add(room, "a", server.serve("/a.png", PNG))
    publish(room)
    room.db.execute("UPDATE entries SET image_url = ?", [server.serve("/b.jpg", JPEG)])
    publish(room, hours=1)
    publish(room, hours=1)
    assert [*copies(room).values()] == [JPEG]
    assert len(named(room)) == 1


def test_copies_that_were_lost_are_fetched_again(room: Newsroom, server: FeedServer):
    add(room, "a", server.serve("/a.png", PNG))
    publish(room)
    [path] = copies(room)
    room.path(path).unlink()
    publish(room, hours=1)
    assert [*copies(room)] == [path]


def test_with_another_setting_all_copies_go(room: Newsroom, server: FeedServer):
    url = server.serve("/a.png", PNG)
    add(room, "a", url)
    publish(room)
    room.settings(images="source")
    publish(room, hours=1)
    assert (copies(room), named(room)) == ({}, {"a": url})
    assert STAGE.backlog(room.db, room.config, room.now) == 0


def test_none_is_left_in_public_when_all_becomes_private(room: Newsroom, server: FeedServer):
    add(room, "a", server.serve("/a.png", PNG))
    publish(room)
    room.settings(visibility="private")
    publish(room, hours=1)
    assert copies(room) == {}
    assert any("/images/" in name for name in room.outputs())


def test_a_crash_is_a_failure_like_another(room: Newsroom, server: FeedServer):
    add(room, "a", server.serve("/a.png", PNG))
    room.publish()
    [job] = STAGE.pending(room.db, room.config, room.now)
    assert STAGE.backlog(room.db, room.config, room.now) == STAGE.size(job) == 1
    STAGE.postpone(room.db, room.config, job, "ValueError: x", room.now)
    assert [*STAGE.pending(room.db, room.config, room.now)] == []
