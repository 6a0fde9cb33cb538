"""Read feeds.opml, and edit it in place: what an edit does not mean to change stays as it is."""

import functools
from dataclasses import dataclass, fields, replace
from typing import cast, get_args

from aggregator import urls
from aggregator.errors import OpmlError
from aggregator.faults import CHAIN, is_chain
from aggregator.markup import xml_legal
from aggregator.model import (
    Extract,
    FeedSettings,
    IdentityPolicy,
    Merge,
    Origin,
    RetryScope,
    Rights,
    Subscription,
)
from aggregator.outlines import OpmlText, Outline, feed_outline
from aggregator.poll import filters

EMPTY = b"""<?xml version="1.0" encoding="UTF-8"?>
<opml version="2.0">
  <head>
    <title>Feeds</title>
  </head>
  <body>
  </body>
</opml>
"""

_FILE = "feeds.opml"
_BOOLEANS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False, "": False}
_DIGITS = 6
_DEFAULTS = FeedSettings()
_SETTINGS = {each.name for each in fields(FeedSettings)} - {"address"}  # of attributes of these names
_FEED_TYPES = {"rss", "rss1", "atom", "feed", "json"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something wrong with the file, with its line and what was expected."""

    text: str
    serious: bool = True  # the file is refused for it


def parse(data: bytes, name: str = _FILE) -> tuple[Subscription, ...]:
    """Return the feeds of the file, each once, in order.

    Raises: OpmlError naming file, line and what was expected.
    """
    found, problems = examine(data, name)
    for problem in problems:
        if problem.serious:
            raise OpmlError(problem.text)
    return found


def examine(data: bytes, name: str = _FILE) -> tuple[tuple[Subscription, ...], tuple[Problem, ...]]:
    """Return the feeds of the file that can be read, each once, and everything that is wrong with it.

    Raises: OpmlError where it is no OPML at all.
    """
    found: list[Subscription] = []
    lines: dict[str, int] = {}
    problems: list[Problem] = []
    for outline in OpmlText(data, name).body.walk():
        place = f"{name}, line {outline.line}"
        try:
            subscription = _subscription(outline)
        except ValueError as error:
            problems.append(Problem(text=f"{place}: {error}"))
            continue
        if not subscription:
            continue
        keys = {urls.normalise(url) for url in {outline.url, outline.first_url}}
        first = next((lines[key] for key in keys if key in lines), None)
        if first is not None:
            text = f"{place}: {outline.url} is listed in line {first} already"
            problems.append(Problem(text=text, serious=False))
            continue
        found.append(subscription)
        lines.update(dict.fromkeys(keys, outline.line))
    return tuple(found), tuple(problems)


def lines(data: bytes, name: str = _FILE) -> dict[str, int]:
    """Return the line of each feed, by its first address.

    Raises: OpmlError where it is no OPML at all.
    """
    outlines = [outline for outline in OpmlText(data, name).body.walk() if outline.url]
    return {outline.first_url: outline.line for outline in reversed(outlines)}


def add(data: bytes, *subscriptions: Subscription) -> bytes:
    """Return the file with more feeds in their categories, which are made where they are missing.

    Raises: OpmlError where the file cannot be read or lists a feed already.
    """
    by_category: dict[str, list[Subscription]] = {}
    for subscription in subscriptions:
        by_category.setdefault(_path(subscription.category), []).append(subscription)
    for path, members in by_category.items():
        data = _add(data, path, members)
    return data


def _add(data: bytes, path: str, members: list[Subscription]) -> bytes:
    file = OpmlText(data, _FILE)
    for subscription in members:
        known = file.find(subscription.url)
        if known:
            raise OpmlError(f"{_FILE}, line {known[0].line}: {subscription.url} is listed already")
    return _inserted(file, path, [feed_outline(_attributes(subscription)) for subscription in members])


def _inserted(file: OpmlText, path: str, outlines: list[bytes]) -> bytes:
    parent = file.category(path)
    missing = path.removeprefix(parent.path).removeprefix("/")
    return file.spliced([file.insertion(parent, missing.split("/") if missing else [], outlines)])


def _path(category: str) -> str:
    # As it is read back: by another name a category that is there would be made once more.
    return "/".join(name for part in category.split("/") if (name := xml_legal(part).strip()))


def remove(data: bytes, url: str) -> bytes:
    """Return the file without a feed; outlines inside its outline stay.

    Raises: OpmlError where the file cannot be read or does not list the feed.
    """
    file = OpmlText(data, _FILE)
    return file.spliced([edit for outline in _listed(file, url) for edit in file.removals(outline)])


def categorise(data: bytes, url: str, category: str) -> bytes:
    """Return the file with a feed's outline, as it is written, in another category, made where it is missing.

    Raises: OpmlError where the file cannot be read or does not list the feed.
    """
    file, path = OpmlText(data, _FILE), _path(category)
    outline = _listed(file, url)[0]
    if outline.path == path:
        return data
    return _inserted(OpmlText(remove(data, url), _FILE), path, [file.alone(outline)])


def set_attribute(data: bytes, url: str, name: str, value: str | None) -> bytes:
    """Return the file with one attribute of a feed's outline changed, added or (None) removed.

    Raises: OpmlError where the file cannot be read or does not list the feed.
    """
    file = OpmlText(data, _FILE)
    return file.spliced([file.replacement(_listed(file, url)[0], name, value)])


def move(data: bytes, url: str, address: str) -> bytes:
    """Return the file with a feed's new address; the first one stays as `first_url`, its identity.

    Raises: OpmlError where the file cannot be read or does not list the feed.
    """
    file = OpmlText(data, _FILE)
    outline = _listed(file, url)[0]
    edits = [file.replacement(outline, "xmlUrl", address)]
    if "first_url" not in outline.attributes:
        edits.append(file.replacement(outline, "first_url", outline.url))
    return file.spliced(edits)


def _listed(file: OpmlText, url: str) -> list[Outline]:
    found = file.find(url)
    if not found:
        raise OpmlError(f"{_FILE}: {url} is not listed")
    return found


def _subscription(outline: Outline) -> Subscription | None:
    """Return the outline's feed, or None for a category.

    Raises: ValueError saying what was expected.
    """
    if not outline.url:
        if outline.attributes.get("type", "").strip().lower() in _FEED_TYPES and not outline.children:
            raise ValueError("a feed without xmlUrl; expected the feed's address")
        if not outline.name:
            raise ValueError(
                "an outline without xmlUrl and text; expected a feed's address or a category's name"
            )
        return None
    for url, name in {outline.first_url: "first_url", outline.url: "xmlUrl"}.items():
        if not urls.is_web(url):
            raise ValueError(f"{name} {url!r}; expected an http or https address")
    return Subscription(
        url=outline.first_url,
        title=outline.name,
        site_url=outline.attributes.get("htmlurl", "").strip() or None,
        category=outline.path,
        settings=_settings_of(outline),
    )


def _settings_of(outline: Outline) -> FeedSettings:
    """Return what an outline's attributes set.

    Raises: ValueError saying what was expected.
    """
    if _SETTINGS.isdisjoint(outline.attributes):
        settings = _DEFAULTS
    else:
        settings = _settings(tuple(each for each in outline.attributes.items() if each[0] in _SETTINGS))
    return settings if outline.url == outline.first_url else replace(settings, address=outline.url)


@functools.lru_cache(maxsize=1024)  # many feeds have the same
def _settings(stated: tuple[tuple[str, str], ...]) -> FeedSettings:
    attributes = dict(stated)
    rights = attributes.get("rights", "excerpt").strip()
    if rights not in get_args(Rights):
        raise ValueError(f"rights {rights!r}; expected {' | '.join(get_args(Rights))}")
    paused = attributes.get("paused", "").strip().lower()
    if paused not in _BOOLEANS:
        raise ValueError(f"paused {paused!r}; expected true or false")
    engine = attributes.get("engine", "").strip() or None
    if engine and not is_chain(engine):
        raise ValueError(f"engine {engine!r}; expected {CHAIN}")
    return FeedSettings(
        rights=cast("Rights", rights),
        rights_note=attributes.get("rights_note", "").strip(),
        paused=_BOOLEANS[paused],
        language=attributes.get("language", "").strip() or None,
        engine=engine,
        retry_scope=cast("RetryScope | None", _choice(attributes, "retry_scope", RetryScope)),
        identity=cast("IdentityPolicy | None", _choice(attributes, "identity", IdentityPolicy)),
        mute=_rules(attributes, "mute"),
        keep=_rules(attributes, "keep"),
        max_per_day=_number(attributes, "max_per_day"),
        extract=cast("Extract | None", _choice(attributes, "extract", Extract)),
        summary=cast("Origin | None", _choice(attributes, "summary", Origin)),
        merge=cast("Merge | None", _choice(attributes, "merge", Merge)),
    )


def _choice(attributes: dict[str, str], name: str, kind: object) -> str | None:
    text = attributes.get(name, "").strip() or None
    if text not in {None, *get_args(kind)}:
        raise ValueError(f"{name} {text!r}; expected {' | '.join(get_args(kind))}")
    return text


def _rules(attributes: dict[str, str], name: str) -> str | None:
    text = attributes.get(name, "").strip()
    try:
        filters.of_rules(filters.split(text))
    except ValueError as error:
        raise ValueError(f"{name}, {error}") from error
    return text or None


def _number(attributes: dict[str, str], name: str) -> int | None:
    text = attributes.get(name, "").strip()
    if text and not (text.isascii() and text.isdigit() and len(text) <= _DIGITS):
        raise ValueError(f"{name} {text!r}; expected a whole number of 0 or more")
    return int(text) if text else None


def _attributes(subscription: Subscription) -> dict[str, str]:
    """Return what an outline says of a feed; settings at their defaults are left out."""
    settings = subscription.settings
    optional = {
        "htmlUrl": subscription.site_url,
        "rights": settings.rights if settings.rights != FeedSettings().rights else None,
        "rights_note": settings.rights_note,
        "paused": "true" if settings.paused else None,
        "language": settings.language,
        "engine": settings.engine,
        "retry_scope": settings.retry_scope,
        "identity": settings.identity,
        "first_url": subscription.url if settings.address else None,
        "mute": settings.mute,
        "keep": settings.keep,
        "extract": settings.extract,
        "summary": settings.summary,
        "merge": settings.merge,
        "max_per_day": None if settings.max_per_day is None else str(settings.max_per_day),
    }
    known = {"type": "rss", "text": subscription.title or subscription.url, "xmlUrl": subscription.address}
    return known | {name: value for name, value in optional.items() if value}
