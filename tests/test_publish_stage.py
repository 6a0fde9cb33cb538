"""The whole step over a real store and a real folder."""

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

from aggregator.errors import PublishError
from aggregator.model import Translation
from aggregator.poll import filters
from aggregator.publish.dated import DayPages
from aggregator.publish.place import addresses
from aggregator.publish.rendering import Pages
from aggregator.publish.stage import STAGE, Rendering, forget_published
from aggregator.store import admission, publications, stale_pages, translations
from tests.publishing import NOON, SENTENCES, Newsroom

CATEGORY = [f"category/news/{name}" for name in ("atom.xml", "feed.json", "index.html", "rss.xml")]
FEEDS = [
    "all.json",
    "all.rss.xml",
    "all.xml",
    "atom.xml",
    "feed.json",
    "hot.json",
    "hot.rss.xml",
    "hot.xml",
    "morning.json",
    "morning.rss.xml",
    "morning.xml",
    "rss.xml",
    "subscribe.opml",
    "titles.json",
    "titles.rss.xml",
    "titles.xml",
]
PAGES = [
    "about.html", "discussed.html", "favicon.ico", "hot.html", "icon.png", "icon.svg", "index.html", "robots.txt",
    "sources.html", "style.css", "subscribe.html",
]  # fmt: skip


@pytest.fixture
def room(tmp_path: Path) -> Newsroom:
    return Newsroom(tmp_path)


def fill(room: Newsroom, count: int = 3) -> list[int]:
    feed = room.feed()
    entries = [room.entry(feed, str(n), age=n + 1) for n in range(count)]
    for entry in entries:
        room.translate(entry)
    return entries


def items(room: Newsroom, name: str = "feed.json") -> list[dict[str, object]]:
    return json.loads(room.path(name).read_bytes())["items"]


def days_of(room: Newsroom) -> list[str]:
    return [name for name in room.outputs() if name.startswith("days/2026-")]


def pages_of(room: Newsroom) -> list[str]:
    return [name for name in room.outputs() if name.startswith("entries/")]


def drained(room: Newsroom) -> list[object]:
    """Work and record every job, and return them in their order."""
    jobs = []
    while job := next(STAGE.pending(room.db, room.config, room.now), None):
        with room.db.atomic():
            STAGE.record(room.db, room.config, job, STAGE.work(room.config, job), room.now)
        jobs.append(job)
    return jobs


def test_an_empty_store_gives_empty_valid_documents(room: Newsroom):
    room.publish()
    assert sorted(room.outputs()) == sorted([*FEEDS, *PAGES, "digest/index.html", "morning.html"])
    assert items(room) == []


def test_every_translated_entry_is_in_every_document_and_has_its_page(room: Newsroom):
    fill(room)
    room.publish()
    ids = [item["id"] for item in items(room)]
    assert ids == [
        row["public_id"] for row in sorted(room.rows(), key=lambda row: ids.index(row["public_id"]))
    ]
    assert len(ids) == 3
    assert sorted(pages_of(room)) == sorted(f"entries/{row['slug']}.html" for row in room.rows())
    for name in ("atom.xml", "rss.xml", "all.xml", "all.rss.xml", "all.json"):
        assert all(public_id in room.path(name).read_text() for public_id in ids)
    assert all(row["slug"] in room.path("index.html").read_text() for row in room.rows())


def test_an_entry_is_held_until_its_translation_passes(room: Newsroom):
    entry = room.entry(room.feed())
    room.publish()
    assert [row["state"] for row in room.rows()] == ["held"]
    assert (items(room), items(room, "all.json"), pages_of(room)) == ([], [], [])
    room.translate(entry)
    room.publish(hours=1)
    assert [item["title"] for item in items(room)] == ["日本語の見出し"]


def test_after_the_hold_time_it_is_on_the_pages_and_in_all_but_not_in_the_main_feeds(room: Newsroom):
    room.entry(room.feed())
    room.publish()
    room.publish(hours=6)
    assert items(room) == []
    assert [item["title"] for item in items(room, "all.json")] == ["【未訳】Story 1"]
    assert len(pages_of(room)) == 1
    assert "未訳" in room.path("index.html").read_text()


