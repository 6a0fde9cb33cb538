"""Files of output/ are whole, and touched only when their bytes differ."""

from pathlib import Path

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
    (tmp_path / "b").mkdir()  # a folder stands where a file should
    with pytest.raises(PublishError, match=r"/b: cannot be written \(Is a directory\)") as raised:
        write(tmp_path, [document("a"), document("b"), document("c")])
    assert raised.value.exit_code == 5
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_what_a_killed_run_left_is_swept_and_nothing_else(tmp_path: Path):
    for name in ("a/.b.html.k3x.tmp", "a/notes.tmp", "c/.d.html.k3x.tmp"):
        write(tmp_path, [document(name)])
    sweep(tmp_path, [document()])
    left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert left == ["a/notes.tmp", "c/.d.html.k3x.tmp"]


def test_files_and_folders_are_removed_and_missing_ones_are_no_matter(tmp_path: Path):
    write(tmp_path, [document("a/b.html"), document("c.xml"), document("d.xml")])
    remove(tmp_path, ["a", "c.xml", "missing"])
    assert [path.name for path in tmp_path.iterdir()] == ["d.xml"]
