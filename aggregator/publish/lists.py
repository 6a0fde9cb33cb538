"""Which entries each edition holds, out of the store."""

import re
import unicodedata
from collections import defaultdict
from dataclasses import replace

from sqlite_utils import Database

from aggregator.config import Config
from aggregator.model import Edition, EditionEntry, PublicationState
from aggregator.publish import edition, hot
from aggregator.publish.edition import Facts
from aggregator.store import categories, counts, publications

_LONGEST = 60  # letters of a category's name in its address


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


def titles(config: Config, main: Edition) -> Edition:
    """Make the main edition without any text: what a reader shows of it is the headline alone."""
    entries = tuple(replace(entry, body_html="") for entry in main.entries)
    return edition.compose("titles", f"{config.site_title}(見出しのみ)", entries)


def by_category(db: Database, config: Config, main: Edition) -> tuple[Edition, ...]:
    """Make an edition of each category: what the main one has of it, and older entries of its feeds."""
    feeds: defaultdict[str, list[int]] = defaultdict(list)
    names: dict[str, str] = {}
    for name, members in categories.members(db).items():
        feeds[_slug(name)] += members
        names.setdefault(_slug(name), name)
    return tuple(_category(db, config, main, slug, names[slug], feeds[slug]) for slug in feeds)


def _category(db: Database, config: Config, main: Edition, slug: str, name: str, feeds: list[int]) -> Edition:
    states: list[PublicationState] = ["translated"]
    if config.untranslated == "publish":
        states.append("untranslated")
    stories = categories.newest(db, feeds, states, config.max_entries)
    older = edition.ordered(publications.facts(db, stories, config.language))
    known = {entry.public_id: entry for entry in older}
    known |= {entry.public_id: entry for entry in main.entries if _slug(entry.category) == slug}
    newest = sorted(known.values(), key=lambda entry: entry.first_published_at, reverse=True)
    made = edition.compose(
        "category", f"{config.site_title}({name})", edition.cut(newest, config.max_entries)
    )
    return replace(made, path=f"category/{slug}/")


def _slug(category: str) -> str:
    """Return a category's name as a folder: categories whose names differ in signs alone share one."""
    letters = re.sub(r"[\W_]+", "-", unicodedata.normalize("NFKC", category).lower()).strip("-")
    return letters[:_LONGEST] or "-"


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