def test_no_reader_of_the_main_feeds_ever_holds_an_english_version(room: Newsroom):
    entry = room.entry(room.feed())
    room.publish()
    room.publish(hours=6)
    room.translate(entry)
    room.publish(hours=1)
    [item] = items(room)
    assert (item["title"], item["date_published"]) == ("日本語の見出し", "2026-11-24T10:00:00Z")
    assert [item["id"] for item in items(room, "all.json")] == [item["id"]]


def test_the_operator_may_let_untranslated_entries_into_the_main_feeds(room: Newsroom):
    room.settings(untranslated="publish")
    room.entry(room.feed())
    room.publish()
    room.publish(hours=6)
    assert [item["title"] for item in items(room)] == ["【未訳】Story 1"]


def test_an_entry_without_a_current_summary_is_not_even_held(room: Newsroom):
    entry = room.entry(room.feed())
    room.db.execute("UPDATE entries SET fingerprint = 'newer' WHERE entry_id = ?", [entry])
    room.publish()
    assert room.rows() == []


def test_an_excluded_entry_is_never_published(room: Newsroom):
    room.entry(room.feed(), excluded="older than the first ten")
    room.publish()
    assert room.rows() == []


def test_a_removed_feed_publishes_nothing_more_and_keeps_what_it_gave(room: Newsroom):
    feed = room.feed()
    shown, _ = room.entry(feed, "1"), room.entry(feed, "2")
    room.translate(shown)
    room.publish()
    room.db.table("feeds").update(feed, {"listed": 0})
    room.entry(feed, "3")
    room.publish(hours=7)
    assert sorted(row["state"] for row in room.rows()) == ["held", "translated"]
    assert len(items(room, "all.json")) == 1
    assert "待っています" not in room.path("index.html").read_text()


def test_one_story_in_two_feeds_is_one_entry_that_lists_both(room: Newsroom):
    first = room.entry(room.feed("alpha"), "1", age=3)
    room.translate(first)
    room.publish()
    before = items(room)
    story = room.rows()[0]["story_id"]
    room.entry(room.feed("beta"), "2", age=1, story=story)
    room.publish(hours=1)
    assert items(room) == before
    page = room.path(pages_of(room)[0]).read_text()
    assert "Alpha Wire" in page
    assert "Beta Wire" in page


def test_a_rebuilt_store_gives_the_same_ids_and_paths(tmp_path: Path):
    rooms = Newsroom(tmp_path / "a"), Newsroom(tmp_path / "b")
    rooms[1].entry(rooms[1].feed("other"), "x")  # other row numbers
    for room in rooms:
        fill(room)
        room.publish()
    first, second = ({(row["public_id"], row["slug"]) for row in room.rows()} for room in rooms)
    assert len(first) == 3
    assert first < second


def test_nothing_changed_renders_nothing_and_touches_no_file(room: Newsroom):
    fill(room, 100)
    room.publish()
    touched = room.touched()
    report = room.publish(hours=1)
    assert report.jobs == 0
    assert room.touched() == touched


def test_forced_publishing_writes_nothing_where_bytes_are_equal(room: Newsroom):
    fill(room)
    room.publish()
    touched = room.touched()
    forget_published(room.db)
    assert room.publish(hours=1).jobs == 3  # the editions, every page, and every day
    assert room.touched() == touched


def test_forced_publishing_brings_back_pages_that_left_the_lists(room: Newsroom):
    room.settings(max_entries=1)
    old = room.entry(room.feed(), "1", age=1)
    room.translate(old)
    room.publish()
    [page] = pages_of(room)
    room.translate(room.entry(1, "2"))
    room.publish(hours=49)
    room.path(page).unlink()
    assert room.publish().jobs == 0
    forget_published(room.db)
    room.publish()
    assert room.path(page).exists()


