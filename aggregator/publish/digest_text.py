"""What a digest says: frozen when it is made, as an entry of the main feeds and as a page."""

import html
import uuid
import zoneinfo
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from aggregator.model import Digest, DigestEntry, EditionEntry, SourceRef
from aggregator.publish import edition as editions
from aggregator.publish.counts import total
from aggregator.publish.digest import Due
from aggregator.publish.edition import LANGUAGE, WRITTEN, Facts, Site

CATEGORY = "まとめ"
_LONGEST = 100  # letters of a line
_SHOWN = frozenset({"translated", "untranslated"})


def frozen(due: Due, stories: Iterable[Facts], among: int, site: Site, now: datetime) -> Digest:
    """Make a digest of these stories, the most important first."""
    made = Digest(
        kind=due.kind, name=due.name, public_id=_public_id(due, site), title=due.title, body="",
        published_at=now, among=among, entries=tuple(map(_entry, stories)),
    )  # fmt: skip
    return made if due.kind == "morning" else replace(made, body=body(made, site))


def _public_id(due: Due, site: Site) -> str:
    return uuid.uuid5(uuid.NAMESPACE_URL, f"{site.home_url}digest/{due.kind}/{due.name}").urn


def _entry(facts: Facts) -> DigestEntry:
    entry = editions.present(facts)
    label = WRITTEN if entry.written else ""
    return DigestEntry(
        story_id=facts.publication.story_id, title=entry.page_title,
        line=_cut(entry.summary[0]) + label if entry.summary else "", feed_title=entry.sources[0].feed_title,
        more=len(entry.sources) - 1, url=entry.permalink, comments=total(entry.counts),
        slug=entry.slug, state=entry.state, rights=entry.rights,
    )  # fmt: skip


def _cut(sentence: str) -> str:
    return sentence if len(sentence) <= _LONGEST else sentence[: _LONGEST - 1] + "…"


def allowed(digest: Digest, site: Site) -> Digest:
    """Return the digest as it may be shown now: a limit holds at once, and links follow our address.

    Shape: an entry that was taken back is left out; the line of one whose feed shows titles alone now is too.
    One of which only its texts went, for it is old, stays.
    """
    kept = tuple(_limited(entry) for entry in digest.entries if entry.state in _SHOWN or entry.dropped)
    ours = f'href="{html.escape(_pages(site))}'  # in full: one address may begin as another one does
    if not digest.body or (kept == digest.entries and ours in digest.body):
        return replace(digest, entries=kept)
    changed = replace(digest, entries=kept)
    return replace(changed, body=body(changed, site))


def _limited(entry: DigestEntry) -> DigestEntry:
    summary, _ = editions.limited(entry.rights, entry.line, "")
    return entry if summary or not entry.line else replace(entry, line="")


def body(digest: Digest, site: Site) -> str:
    """Write what feeds carry: the headlines first, for readers preview the start."""
    lines = "".join(_item(entry, site) for entry in digest.entries)
    local = digest.published_at.astimezone(zoneinfo.ZoneInfo(site.timezone))
    as_of = f"{local.month}月{local.day}日 {local:%H:%M}"
    note = f"{digest.among}件から選びました。コメントの数は{as_of}のものです。見出しと要約は機械翻訳です。"
    return f"<ol>{lines}</ol><p>{note}</p>"


def _item(entry: DigestEntry, site: Site) -> str:
    page = html.escape(f"{_pages(site)}{entry.slug}.html")
    title = f'<a href="{page}">{html.escape(entry.title)}</a>'
    return f"<li>{'<br>'.join(filter(None, (title, html.escape(entry.line), _source(entry))))}</li>"


def _pages(site: Site) -> str:
    return f"{site.base_url}entries/"


def _source(entry: DigestEntry) -> str:
    name = html.escape(entry.feed_title)
    linked = f'<a href="{html.escape(entry.url)}">{name}</a>' if entry.url else name
    more = f" ほか{entry.more}媒体" if entry.more else ""
    return linked + more + (f" · コメント {entry.comments}件" if entry.comments else "")


def path(name: str) -> str:
    """Return where a digest's page lies."""
    return f"digest/{name}.html"


def as_entry(digest: Digest, site: Site) -> EditionEntry:
    """Return the digest as an entry of a feed."""
    us = SourceRef(
        feed_title=site.title, site_url=site.home_url, permalink=None, feed_url=site.home_url + "atom.xml"
    )
    return EditionEntry(
        public_id=digest.public_id, slug="", path=path(digest.name), state="translated",
        title=digest.title, body_html=digest.body, first_published_at=digest.published_at,
        updated_at=digest.published_at, original_title="", original_language=LANGUAGE, permalink=None,
        published_at=None, sources=(us,), category=CATEGORY, authors=(), tags=(), enclosures=(),
        image_url=None, rights="full", page_title=digest.title, summary=(), story=(), engine="", model="",
        comments_url=None, comments_feed_url=None, counts=(),
    )  # fmt: skip
