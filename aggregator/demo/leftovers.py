"""What the demo leaves in output/, told apart from the real thing."""

import hashlib
import shutil

from aggregator.config import Config

MARKER = ".demo"  # stands in an output folder that the demo filled


def mark(settings: Config) -> None:
    """Say that the output folder is the demo's."""
    settings.output.mkdir(parents=True, exist_ok=True)
    (settings.output / MARKER).write_text(_owner(settings))


def clear_leftovers(settings: Config) -> None:
    """Empty an output folder that only the demo filled, before another store's entries go there."""
    marker = settings.output / MARKER
    if not marker.exists() or marker.read_text() == _owner(settings):
        return
    for path in settings.output.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != ".gitkeep":
            path.unlink()


def _owner(settings: Config) -> str:
    """Return what tells one store from another without naming its path in a public folder."""
    return hashlib.sha256(str(settings.store.resolve()).encode()).hexdigest()[:16]