@pytest.mark.parametrize("name", ["atom.xml", "index.html", "style.css", "entries"])
def test_a_deleted_file_is_written_again(room: Newsroom, name: str):
    fill(room)
    room.publish()
    before = room.outputs()
    path = room.path(name)
    for file in [path] if path.is_file() else list(path.rglob("*.html")):
        file.unlink()
    room.publish()
    assert room.outputs() == before


def test_a_new_entry_rewrites_lists_and_its_page_and_no_other_page(room: Newsroom):
    fill(room)
    room.publish()
    before = room.touched()
    room.translate(room.entry(1, "new"))
    room.publish(hours=1)
    after = room.touched()
    changed = {name for name in after if after[name] != before.get(name)}
    assert {name for name in changed if "/" not in name} == {
        *(name for name in FEEDS if not name.startswith(("hot.", "morning.", "subscribe"))), "index.html", "sources.html",
    }  # fmt: skip
    assert {name for name in changed if name.startswith("category/")} == {*CATEGORY}
    assert len([name for name in changed if name.startswith("entries/")]) == 1


def test_a_newer_translation_is_on_the_page_and_not_in_the_feeds(room: Newsroom):
    [entry] = fill(room, 1)
    room.publish()
    before = {name: room.outputs()[name] for name in FEEDS}
    room.translate(entry, "ましな見出し")
    room.publish(hours=1)
    assert {name: room.outputs()[name] for name in FEEDS} == before
    assert "ましな見出し" in room.path(pages_of(room)[0]).read_text()


def test_a_correction_by_the_source_moves_updated_once(room: Newsroom):
    [entry] = fill(room, 1)
    room.publish()
    room.db.table("entries").update(
        entry, {"title": "Story 1, corrected", "updated_at": "2026-11-24T03:30:00Z", "fingerprint": "f1b"}
    )
    room.publish(hours=1)
    assert items(room)[0]["date_modified"] == "2026-11-24T03:00:00Z"
    room.summarise(entry)
    room.translate(entry, "訂正した見出し")
    room.publish(hours=1)
    [item] = items(room)
    assert (item["title"], item["date_modified"]) == ("訂正した見出し", "2026-11-24T05:00:00Z")
    assert item["date_published"] == "2026-11-24T03:00:00Z"


def test_a_correction_that_comes_as_newer_entries_push_it_out_is_on_its_page(tmp_path: Path):
    room = Newsroom(tmp_path, max_entries=2)
    [entry] = fill(room, 1)
    room.publish()
    [page] = pages_of(room)
    room.publish(hours=72)
    room.db.table("entries").update(
        entry, {"title": "Story 1, corrected", "updated_at": "2026-11-24T03:30:00Z", "fingerprint": "f1b"}
    )
    room.summarise(entry)
    corrected = Translation(
        entry_id=entry, input_fingerprint="s-f1b", engine="firefox", model="enja 2.3", title="訂正した見出し",
        summary="文です。", story="", verdict="passed", glossary_version="",
    )  # fmt: skip
    translations.write_translation(room.db, "ja", corrected, room.now)
    other = room.feed("gamma")
    for number in range(2):
        room.translate(room.entry(other, f"g{number}", age=-72), f"新しい見出し{number}")
    room.publish(hours=1)
    assert "訂正した見出し" not in "".join(item["title"] for item in items(room))
    assert "訂正した見出し" in room.path(page).read_text()
    assert "Story 1, corrected" in room.path(page).read_text()


@pytest.mark.parametrize("rights", ["titles", "excerpt", "full", "unheard of", None])
def test_rights_hold_in_every_document(room: Newsroom, rights: str | None):
    feed = room.feed(rights=rights)
    translated, untranslated = room.entry(feed, "1"), room.entry(feed, "2")
    room.summarise(translated, story="A story in English.")
    room.summarise(untranslated, "First.\nSecond.\nThird.\nFourth.", story="A story in English.")
    room.translate(translated)
    room.publish()
    room.publish(hours=6)
    everything = b"".join(room.outputs().values()).decode(errors="ignore")
    assert ("四つ目の文" in everything, "Fourth." in everything) == ((rights == "full"),) * 2
    assert ("物語の一段落目" in everything, "A story in English" in everything) == ((rights == "full"),) * 2
    assert all((sentence in everything) == (rights != "titles") for sentence in SENTENCES[:3])
    assert ("First." in everything) == (rights != "titles")
    quoted = {
        name
        for name, body in room.outputs().items()
        if "blockquote cite=" in body.decode(errors="ignore").replace("\\", "")
    }
    assert bool(quoted) == (rights not in {"titles", "full"})


