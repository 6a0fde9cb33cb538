"""Which entries each edition holds, out of the store."""

from sqlite_utils import Database

from aggregator.config import Config
from aggregator.model import Edition, EditionEntry
from aggregator.publish import edition, hot
from aggregator.publish.edition import Facts
from aggregator.store import counts, publications


def window(db: Database, config: Config) -> set[int]:
    """Return the stories that may stand in an edition."""
    most = config.max_entries
    return {*publications.newest(db, "translated", most), *publications.newest(db, "untranslated", most)}


def carried(db: Database, config: Config) -> list[Facts]:
    """Return what is known of the entries that the main feeds carry."""
    known = publications.facts(db, window(db, config), config.language)
    listed = {entry.public_id for entry in _main(config, edition.ordered(known)).entries}
    return [facts for facts in known if facts.publication.public_id in listed]


def editions(db: Database, config: Config) -> tuple[Edition, ...]:
    """Make the main edition, what of it is hot and, last, the one that holds untranslated entries too."""
    stories = publications.facts(db, window(db, config), config.language)
    entries = edition.ordered(stories)
    main = _main(config, entries)
    return (
        main,
        edition.compose("hot", f"{config.site_title}(盛り上がり)", _hottest(db, stories, main)),
        edition.compose("all", f"{config.site_title}(未訳を含む)", edition.cut(entries, config.max_entries)),
    )


def _main(config: Config, entries: list[EditionEntry]) -> Edition:
    translated = [entry for entry in entries if entry.state == "translated"]
    chosen = entries if config.untranslated == "publish" else translated
    return edition.compose("main", config.site_title, edition.cut(chosen, config.max_entries))


def _hottest(db: Database, stories: list[Facts], main: Edition) -> tuple[EditionEntry, ...]:
    as_of = hot.counted_at(stories)
    if as_of is None:
        return ()
    since = as_of - hot.WINDOW
    moving = hot.counted_since(stories, since)
    points = counts.points(db, [facts.publication.story_id for facts in moving], since)
    return hot.ranked(main.entries, hot.rises(moving, points, as_of), as_of)
