"""Which entries each edition holds, out of the store."""

from collections import defaultdict
from dataclasses import dataclass, replace

from sqlite_utils import Database

from aggregator.config import Config
from aggregator.model import Edition, EditionEntry, PublicationState
from aggregator.publish import archive, edition, hot, slugs, source_feeds
from aggregator.publish.edition import Facts
from aggregator.store import archives, categories, counts, pictures, publications


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """A category's edition as far as the main one holds it, and the feeds that have more."""

    edition: Edition
    feeds: tuple[int, ...]
    brought: int  # stories, by all its feeds: what one of them joins late changes this alone


def window(db: Database, config: Config) -> set[int]:
    """Return the stories that may stand in an edition."""
    most = config.max_entries
    return {*publications.newest(db, "translated", most), *publications.newest(db, "untranslated", most)}


def known(db: Database, config: Config) -> list[Facts]:
    """Return what is known of the stories that may stand in an edition."""
    found = publications.facts(db, window(db, config), config.language)
    if config.images != "proxy":
        return found
    copies = pictures.paths(db, [each.publication.story_id for each in found])
    return [replace(each, picture=copies.get(each.publication.story_id, "")) for each in found]


def carried(db: Database, config: Config) -> list[Facts]:
    """Return what is known of the entries that the main feeds carry."""
    stories = known(db, config)
    listed = {entry.public_id for entry in _main(config, edition.ordered(stories)).entries}
    return [facts for facts in stories if facts.publication.public_id in listed]


def editions(db: Database, config: Config, stories: list[Facts]) -> tuple[Edition, ...]:
    """Make the main edition, what of it is hot and, last, the one that holds untranslated entries too."""
    entries = edition.ordered(stories)
    main = _main(config, entries)
    return (
        replace(main, older=archive.path(archives.newest(db))),
        edition.compose("hot", f"{config.site_title}（盛り上がり）", _hottest(db, stories, main)),
        edition.compose(
            "all", f"{config.site_title}（未訳を含む）", edition.cut(entries, config.max_entries)
        ),
    )


def titles(config: Config, main: Edition) -> Edition:
    """Make the main edition without any text: what a reader shows of it is the headline alone."""
    entries = tuple(replace(entry, body_html="") for entry in main.entries)
    made = edition.compose("titles", f"{config.site_title}（見出しのみ）", entries)
    return edition.with_digests(made, (replace(each, body_html="") for each in main.digests))


def by_category(db: Database, config: Config, main: Edition) -> tuple[Category, ...]:
    """Make an edition of each category, with what the main one has of it."""
    feeds: defaultdict[str, list[int]] = defaultdict(list)
    names: dict[str, str] = {}
    for name, members in categories.members(db).items():
        feeds[slugs.slug(name)] += members
        names.setdefault(slugs.slug(name), name)
    brought = categories.brought(db)
    entries: defaultdict[str, list[EditionEntry]] = defaultdict(list)
    for entry in main.entries:
        for slug in {slugs.slug(source.category) for source in entry.sources}:
            entries[slug].append(entry)
    return tuple(
        Category(
            edition=_category(config, slug, names[slug], entries[slug]), feeds=tuple(feeds[slug]),
            brought=sum(brought[feed_id] for feed_id in feeds[slug]),
        )
        for slug in feeds
    )  # fmt: skip


def _category(config: Config, slug: str, name: str, entries: list[EditionEntry]) -> Edition:
    made = edition.compose("category", f"{config.site_title}（{name}）", tuple(entries))
    return replace(made, path=f"category/{slug}/", label=name)


def filled(db: Database, config: Config, category: Category) -> Edition:
    """Return the category's edition with what its feeds published before."""
    states: list[PublicationState] = ["translated"]
    if config.untranslated == "publish":
        states.append("untranslated")
    stories = categories.newest(db, category.feeds, states, config.max_entries)
    facts = publications.facts(db, stories, config.language)
    brought_at = source_feeds.by_public_id(facts, stories)
    # A body frozen under other rights is made anew in the main feed alone: beyond it, it is shown no more.
    older = edition.ordered(
        each for each in facts if each.publication.fingerprint.startswith(f"{each.rights} ")
    )
    known = {entry.public_id: entry for entry in (*older, *category.edition.entries)}
    newest = source_feeds.as_brought(known.values(), brought_at, config.max_entries)
    made = edition.compose("category", category.edition.title, newest)
    return replace(made, path=category.edition.path, label=category.edition.label)


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
