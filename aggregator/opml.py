"""Read feeds.opml, and edit it in place: what an edit does not mean to change stays as it is."""

from typing import cast, get_args
from urllib.parse import urlsplit

from aggregator import urls
from aggregator.errors import OpmlError
from aggregator.model import FeedSettings, IdentityPolicy, RetryScope, Rights, Subscription
from aggregator.outlines import OpmlText, Outline
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
_FEED_TYPES = {"rss", "rss1", "atom", "feed", "json"}


def parse(data: bytes, name: str = _FILE) -> tuple[Subscription, ...]:
    """Return the feeds of the file, each once, in order.

    Raises: OpmlError naming file, line and what was expected.
    """
    found: dict[str, Subscription] = {}
    for outline in OpmlText(data, name).body.walk():
        try:
            subscription = _subscription(outline)
        except ValueError as error:
            raise OpmlError(f"{name}, line {outline.line}: {error}") from error
        if subscription:
            found.setdefault(urls.normalise(subscription.url), subscription)
    return tuple(found.values())


def add(data: bytes, subscription: Subscription) -> bytes:
    """Return the file with one more feed in its category, which is made where it is missing.

    Raises: OpmlError where the file cannot be read or lists the feed already.
    """
    file = OpmlText(data, _FILE)
    known = file.find(subscription.url)
    if known:
        raise OpmlError(f"{_FILE}, line {known[0].line}: {subscription.url} is listed already")
    path = "/".join(name for part in subscription.category.split("/") if (name := part.strip()))
    parent = file.category(path)
    missing = path.removeprefix(parent.path).removeprefix("/")
    return file.spliced(
        [file.insertion(parent, missing.split("/") if missing else [], _attributes(subscription))]
    )


def remove(data: bytes, url: str) -> bytes:
    """Return the file without a feed; outlines inside its outline stay.

    Raises: OpmlError where the file cannot be read or does not list the feed.
    """
    file = OpmlText(data, _FILE)
    return file.spliced([edit for outline in _listed(file, url) for edit in file.removals(outline)])


def set_attribute(data: bytes, url: str, name: str, value: str | None) -> bytes:
    """Return the file with one attribute of a feed's outline changed, added or (None) removed.

    Raises: OpmlError where the file cannot be read or does not list the feed.
    """
    file = OpmlText(data, _FILE)
    return file.spliced([file.replacement(_listed(file, url)[0], name, value)])


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
    if urlsplit(outline.url).scheme.lower() not in {"http", "https"}:
        raise ValueError(f"xmlUrl {outline.url!r}; expected an http or https address")
    return Subscription(
        url=outline.url,
        title=outline.name,
        site_url=outline.attributes.get("htmlurl", "").strip() or None,
        category=outline.path,
        settings=_settings(outline.attributes),
    )


def _settings(attributes: dict[str, str]) -> FeedSettings:
    rights = attributes.get("rights", "excerpt").strip()
    if rights not in get_args(Rights):
        raise ValueError(f"rights {rights!r}; expected {' | '.join(get_args(Rights))}")
    paused = attributes.get("paused", "").strip().lower()
    if paused not in _BOOLEANS:
        raise ValueError(f"paused {paused!r}; expected true or false")
    identity = attributes.get("identity", "").strip() or None
    if identity not in {None, *get_args(IdentityPolicy)}:
        raise ValueError(f"identity {identity!r}; expected {' | '.join(get_args(IdentityPolicy))}")
    retry_scope = attributes.get("retry_scope", "").strip() or None
    if retry_scope not in {None, *get_args(RetryScope)}:
        raise ValueError(f"retry_scope {retry_scope!r}; expected {' | '.join(get_args(RetryScope))}")
    return FeedSettings(
        rights=cast("Rights", rights),
        rights_note=attributes.get("rights_note", "").strip(),
        paused=_BOOLEANS[paused],
        language=attributes.get("language", "").strip() or None,
        retry_scope=cast("RetryScope | None", retry_scope),
        identity=cast("IdentityPolicy | None", identity),
        mute=_rules(attributes, "mute"),
        keep=_rules(attributes, "keep"),
        max_per_day=_number(attributes, "max_per_day"),
    )


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
        "retry_scope": settings.retry_scope,
        "identity": settings.identity,
        "mute": settings.mute,
        "keep": settings.keep,
        "max_per_day": None if settings.max_per_day is None else str(settings.max_per_day),
    }
    known = {"type": "rss", "text": subscription.title or subscription.url, "xmlUrl": subscription.url}
    return known | {name: value for name, value in optional.items() if value}