def test_narrowed_rights_reach_every_document_and_older_pages_too(room: Newsroom):
    room.settings(max_entries=1)
    room.translate(room.entry(room.feed(), "1"))
    room.publish()
    room.translate(room.entry(1, "2"))
    room.publish(hours=49)
    assert SENTENCES[0].encode() in b"".join(room.outputs().values())
    room.db.table("feeds").update(1, {"settings": '{"rights": "titles"}'})
    room.publish(hours=1)
    assert len(pages_of(room)) == 2
    assert SENTENCES[0].encode() not in b"".join(room.outputs().values())
    assert items(room)[0]["date_modified"] == "2026-11-26T04:00:00Z"


def test_pages_of_another_form_are_written_in_batches_and_after_the_editions(
    room: Newsroom, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("aggregator.publish.rendering.BATCH", 2)
    fill(room, 5)
    room.publish()
    room.settings(site_title="別の名前")
    jobs = drained(room)
    assert [type(job) for job in jobs] == [Rendering, DayPages, Pages, Pages, Pages]
    assert [tuple(job.stories) for job in jobs[2:]] == [(5, 4), (3, 2), (1,)]
    assert all("別の名前" in room.path(name).read_text() for name in pages_of(room))


def test_only_pages_whose_entries_changed_are_rendered(room: Newsroom):
    [feed] = {1 for _ in fill(room, 3)}
    room.publish()
    room.translate(room.entry(feed, "new"))
    [job] = [job for job in drained(room) if isinstance(job, Rendering)]
    assert [entry.original_title for entry in job.pages] == ["Story new"]
    room.count(2, 7)
    [job] = [job for job in drained(room) if isinstance(job, Rendering)]
    assert [entry.original_title for entry in job.pages] == ["Story 1"]


def test_what_waits_for_a_translation_is_on_the_front_page_and_renders_no_category_again(room: Newsroom):
    fill(room)
    room.publish()
    room.entry(1, "waits")
    [job] = [job for job in drained(room) if isinstance(job, Rendering)]
    assert job.site.waiting == 1
    assert "1件が翻訳を待っています" in room.path("index.html").read_text()
    assert (job.renewed, job.pages) == ((), ())


def test_only_pages_of_the_feed_whose_rights_changed_are_written_again(room: Newsroom):
    for feed in (room.feed("alpha"), room.feed("beta")):
        room.translate(room.entry(feed, f"of-{feed}"))
    room.publish()
    room.feed("gamma")  # a feed that comes, and says nothing of its rights
    assert not any(isinstance(job, Pages) for job in STAGE.pending(room.db, room.config, room.now))
    room.db.table("feeds").update(2, {"settings": '{"rights": "titles"}'})
    [job] = [job for job in drained(room) if isinstance(job, Pages)]
    assert [entry.sources[0].feed_title for entry in job.entries] == ["Beta Wire"]


def test_pages_that_crashed_stay_as_they_are_and_hold_nothing_back(
    room: Newsroom, monkeypatch: pytest.MonkeyPatch
):
    fill(room, 2)
    room.publish()
    before = room.outputs()
    stale_pages.note_all(room.db)
    monkeypatch.setattr("aggregator.publish.pages.page", lambda *_: 1 / 0)
    assert room.publish().crashes == 1
    assert room.publish().jobs == 0
    assert room.outputs() == before


def test_more_than_the_limit_stays_for_48_hours(room: Newsroom):
    room.settings(max_entries=2)
    fill(room, 4)
    room.publish()
    assert len(items(room)) == 4
    room.translate(room.entry(1, "new"))
    room.publish(hours=49)
    assert len(items(room)) == 2
    assert len(pages_of(room)) == 5


def test_the_bytes_are_the_same_in_every_time_zone_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    outputs = []
    for zone in ("UTC", "Asia/Tokyo", "America/Los_Angeles"):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        room = Newsroom(tmp_path / zone)
        fill(room)
        room.publish()
        outputs.append(room.outputs())
    monkeypatch.undo()
    time.tzset()
    assert outputs[0] == outputs[1] == outputs[2]


def test_a_private_site_lies_beneath_a_path_nobody_can_guess(room: Newsroom):
    room.settings(visibility="private")
    fill(room)
    room.publish()
    token = publications.private_path(room.db)
    assert len(token) >= 16
    assert {name.split("/")[0] for name in room.outputs()} == {token}
    assert addresses(room.db, room.config)["atom.xml"] == f"https://news.example/{token}/atom.xml"
    assert f"https://news.example/{token}/atom.xml" in room.path(f"{token}/atom.xml").read_text()
    assert '<meta name="referrer" content="no-referrer">' in room.path(f"{token}/index.html").read_text()


def test_going_private_takes_the_public_files_away(room: Newsroom):
    room.settings(max_entries=1)
    fill(room, 1)
    room.publish()
    room.path("operators.txt").write_text("the operator's own")
    room.translate(room.entry(1, "new"))
    room.publish(hours=49)
    room.settings(visibility="private")
    room.publish()
    token = publications.private_path(room.db)
    assert [name for name in room.outputs() if not name.startswith(token)] == ["operators.txt"]
    assert len([name for name in room.outputs() if "/entries/" in name]) == 2


def test_rotating_the_path_removes_the_old_one(room: Newsroom):
    room.settings(visibility="private")
    fill(room)
    room.publish()
    old = publications.private_path(room.db)
    new = publications.private_path(room.db, rotate=True)
    room.publish()
    assert old != new
    assert {name.split("/")[0] for name in room.outputs()} == {new}
    assert not room.path(old).exists()


def rendering(room: Newsroom) -> object:
    """Commit all rows; return the job that writes files."""
    while True:
        [job] = STAGE.pending(room.db, room.config, room.now)
        if isinstance(job, Rendering):
            return job
        with room.db.atomic():
            STAGE.record(room.db, room.config, job, STAGE.work(room.config, job), room.now)


def test_a_full_disk_names_the_file_and_leaves_the_old_output_whole(room: Newsroom):
    fill(room)
    room.publish()
    before = room.outputs()
    for number in range(4, 12):
        room.translate(room.entry(1, str(number)))
    job = rendering(room)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8_000, hard))  # pages fit, eleven entries in a feed do not
    try:
        with pytest.raises(PublishError, match=r"output/atom\.xml: cannot be written"):
            STAGE.record(room.db, room.config, job, STAGE.work(room.config, job), room.now)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    after = room.outputs()
    assert {name for name in before if after[name] != before[name]} == {*days_of(room)}  # out before them
    assert len(after) == len(before)
    assert not list(room.config.output.rglob(".*"))
    room.publish()
    assert len(items(room)) == 11


