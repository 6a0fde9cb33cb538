"""STAGES, in order, and the round that runs them."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from aggregator.discuss.comments_stage import COMMENT_TRANSLATE, COMMENTS
from aggregator.discuss.stage import COUNT
from aggregator.discuss.viewpoints_stage import VIEWPOINTS
from aggregator.enrich.stage import ARTICLE, PAGE, SUMMARY
from aggregator.pipeline import Stage, StageReport
from aggregator.poll.stage import STAGE as POLL
from aggregator.publish.hub_stage import STAGE as HUB
from aggregator.publish.picture_stage import STAGE as PICTURE
from aggregator.publish.source_stage import STAGE as SOURCE
from aggregator.publish.stage import STAGE as PUBLISH
from aggregator.retention.stage import STAGE as RETENTION
from aggregator.session import Session
from aggregator.store import stale_pages
from aggregator.translate.stage import STAGE as TRANSLATE
from aggregator.translate.stage import note_engines
from aggregator.websub.stage import STAGE as WEBSUB
from aggregator.websub.stage import take_up

_ASKED = (COUNT, COMMENTS)
_SAID = (COMMENT_TRANSLATE, VIEWPOINTS)
_MADE = (WEBSUB, POLL, ARTICLE, PAGE, SUMMARY, TRANSLATE, PUBLISH, SOURCE, PICTURE, HUB)
STAGES: tuple[Stage, ...] = (*_MADE, *_ASKED, *_SAID, RETENTION)

PAGES = timedelta(minutes=2)  # slow sites hold back the rest of a round no longer; others go on in the next
SOURCES = timedelta(seconds=10)  # of a round, for the feeds of single sources; the rest of them in the next
DROPS = timedelta(seconds=5)  # of a round; what is left goes in the next ones
COUNTS = timedelta(seconds=30)  # so long may those who are told or asked keep a round's end waiting


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
        translated = session.run(TRANSLATE, session.config.publish_every)
        fresh += [translated, *_published(session, [translated])]
        # Last, when all that is ready is out: a hub or provider that is down or slow delays nothing.
        beside = [session.run(SOURCE, SOURCES), session.run(PICTURE, COUNTS)]
        fresh += [*beside, *_published(session, beside)]  # what names their feeds and copies
        fresh.append(session.run(HUB, COUNTS))
        asked = [session.run(stage, COUNTS) for stage in _ASKED]
        session.rest(COUNT)
        fresh += [*asked, *_published(session, asked)]
        if translated.finished:  # what is new comes before what is said of it
            said = [session.run(stage, session.config.publish_every) for stage in _SAID]
            fresh += [*said, *_published(session, said)]
        fresh.append(session.run(RETENTION, DROPS))
        reports += fresh
        if session.stop() or translated.finished or _stuck(translated):
            return reports


def _published(session: Session, made: Sequence[StageReport]) -> list[StageReport]:
    """Publish where a stage made something, or took something away before it began."""
    is_due = any(report.jobs for report in made) or stale_pages.newest(session.db, 1)
    return [session.run(PUBLISH)] if is_due else []


def _stuck(report: StageReport) -> bool:
    """Tell whether a stage gave up (broken workers) rather than ran out of time."""
    return report.jobs == 0
