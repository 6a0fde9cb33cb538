"""`aggregator run` for hours over feeds that change, fail, slow down and recover: what goes wrong.

python bench/soak.py [--feeds 500] [--minutes 120] [--speed 8] [--restarts 6] [--seed 7] [--keep FOLDER]

Real processes, sockets, signals and files, and a clock that runs `--speed` times as fast. Ends with 1 where a
check fails.
"""

import argparse
import json
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]

import newsworld  # noqa: E402 - scripts beside each other
import vitals  # noqa: E402
from daemonrun import Daemon, Reader, quickened, small_model  # noqa: E402
from fastclock import Simulation  # noqa: E402
from judge import Loss, Verdict, judge  # noqa: E402
from newsserver import NewsServer, free_port  # noqa: E402
from newsworld import HOUR, Shape  # noqa: E402
from vitals import Sample, percentile, slope  # noqa: E402

LOOK = 2.0  # seconds between two looks at the process
SPACING = 1.0  # the setting host_spacing


@dataclass(slots=True)
class Course:
    """What happened in a soak."""

    simulation: Simulation
    samples: list[Sample] = field(default_factory=list)
    losses: list[Loss] = field(default_factory=list)
    ends: Counter[str] = field(default_factory=Counter)
    statuses: list[int] = field(default_factory=list)  # of those that were asked to end
    ended: float = 0.0  # when nothing new came any more


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that has to hold."""

    name: str
    found: str
    holds: bool


def soak(options: argparse.Namespace, folder: Path) -> tuple[list[Check], dict[str, object]]:
    """Run it and return what was checked, and figures."""
    length = options.minutes * 60 * options.speed
    manifest = small_model(folder)
    entries = options.entries * options.feeds
    shape = Shape(feeds=options.feeds, length=length, entries_a_day=entries, first=options.first)
    sources = newsworld.make(shape, options.seed)
    simulation = Simulation.start(options.speed, patience=options.patience, manifest=manifest)
    port = free_port()
    settings = {"LISTEN": f"127.0.0.1:{port}", "COUNTS": "none", "EXTRACT": "feed", "BACKUP_KEEP": 2}
    settings |= quickened(options.speed)
    daemon, course = Daemon(folder, simulation, settings), Course(simulation)
    with NewsServer(sources, simulation, options.pages) as server:
        (folder / "feeds.opml").write_text(server.opml())
        with Reader(port) as reader:
            _run(daemon, server, course, options)
        _end(daemon, server, course, "term")
        course.statuses.append(daemon.finish())  # all that was offered shall have had its time
        checks = [
            *_politeness(server, daemon, course, figures := _figures(options, course, server)),
            *_completeness(server, daemon, reader, course, figures),
            *_vitals(course, figures),
            *_others(daemon, reader, course, figures),
        ]
    return checks, figures


def _run(daemon: Daemon, server: NewsServer, course: Course, options: argparse.Namespace) -> None:
    chance = random.Random(options.seed)
    whole = options.minutes * 60.0
    moments = sorted(chance.uniform(0.1, 0.5) * whole for _ in range(options.restarts))
    began = time.monotonic()
    daemon.start()
    while (at := time.monotonic() - began) < whole:
        if moments and at >= moments[0]:
            moments.pop(0)
            _end(daemon, server, course, "kill" if len(moments) % 2 == 0 else "term")
            daemon.start()
        course.samples.append(vitals.sample(daemon.pid, at, daemon.started))
        time.sleep(min(LOOK, whole / 60))
        if daemon.process and daemon.process.poll() is not None:
            sys.exit(f"the daemon ended by itself with {daemon.process.returncode}:\n{daemon.log[-3000:]}")
    server.still_at = course.simulation.seconds()
    course.ended = course.simulation.seconds()


def _end(daemon: Daemon, server: NewsServer, course: Course, how: str) -> None:
    course.ends[how] += 1
    if how == "term":
        course.statuses.append(daemon.end(signal.SIGTERM))
        return
    daemon.end(signal.SIGKILL)
    at = course.simulation.seconds()  # what was asked for up to its last moment may be lost
    numbers = {server.url(source): source.number for source in server.sources}
    booked = {numbers[url]: when for url, when in daemon.booked().items() if url in numbers}
    course.losses.append(Loss(at=at, booked=booked))


def _figures(options: argparse.Namespace, course: Course, server: NewsServer) -> dict[str, object]:
    asked = Counter(visit.kind for visit in server.visits if visit.source is not None)
    return {
        "feeds": options.feeds,
        "real_minutes": options.minutes,
        "simulated_hours": round(options.minutes * options.speed / 60, 1),
        "speed": options.speed,
        "seed": options.seed,
        "requests": len(server.visits),
        "answers_to_polls": dict(asked.most_common()),
        "ended_by": dict(course.ends),
    }


def _politeness(
    server: NewsServer, daemon: Daemon, course: Course, figures: dict[str, object]
) -> Iterator[Check]:
    was_down = "network_down" in daemon.log
    verdict: Verdict = judge(
        server.visits, course.losses, SPACING, course.simulation.speed, network_was_down=was_down
    )
    figures |= {
        "polls": verdict.polls,
        "share_of_304": round(verdict.conditional_share, 3),
        "polls_a_kill_left_unbooked": verdict.unbooked,
        "least_seconds_between_requests_to_a_host": round(verdict.least_spacing, 1),
        "early": [str(each) for each in verdict.early[:20]],
    }
    yield Check("polls came too early", str(len(verdict.early)), not verdict.early)
    yield Check("feeds polled", str(verdict.polls), verdict.polls >= len(server.sources))


_ENTRIES = """
SELECT e.guid, e.excluded, e.first_seen_at, p.state, p.public_id, p.first_published_at,
  t.translated_at, t.title IS NOT NULL, t.attempts, s.lead_entry_id = e.entry_id
