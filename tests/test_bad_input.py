"""Everything wrong at once: each bad feed is one clear line, the good ones go on, nothing is lost."""

import contextlib
import json
import sqlite3
import subprocess
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


JAPANESE = """<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel><title>便り</title><language>ja</language>
<item><title>新しいルーターを発表</title><guid>1</guid><description>四つの口がある。色は青だ。</description></item>
</channel></rss>"""
SECOND = "<item><title>古いルーターは販売終了</title><guid>2</guid><description>在庫は残っている。</description></item>"


@pytest.fixture
def small_disk(environment: dict[str, str]) -> Iterator[Path]:
    """Make output/ a disk of its own, of 400 KB."""
    output = Path(environment["AGGREGATOR_OUTPUT"])
    output.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(output)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip(
            "mounting a small disk needs root; the unit tests of publish.write limit the file size instead"
        )
    yield output
    subprocess.run(["umount", str(output)], check=True)


def _files(output: Path) -> dict[str, bytes]:
    return {
        str(path): path.read_bytes()
        for path in output.rglob("*")
        if path.is_file() and path.name != "ballast"
    }


def test_a_full_disk_leaves_the_old_output_whole_and_exits_5(
    server: FeedServer, small_disk: Path, aggregator: Aggregator, environment: dict[str, str]
):
    url = server.url("/japanese")
    Path(environment["AGGREGATOR_OPML"]).write_text(
        f'<opml version="2.0"><body><outline xmlUrl="{url}"/></body></opml>'
    )
    server.serve("/japanese", JAPANESE.encode())
    assert aggregator("once").returncode == 0
    before = _files(small_disk)
    assert any("/entries/" in path for path in before)

    server.serve("/japanese", JAPANESE.replace("<item>", f"{SECOND}<item>", 1).encode())
    with (small_disk / "ballast").open("wb", buffering=0) as ballast, contextlib.suppress(OSError):
        while True:
            ballast.write(bytes(1024))
    done = aggregator("once", "--all")
    assert done.returncode == 5
    assert "No space left on device" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert _files(small_disk) == before

    (small_disk / "ballast").unlink()
    assert aggregator("once").returncode == 0
    assert "古いルーターは販売終了" in (small_disk / "atom.xml").read_text(encoding="utf-8")
