"""What two scenes must have in common, and where they differ."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from tests.crash.reader import FEEDS, PARSE
from tests.crash.scene import Scene

# A body is frozen with the discussions known at that moment: a count that a kill cut short names none yet.
_DISCUSSIONS = re.compile(r"<p>ディスカッション: .*?</p>")


def told(scene: Scene) -> dict[str, dict[str, str]]:
    """Return what readers compare of each entry of each feed; of digests, which choose by numbers, the ids."""
    found = {name: PARSE[name]((scene.folder / "output" / name).read_bytes()) for name in FEEDS}
    return {
        name: {each.id: "" if "/digest/" in each.link else _uncounted(each.text) for each in entries}
        for name, entries in found.items()
    }


def uncounted(rows: Iterable[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """Return rows without what depends on when comments were counted."""
    return [tuple(_uncounted(each) if isinstance(each, str) else each for each in row) for row in rows]


def _uncounted(text: str) -> str:
    return _DISCUSSIONS.sub("", text)


def standing(scene: Scene) -> dict[str, bytes]:
    """Return the files whose bytes are settled: what goes to an archive now or next is left to chance."""
    return {name: body for name, body in scene.files().items() if not name.startswith("archive/")}


def readable(scene: Scene) -> set[str]:
    """Return the ids that a new subscriber finds, in the feed or in the archives that it leads to."""
    output = scene.folder / "output"
    paths = [output / "atom.xml", *output.glob("archive/*.xml")]
    return {entry.id for path in paths for entry in PARSE["atom.xml"](path.read_bytes())}


def keyed(rows: list[tuple[object, ...]]) -> dict[Any, object]:
    """Return rows by feed and guid."""
    return {row[:2]: row[2:] for row in rows}


def differ(wanted: Mapping[Any, object], found: Mapping[Any, object]) -> list[object]:
    """Name a few of those that are missing, more, or not the same."""
    return sorted(
        (key for key in wanted.keys() | found.keys() if wanted.get(key) != found.get(key)), key=str
    )[:12]
