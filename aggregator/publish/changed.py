"""Which files of output/ changed since somebody asked last, as the command after a publish is told."""

from pathlib import Path

MOST = 5000  # paths; more are told as "everything"

_paths: dict[Path, None] = {}  # of this process, in the order of their first change
_too_many = False


def note(path: Path) -> None:
    """Remember that a file was written or removed, or that a folder was."""
    global _too_many  # noqa: PLW0603 - who writes files knows nobody to hand this to
    if len(_paths) < MOST:
        _paths[path] = None
    else:
        _too_many = _too_many or path not in _paths


def take() -> tuple[Path, ...] | None:
    """Return what changed since the last call; None where that is too much to be told one by one."""
    global _too_many  # noqa: PLW0603
    found, was_too_many = tuple(_paths), _too_many
    _paths.clear()
    _too_many = False
    return None if was_too_many else found
