"""Score every engine that is here, and pin the floors.

python -m tests.quality.gate [--traps] [--pin]
With --traps each trap is told by itself: what became of it, and what readers would get.
A floor sinks, a trap is newly fallen into, and a changed corpus is taken, only with LOWER_FLOORS=1 in the
environment.
"""

import os
import sys
from collections import Counter

from tests.quality import scoring
from tests.quality.engines import SAMPLE, downloaded, small_model
from tests.quality.scoring import Verdict


def measured() -> tuple[dict[str, dict[str, float]], dict[str, list[Verdict]]]:
    """Return the scores of what is here, and what became of the traps."""
    rows, traps = scoring.corpus(), scoring.traps()
    scores = {"references": references(), "firefox-enpt": scoring.of_corpus(small_model(), rows)}
    verdicts = {}
    for name, step in (("firefox", 1), ("llamacpp", SAMPLE)):
        if engine := downloaded(name):
            scores[name] = scoring.of_corpus(engine, rows[::step])
            verdicts[name] = scoring.of_traps(engine, traps)
    return scores, verdicts


def references() -> dict[str, float]:
    """Return which share of the references passes, and of the wrong translations of traps is caught."""
    rows, traps = scoring.corpus(), scoring.traps()
    passed = sum(not scoring.faults(row.english, row.japanese) for row in rows)
    caught = sum(bool(scoring.faults(trap.english, trap.wrong)) for trap in traps)
    return {"passed": passed / len(rows), "traps caught": caught / len(traps)}


def main() -> None:
    """Print a line for each engine; with --pin write the floors."""
    scores, verdicts = measured()
    for name, found in scores.items():
        print(name, *(f"{score}={value:.3f}" for score, value in found.items()))
    for name, each in verdicts.items():
        print(name, "traps", *(f"{word}={count}" for word, count in Counter(v.word for v in each).items()))
        for verdict in each if "--traps" in sys.argv else ():
            print(f"  {verdict.word:8}{verdict.trap.kind:9}{verdict.trap.english}  {verdict.said}")
    if "--pin" not in sys.argv:
        return
    lower = os.environ.get("LOWER_FLOORS") == "1"
    fallen = {name: scoring.fallen_into(each) for name, each in verdicts.items()}
    sinking = scoring.pin(scores, fallen, lower=lower)
    if sinking and not lower:
        sys.exit("not pinned without LOWER_FLOORS=1:\n" + "\n".join(sinking))


if __name__ == "__main__":
    main()