FROM entries e JOIN stories s USING (story_id) LEFT JOIN publications p USING (story_id)
LEFT JOIN translations t ON t.entry_id = s.lead_entry_id
"""


def _completeness(
    server: NewsServer, daemon: Daemon, reader: Reader, course: Course, figures: dict[str, object]
) -> Iterator[Check]:
    offered: dict[str, float] = {}
    for visit in server.visits:
        for guid in visit.entries:
            offered.setdefault(guid, visit.answered)
    rows = {row[0]: row for row in daemon.ask(_ENTRIES)}
    missing = offered.keys() - rows.keys()
    wanted = [row for guid, row in rows.items() if row[1] is None]
    open_rows = [row for row in wanted if row[3] not in {"translated", "untranslated"}]
    unseen = [
        row for row in wanted if row[3] == "translated" and _late(row, course) and row[4] not in reader.ids
    ]
    refused = sum(1 for row in open_rows if row[8])
    figures |= {
        "entries_offered": len(offered),
        "entries_stored": len(rows),
        "published_translated": sum(row[3] == "translated" for row in wanted),
        "refused_by_checks": refused,
        "missing": sorted(missing)[:10],
        "lags": _lags(server, rows.values(), offered, course),
    }
    yield Check("entries offered and not stored", str(len(missing)), not missing)
    yield Check("entries stored and not published", str(len(open_rows) - refused), len(open_rows) == refused)
    yield Check("entries published that the reader never saw", str(len(unseen)), not unseen)
    yield Check("translations refused", f"{refused} of {len(wanted)}", refused <= len(wanted) * 0.05)


def _late(row: Sequence[object], course: Course) -> bool:
    """Leave out what came at once in the beginning, more than a feed can hold; its archive has it."""
    last_looks = 10 * course.simulation.speed
    return course.ended * 0.25 < course.simulation.since(str(row[5])) < course.ended - last_looks


def _lags(
    server: NewsServer, rows: Sequence[Sequence[object]], offered: dict[str, float], course: Course
) -> dict[str, dict[str, float]]:
    """Return how long entries took from step to step, in seconds that passed for the program's clock."""
    since, begin = course.simulation.since, course.ended * 0.25
    spans: dict[str, list[float]] = {name: [] for name in ("offered", "stored", "translated", "published")}
    for guid, _, seen, _, _, published, translated, _, _, leads in rows:
        source, entry = map(int, str(guid).split("-"))
        released = server.sources[source].released[entry]
        if released < begin or guid not in offered or entry % newsworld.REVISED == 0 or not leads:
            continue
        spans["offered"].append(offered[guid] - released)
        spans["stored"].append(since(str(seen)) - offered[guid])
        if translated and published:
            spans["translated"].append(since(str(translated)) - since(str(seen)))
            spans["published"].append(since(str(published)) - since(str(translated)))
    return {
        name: {"entries": len(found), **{f"p{p}": round(percentile(found, p / 100), 1) for p in (50, 99)}}
        for name, found in spans.items()
    }