# Runs the step in a process that kills itself at the n-th call of a function, a file half written.
KILLED = """
import os, signal, sys
from pathlib import Path
import {module} as target
from tests.publishing import Newsroom

real, left = target.{name}, {calls}

def dies(*args, **named):
    global left
    left -= 1
    if left < 0:
        if isinstance(args[0], Path):
            args[0].parent.mkdir(parents=True, exist_ok=True)
            args[0].with_name("." + args[0].name + ".tmp").write_bytes(b"half")
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*args, **named)

target.{name} = dies
Newsroom(Path(sys.argv[1])).publish()
"""


@pytest.mark.parametrize(
    ("module", "name", "calls"),
    [
        ("aggregator.store.publications", "hold", 2),
        ("aggregator.store.publications", "promote", 1),
        ("aggregator.store.publications", "note", 0),
        ("aggregator.files", "beside", 0),
        ("aggregator.files", "beside", 10),
        ("aggregator.publish.write", "_put", 0),
        ("aggregator.publish.write", "_put", 4),
        ("aggregator.publish.write", "_put", 10),
    ],
)
def test_a_run_killed_anywhere_and_repeated_gives_the_same_output(
    tmp_path: Path, module: str, name: str, calls: int
):
    rooms = Newsroom(tmp_path / "whole"), Newsroom(tmp_path / "killed")
    for room in rooms:
        fill(room, 5)
    rooms[0].publish()
    code = KILLED.format(module=module, name=name, calls=calls)
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "killed")], cwd=Path(__file__).parent.parent,
        env=os.environ | {"PYTHONPATH": "."}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == -9, done.stderr
    rooms[1].publish()
    assert rooms[1].outputs() == rooms[0].outputs()
    assert rooms[1].rows() == rooms[0].rows()


