"""Score the extraction of every page against its true text, and pin the floors.

python -m tests.extraction.gate [--pin]
A floor sinks, and a changed corpus is taken, only with LOWER_FLOORS=1 in the environment.
"""

import hashlib
import json
import os
import re
import sys
from collections import Counter
from pathlib import Path

from aggregator.enrich import page

HERE = Path(__file__).parent
FLOORS = HERE / "floors.json"
PAGES = sorted(HERE.glob("*.html"))
URL = "https://a.example/2026/story"
_WORDS = re.compile(r"[\w$%.]+")


def words(text: str) -> Counter[str]:
    """Count words; of Japanese, which has no spaces, characters."""
    found = _WORDS.findall(text.replace("`", ""))
    return Counter(piece for word in found for piece in ([word] if word.isascii() else word))


def f1(text: str, truth: str) -> float:
    """Score words found against words wanted: 1 where they are the same, 0 where they share none."""
    found, wanted = words(text), words(truth)
    return 2 * (found & wanted).total() / (found.total() + wanted.total())


def score(path: Path) -> float:
    """Return how well a page's text is found."""
    text = page.read(path.read_bytes(), "text/html", URL, URL)
    return f1(text, path.with_suffix(".txt").read_text(encoding="utf-8"))


def measured() -> dict[str, float]:
    """Return the score of each page, and their mean."""
    scores = {path.stem: score(path) for path in PAGES}
    return {"mean": sum(scores.values()) / len(scores), **scores}


def checksum() -> str:
    """Return the sum of pages and true texts, for which alone the floors hold."""
    found = hashlib.sha256()
    for path in PAGES:
        for part in (path, path.with_suffix(".txt")):
            found.update(f"{part.name} {hashlib.sha256(part.read_bytes()).hexdigest()}\n".encode())
    return found.hexdigest()


def pinned() -> tuple[str, dict[str, float]]:
    """Return the corpus the floors hold for, and the floors."""
    content = json.loads(FLOORS.read_text(encoding="utf-8"))
    return content["corpus"], content["floors"]


def pin(scores: dict[str, float], *, lower: bool = False) -> list[str]:
    """Write floors a hundredth under what was measured; return those that would sink.

    Nothing is written where one would sink, unless `lower` allows it.
    """
    corpus, floors = pinned()
    new = {name: round(value - 0.01, 2) for name, value in scores.items()}
    sinking = [f"{n}: {floor} -> {new.get(n)}" for n, floor in floors.items() if new.get(n, -1) < floor]
    if corpus != checksum():
        sinking.append("the corpus changed")
    if not sinking or lower:
        content = {"corpus": checksum(), "floors": new}
        FLOORS.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return sinking


def main() -> None:
    """Print a line for each page; with --pin write the floors."""
    scores = measured()
    for name, value in scores.items():
        print(f"{value:.3f} {name}")
    if "--pin" not in sys.argv:
        return
    lower = os.environ.get("LOWER_FLOORS") == "1"
    sinking = pin(scores, lower=lower)
    if sinking and not lower:
        sys.exit("not pinned without LOWER_FLOORS=1:\n" + "\n".join(sinking))


if __name__ == "__main__":
    main()
