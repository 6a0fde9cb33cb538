"""STAGES, in order, and the round that runs them."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

from aggregator.backup.stage import STAGE as BACKUP
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
from aggregator.store import backups, retention, stale_pages, unsettled, waits
from aggregator.translate.stage import STAGE as TRANSLATE
from aggregator.translate.stage import note_engines
from aggregator.websub.stage import STAGE as WEBSUB
from aggregator.websub.stage import take_up

STAGES: tuple[Stage, ...] = (
    WEBSUB, POLL, ARTICLE, PAGE, SUMMARY, TRANSLATE, PUBLISH, SOURCE, PICTURE, HUB,
    COUNT, COMMENTS, COMMENT_TRANSLATE, VIEWPOINTS, RETENTION, BACKUP,
)  # fmt: skip

PAGES = timedelta(minutes=2)  # slow sites hold back the rest of a round no longer; others go on in the next
SOURCES = timedelta(seconds=10)  # of a round, for the feeds of single sources; the rest of them in the next
DROPS = timedelta(seconds=5)  # of a round; what is left goes in the next ones
COUNTS = timedelta(seconds=30)  # so long may those who are told or asked keep a round's end waiting

# Stages that belong together; each of them works at most as long as the budget says.
Group = Callable[[Session, timedelta | None], list[StageReport]]


def poll(session: Session, budget: timedelta | None = None) -> list[StageReport]:
    """Poll what is due, and make ready for translation what came."""
    waits.recover(session.db, session.clock())
    note_engines(session.db, session.config, session.clock())  # what is polled from now on is theirs
    unsettled.settle(session.db, session.clock())
    take_up(session.db, session.config, session.clock())  # before polls, which show what a hub missed
    reports = [session.run(stage, budget) for stage in (WEBSUB, POLL, ARTICLE)]
    reports += [session.run(PAGE, _shorter(PAGES, budget)), session.run(SUMMARY, budget)]
    for stage in (WEBSUB, PAGE, POLL):
        session.rest(stage)  # their memory is the translation's now
    return reports


def translate(session: Session, budget: timedelta | None = None) -> list[StageReport]:
    """Translate what is new; only where nothing of that waits, what is said of it."""
    translated = session.run(TRANSLATE, budget)
    is_idle = translated.finished and not translated.jobs  # or what was translated would wait to be published
    return [translated, *(_say(session, budget) if is_idle else ())]


def _say(session: Session, budget: timedelta | None) -> list[StageReport]:
    return [session.run(stage, budget) for stage in (COMMENT_TRANSLATE, VIEWPOINTS)]


def publish(session: Session, budget: timedelta | None = None) -> list[StageReport]:
    """Write what readers are given, and tell those who want to know of it."""
    return [session.run(PUBLISH, budget), *_publish_beside(session, budget)]


def _publish_beside(session: Session, budget: timedelta | None = None) -> list[StageReport]:
    """Write and tell what may come after all that is ready is out: a hub that is down delays nothing."""
    beside = [
        session.run(SOURCE, _shorter(SOURCES, budget)),
        session.run(PICTURE, _shorter(COUNTS, budget)),
    ]
    reports = [*beside, *_published(session, beside)]  # what names their feeds and copies
    reports.append(session.run(HUB, _shorter(COUNTS, budget)))
    session.rest(HUB)
    return reports


def count(session: Session, budget: timedelta | None = None) -> list[StageReport]:
    """Ask how many comments there are, and for some of them."""
    reports = [session.run(stage, _shorter(COUNTS, budget)) for stage in (COUNT, COMMENTS)]
    session.rest(COUNT)
    return reports


def care(session: Session, budget: timedelta | None = None) -> list[StageReport]:
    """Do what keeps the store fit for years; each step knows itself when it is due."""
    return [report for step in CARE for report in step(session, budget)]


def _retain(session: Session, budget: timedelta | None) -> list[StageReport]:
    reports = [session.run(RETENTION, _shorter(DROPS, budget))]
    retention.give_back(session.db)
    return reports


def _back_up(session: Session, budget: timedelta | None) -> list[StageReport]:
    before = backups.state(session.db).made_at
    reports = [session.run(BACKUP, budget)]
    known = backups.state(session.db)
    if known.made_at != before:
        path = Path(known.path)
        session.hooks.note("after_backup", path.parent, [path])
        session.hooks.look()
    return reports


CARE: tuple[Group, ...] = (_retain, _back_up)  # one line each for what is looked after beside it
# In the order of a round: what waits equally long has its turn first that others can use.
GROUPS: dict[str, Group] = {
    "poll": poll,
    "translate": translate,
    "publish": publish,
    "count": count,
    "care": care,
}


def run_round(session: Session, prepare: Callable[[], None] = lambda: None) -> list[StageReport]:
    """Run every group until nothing is due anywhere; publish between batches of a long translation.

    New entries are looked for between those batches too, and `prepare` is called before, so that a backlog
    holds back neither polling nor a changed list of feeds.
    """
    reports: list[StageReport] = []
    between = session.config.publish_every
    while True:
        prepare()
        fresh = [*poll(session), session.run(PUBLISH)]
        translated = session.run(TRANSLATE, between)
        fresh += [translated, *_published(session, [translated]), *_publish_beside(session)]
        asked = count(session)
        fresh += [*asked, *_published(session, asked)]
        if translated.finished:  # what is new comes before what is said of it
            said = _say(session, between)
            fresh += [*said, *_published(session, said)]
        reports += [*fresh, *care(session)]
        if session.stop() or translated.finished or _stuck(translated):
            return reports


def _published(session: Session, made: Sequence[StageReport]) -> list[StageReport]:
    """Publish where a stage made something, or took something away before it began."""
    is_due = any(report.jobs for report in made) or stale_pages.newest(session.db, 1)
    return [session.run(PUBLISH)] if is_due else []


def _shorter(usual: timedelta, budget: timedelta | None) -> timedelta:
    return usual if budget is None else min(usual, budget)


def _stuck(report: StageReport) -> bool:
    """Tell whether a stage gave up (broken workers) rather than ran out of time."""
    return report.jobs == 0
