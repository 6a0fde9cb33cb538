"""The same rows and the same bytes wherever stages work: here, in two processes, on three workers of a cluster.

The long form is bench/same.py; docs/scaling.md has its figures.
"""

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import Cluster
from tests.crash.world import World
from tests.everywhere import Demo, Everywhere, Killer
from tests.leavings import left_by

FEEDS = 40
KILLED = "killed_on_a_cluster"
WATCH = f"""
import os, sys
def look(event, args):
    if event in ("open", "os.listdir", "os.scandir", "os.mkdir", "os.rename", "os.remove", "sqlite3.connect"):
        path = os.fsdecode(args[0]) if isinstance(args[0], (str, bytes, os.PathLike)) else ""
        if any(part in path for part in ("/{KILLED}/", "feeds.opml")):
            os.write(2, f"touched {{event}} {{path!r}}\\n".encode())
sys.addaudithook(look)
"""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Start three workers that say which files of the coordinator's they touch."""
    folder = tmp_path_factory.mktemp("dask")
    (folder / "watch.py").write_text(WATCH)
    watched = {"DASK_DISTRIBUTED__WORKER__PRELOAD": str(folder / "watch.py")}
    with Cluster(folder, workers=3, environ=watched) as cluster:
        yield cluster


def test_rows_and_files_are_the_same_also_where_two_workers_are_killed(cluster: Cluster, tmp_path: Path):
    """The workers, by the way, touch no file of the coordinator's."""
    killer = Killer(cluster)
    with Everywhere(tmp_path, World(counting=True, feeds=FEEDS, first=2, near=FEEDS)) as everywhere:
        for name, spec in (("inline", "inline:"), ("processes", "processes:2"), (KILLED, cluster.spec)):
            everywhere.add(name, spec)
        for number in range(2):
            everywhere.turn(number)
            everywhere.round({KILLED: killer} if number == 0 else {})
            assert everywhere.differences() == []
        assert [each.partition(" ")[0] for each in killer.hit] == ["poll", "translate"]
        left = left_by(everywhere.ways["inline"].scene)
    assert len(left.rows["translations"]) > 2 * FEEDS
    assert left.rows.keys() >= {"polls", "entries", "publications", "comment_counts", "pictures", "digests"}
    assert "touched" not in cluster.log.read_text()
    with cluster.client() as client:  # what would have been seen
        client.run(os.listdir, str(tmp_path / KILLED / "output"))
    assert "touched" in cluster.log.read_text()


def test_the_demo_is_the_same(cluster: Cluster, tmp_path: Path):
    with Everywhere(tmp_path, Demo()) as everywhere:
        for name, spec in (("inline", "inline:"), ("processes", "processes:2"), ("dask", cluster.spec)):
            everywhere.add(name, spec)
        everywhere.turn(0)
        everywhere.round()
        assert everywhere.differences() == []
        assert len(left_by(everywhere.ways["dask"].scene).rows["publications"]) > 10
        _spoil(everywhere.ways["dask"].scene.folder)
        found = "\n".join(everywhere.differences())
        assert "dask against inline: output/ about.html" in found
        assert "became 'other'" in found


def _spoil(folder: Path) -> None:
    (folder / "output" / "about.html").write_bytes(b"other")
    with sqlite3.connect(folder / "store.sqlite") as db:
        db.execute("UPDATE feeds SET title = 'other' WHERE feed_id = 1")
    db.close()