def _vitals(course: Course, figures: dict[str, object]) -> Iterator[Check]:
    life = vitals.settled(course.samples)
    hour = HOUR / course.simulation.speed  # real seconds
    grows = {
        name: slope([(each.at / hour, getattr(each, name)) for each in life])
        for name in ("pss", "rss", "parent", "files", "threads")
    }
    figures |= {
        "peak_pss_mb": round(max(each.pss for each in course.samples), 1),
        "peak_rss_mb": round(max(each.rss for each in course.samples), 1),
        "parent_mb": [round(life[0].parent, 1), round(life[-1].parent, 1)],
        "files": [min(each.files for each in life), max(each.files for each in life)],
        "threads": [min(each.threads for each in life), max(each.threads for each in life)],
        "observed_real_minutes": round((life[-1].at - life[0].at) / 60, 1),
        "grows_a_simulated_hour": {name: round(value, 3) for name, value in grows.items()},
    }
    yield _memory_check(life, grows["parent"])
    yield Check(
        "peak memory of all processes, MB", f"{figures['peak_pss_mb']}", max(s.pss for s in life) <= PEAK
    )
    yield Check(
        "descriptors grow", f"{grows['files']:.2f}", abs(grows["files"]) < 0.5 and life[-1].files < 64
    )
    yield Check(
        "threads grow", f"{grows['threads']:.2f}", abs(grows["threads"]) < 0.5 and life[-1].threads < 24
    )


def _memory_check(life: Sequence[Sample], growth: float) -> Check:
    """Judge growth past the first quarter of an hour, in which modules and editions come."""
    is_long = life[-1].at - life[0].at >= 15 * 60
    found = f"{growth:.2f}" if is_long else "too short to tell"
    return Check("memory grows, MB a simulated hour", found, not is_long or growth <= MOST_GROWTH)


PEAK = 350.0  # MB, while a small server may give 450; 307 were measured with a feed of a whole megabyte
# A feed fills for 48 hours, up to a megabyte, and what a round holds grows with it: 7 MB an hour, as
# measured, while 110 entries an hour came. It ends there, as two hours show, and bench/vps.py in days.
MOST_GROWTH = 12.0


def _others(daemon: Daemon, reader: Reader, course: Course, figures: dict[str, object]) -> Iterator[Check]:
    errors = [line for line in daemon.log.splitlines() if " ERROR " in line or "Traceback" in line]
    figures |= {
        "reader": dict(reader.answers),
        "longest_away_s": round(reader.away, 1),
        "errors": errors[:10],
    }
    bad = [name for name in reader.answers if name.split()[-1] not in {"200", "304", "404", "away", "503"}]
    yield Check(
        "broken feeds seen by the reader", str(len(reader.broken) + len(bad)), not (reader.broken or bad)
    )
    yield Check("errors logged", str(len(errors)), not errors)
    yield Check("SIGTERM ended with", str(sorted(set(course.statuses))), set(course.statuses) == {0})


def main() -> None:
    """Print what was checked, then the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--feeds", type=int, default=500)
    parser.add_argument("--minutes", type=float, default=120)
    parser.add_argument("--speed", type=float, default=8)
    parser.add_argument("--restarts", type=int, default=6)
    parser.add_argument("--entries", type=float, default=6, help="a feed and day")
    parser.add_argument("--first", type=int, default=4, help="entries of a feed at the start, at most")
    parser.add_argument("--patience", type=float, default=30, help="seconds an answer may take")
    parser.add_argument(
        "--pages", type=int, default=25, help="entries' pages of each how many-th feed; 0: none"
    )
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--keep", type=Path, help="a folder that stays")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        kept = options.keep or Path(folder)
        kept.mkdir(parents=True, exist_ok=True)
        checks, figures = soak(options, kept)
    print("| check | found | |\n|---|---|---|")
    for check in checks:
        print(f"| {check.name} | {check.found} | {'ok' if check.holds else 'FAILS'} |")
    print(json.dumps(figures, indent=1))
    sys.exit(0 if all(check.holds for check in checks) else 1)


if __name__ == "__main__":
    main()
