"""Editions as Japanese pages: one for each entry, the indexes, and what is said about the site."""

import hashlib
import re
import zoneinfo
from datetime import date, datetime
from itertools import groupby
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from aggregator.model import Document, Edition, EditionEntry
from aggregator.publish import comments, counts, feeds, hot, linked
from aggregator.publish import edition as editions
from aggregator.publish.edition import LANGUAGE, Site
from aggregator.publish.found import Found

_TEMPLATES = Path(__file__).parent / "templates"
_STATIC = {
    "style.css": "text/css",
    "icon.svg": "image/svg+xml",
    "icon.png": "image/png",
    "favicon.ico": "image/vnd.microsoft.icon",
}
_INDEXES = (
    "index.html", "hot.html", "discussed.html", "subscribe.html", "sources.html", "about.html",
)  # fmt: skip
_WEEKDAYS = "月火水木金土日"
_JAPANESE = re.compile("[ぁ-ヺ一-鿿]")
_MAIL = re.compile(r"(?:mailto:)?([^@\s]+@[^@\s]+)", re.IGNORECASE)

_environment = Environment(
    loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
    lstrip_blocks=True, keep_trailing_newline=True,
)  # fmt: skip


def form() -> str:
    """Return the fingerprint of the templates: with another one every page is to be written again."""
    files = sorted(_TEMPLATES.iterdir())
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def statics() -> list[Document]:
    """Return what pages need beside them."""
    return [
        Document(path=name, media_type=kind, body=(_TEMPLATES / name).read_bytes())
        for name, kind in _STATIC.items()
    ]


def page(entry: EditionEntry, site: Site) -> Document:
    """Write an entry's own page."""
    path = editions.page_path(entry)
    return render(
        "entry.html", path, site, entry=entry, original_language=entry.original_language or "en",
        linked=linked.work(entry),
    )  # fmt: skip


def index(
    edition: Edition,
    site: Site,
    parts: tuple[Edition, ...] = (),
    chosen: tuple[tuple[str, str], ...] = (),
) -> Document:
    """Write the front page: the edition's entries by the day they were published, and feeds of parts.

    Shape: `chosen` are lists of others, each with its path and its title.
    """
    zone = zoneinfo.ZoneInfo(site.timezone)

    def day(entry: EditionEntry) -> date:
        return entry.first_published_at.astimezone(zone).date()

    days = [(day, list(entries)) for day, entries in groupby(edition.entries, key=day)]
    return render("index.html", "index.html", site, days=days, parts=parts, chosen=chosen)


def rankings(main: Edition, hottest: Edition, site: Site) -> list[Document]:
    """Write what rises and what has most comments, of the main edition's entries."""
    return [
        render("ranking.html", "hot.html", site, entries=hottest.entries),
        render("ranking.html", "discussed.html", site, entries=hot.discussed(main.entries)),
    ]


def category(edition: Edition, site: Site) -> Document:
    """Write a category's page: its newest entries, as many as its feeds hold."""
    return render("category.html", edition.path + "index.html", site, edition=edition)


def about(shown: Edition, site: Site) -> Document:
    """Write what this is, who translated what is shown, and how a publisher has it taken down."""
    named = {(entry.engine, entry.model) for entry in shown.entries if entry.engine not in {"", "original"}}
    return render("about.html", "about.html", site, engines=sorted(named))


def robots(site: Site) -> list[Document]:
    """Write what crawlers are told; those that shall not list pages must see them to read that.

    Source: RFC 9309; `noindex` is not read where a page is disallowed. A private path is nobody's root.
    """
    if site.private:
        return []
    allowed = "yes" if site.indexable else "no"
    text = f"User-agent: *\nContent-Signal: search={allowed}, ai-input=no, ai-train=no\nDisallow:\n"
    sitemap = f"\nSitemap: {site.base_url}sitemap.xml\n" if site.indexable else ""
    return [Document(path="robots.txt", media_type="text/plain", body=(text + sitemap).encode())]


def search(found: Found, site: Site) -> Document:
    """Write what a search answers: the form, and hits where something was looked for."""
    return render("search.html", "search", site, found=found)


def subscribe(site: Site, parts: tuple[Edition, ...] = ()) -> Document:
    """Write what somebody sees who opens a feed in a browser.

    It is shown under every feed's own address, so its links count from the site's root.
    """
    categories = [part for part in parts if part.name == "category"]
    root = urlsplit(site.base_url).path
    mornings = any(part.name == "morning" for part in parts)
    return render(
        "subscribe.html", "subscribe.html", site, root=root, categories=categories, mornings=mornings
    )


def paths(entries: tuple[EditionEntry, ...]) -> list[str]:
    """List where the pages of these entries lie, with all they need."""
    return [*_STATIC, *map(editions.page_path, entries), *_INDEXES]


def render(template: str, path: str, site: Site, **values: object) -> Document:
    """Write a page from its template, which knows the site and what writes times, numbers and addresses."""
    zone = zoneinfo.ZoneInfo(site.timezone)
    text = _environment.get_template(template).render(
        site=site,
        path=path,
        zone=zone,
        language=LANGUAGE,
        editions=editions,
        counting=counts,
        said=comments,
        feed_paths=feeds.paths,
        **{"root": "../" * path.count("/")} | values,  # relative: pages hold under any address, and on a disk
    )
    return Document(path=path, media_type="text/html", body=text.encode())


def _stamp(moment: datetime, zone: zoneinfo.ZoneInfo) -> str:
    return moment.astimezone(zone).isoformat(timespec="minutes")


def date_text(moment: datetime, zone: zoneinfo.ZoneInfo) -> str:
    """Write a moment's day: 2026年11月24日."""
    local = moment.astimezone(zone)
    return f"{local.year}年{local.month}月{local.day}日"


def _moment(moment: datetime, zone: zoneinfo.ZoneInfo) -> str:
    return f"{date_text(moment, zone)} {moment.astimezone(zone):%H:%M}"


def _clock(moment: datetime, zone: zoneinfo.ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%H:%M}"


def _day(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日（{_WEEKDAYS[day.weekday()]}）"


def _size(length: int) -> str:
    return f"{length / 1_000_000:.1f} MB" if length >= 100_000 else f"{max(1, length // 1000)} KB"


def _host(url: str) -> str:
    return urlsplit(url).hostname or url


def _file(url: str) -> str:
    return unquote(PurePosixPath(urlsplit(url).path).name) or _host(url)


def _tongue(text: str) -> Markup:
    """Mark a name that has no Japanese letter as English, so that it is read out and hyphenated as such."""
    return Markup("") if _JAPANESE.search(text) else Markup(' lang="en"')


def _contact(text: str) -> str | None:
    """Return where a contact leads, an address or a page."""
    if text.startswith(("https://", "http://")):
        return text
    mail = _MAIL.fullmatch(text)
    return f"mailto:{mail[1]}" if mail else None


_environment.filters |= {
    "stamp": _stamp, "moment": _moment, "clock": _clock, "date": date_text, "day": _day, "size": _size,
    "host": _host, "file": _file, "tongue": _tongue, "contact": _contact, "language": editions.language_tag,
}  # fmt: skip
