"""Everything wrong at once: each bad feed is one clear line, the good ones go on, nothing is lost."""

import json
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Aggregator
from tests.feedserver import FeedServer, Write
from tests.test_subscribe import RSS

HOSTS = 6


def _endless(write: Write) -> None:
    write(b"HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\n\r\n")
    while True:
        write(b"<!-- more -->" * 5000)


def _drip(write: Write) -> None:
    write(b"HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\n\r\n")
    while True:
        write(b" ")
        time.sleep(0.5)


@pytest.fixture
def server(environment: dict[str, str]) -> Iterator[FeedServer]:
    with FeedServer(HOSTS) as server:
        server.serve("/good", RSS, etag='"1"')
        server.serve(
            "/html", b"<!doctype html><html><body><p>Hello</p></body></html>", content_type="text/html"
        )
        server.serve("/missing", b"", status=404)
        server.script("/endless", _endless)
        server.script("/drip", _drip)
        paths = ["good", "html", "missing", "endless", "drip"]
        urls = [server.url(f"/{path}", host=number) for number, path in enumerate(paths, 1)]
        outlines = "".join(f'<outline type="rss" text="{url}" xmlUrl="{url}"/>' for url in urls)
        Path(environment["AGGREGATOR_OPML"]).write_text(f'<opml version="2.0"><body>{outlines}</body></opml>')
        yield server


@pytest.mark.slow
def test_bad_feeds_are_named_and_stop_nobody(
    server: FeedServer, aggregator: Aggregator, environment: dict[str, str]
):
    done = aggregator("once")
    assert done.returncode == 0, done.stderr
    rows = {
        row["listed_url"].rpartition("/")[2]: row for row in json.loads(aggregator("list", "--json").stdout)
    }
    assert rows["good"]["state"] == "ok"
    assert rows["good"]["entries"] == 1
    said = {name: row["failure"] for name, row in rows.items() if row["state"] == "failing"}
    assert set(said) == {"html", "missing", "endless", "drip"}
    for name, words in {"html": "HTML", "missing": "404", "endless": "bytes", "drip": "30"}.items():
        assert words in said[name]
        assert "\n" not in said[name]
    troubled = json.loads(aggregator("status", "--json").stdout)["troubled"]
    assert len(troubled) == 4
    db = sqlite3.connect(environment["AGGREGATOR_STORE"])
    assert db.execute("SELECT count(*) FROM feeds WHERE etag IS NOT NULL").fetchone() == (1,)
    db.close()
    assert server.busiest >= 1
