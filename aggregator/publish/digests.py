"""Which digests are to be made, and which are shown, out of the store; their pages, to output/."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlite_utils import Database

from aggregator.config import Config
from aggregator.model import Digest, DigestKind, DigestLine, Document, Edition
from aggregator.publish import digest, digest_pages, digest_text, edition, hot, write
from aggregator.publish.body import within_rights
from aggregator.publish.digest import Due
from aggregator.publish.edition import Facts, Site
from aggregator.publish.place import private_root
from aggregator.store import counts, publications
from aggregator.store import digests as rows

BATCH = 100  # pages a job may render
_OURS: tuple[DigestKind, ...] = ("daily", "weekly")  # the entries of a morning stand for themselves
LISTED = 400  # a year of them; older ones are found from each page to the one before


@dataclass(frozen=True, slots=True, kw_only=True)
class Digests:
    """Digests whose hour has come, made."""

    made: tuple[Digest, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestPages:
    """Digests whose pages are to be written."""

    site: Site
    root: str
    form: str
    digests: tuple[Digest, ...]


def due(db: Database, config: Config, site: Site, now: datetime) -> Digests | None:
    """Make the digests that should be out and are not, of what was published by their hour."""
    wanted = digest.due(now, config.zone, config.digest_at, config.digest_day, config.morning_at)
    made = (
        _made(db, config, each, site, now) for each in wanted if not rows.is_made(db, each.kind, each.name)
    )
    found = tuple(each for each in made if each)
    return Digests(made=found) if found else None


def _made(db: Database, config: Config, due: Due, site: Site, now: datetime) -> Digest | None:
    since, news_since = due.since - digest.SECOND_CHANCE, due.since - digest.NEWS
    stories = rows.candidates(db, due.kind, since, due.until, news_since)
    if len(stories) < digest.FEWEST[due.kind]:
        return None
    known = publications.facts(db, stories, config.language)
    rises = _rises(db, known)
    candidates = [digest.candidate(each, rises[each.publication.public_id]) for each in known]
    by_story = {each.publication.story_id: each for each in known}
    chosen = [by_story[story] for story in digest.chosen(candidates, digest.MOST[due.kind])]
    return digest_text.frozen(due, chosen, len(candidates), site, now)


def _rises(db: Database, stories: list[Facts]) -> dict[str, float]:
    """Return how fast discussions rise, as of the last count."""
    still = {each.publication.public_id: 0.0 for each in stories}
    as_of = hot.counted_at(stories)
    if as_of is None:
        return still
    moving = hot.counted_since(stories, as_of - hot.WINDOW)
    points = counts.points(db, [each.publication.story_id for each in moving], as_of - hot.WINDOW)
    return still | hot.rises(moving, points, as_of)


def among(db: Database, made: Edition, site: Site) -> Edition:
    """Add the digests to an edition that are no older than what it holds, as they may be shown now."""
    oldest = min((entry.first_published_at for entry in made.entries), default=None)
    found = rows.newest(db, _OURS, oldest) if oldest else []
    return edition.with_digests(made, (digest_text.as_entry(each, site) for each in _allowed(found, site)))


def _allowed(found: Iterable[Digest], site: Site) -> tuple[Digest, ...]:
    return tuple(digest_text.allowed(each, site) for each in found)


def listed(db: Database) -> tuple[DigestLine, ...]:
    """Return what the page of all digests lists."""
    return tuple(rows.listed(db, LISTED))


def stale(db: Database, config: Config, site: Site, form: str) -> DigestPages | None:
    """Return digests whose page lies elsewhere, in another form or not at all, the newest of them."""
    root = private_root(db, config)
    found = rows.unpaged(db, f"{root} {form}", BATCH)
    if not found:
        return None
    return DigestPages(site=site, root=root, form=f"{root} {form}", digests=_allowed(found, site))


def documents(job: DigestPages) -> tuple[Document, ...]:
    """Render the pages."""
    return tuple(digest_pages.page(each, job.site) for each in job.digests)


def record(db: Database, config: Config, job: Digests | DigestPages, made: tuple[Document, ...]) -> None:
    """Write what was made: rows, which stand for ever, or pages.

    Raises: PublishError; the pages then stay stale.
    """
    match job:
        case Digests():
            for each in job.made:
                rows.add(db, each)
        case DigestPages():
            write.write(config.output / job.root, made)
            rows.paged(db, job.digests, job.form)


def leave(db: Database, job: DigestPages) -> None:
    """Leave the pages as they are: they could not be rendered."""
    rows.paged(db, job.digests, job.form)


def forget_pages(db: Database) -> None:
    """Have the pages of all digests written again."""
    rows.unpage(db)


def morning(db: Database, config: Config) -> Edition:
    """Return the last 朝刊, the most important entry first, each as the main feeds give it."""
    title = f"{config.site_title}（朝刊）"
    last = rows.newest(db, ("morning",), most=1)
    if not last:
        return edition.compose("morning", title, ())
    facts = publications.facts(db, [entry.story_id for entry in last[0].entries], config.language)
    known = {
        each.publication.story_id: edition.present(within_rights(each))
        for each in facts
        if each.publication.state == "translated"
    }
    entries = tuple(known[entry.story_id] for entry in last[0].entries if entry.story_id in known)
    made = edition.compose("morning", title, entries)
    newest = max(filter(None, (made.updated_at, last[0].published_at)))
    return replace(made, label=last[0].title, updated_at=newest)
