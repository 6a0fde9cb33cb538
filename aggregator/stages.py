"""STAGES, in order, and the round that runs them."""

from collections.abc import Callable
from datetime import timedelta

from aggregator.discuss.stage import COUNT
from aggregator.enrich.stage import ARTICLE, PAGE, SUMMARY
from aggregator.pipeline import Stage, StageReport
from aggregator.poll.stage import STAGE as POLL
from aggregator.publish.stage import STAGE as PUBLISH
from aggregator.session import Session
from aggregator.translate.stage import STAGE as TRANSLATE
from aggregator.translate.stage import note_engines
from aggregator.websub.stage import STAGE as WEBSUB
from aggregator.websub.stage import take_up

STAGES: tuple[Stage, ...] = (WEBSUB, POLL, ARTICLE, PAGE, SUMMARY, TRANSLATE, PUBLISH, COUNT)

PAGES = timedelta(minutes=2)  # slow sites hold back the rest of a round no longer; others go on in the next
COUNTS = timedelta(seconds=30)  # so long may those who are asked for numbers keep a round's end waiting


def run_round(session: Session, prepare: Callable[[], None] = lambda: None) -> list[StageReport]:
    """Run every stage until nothing is due anywhere; publish between batches of a long translation.

    New entries are looked for between those batches too, and `prepare` is called before, so that a backlog
    holds back neither polling nor a changed list of feeds.
    """
    reports: list[StageReport] = []
    note_engines(session.db, session.config, session.clock())  # what is polled from now on is theirs
    while True:
        prepare()
        take_up(session.db, session.config, session.clock())  # before polls, which show what a hub missed
        fresh = [session.run(stage) for stage in (WEBSUB, POLL, ARTICLE)]
        fresh += [session.run(PAGE, PAGES), session.run(SUMMARY)]
        session.rest(WEBSUB)
        session.rest(PAGE)
        session.rest(POLL)  # its memory is the translation's now
        fresh.append(session.run(PUBLISH))
        counted = session.run(COUNT, COUNTS)  # after what was ready: a provider that is down delays nothing
        session.rest(COUNT)
        fresh += [counted, *([session.run(PUBLISH)] if counted.jobs else [])]
        translated = session.run(TRANSLATE, session.config.publish_every)
        if translated.jobs:
            fresh.append(session.run(PUBLISH))
        reports += [*fresh, translated]
        if session.stop() or translated.finished or _stuck(translated):
            return reports


def _stuck(report: StageReport) -> bool:
    """Tell whether a stage gave up (broken workers) rather than ran out of time."""
    return report.jobs == 0
