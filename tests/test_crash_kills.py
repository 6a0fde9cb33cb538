"""SIGKILL at random moments of every stage, in rounds over feeds that change: nothing lost, nothing twice, no reader hurt.

The long form is bench/crash.py; docs/reliability.md has its figures.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.harness import STORE, Harness
from tests.crash.reader import Reader
from tests.crash.shim import COMPILER, Fault

KILLS = int(os.environ.get("KILLS", "8"))
FAULTS = 3

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture
def harness(tmp_path: Path) -> Iterator[Harness]:
    """Return a world of feeds and two stores, one of which is to be killed."""
    with Harness(tmp_path, seed=20261124) as harness:
        yield harness


def test_kills_and_faults_at_random_moments_change_nothing(harness: Harness):
    done = harness.figures
    while done.kills.total() < KILLS and done.rounds < KILLS:
        harness.round(*harness.kills(4))
        assert done.findings == []
    if COMPILER:
        harness.round(*harness.faults(FAULTS))
        assert done.findings == []
    assert done.kills.total() >= KILLS
    assert len({stage for _, stage in done.kills}) >= min(KILLS // 2, 4)
    assert harness.reader.changes > 3 * done.rounds


def test_what_is_changed_behind_the_programs_back_is_found(harness: Harness):
    """The harness itself can fail: a lost row, a file of other bytes, a feed that shrank."""
    harness.round(lambda: None)
    assert harness.figures.findings == []
    assert harness.figures.entries >= 28

    def spoil() -> None:
        harness.hindered.finish("once")
        output = harness.hindered.folder / "output"
        feed = (output / "atom.xml").read_text()
        begin, end = feed.index("<entry>"), feed.index("</entry>") + len("</entry>")
        (output / "atom.xml").write_text(feed[:begin] + feed[end:])
        (output / "about.html").write_text("other")
        harness.reader.look()

    harness.round(spoil)
    found = "\n".join(harness.figures.findings)
    assert "output differs" in found
    assert "about.html" in found
    assert "shrank" in found
    assert "not its oldest" in found


@pytest.mark.skipif(not COMPILER, reason="no C compiler")
def test_a_kill_and_a_fault_are_counted_where_they_struck(harness: Harness):
    full = Fault(error="ENOSPC", paths=STORE, after=30, times=0)
    harness.round(lambda: harness.fail(full), lambda: harness.kill("group", "translate"))
    assert harness.figures.findings == []
    [(fault, _, code)] = harness.figures.faults
    assert (fault, code) == ("ENOSPC on store", "4")
    assert harness.figures.kills.total() + harness.figures.missed == 1
    assert harness.figures.runs == 2


def test_a_reader_sees_what_is_broken_missing_or_back(tmp_path: Path):
    reader = Reader(tmp_path, most=2)

    def publish(*ids: str, text: str = "") -> list[str]:
        entries = "".join(
            f"<entry><id>{each}</id><title>{text}</title>"
            f"<link rel='related' href='http://news.example/{each}.html'/></entry>"
            for each in ids
        )
        (tmp_path / "atom.xml").write_text(f"<feed xmlns='http://www.w3.org/2005/Atom'>{entries}</feed>")
        reader.findings.clear()
        reader.look()
        return reader.findings

    for name in "abcd":
        (tmp_path / f"{name}.html").touch()
    assert publish("b", "a") == []
    assert publish("c", "b") == []  # the oldest went
    assert publish("d", "c", text="x") == []
    assert reader.known["atom.xml"].changes == {"c": 1}
    assert any("dropped" in each for each in publish("d", "a"))
    assert any("twice" in each for each in publish("d", "d"))
    assert any("shrank" in each for each in publish("d"))
    assert any("another order" in each for each in (*publish("c", "d"), *publish("d", "c")))
    assert any("e.html, which is not there" in each for each in publish("e", "d"))
    (tmp_path / "atom.xml").write_text("<feed>")
    reader.findings.clear()
    reader.look()
    assert reader.findings[0].startswith("atom.xml is broken")
    (tmp_path / "atom.xml").unlink()
    reader.look()
    assert reader.findings[-1] == "atom.xml is gone"
