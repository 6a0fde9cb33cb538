"""`check`: what is wrong with feeds.opml, all at once, and with each feed, in one request."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Aggregator
from tests.feedserver import Answer, FeedServer
from tests.test_subscribe import RSS


@pytest.fixture
def site() -> Iterator[FeedServer]:
    with FeedServer() as server:
        server.serve("/good", RSS, etag='"1"')
        server.serve("/new", RSS.replace(b"Bolt Weekly", b"Moved Weekly"))
        server.serve("/missing", b"", status=404)
        server.script("/old", Answer(status=301, headers={"Location": "/new"}))
        yield server


def write(environment: dict[str, str], *outlines: str) -> Path:
    path = Path(environment["AGGREGATOR_OPML"])
    path.write_text('<opml version="2.0"><body>\n' + "\n".join(outlines) + "\n</body></opml>\n")
    return path


def outline(url: str, more: str = "") -> str:
    return f'<outline text="{url[-4:]}" xmlUrl="{url}"{more}/>'


def test_every_wrong_line_of_the_file_is_told_at_once_and_no_feed_is_asked(
    site: FeedServer, aggregator: Aggregator, environment: dict[str, str]
):
    path = write(
        environment,
        outline(site.url("/good")),
        outline("ftp://a.example/"),
        outline(site.url("/x"), ' max_per_day="many"'),
        outline(site.url("/good")),
        "<outline/>",
    )
    done = aggregator("check")
    assert done.returncode == 2
    assert [line.split("\t") for line in done.stdout.splitlines()] == [
        ["where", "feed", "problem", "next"],
        [
            f"{path}, line 3",
            "-",
            "xmlUrl 'ftp://a.example/'; expected an http or https address",
            "edit the file",
        ],
        [f"{path}, line 4", "-", "max_per_day 'many'; expected a whole number of 0 or more", "edit the file"],
        [f"{path}, line 5", "-", f"{site.url('/good')} is listed in line 2 already", "edit the file"],
        [
            f"{path}, line 6",
            "-",
            "an outline without xmlUrl and text; expected a feed's address or a category's name",
            "edit the file",
        ],
    ]
    assert site.requests == []


def test_a_list_that_is_not_there_yet_is_one_problem_with_the_way_out(aggregator: Aggregator):
    done = aggregator("check")
    assert done.returncode == 2
    assert "cannot be read (No such file or directory); its first feed makes it: aggregator add URL" in (
        done.stdout
    )


def test_a_file_that_is_no_opml_is_one_problem(aggregator: Aggregator, environment: dict[str, str]):
    Path(environment["AGGREGATOR_OPML"]).write_text("<opml><body>")
    done = aggregator("check", "--json")
    assert done.returncode == 2
    (row,) = json.loads(done.stdout)
    assert row["where"].endswith("feeds.opml, line 1")


def test_feeds_that_are_well_are_asked_once_and_counted_as_polled(
    site: FeedServer, aggregator: Aggregator, environment: dict[str, str]
):
    write(environment, outline(site.url("/good")))
    done = aggregator("check")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "no problems")
    assert site.paths() == ["/good"]
    assert aggregator("once").returncode == 0
    assert len(site.asked("/good")) == 1


def test_a_feed_in_trouble_and_one_that_moved_are_a_table(
    site: FeedServer, aggregator: Aggregator, environment: dict[str, str]
):
    write(environment, outline(site.url("/missing")), outline(site.url("/old")), outline(site.url("/good")))
    done = aggregator("check")
    assert done.returncode == 1
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert ["feed 1", "sing", "failing: BadStatus: 404 Not Found"] in [line[:3] for line in lines]
    moved = f"moved for good to {site.url('/new')}"
    assert ["feed 2", "/old", moved, "aggregator check --fix"] in lines
    assert lines[-1] == ["2 problems"]


def test_fixing_writes_the_new_address_and_keeps_the_first(
    site: FeedServer, aggregator: Aggregator, environment: dict[str, str]
):
    path = write(environment, f"<!-- mine -->{outline(site.url('/old'))}", outline(site.url("/good")))
    done = aggregator("check", "--fix")
    assert done.returncode == 0, done.stderr
    assert f"/old is at {site.url('/new')} (first {site.url('/old')})" in done.stdout
    assert (
        f'<!-- mine --><outline text="/old" xmlUrl="{site.url("/new")}" first_url="{site.url("/old")}"/>'
        in (path.read_text())
    )
    before = len(site.asked("/old"))
    assert aggregator("poll", "--all").returncode == 0
    assert len(site.asked("/old")) == before
    with sqlite3.connect(environment["AGGREGATOR_STORE"]) as db:
        # The same feed under the same identity: no row, entry or published id is new.
        assert db.execute("SELECT listed_url, fetch_url FROM feeds WHERE feed_id = 1").fetchall() == [
            (site.url("/old"), site.url("/new"))
        ]
        assert db.execute("SELECT count(*) FROM feeds").fetchone() == (2,)
        assert db.execute("SELECT count(*) FROM entries WHERE feed_id = 1").fetchone() == (1,)
    again = aggregator("check", "--fix")
    assert (again.returncode, again.stdout.splitlines()[-1]) == (0, "no problems")
    assert path.read_text().count("first_url") == 1


def test_a_feed_that_moved_to_a_listed_one_is_told_and_left(
    site: FeedServer, aggregator: Aggregator, environment: dict[str, str]
):
    path = write(environment, outline(site.url("/old")), outline(site.url("/new")))
    before = path.read_text()
    done = aggregator("check", "--fix")
    assert (done.returncode, path.read_text()) == (1, before)
    assert f"is feed 1 again (lines 2 and 3): both lead to {site.url('/new')}" in done.stdout
    assert done.stdout.splitlines()[-1] == "1 problem"


def test_of_two_feeds_that_moved_to_one_address_one_gets_it(
    site: FeedServer, aggregator: Aggregator, environment: dict[str, str]
):
    site.script("/older", Answer(status=301, headers={"Location": "/new"}))
    path = write(environment, outline(site.url("/older")), outline(site.url("/old")))
    assert aggregator("check", "--fix").returncode == 1
    assert path.read_text().count("first_url") == 1
    with sqlite3.connect(environment["AGGREGATOR_STORE"]) as db:
        assert db.execute("SELECT sum(listed) FROM feeds").fetchone() == (2,)


def test_a_feed_that_moved_can_be_removed_by_either_address(
    site: FeedServer, aggregator: Aggregator, environment: dict[str, str]
):
    path = write(environment, outline(site.url("/new"), f' first_url="{site.url("/old")}"'))
    assert aggregator("pause", site.url("/new")).returncode == 0
    assert 'paused="true"' in path.read_text()
    assert aggregator("remove", site.url("/old")).returncode == 0
    assert "outline" not in path.read_text()


def test_offline_nobody_is_asked(site: FeedServer, aggregator: Aggregator, environment: dict[str, str]):
    write(environment, outline(site.url("/good")))
    done = aggregator("check", "--offline")
    assert done.returncode == 1
    assert "not asked yet" in done.stdout
    assert site.requests == []


def test_two_feeds_that_lead_to_one_address_are_told(
    site: FeedServer, aggregator: Aggregator, environment: dict[str, str]
):
    write(environment, outline(site.url("/old")), outline(site.url("/new")))
    for _ in range(2):
        aggregator("poll", "--all")
    done = aggregator("check", "--offline")
    assert f"feed 2\t/new\tis feed 1 again (lines 2 and 3): both lead to {site.url('/new')}" in done.stdout


def test_two_addresses_that_a_temporary_redirect_joins_are_one_feed(
    site: FeedServer, aggregator: Aggregator, environment: dict[str, str]
):
    site.script("/go", Answer(status=302, headers={"Location": "/good"}))
    write(environment, outline(site.url("/good")), outline(site.url("/new")), outline(site.url("/go")))
    for _ in range(2):  # the second time it is a 304 that tells
        done = aggregator("check")
        assert done.returncode == 1
        assert f"is feed 1 again (lines 2 and 4): both lead to {site.url('/good')}" in done.stdout
        assert done.stdout.splitlines()[-1] == "1 problem"


def test_twin_addresses_are_one_feed_where_they_bring_the_same_document(
    site: FeedServer, aggregator: Aggregator, environment: dict[str, str]
):
    """As http beside https, or www. beside none, where the server redirects neither."""
    site.serve("/good/", RSS)
    site.serve("/new/", RSS)
    write(environment, *(outline(site.url(path)) for path in ("/good", "/good/", "/new", "/new/")))
    done = aggregator("check")
    assert "feed 2\tood/\tis feed 1 again (lines 2 and 3): both bring the same document" in done.stdout
    assert done.stdout.splitlines()[-1] == "1 problem"
