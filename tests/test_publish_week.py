"""A simulated week: whoever opens a reader once a day gets every entry, once, however many there are."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from lxml import etree

from aggregator.publish import feeds, room
from aggregator.publish.archiving import Shelving
from aggregator.publish.digests import Digests
from aggregator.publish.rendering import Rendering
from aggregator.publish.stage import STAGE, Holds, Promotions
from aggregator.times import to_text
from tests.publishing import Newsroom

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

MONDAY = datetime(2026, 11, 16, tzinfo=UTC)
HOUR = timedelta(hours=1)
DIGESTS = 8  # of seven days, and of the week
ATOM = "{http://www.w3.org/2005/Atom}"
SUMMARY = "\n".join(
    f"{word}の保守者は、次の長期版に載せる変更の一覧について年内に合意した。" * 2 for word in "甲乙丙"
)


class Week(Newsroom):
    """A newsroom that many entries come to, each translated at once."""

    def come(self, first: int, count: int, hours: int) -> None:
        """Add entries, evenly over the last hours."""
        numbers = range(first, first + count)
        db, at = self.db, [to_text(self.now - HOUR * hours * (1 - n / count)) for n in range(count)]
        with db.atomic():
            for table, columns, rows in (
                ("stories", "story_id", [(n,) for n in numbers]),
                ("entries", "entry_id, feed_id, story_id, guid, permalink, title, authors, published_at, first_seen_at, sort_at, fingerprint",
                 [(n, 1, n, str(n), f"https://alpha.example/2026/11/maintainers-agree-on-a-plan-for-release-{n}/",
                   f"Kernel maintainers agree on a plan for the next long-term release {n}", '["Ida Voss"]', t, t, t, f"f{n}")
                  for n, t in zip(numbers, at, strict=True)]),
                ("articles", "entry_id, input_fingerprint, origin, text, fingerprint", [(n, f"f{n}", "feed", "x", f"a{n}") for n in numbers]),
                ("summaries", "entry_id, input_fingerprint, text, story, origin, fingerprint",
                 [(n, f"a{n}:excerpt", "One.", "", "extract", f"s{n}") for n in numbers]),
                ("translations", "entry_id, language, input_fingerprint, engine, model, title, summary, story",
                 [(n, "ja", f"s{n}", "firefox", "enja 2.3", f"カーネルの保守者が長期版{n}の計画で合意", SUMMARY, "") for n in numbers]),
            ):  # fmt: skip
                marks = ", ".join("?" * len(columns.split(",")))
                db.conn.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", rows)

    def release(self) -> Rendering:
        """Let the real step work up to the feeds, and return what they are made of; files are not written."""
        while not isinstance(job := next(STAGE.pending(self.db, self.config, self.now)), Rendering):
            with self.db.atomic():
                if isinstance(job, Holds | Promotions | Shelving | Digests):
                    STAGE.record(self.db, self.config, job, (), self.now)
                else:
                    STAGE.postpone(self.db, self.config, job, "", self.now)
        return job

    def ids(self) -> set[str]:
        return {row["public_id"] for row in self.rows()}


class Reader:
    """Someone who looks in at an interval; counts what appears, and what appears again."""

    def __init__(self, every: int) -> None:
        self.every = every
        self.seen: dict[str, tuple[str, str]] = {}
        self.again = 0

    def look(self, feed: dict[str, tuple[str, str]]) -> None:
        self.again += sum(self.seen.get(public_id, given) != given for public_id, given in feed.items())
        self.seen |= feed


def read(body: bytes) -> dict[str, tuple[str, str]]:
    """Return what a reader compares of each entry of an Atom feed: its date and body."""
    entries = list(etree.fromstring(body).iter(f"{ATOM}entry"))
    found = {
        e.findtext(f"{ATOM}id"): (e.findtext(f"{ATOM}updated"), e.findtext(f"{ATOM}content")) for e in entries
    }
    assert len(found) == len(entries)
    return found


# Entries a day, hours between two publications (and polls of who polls at each), missed at 36 hours.
@pytest.mark.parametrize(("a_day", "step", "missed"), [(50, 1, 0), (300, 3, 0), (1000, 6, 1700)])
def test_nobody_who_looks_in_once_a_day_misses_an_entry_or_sees_one_twice(
    tmp_path: Path, a_day: int, step: int, missed: int
):
    week = Week(tmp_path)
    week.feed()
    readers = [Reader(step), Reader(24), Reader(36)]
    count = 0
    for hour in range(step, 7 * 24 + 1, step):
        week.now = MONDAY + hour * HOUR
        fresh = a_day * hour // 24 - count
        week.come(count + 1, fresh, step)
        count += fresh
        job = week.release()
        due = [reader for reader in readers if hour % reader.every == 0]
        body = feeds.documents(job.editions[:1], job.site)[0].body  # Atom, the longest of the forms
        assert len(body) <= room.MOST
        found = read(body)
        for reader in due:
            reader.look(found)
    assert [reader.again for reader in readers] == [0, 0, 0]
    last = 144  # hours, when the reader with 36 looked in last
    entries = [week.ids() & reader.seen.keys() for reader in readers]
    assert [count - len(found) for found in entries[:2]] == [0, 0]
    assert 0 <= a_day * last // 24 - len(entries[2]) <= missed  # these are in archives
    digests = [len(reader.seen) - len(found) for reader, found in zip(readers, entries, strict=True)]
    assert digests[:2] == [DIGESTS, DIGESTS]
