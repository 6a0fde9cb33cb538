"""Replacing a file whole."""

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from aggregator import files


def test_a_file_is_replaced_and_keeps_its_mode(tmp_path: Path):
    path = tmp_path / "a" / "feeds.opml"
    files.replace(path, b"one")
    path.chmod(0o600)
    files.replace(path, b"two")
    assert path.read_bytes() == b"two"
    assert path.stat().st_mode & 0o777 == 0o600
    assert os.listdir(path.parent) == ["feeds.opml"]  # noqa: PTH208


@pytest.mark.parametrize("write", [files.replace, files.beside])
def test_a_full_disk_leaves_the_old_file_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path, bytes], object]
):
    path = tmp_path / "a.xml"
    files.replace(path, b"old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.xml"]


def test_a_link_stays_a_link_to_the_replaced_file(tmp_path: Path):
    kept = tmp_path / "elsewhere" / "feeds.opml"
    files.replace(kept, b"one")
    link = tmp_path / "feeds.opml"
    link.symlink_to(kept)
    files.replace(link, b"two")
    assert link.is_symlink()
    assert kept.read_bytes() == b"two"


def test_what_a_kill_left_of_a_file_that_one_program_writes_is_written_over(tmp_path: Path):
    path = tmp_path / "a.xml"
    files.partial(path).write_bytes(b"half of a longer one")
    files.beside(path, b"whole").replace(path)
    assert path.read_bytes() == b"whole"
    assert [p.name for p in tmp_path.iterdir()] == ["a.xml"]


def _alone(*command: str | Path) -> bool:
    """Return whether a command ends well where nobody but root is known, as in some containers."""
    return subprocess.run(["unshare", "--user", "--map-root-user", *command], check=False).returncode == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_root_of_a_container_writes_where_nobody_it_knows_owns_the_folder(tmp_path: Path):
    if not shutil.which("unshare") or not _alone("true"):
        pytest.skip("no such container can be made here")
    folder = tmp_path / "theirs"
    folder.mkdir()
    folder.chmod(0o777)
    os.chown(folder, 4321, 4322)
    program = (
        "import sys, pathlib; from aggregator import files; files.replace(pathlib.Path(sys.argv[1]), b'x')"
    )
    assert _alone(sys.executable, "-c", program, folder / "new" / "file")
    assert (folder / "new" / "file").read_bytes() == b"x"
