"""What is taken down, row by row and file by file: nothing of it is left in any table or document."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from aggregator import deny_list, store, takedown, targets
from aggregator.errors import AggregatorError, ConfigError
from aggregator.executors import open_workers
from aggregator.model import DueFeed, FeedSettings, ParsedEntry, ParsedFeed
from aggregator.pipeline import run_stage
from aggregator.publish import source_feeds
from aggregator.publish.source_stage import STAGE as SOURCE
from aggregator.search import find
from aggregator.serve import Server
from aggregator.store import denials, entries, erasing, open_store, retention, takedowns
from aggregator.takedown import Taken
from aggregator.times import to_text
from tests.publishing import ENGLISH, NOON, Newsroom
from tests.webservers import ask

SECRET = "zwieback"  # stands wherever text of the entry may stand
SECRET_JA = "ラスクの秘密"
DAY = timedelta(days=1)
# Every place where something of an entry, its story or what is said of it stands as text.
PLANTED = f"""
UPDATE entries SET authors = '["{SECRET} author"]', tags = '["{SECRET} tag"]', summary_html = '<p>{SECRET}</p>',
  content_html = '<p>{SECRET}</p>', image_url = 'https://i.example/{SECRET}.png',
  enclosures = '[{{"url": "https://e.example/{SECRET}.mp3", "media_type": "audio/mpeg", "length": 1}}]',
  comments_url = 'https://c.example/{SECRET}', comments_feed_url = 'https://c.example/{SECRET}.xml',
  permalink = 'https://alpha.example/{SECRET}', canonical_url = 'https://alpha.example/{SECRET}'
WHERE entry_id = :entry;
UPDATE articles SET text = '{SECRET}', failure = '{SECRET}' WHERE entry_id = :entry;
INSERT INTO comment_counts VALUES (:entry, 'hackernews', 'https://c.example/{SECRET}', 3, :at);
INSERT INTO count_history VALUES (:entry, 'hackernews', :at, 3);
INSERT INTO pages (entry_id, fingerprint, url, host, domain, wanted, queued_at, failure, shortlink)
  VALUES (:entry, 'f', 'https://alpha.example/{SECRET}', 'h', 'd', 0, :at, '{SECRET}', '{SECRET}');
INSERT INTO discussions (story_id, provider, thread_key, url)
  VALUES (:story, 'hackernews', '{SECRET}', 'https://c.example/{SECRET}');
INSERT INTO comments (story_id, provider, key, url, author, text, fingerprint, rank, seen_at, translated,
  input_fingerprint, engine, model)
  VALUES (:story, 'hackernews', '1', 'https://c.example/{SECRET}', '{SECRET}', '{SECRET}', 'f', 1, :at,
    '{SECRET_JA}', 'f', 'e', 'm');
INSERT INTO comment_looks VALUES (:story, 'hackernews', :at, 1);
INSERT INTO viewpoints (story_id, persona, input_fingerprint, text) VALUES (:story, 'hopeful', 'f', '{SECRET_JA}');
INSERT INTO story_keys VALUES ('title {SECRET}', :entry, :at);
INSERT INTO joins VALUES (:other, :entry, 'title', '{SECRET} story', :at, NULL);
INSERT INTO related_stories VALUES (:story, :far, '{SECRET}', :at);
INSERT INTO related_stories VALUES (:far, :story, '{SECRET}', :at);
INSERT INTO pictures (story_id, url, path) VALUES (:story, 'https://i.example/{SECRET}.png', 'pictures/1.png');
INSERT INTO translation_memory VALUES ('k1', 'e', 'm', 'The {SECRET} story.', '{SECRET_JA}', :at);
INSERT INTO translation_memory VALUES ('k2', 'e', 'm', 'A kettle.', 'やかん。', :at);
INSERT INTO translation_refusals VALUES ('k3', 'lost: {SECRET}', :at);
INSERT INTO websub (lease_id, feed_id, mode, hub_url, topic_url, token, secret)
  VALUES (1, :feed, 'subscribe', 'h', 't', 't', 's');
