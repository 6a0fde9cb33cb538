"""Digests as pages: one for each, the list of all, and the morning's."""

import zoneinfo
from collections.abc import Iterable, Sequence
from itertools import groupby

from aggregator.model import Digest, DigestLine, Document, Edition
from aggregator.publish import pages
from aggregator.publish.digest_text import path
from aggregator.publish.edition import Site

INDEX = "digest/index.html"
MORNING = "morning.html"


def page(digest: Digest, site: Site) -> Document:
    """Write a digest's own page."""
    return pages.render("digest.html", path(digest.name), site, digest=digest)


def latest(listed: Sequence[DigestLine], editions: Iterable[Edition]) -> tuple[tuple[str, str], ...]:
    """Return where the last digest and the last morning lie, and what they are called."""
    mornings = (each for each in editions if each.name == "morning" and each.entries)
    return (
        *((path(each.name), each.title) for each in listed[:1]),
        *((MORNING, each.label) for each in mornings),
    )


def morning(edition: Edition, site: Site) -> Document:
    """Write the 朝刊 of the day."""
    return pages.render("morning.html", MORNING, site, edition=edition, entries=edition.entries)


def index(listed: Iterable[DigestLine], site: Site, *, mornings: bool) -> Document:
    """Write the list of digests, by month."""
    zone = zoneinfo.ZoneInfo(site.timezone)

    def month(each: DigestLine) -> tuple[int, int]:
        local = each.published_at.astimezone(zone)
        return local.year, local.month

    months = [(found, list(each)) for found, each in groupby(listed, key=month)]
    return pages.render("digests.html", INDEX, site, months=months, mornings=mornings)
