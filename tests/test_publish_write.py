"""Files of output/ are whole, and touched only when their bytes differ."""

import errno
import gzip
import os
from pathlib import Path

import brotli
import pytest

from aggregator.errors import PublishError
from aggregator.model import Document
from aggregator.publish.write import remove, sweep, write


def document(path: str = "a/b.html", body: bytes = b"new") -> Document:
    return Document(path=path, media_type="text/html", body=body)


def test_a_document_is_written_with_the_folders_it_needs(tmp_path: Path):
    assert write(tmp_path, [document()]) == ["a/b.html"]
    assert (tmp_path / "a/b.html").read_bytes() == b"new"


def test_equal_bytes_are_not_written(tmp_path: Path):
    write(tmp_path, [document()])
    before = (tmp_path / "a/b.html").stat()
    assert write(tmp_path, [document()]) == []
    assert (tmp_path / "a/b.html").stat() == before


def test_other_bytes_of_the_same_length_are_written(tmp_path: Path):
    write(tmp_path, [document()])
    assert write(tmp_path, [document(body=b"old")]) == ["a/b.html"]


def test_documents_are_written_in_their_order_and_none_after_a_failure(tmp_path: Path):
    (tmp_path / "b.gz").mkdir()  # a folder stands where a copy is to be removed
    with pytest.raises(PublishError, match=r"/b: cannot be written \(Is a directory\)") as raised:
        write(tmp_path, [document("a"), document("b"), document("c")])
    assert raised.value.exit_code == 5
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b.gz"]
    (tmp_path / "b.gz").rmdir()
    (tmp_path / "a").unlink()
    assert write(tmp_path, [document("c"), document("a"), document("b")]) == ["c", "a", "b"]
    ages = {name: (tmp_path / name).stat().st_ctime_ns for name in "abc"}
    assert sorted(ages, key=lambda name: ages[name]) == ["c", "a", "b"]


def test_a_file_where_a_folder_is_to_be_and_a_folder_where_a_file_is_to_be_make_way(tmp_path: Path):
    (tmp_path / "out" / "b" / "c").mkdir(parents=True)
    (tmp_path / "out" / "a").write_text("no folder")
    (tmp_path / "out" / "b" / "c" / "inside").write_text("no document")
    assert write(tmp_path / "out", [document("a/x/y.html"), document("a/x/z.html"), document("b/c")])
    assert (tmp_path / "out/a/x/y.html").read_bytes() == (tmp_path / "out/b/c").read_bytes() == b"new"


def test_a_file_in_place_of_the_whole_folder_is_left_alone(tmp_path: Path):
    (tmp_path / "out").write_text("somebody's")
    with pytest.raises(PublishError, match=r"/out/a/b.html: cannot be written"):
        write(tmp_path / "out", [document()])
    assert (tmp_path / "out").read_text() == "somebody's"


def test_where_nothing_can_be_removed_either_the_first_failure_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "b.gz").mkdir()

    def fail(path: Path, **_: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)

    monkeypatch.setattr(Path, "unlink", fail)
    with pytest.raises(PublishError, match=r"/b: cannot be written \(Read-only file system\)"):
        write(tmp_path, [document("b"), document("c")])


def test_what_a_killed_run_left_is_swept_and_nothing_else(tmp_path: Path):
    for name in ("a/.b.html.tmp", "a/notes.tmp", "a/.d.html.tmp"):
        write(tmp_path, [document(name)])
    sweep(tmp_path, [document(), document("never/was.html")])
    left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert left == ["a/.d.html.tmp", "a/notes.tmp"]


def test_files_and_folders_are_removed_and_missing_ones_are_no_matter(tmp_path: Path):
    write(tmp_path, [document("a/b.html"), document("c.xml"), document("d.xml")])
    remove(tmp_path, ["a", "c.xml", "missing"])
    assert [path.name for path in tmp_path.iterdir()] == ["d.xml"]


LONG = b"<entry>one and another</entry>" * 1000


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_folders_that_are_empty_then_go_too_but_never_the_whole(tmp_path: Path):
    write(tmp_path, [document("entries/2026/05/a.html"), document("entries/2026/05/a/comments.xml")])
    remove(tmp_path, ["entries/2026/05/a/comments.xml"])
    assert [path.name for path in (tmp_path / "entries/2026/05").iterdir()] == ["a.html"]
    remove(tmp_path, ["entries/2026/05/a.html", "entries/2026/04/none.html"])
    assert list(tmp_path.iterdir()) == []


def test_a_long_document_has_compressed_copies_of_its_age(tmp_path: Path):
    assert write(tmp_path, [document("a.xml", LONG), document("b.xml", b"short")]) == ["a.xml", "b.xml"]
    assert names(tmp_path) == ["a.xml", "a.xml.br", "a.xml.gz", "b.xml"]
    assert gzip.decompress((tmp_path / "a.xml.gz").read_bytes()) == LONG
    assert brotli.decompress((tmp_path / "a.xml.br").read_bytes()) == LONG
    assert len({(tmp_path / name).stat().st_mtime_ns for name in ("a.xml", "a.xml.gz", "a.xml.br")}) == 1


def test_copies_are_touched_only_when_the_document_changes(tmp_path: Path):
    write(tmp_path, [document("a.xml", LONG)])
    before = {name: (tmp_path / name).stat() for name in names(tmp_path)}
    write(tmp_path, [document("a.xml", LONG)])
    assert {name: (tmp_path / name).stat() for name in names(tmp_path)} == before
    write(tmp_path, [document("a.xml", LONG + b"more")])
    assert gzip.decompress((tmp_path / "a.xml.gz").read_bytes()) == LONG + b"more"


def test_two_runs_give_the_same_copies(tmp_path: Path):
    for folder in ("one", "two"):
        write(tmp_path / folder, [document("a.xml", LONG)])
    for name in names(tmp_path / "one"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_document_is_never_beside_the_copies_of_an_older_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write(tmp_path, [document("a.xml", LONG)])
    seen = []
    replace = Path.replace

    def look(self: Path, target: Path) -> Path:
        seen.append([name for name in names(tmp_path) if not name.startswith(".")])
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", look)
    write(tmp_path, [document("a.xml", LONG[::-1])])
    assert seen == [["a.xml"], ["a.xml"], ["a.xml", "a.xml.gz"]]


def test_copies_that_a_killed_run_did_not_come_to_are_written_at_the_next(tmp_path: Path):
    write(tmp_path, [document("a.xml", LONG)])
    (tmp_path / "a.xml.br").unlink()
    os.utime(tmp_path / "a.xml.gz", (1, 1))  # killed before it was given its document's age
    document_before = (tmp_path / "a.xml").stat()
    assert write(tmp_path, [document("a.xml", LONG)]) == []
    after = (tmp_path / "a.xml").stat()  # read meanwhile, so its atime is another one
    assert (after.st_ino, after.st_mtime_ns) == (document_before.st_ino, document_before.st_mtime_ns)
    assert {(tmp_path / name).stat().st_mtime_ns for name in names(tmp_path)} == {document_before.st_mtime_ns}
    assert len(names(tmp_path)) == 3


def test_a_document_that_became_short_and_one_that_goes_take_their_copies_along(tmp_path: Path):
    write(tmp_path, [document("a.xml", LONG), document("b.xml", LONG)])
    write(tmp_path, [document("a.xml", b"short")])
    remove(tmp_path, ["b.xml"])
    assert names(tmp_path) == ["a.xml"]