INSERT INTO websub_deliveries (lease_id, content_type, body) VALUES (1, 'x', CAST('{SECRET}' AS BLOB))
"""


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Newsroom]:
    room = Newsroom(tmp_path, max_entries=3, viewpoints=True, images="proxy", opml=tmp_path / "feeds.opml")
    yield room
    room.db.close()


def publish(room: Newsroom) -> None:
    assert room.publish().crashes == 0
    run_stage(SOURCE, room.db, room.config, open_workers("inline:"), lambda: room.now)


def take_down(room: Newsroom, target: str) -> Taken:
    """Do what the command does."""
    denial = takedown.with_repeats(room.db, targets.denial(room.db, target, "asked", room.now))
    takedown.deny(room.config, denial)
    taken = takedown.enforce(room.db, room.config, room.now)
    assert taken
    publish(room)
    return taken


def rows_with(room: Newsroom, word: str) -> list[str]:
    return [line for line in room.db.conn.iterdump() if word in line.casefold()]


def files_with(room: Newsroom, word: str) -> list[str]:
    held = [*room.folder.glob("store.sqlite*"), *(p for p in room.config.output.rglob("*") if p.is_file())]
    return [p.name for p in held if word in p.read_bytes().decode("utf-8", "replace").casefold()
            and not p.name.endswith((".denied", ".gz", ".br"))]  # fmt: skip


def slug_of(room: Newsroom, story: int) -> str:
    [(slug,)] = room.db.execute("SELECT slug FROM publications WHERE story_id = ?", [story]).fetchall()
    return str(slug)


def story_of(room: Newsroom, entry: int) -> int:
    [(story,)] = room.db.execute("SELECT story_id FROM entries WHERE entry_id = ?", [entry]).fetchall()
    return int(story)


def digest_of(room: Newsroom, story: int) -> None:
    """Have a digest, in an archive, that says something of a story and of another one."""
    with room.db.atomic():
        room.db.execute(
            """INSERT INTO digests (digest_id, kind, name, public_id, title, body, published_at, among, archive_id)
            VALUES (1, 'daily', '2026-11-24', 'urn:d', '今日のまとめ', ?, ?, 9, (SELECT min(archive_id) FROM archives))""",
            [f"<ol><li>{SECRET} {SECRET_JA}</li></ol>", to_text(room.now)],
        )
        for position, each in enumerate((story, story_of(room, 1))):
            room.db.execute(
                "INSERT INTO digest_entries VALUES (1, ?, ?, ?, ?, ?, 0, ?, 3)",
                [position, each, SECRET_JA if each == story else "見出し0", f"{SECRET}。", "Alpha Wire",
                 f"https://alpha.example/{SECRET}" if each == story else "https://alpha.example/0"],
            )  # fmt: skip
        room.db.execute("UPDATE digest_entries SET line = 'やかん。' WHERE position = 1")


def planted(room: Newsroom) -> tuple[int, int]:
    """Publish six entries, the third of which has the secret everywhere, and the one beside it."""
    feed, beside = room.feed("alpha", rights="full"), room.feed("beta", rights="full")
    numbers = []
    for n in range(6):
        is_secret = n == 2
        number = room.entry(
            feed,
            f"{SECRET}-{n}" if is_secret else str(n),
            title=f"{SECRET} story" if is_secret else f"Story {n}",
        )
        room.summarise(number, f"The {SECRET} story.\nMore {SECRET}." if is_secret else ENGLISH)
        room.translate(number, SECRET_JA if is_secret else f"見出し{n}",
                       summary=f"{SECRET_JA}。\n{SECRET_JA}が続く。" if is_secret else "一つ。\n二つ。",
                       story=f"{SECRET_JA}。" if is_secret else "物語。")  # fmt: skip
        numbers.append(number)
        publish(room)
        room.now += 3 * DAY
    entry = numbers[2]
    story = story_of(room, entry)
    other = room.entry(
        beside,
        "own words",
        story=story,
        title="A rusk is told of by others",
        permalink="https://beta.example/1",
    )
    names = {"entry": entry, "story": story, "other": other, "far": story_of(room, numbers[0]), "feed": feed,
             "at": to_text(room.now)}  # fmt: skip
    with room.db.atomic():
        for statement in PLANTED.split(";\n"):
            room.db.execute(statement, names)
        room.db.execute(
            "INSERT INTO stale_pages (story_id) SELECT story_id FROM publications WHERE true ON CONFLICT DO NOTHING"
        )
    digest_of(room, story)
    publish(room)
    return entry, story


def test_nothing_is_left_in_any_table_or_document(room: Newsroom):
    entry, story = planted(room)
    before = {line.split('"')[1] for line in rows_with(room, SECRET) if line.startswith("INSERT")}
    assert len(before) >= 18, "the secret is planted"
    archives = [name for name in files_with(room, SECRET_JA) if name.startswith("20")]
    assert {"atom.xml", "rss.xml", "feed.json"} & {*files_with(room, SECRET_JA)} or archives
    assert archives
    picture = room.path("pictures/1.png")
    picture.parent.mkdir(exist_ok=True)
    picture.write_bytes(b"x")
    half = room.path(f"entries/{slug_of(room, story)}.html")
    half.with_name(f".{half.name}.tmp").write_bytes(SECRET.encode())  # what a kill left

    taken = take_down(room, str(entry))

    assert (taken.entries, taken.trouble) == (1, "")
    assert rows_with(room, SECRET) == []
    assert rows_with(room, SECRET_JA) == []
    assert files_with(room, SECRET) == []
    assert files_with(room, SECRET_JA) == []
    assert not picture.exists()
    [(body,)] = room.db.execute("SELECT body FROM digests").fetchall()
    assert "見出し0" in body
    assert [row[0] for row in room.db.execute("SELECT key FROM translation_memory")] == ["k2"]
    assert room.db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    assert room.db.execute("PRAGMA foreign_key_check").fetchall() == []
    assert find(room.db, room.config, SECRET_JA).total == 0
    assert find(room.db, room.config, "見出し3").total == 1


def test_every_table_that_speaks_of_entries_is_known(tmp_path: Path):
    """A table that is new has to be thought of: add it to store/erasing.py, or here where it says nothing."""
    silent = {
        "entries", "stories", "publications", "feeds", "stale_pages", "websub", "searchable", "related_stories",
        "digests", "digest_entries", "_sqlite_migrations",
    }  # fmt: skip
    erased = {*erasing._OF_ENTRIES, *erasing._OF_STORIES, "polls", "source_feeds"}
    db = open_store(tmp_path / "store.sqlite")
    keys = {"entry_id", "story_id", "feed_id", "public_id", "digest_id", "lease_id"}
    found = {name for name in db.table_names() if keys & {each.name for each in db.table(name).columns}}
    db.close()
    assert found - silent - erased - {"websub_deliveries"} == set()


def test_a_story_that_another_feed_tells_in_its_own_words_goes_on_under_its_id_and_page(room: Newsroom):
    entry, story = planted(room)
    slug, before = slug_of(room, story), room.rows()
    room.db.execute("UPDATE joins SET parted_at = NULL")
    assert take_down(room, str(entry)).handed_on == 1
    assert not room.path(f"entries/{slug}.html").exists()
    [(other,)] = room.db.execute("SELECT entry_id FROM entries WHERE guid = 'own words'").fetchall()
    room.translate(other, "ラスクは出てこない", summary="別の話。", story="別の話。")
    room.now += timedelta(minutes=1)
    publish(room)
    assert "ラスクは出てこない" in room.path(f"entries/{slug}.html").read_text()
    assert "ラスクは出てこない" in room.path("atom.xml").read_text()
    now = {row["story_id"]: row for row in room.rows()}
    was = {row["story_id"]: row for row in before}
    assert (now[story]["public_id"], now[story]["slug"]) == (was[story]["public_id"], slug)
    assert now[story]["state"] == "translated"
    assert {row["public_id"]: row["title"] for row in room.rows() if row["story_id"] != story} == {
        row["public_id"]: row["title"] for row in before if row["story_id"] != story
    }


def pair(room: Newsroom, **other: object) -> tuple[int, int]:
    """Publish a story that two feeds tell; return their entries."""
    entry = room.entry(room.feed("alpha", rights="full"), "a", title="Rusk found in a pond", permalink="https://alpha.example/a",
                       canonical_url="https://alpha.example/a")  # fmt: skip
    told = {
        "title": "Pond: a rusk",
        "permalink": "https://beta.example/b",
        "canonical_url": "https://beta.example/b",
    } | other
    beside = room.entry(room.feed("beta", rights="full"), "b", story=story_of(room, entry), **told)
    room.translate(entry, SECRET_JA)
    publish(room)
    return entry, beside


@pytest.mark.parametrize(
    "other",
    [
        {"title": "RUSK found, in a pond"},
        {
            "content_html": "<p>They said: it was the largest rusk that anybody had ever seen in a pond, by far.</p>"
        },
        {"permalink": "http://www.alpha.example/a/?utm_source=x", "canonical_url": "https://alpha.example/a"},
    ],
)
def test_another_feeds_entry_goes_too_that_has_the_title_the_text_or_the_address(
    room: Newsroom, other: dict[str, object]
):
    entry, beside = pair(room, **other)
    text = "<b>It was the largest rusk</b> that anybody had ever seen in a pond."
    room.db.execute("UPDATE entries SET summary_html = ? WHERE entry_id = ?", [text, entry])
    taken = take_down(room, "https://alpha.example/a")
    assert (taken.entries, taken.gone, taken.handed_on) == (2, 1, 0)
    assert rows_with(room, "rusk") == []
    listed = deny_list.read(room.config.store)
    assert {
        deny_list.of_entry(f"https://{name}.example/feed", guid)
        for name, guid in (("alpha", "a"), ("beta", "b"))
    } & {*listed.entries} or "https://alpha.example/a" in listed.urls
    feed = DueFeed(
        feed_id=2, listed_url="https://beta.example/feed", fetch_url="https://beta.example/feed", domain="d"
    )
    again = ParsedEntry(guid="b", permalink=str(other.get("permalink", "https://beta.example/b")), title="t", summary_html="",
                        content_html="", fingerprint="f")  # fmt: skip
    parsed = ParsedFeed(title="", site_url=None, language="en", entries=(again,))
    with room.db.atomic():
        assert entries.record(room.db, feed, parsed, room.now).added == 0
    assert beside


def test_with_a_feed_goes_what_others_have_of_its_addresses_and_nobody_brings_it_again(room: Newsroom):
    same = {"permalink": "https://alpha.example/a", "canonical_url": "https://alpha.example/a"}
    _, beside = pair(room, **same)
    own = room.entry(2, "own", title="Beta's own", permalink="https://beta.example/own")
    assert (take_down(room, "https://alpha.example/feed").entries, beside) == (2, 2)
    assert takedowns.texts(room.db, [own])[own][0] == "Beta's own"
    listed = deny_list.read(room.config.store)
    assert listed.denies_link("http://www.alpha.example/a/")
    assert not listed.denies_link("https://alpha.example/b")


def test_the_entry_that_joined_goes_and_the_story_stays_as_it_is(room: Newsroom):
    entry, beside = pair(room)
    page = room.path(f"entries/{slug_of(room, story_of(room, entry))}.html")
    assert "Beta Wire" in page.read_text()
    given = room.rows()
    taken = take_down(room, "https://beta.example/b")
    assert (taken.entries, taken.gone, taken.handed_on) == (1, 0, 0)
    assert "Beta Wire" not in page.read_text()
    assert "Alpha Wire" in page.read_text()
    assert room.rows() == given
    assert beside


def test_archives_and_other_feeds_of_a_story_do_not_lead_to_what_joined_it_any_more(room: Newsroom):
    pair(room)
    publish(room)
    for n in range(4):
        room.now += 3 * DAY
        room.translate(room.entry(1, f"later {n}"))
        publish(room)
    led_there = files_with(room, "beta.example/b")
    assert {"2026-11.xml", "atom.xml"} <= {*led_there}  # the archive, and feeds of sources
    take_down(room, "https://beta.example/b")
    assert files_with(room, "beta.example/b") == []
    assert rows_with(room, "beta.example/b") == []


def test_pages_answer_410_and_no_others(room: Newsroom):
    entry = room.entry(room.feed("alpha"), "a")
    kept = room.entry(1, "b")
    for each in (entry, kept):
        room.translate(each)
    publish(room)
    slug, other = (slug_of(room, story_of(room, each)) for each in (entry, kept))
    take_down(room, f"https://news.example/entries/{slug}.html")
    with Server(replace(room.config, listen="127.0.0.1:0")) as server:
        assert ask(server.port, f"/entries/{slug}.html").status == 410
        assert ask(server.port, f"/entries/{slug}/comments.xml").status == 410
        assert ask(server.port, f"/entries/{other}.html").status == 200
        assert ask(server.port, "/entries/2026/11/00000000.html").status == 404


def test_what_retention_left_of_an_entry_goes_too(room: Newsroom):
    feed = room.feed("alpha")
    entry = room.entry(
        feed,
        "a",
        age=24 * 400,
        unlisted_at=to_text(NOON - 300 * DAY),
        canonical_url="https://alpha.example/a",
    )
    room.translate(entry, SECRET_JA)
    publish(room)
    story = story_of(room, entry)
    [row] = room.rows()
    retention.drop(
        room.db,
        retention.Old(stories=(story,), entries=(entry,), public_ids=(str(row["public_id"]),)),
        keep_given=True,
    )
    room.db.conn.commit()
    publish(room)
    assert room.path(f"entries/{row['slug']}.html").exists()
    take_down(room, "https://alpha.example/a")
    assert files_with(room, SECRET_JA) == []
    assert rows_with(room, SECRET_JA) == []
    assert retention.is_gone(room.db, str(row["slug"]))


def test_sentences_of_texts_that_are_not_known_any_more_take_the_whole_memory_with_them(room: Newsroom):
    entry = room.entry(room.feed("alpha"), "a", excluded="dropped")
    room.db.execute(
        "INSERT INTO translation_memory VALUES ('k', 'e', 'm', 'A kettle.', 'やかん。', ?)", [to_text(NOON)]
    )
    take_down(room, str(entry))
    assert room.db.execute("SELECT count(*) FROM translation_memory").fetchone()[0] == 0


def test_a_feed_that_listed_it_before_brings_it_back_under_no_guid_and_no_policy(room: Newsroom):
    entry = room.entry(
        room.feed("alpha"), "a", canonical_url="https://alpha.example/a", permalink="https://alpha.example/a"
    )
    take_down(room, str(entry))
    feed = DueFeed(
        feed_id=1, listed_url="https://alpha.example/feed", fetch_url="https://alpha.example/feed", domain="d"
    )
    links = ("https://alpha.example/a", "http://alpha.example/a/", None, "https://alpha.example/else")
    again = [
        ParsedEntry(guid=guid, permalink=link, title="Story a", summary_html="", content_html="", fingerprint="f")
        for guid in ("a", "new", "https://www.alpha.example/a") for link in links
    ]  # fmt: skip
    told = 0
    for each in again:
        parsed = ParsedFeed(title="", site_url=None, language="en", entries=(each,))
        for identity in ("guid", "permalink", "title"):
            stated = replace(feed, settings=FeedSettings(identity=identity))
            with room.db.atomic():
                told += entries.record(room.db, stated, parsed, room.now).added
                room.db.execute("UPDATE feeds SET identity = 'guid'")
    # What has neither the guid nor the address is another entry.
    assert told == 1 + 1
    assert {row[0] for row in room.db.execute("SELECT permalink FROM entries WHERE title != ''")} <= {
        None,
        links[3],
    }


def test_a_delivery_or_a_feed_of_a_denied_host_brings_nothing(room: Newsroom):
    room.feed("alpha")
    take_down(room, "sub.example")
    feed = DueFeed(
        feed_id=1, listed_url="https://alpha.example/feed", fetch_url="https://alpha.example/feed", domain="d"
    )
    entry = ParsedEntry(guid="g", permalink="https://x.sub.example/1", title="t", summary_html="", content_html="",
                        fingerprint="f")  # fmt: skip
    beside = replace(entry, guid="h", permalink="https://other.example/1")
    parsed = ParsedFeed(title="", site_url=None, language="en", entries=(entry, beside))
    with room.db.atomic():
        assert entries.record(room.db, feed, parsed, room.now, whole=False).added == 1
        moved = replace(feed, fetch_url="https://sub.example/feed")
        later = replace(parsed, entries=(replace(beside, guid="i", permalink="https://other.example/2"),))
        assert entries.record(room.db, moved, later, room.now).added == 0


def test_a_host_goes_with_its_feeds_and_what_leads_there(room: Newsroom):
    own = room.entry(room.feed("alpha", rights="full"), "a", permalink="https://alpha.example/1")
    linked = room.entry(room.feed("beta"), "b", permalink="https://blog.alpha.example/2")
    stays = room.entry(2, "c", permalink="https://notalpha.example/3")
    for each in (own, linked, stays):
        room.translate(each, f"見出し{each}")
    room.config.opml.write_text(
        '<opml version="2.0"><body>\n'
        '<outline type="rss" text="Alpha Wire" xmlUrl="https://alpha.example/feed"/>\n'
        '<outline type="rss" text="Beta Wire" xmlUrl="https://beta.example/feed"/>\n</body></opml>'
    )
    publish(room)
    taken = take_down(room, "alpha.example")
    assert (taken.entries, taken.feeds) == (2, 1)
    assert files_with(room, "alpha wire") == []
    assert rows_with(room, "alpha wire") == []
    assert "Alpha" not in room.config.opml.read_text()
    assert "Beta Wire" in room.config.opml.read_text()
    assert f"見出し{stays}" in room.path("atom.xml").read_text()
    assert {path.name for path in room.path(source_feeds.FOLDER).iterdir()} == {"beta-wire"}


def test_without_room_it_says_that_traces_may_be_left_and_tries_again_a_day_later(
    room: Newsroom, monkeypatch: pytest.MonkeyPatch
):
    entry = room.entry(room.feed("alpha"), "a")
    monkeypatch.setattr(takedown, "free_disk", lambda _: 1000)
    taken = take_down(room, str(entry))
    assert re.fullmatch("writing it anew needs [0-9]+ MB, 0 MB are free", taken.trouble)
    assert takedown.enforce(room.db, room.config, room.now) is None
    monkeypatch.undo()
    assert takedown.enforce(room.db, room.config, room.now + timedelta(hours=23)) is None
    assert takedown.enforce(room.db, room.config, room.now + DAY) == Taken()
    assert takedown.enforce(room.db, room.config, room.now + 3 * DAY) is None


def test_a_list_that_is_gone_lets_nothing_back(room: Newsroom):
    entry = room.entry(room.feed("alpha"), "a")
    take_down(room, str(entry))
    deny_list.path(room.config.store).unlink()
    assert takedown.enforce(room.db, room.config, room.now) is None
    assert denials.count(room.db) > 0


@pytest.mark.parametrize(
    ("target", "what"),
    [
        (
            "1",
            {
                "entries": (deny_list.of_entry("https://alpha.example/feed", "a"),),
                "urls": ("https://alpha.example/a",),
            },
        ),
        ("https://alpha.example/feed", {"feeds": ("https://alpha.example/feed",)}),
        ("HTTPS://Alpha.example/feed#x", {"feeds": ("https://alpha.example/feed",)}),
        ("alpha wi", {"feeds": ("https://alpha.example/feed",)}),
        ("http://www.unknown.example/post/", {"urls": ("https://unknown.example/post",)}),
        ("Alpha.Example", {"hosts": ("alpha.example",)}),
        ("127.0.0.2", {"hosts": ("127.0.0.2",)}),
        ("[::1]", {"hosts": ("::1",)}),
    ],
)
def test_a_target_is_told_by_its_form(room: Newsroom, target: str, what: dict[str, tuple[str, ...]]):
    room.entry(
        room.feed("alpha"), "a", permalink="https://alpha.example/a", canonical_url="https://alpha.example/a"
    )
    made = targets.denial(room.db, target, " why ", NOON)
    assert {
        name: getattr(made, name) for name in ("urls", "entries", "feeds", "hosts") if getattr(made, name)
    } == what
    assert made.reason == "why"


@pytest.mark.parametrize(
    ("target", "reason", "error", "said"),
    [
        ("1", " ", ConfigError, "expected --reason"),
        ("", "r", ConfigError, "expected an entry"),
        ("99", "r", AggregatorError, "no such entry"),
        ("9" * 40, "r", AggregatorError, "no such entry"),
        ("https://news.example/entries/2026/11/00000000.html", "r", AggregatorError, "no such page"),
        ("https://alpha.example/", "r", ConfigError, "for all of the site: takedown alpha.example"),
        ("nobody's title", "r", AggregatorError, "no such feed"),
        ("com", "r", AggregatorError, "no such feed"),
    ],
)
def test_what_names_nothing_is_refused(
    room: Newsroom, target: str, reason: str, error: type[Exception], said: str
):
    room.feed("alpha")
    with pytest.raises(error, match=said):
        targets.denial(room.db, target, reason, NOON)


def test_one_entry_of_a_page_that_a_feed_uses_for_all_it_tells_is_denied_by_its_guid_alone(room: Newsroom):
    link = {"permalink": "https://alpha.example/status", "canonical_url": "https://alpha.example/status"}
    feed = room.feed("alpha")
    entry, other = (
        room.entry(feed, "a", title="Outage", **link),
        room.entry(feed, "b", title="Back again", **link),
    )
    assert take_down(room, str(entry)).entries == 1
    assert takedowns.texts(room.db, [other])[other][0] == "Back again"


def test_a_digest_in_which_nothing_is_left_stays_empty(room: Newsroom):
    entry, story = planted(room)
    room.db.execute("DELETE FROM digest_entries WHERE position = 1")
    take_down(room, str(entry))
    page = room.path("digest/2026-11-24.html").read_text()
    assert SECRET_JA not in page
    assert story


def test_a_reader_that_holds_on_to_the_log_leaves_traces_and_that_is_said(room: Newsroom):
    entry = room.entry(room.feed("alpha"), "a", title=f"{SECRET} story")
    room.db.execute("PRAGMA busy_timeout = 100")
    with store.reading(room.config.store) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM entries").fetchone()
        assert take_down(room, str(entry)).trouble == "another program reads it all the time"
        other.execute("ROLLBACK")
    assert takedown.enforce(room.db, room.config, room.now + DAY) == Taken()
    assert files_with(room, SECRET) == []


def test_an_entry_told_by_its_title_is_denied_under_any_guid(room: Newsroom):
    number = room.feed("alpha", identity="title")
    entry = room.entry(number, "title:rusk found", title="Rusk found", permalink=None)
    take_down(room, str(entry))
    feed = DueFeed(
        feed_id=number,
        listed_url="https://alpha.example/feed",
        fetch_url="https://alpha.example/feed",
        domain="d",
        identity="title",
    )
    again = ParsedEntry(
        guid="new each time",
        permalink=None,
        title="Rusk found",
        summary_html="",
        content_html="",
        fingerprint="f",
    )
    other = replace(again, guid="too", title="Another")
    parsed = ParsedFeed(title="", site_url=None, language="en", entries=(again, other))
    with room.db.atomic():
        assert entries.record(room.db, feed, parsed, room.now).added == 1
    assert rows_with(room, "rusk found") == []