def test_a_rendering_that_crashed_waits_for_something_new(room: Newsroom, monkeypatch: pytest.MonkeyPatch):
    fill(room, 1)
    monkeypatch.setattr("aggregator.publish.pages.page", lambda *_: 1 / 0)
    assert room.publish().crashes == 1
    assert room.publish().jobs == 0
    monkeypatch.undo()
    room.translate(room.entry(1, "new"))
    assert room.publish().crashes == 0
    assert len(items(room)) == 2


def test_the_backlog_counts_editions(room: Newsroom):
    assert STAGE.backlog(room.db, room.config, NOON) == 4
    room.publish()
    assert STAGE.backlog(room.db, room.config, NOON) == 0


def test_a_signal_read_late_takes_the_text_back_and_shows_nothing_as_new(room: Newsroom):
    [entry] = fill(room, 1)
    room.publish()
    [before] = room.rows()
    assert SENTENCES[0] in room.path("atom.xml").read_text()
    page = {"entry_id": entry, "fingerprint": "f0", "url": "u", "host": "h", "domain": "d", "wanted": 1}
    room.db.table("pages").insert(page | {"queued_at": "", "signal": "tdm-reservation", "effect": "titles"})
    room.publish(hours=1)
    [after] = room.rows()
    assert after["updated_at"] == before["updated_at"]
    assert not any(SENTENCES[0].encode() in body for body in room.outputs().values())


def test_what_turns_the_direction_of_text_reaches_no_document(room: Newsroom):
    feed = room.feed()
    entry = room.entry(feed, title="Invoice \u202efdp.exe", authors='["Ann \u2066Lee"]')
    room.translate(entry)
    room.publish()
    assert "原題: " in room.path("atom.xml").read_text()
    for name, body in room.outputs().items():
        assert not {"\u202e", "\u2066"} & set(body.decode("utf-8", "ignore")), name


def test_an_idle_private_place_with_stories_held_and_muted_is_not_rendered_again(room: Newsroom):
    room.settings(visibility="private")
    admission.take_up(room.db, filters.of_rules(["translated: セール"]))
    feed = room.feed()
    for number, title in enumerate(("新しい CPU が登場", "半額セール")):
        room.translate(room.entry(feed, f"{number}"), title)
    room.entry(feed, "waits")
    room.publish()
    room.publish(hours=7)  # what waited is shown without a translation
    room.entry(feed, "waits too")
    room.publish()
    assert [room.publish(hours=0.1).jobs for _ in range(30)] == [0] * 30


def test_what_changes_after_editions_were_written_is_seen_by_the_next_look(room: Newsroom):
    fill(room, 1)
    seen = []
    while job := next(STAGE.pending(room.db, room.config, room.now), None):
        with room.db.atomic():
            STAGE.record(room.db, room.config, job, STAGE.work(room.config, job), room.now)
        if isinstance(job, Rendering) and not seen:
            room.translate(room.entry(room.feed("beta"), "later"))
        seen += [job] if isinstance(job, Rendering) else []
    assert [len(job.editions[0].entries) for job in seen] == [1, 2]


def test_what_is_taken_away_from_output_is_written_again_by_the_next_run(room: Newsroom):
    fill(room)
    drained(room)
    assert drained(room) == []
    room.path("atom.xml").unlink()
    assert [type(job) for job in drained(room)] == [Rendering]
