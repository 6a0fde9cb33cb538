"""The picture stage: copies of what the main feeds show, so that readers ask nobody else for them.

Only with `images = proxy`. A copy goes when its entry leaves the main feeds, which alone name it.
"""

import logging
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

from sqlite_utils import Database

from aggregator import urls
from aggregator.config import Config
from aggregator.model import Document
from aggregator.pipeline import Stage
from aggregator.publish import lists, pictures, write
from aggregator.publish.place import private_root
from aggregator.store import pictures as rows

BATCH = 30  # pictures of a job, for a stage looks at its time between jobs

log = logging.getLogger(__name__)

Outcome = dict[str, Document | str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Pictures to be fetched, and stories that need none any more."""

    root: str
    stories: tuple[tuple[int, str], ...]  # and the addresses of their pictures
    domains: tuple[tuple[str, tuple[str, ...]], ...]  # each with its addresses
    left: tuple[int, ...]


def pending(db: Database, config: Config, now: datetime) -> Iterator[Job]:
    """Yield the next pictures to fetch or to remove, if any."""
    root = private_root(db, config)
    wanted = pictures.wanted(lists.known(db, config)) if config.images == "proxy" else {}
    known = rows.known(db, now)
    left = tuple(story for story, each in known.items() if wanted.get(story) != each.url)
    folder = config.output / root
    fresh = ((story, url) for story, url in wanted.items() if _is_due(folder, known.get(story), url))
    stories = tuple(islice(fresh, BATCH))
    if stories or left:
        yield Job(root=root, stories=stories, domains=_domains(stories), left=left)


def _is_due(folder: Path, known: rows.Known | None, url: str) -> bool:
    if known is None or known.url != url:
        return True
    return not (folder / known.path).exists() if known.path else known.due


def _domains(stories: tuple[tuple[int, str], ...]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    found: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for _, url in stories:
        found[urls.registrable_domain(url)][url] = None
    return tuple((domain, tuple(addresses)) for domain, addresses in found.items())


def work(config: Config, job: Job) -> Outcome:
    """Fetch the pictures."""
    if not job.domains:
        return {}
    from aggregator.publish.picture_work import fetch  # sockets, only where there is something to fetch

    return fetch(config, job.domains)


def record(db: Database, config: Config, job: Job, outcome: Outcome, now: datetime) -> None:
    """Remove what is not needed any more, write the pictures and what became of each.

    Raises: PublishError; all is then tried again.
    """
    folder = config.output / job.root
    write.remove(folder, rows.lost(db, job.left))
    rows.drop(db, job.left)
    for url, found in outcome.items():
        stories = {story: address for story, address in job.stories if address == url}
        if isinstance(found, str):
            log.info("picture_failed url=%s failure=%s", url, found)
            rows.failed(db, stories, found, now)
        else:
            write.write(folder, [found])
            rows.note(db, stories, found.path)


def postpone(db: Database, _: Config, job: Job, error: str, now: datetime) -> None:
    """Try again later."""
    rows.failed(db, dict(job.stories), error, now)


def backlog(db: Database, config: Config, now: datetime) -> int:
    """Count the pictures of the next job."""
    return sum(map(size, pending(db, config, now))) if config.images == "proxy" else 0


def size(job: Job) -> int:
    """Count a job's pictures."""
    return len(job.stories)


STAGE = Stage(
    name="picture", pending=pending, work=work, record=record, postpone=postpone, backlog=backlog, size=size
)
