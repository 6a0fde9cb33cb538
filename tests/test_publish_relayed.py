"""What another aggregator of ours says of an entry: what it writes is what is read."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aggregator.enrich.article import extract
from aggregator.markup import sanitise
from aggregator.model import ArticleJob, CommentCount, SourceRef
from aggregator.publish import relayed
from aggregator.publish.body import frozen_body
from aggregator.publish.edition import Facts, Publication, Translated
from tests.publishing import Newsroom

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
HELD = Publication(public_id="urn:x", story_id=1, slug="2026/11/x", state="held", held_at=NOW)
MADE = Translated(
    engine="firefox", model="enja-2.3", title="編集ソフト", summary="一つ目の文です。", story="", current=True
)
TOLD = Facts(
    publication=HELD, title="An <editor> & more", summary="One.", story="", translated=MADE, rights="excerpt",
    sources=(SourceRef(feed_title="Wire & Co", site_url=None, permalink=None, feed_url="https://w.example/"),),
    sort_at=NOW, permalink="https://w.example/1", language="en-GB", authors=("Ann Example", "Bo Example"),
    comments_url="https://w.example/1#talk",
)  # fmt: skip
COPY = replace(
    TOLD, title="編集ソフト", language="ja", translated=replace(MADE, engine="original", model=""),
    authors=("Ann Example、Bo Example (Wire & Co)",),
    sources=(SourceRef(feed_title="Part 1", site_url="https://p.example/", permalink=None, feed_url="https://p.example/atom.xml"),),
)  # fmt: skip
WRITER = {"writer": "openai gpt", "engine": "openai", "model": "gpt"}


def _read(facts: Facts, room: int | None = None) -> relayed.Credits:
    found = relayed.read(sanitise(frozen_body(facts, room), "https://p.example/"))
    assert found
    return found


def test_the_line_of_credits_is_read_as_it_was_written():
    assert _read(TOLD) == relayed.Credits(
        title="An <editor> & more",
        language="en-GB",
        names=("Wire & Co", "Ann Example、Bo Example"),
        engine="firefox enja-2.3",
    )


@pytest.mark.parametrize(("headline", "summary"), [(True, False), (False, True), (True, True)])
def test_what_a_model_wrote_stays_labelled(headline: bool, summary: bool):
    line = _read(replace(TOLD, translated=replace(MADE, headline=headline, written=summary, **WRITER)))
    assert (line.headline, line.summary, line.writer) == (headline, summary, "openai gpt")
    again = relayed.credited(COPY, line).translated
    assert again
    assert (again.headline, again.written, again.writer) == (headline, summary, "openai gpt")


def test_an_entry_told_again_has_the_body_that_it_had():
    again = relayed.credited(COPY, _read(TOLD))
    assert frozen_body(again) == frozen_body(TOLD)
    assert (again.title, again.language, again.sources[0].feed_title) == (TOLD.title, "en-GB", "Wire & Co")
    assert again.sources[0].site_url is None


@pytest.mark.parametrize("authors", [("Ann / Bo",), ("Ann Example", "Bo Example"), ()])
@pytest.mark.parametrize("feed", ["AC/DC / News", "Wire (EU)", "Wire / (EU)"])
def test_a_feed_keeps_a_title_that_looks_like_a_list(feed: str, authors: tuple[str, ...]):
    told = replace(TOLD, authors=authors, sources=(replace(TOLD.sources[0], feed_title=feed),))
    by = "、".join(authors)
    copy = replace(COPY, authors=(f"{by} ({feed})" if by else feed,))
    again = relayed.credited(copy, _read(told))
    assert (again.sources[0].feed_title, "、".join(again.authors)) == (feed, by)


def test_of_a_short_line_the_feed_is_told_by_the_author():
    line = _read(TOLD, room=600)
    assert (line.names, line.engine, line.title) == ((), "firefox", "An <editor> & more")
    again = relayed.credited(COPY, line)
    assert (again.sources[0].feed_title, again.authors) == ("Wire & Co", ("Ann Example、Bo Example",))
    nameless = relayed.credited(replace(COPY, authors=("Wire & Co",)), line)
    assert (nameless.sources[0].feed_title, nameless.authors) == ("Wire & Co", ())


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<p>Just text.</p>",
        "<p>原題: 何か</p>",
        "<p>原題: A book / by somebody</p>",
        frozen_body(replace(TOLD, translated=replace(MADE, engine="original"))),
        frozen_body(replace(TOLD, translated=None)),
    ],
)
def test_other_bodies_have_none(body: str):
    assert relayed.read(body) is None


@pytest.mark.parametrize("room", [None, 600])
@pytest.mark.parametrize("made", [MADE, None])
def test_lines_of_credits_and_discussions_are_no_part_of_the_text(made: Translated | None, room: int | None):
    hosts = ("news.ycombinator.com", "lobste.rs", "b.hatena.ne.jp")
    counts = tuple(CommentCount(source=host, url=f"https://{host}/1", count=3) for host in hosts)
    told = replace(TOLD, translated=made, counts=counts)
    job = ArticleJob(
        entry_id=1, fingerprint="f", title="編集ソフト", permalink=None, summary_html="",
        content_html=frozen_body(told, room),
    )  # fmt: skip
    assert extract(job).text == ("一つ目の文です。" if made else "One.")


@pytest.mark.parametrize("column", ["content_html", "summary_html"])  # Atom and JSON; RSS
def test_the_line_is_read_wherever_a_feed_has_the_body(tmp_path: Path, column: str):
    room = Newsroom(tmp_path)
    body = {"authors": '["Ann Example (Wire & Co)"]', column: frozen_body(TOLD)}
    room.translate(room.entry(room.feed(), "0", **body), engine="original", model="")
    room.publish()
    (path,) = (name for name in room.outputs() if name.startswith("entries/"))
    page = room.outputs()[path].decode()
    assert "Wire &amp; Co" in page
    assert "firefox enja-2.3" in page
    assert "firefox enja-2.3" in room.path("atom.xml").read_text()
    room.db.close()
