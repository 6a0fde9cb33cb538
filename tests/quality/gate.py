"""Score every engine that is here, and pin the floors.

python -m tests.quality.gate [--pin]
A floor sinks, and a changed corpus is taken, only with LOWER_FLOORS=1 in the environment.
"""

import os
import sys

from tests.quality import scoring
from tests.quality.engines import SAMPLE, downloaded, small_model


def measured() -> dict[str, dict[str, float]]:
    """Return the scores of what is here."""
    rows, traps = scoring.corpus(), scoring.traps()
    scores = {"references": references(), "firefox-enpt": scoring.of_corpus(small_model(), rows)}
    if firefox := downloaded("firefox"):
        scores["firefox"] = scoring.of_corpus(firefox, rows)
        scores["firefox traps"] = scoring.of_traps(firefox, traps)
    if llamacpp := downloaded("llamacpp"):
        scores["llamacpp"] = scoring.of_corpus(llamacpp, rows[::SAMPLE])
        scores["llamacpp traps"] = scoring.of_traps(llamacpp, traps)
    return scores


def references() -> dict[str, float]:
    """Return which share of the references passes, and of the wrong translations of traps is caught."""
    rows, traps = scoring.corpus(), scoring.traps()
    passed = sum(not scoring.faults(row.english, row.japanese) for row in rows)
    caught = sum(bool(scoring.faults(trap.english, trap.wrong)) for trap in traps)
    return {"passed": passed / len(rows), "traps caught": caught / len(traps)}


def main() -> None:
    """Print a line for each engine; with --pin write the floors."""
    scores = measured()
    for name, found in scores.items():
        print(name, *(f"{score}={value:.3f}" for score, value in found.items()))
    if "--pin" not in sys.argv:
        return
    lower = os.environ.get("LOWER_FLOORS") == "1"
    traps = {name for name in scores if name.endswith(" traps")}  # told, not pinned: patterns judge roughly
    sinking = scoring.pin({n: s for n, s in scores.items() if n not in traps}, lower=lower)
    if sinking and not lower:
        sys.exit("not pinned without LOWER_FLOORS=1:\n" + "\n".join(sinking))


if __name__ == "__main__":
    main()
