"""Tables pages and site_policies: which pages to look at, what was found, what their sites say."""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlite_utils import Database

from aggregator import urls
from aggregator.enrich.article import fingerprint, is_teaser
from aggregator.model import Article, Extract, Looked, PageVisit, SitePolicy
from aggregator.store import denials, rows
from aggregator.times import maybe_text, to_text

POLICY_AGE = timedelta(hours=24)
BACKOFF = (timedelta(minutes=15), timedelta(hours=1), timedelta(hours=6))  # after the 1st, 2nd, 3rd failure

_ENTRIES = """
SELECT e.entry_id, e.permalink, f.fetch_url, json_extract(f.settings, '$.extract') AS extract,
  coalesce(json_extract(f.settings, '$.rights'), 'excerpt') AS rights,
  coalesce(json_extract(f.settings, '$.rights_note'), '') AS note
FROM entries e JOIN feeds f USING (feed_id) WHERE e.entry_id IN (SELECT value FROM json_each(?))
"""
_DUE = """
FROM pages p JOIN entries e USING (entry_id) JOIN feeds f USING (feed_id) JOIN articles a USING (entry_id)
  LEFT JOIN hosts h ON h.domain = p.domain LEFT JOIN host_rests r ON r.host = p.host
WHERE p.due_at <= :now AND f.listed = 1 AND e.excluded IS NULL
  AND (h.retry_after_at IS NULL OR h.retry_after_at <= :now)
  AND (r.retry_after_at IS NULL OR r.retry_after_at <= :now)
"""
_SIGNALS = """
SELECT p.signal, p.effect, count(*) AS entries, max(p.looked_at) AS seen_at
FROM pages p JOIN entries e USING (entry_id) WHERE e.feed_id = ? AND p.signal IS NOT NULL
GROUP BY p.signal, p.effect ORDER BY seen_at DESC, p.signal
"""
_TROUBLES = """
SELECT p.failure, count(*) AS entries FROM pages p JOIN entries e USING (entry_id)
WHERE e.feed_id = ? AND p.failure IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 3
"""


class Due(NamedTuple):
    """A visit that is due, and the domain whose turn it needs."""

    domain: str
    visit: PageVisit


def queue(db: Database, articles: Iterable[Article], usual: Extract, now: datetime) -> None:
    """Note whose page, or site alone, is to be looked at before the texts go on.

    Titles alone need neither, and where a rights_note stands no signal is asked for.
    """
    texts = {article.entry_id: article for article in articles}
    queued: list[dict[str, Any]] = []
    for row in db.query(_ENTRIES, [json.dumps(list(texts))]):
        article, link = texts[row["entry_id"]], row["permalink"] or ""
        extract = row["extract"] or usual
        wanted = (
            extract != "feed" and row["rights"] != "titles" and link.lower().startswith(("http:", "https:"))
            and (extract == "page" or is_teaser(article.text))
        )  # fmt: skip
        if wanted or not (row["note"] or row["rights"] == "titles"):
            url = link if link.lower().startswith(("http:", "https:")) else row["fetch_url"]
            queued.append(_queued(article, url, wanted, now))
    rows.upsert(db, "pages", ["entry_id"], queued)  # a signal stands until the next look


def _queued(article: Article, url: str, wanted: bool, now: datetime) -> dict[str, Any]:
    place = {"url": url, "host": urls.host(url), "domain": urls.registrable_domain(url)}
    at = to_text(now)
    row = {"entry_id": article.entry_id, "fingerprint": article.input_fingerprint, "wanted": int(wanted)}
    due = {"queued_at": at, "due_at": at, "attempts": 0, "failure": None}
    return row | place | due


def due(db: Database, now: datetime, limit: int) -> list[Due]:
    """List the visits that are due, newest entry first; what asked for rest is left alone."""
    found = db.query(
        f"""SELECT p.entry_id, p.fingerprint, p.url, p.domain, p.wanted, e.title, length(a.text) AS length,
        coalesce(json_extract(f.settings, '$.rights_note'), '') != '' AS noted
        {_DUE} ORDER BY e.sort_at DESC, p.entry_id LIMIT :limit""",
        {"now": to_text(now), "limit": limit},
    )
    return [_due(row) for row in found]


def _due(row: dict[str, Any]) -> Due:
    domain = row.pop("domain")
    row |= {name: bool(row[name]) for name in ("wanted", "noted")}
    return Due(domain, PageVisit(**row))


def count_due(db: Database, now: datetime) -> int:
    """Count what `due` would list without a limit."""
    return int(db.execute(f"SELECT count(*) {_DUE}", {"now": to_text(now)}).fetchone()[0])


def policies(db: Database, domains: Iterable[str], now: datetime) -> list[SitePolicy]:
    """Return the policies of the domains' sites that were read within a day."""
    sql = """SELECT origin, robots, tdmrep, ai_txt FROM site_policies
      WHERE domain IN (SELECT value FROM json_each(?)) AND read_at > ?"""
    found = db.query(sql, [json.dumps(sorted(set(domains))), to_text(now - POLICY_AGE)])
    return [SitePolicy(**row) for row in found]


def write_policies(db: Database, read: Iterable[SitePolicy], now: datetime) -> None:
    """Store policies, and forget those that are out of date."""
    written = [
        {"origin": each.origin, "domain": urls.registrable_domain(each.origin), "robots": each.robots,
         "tdmrep": each.tdmrep, "ai_txt": each.ai_txt, "read_at": to_text(now)}
        for each in read
    ]  # fmt: skip
    db.table("site_policies").upsert_all(written, pk="origin")
    db.execute("DELETE FROM site_policies WHERE read_at <= ?", [to_text(now - POLICY_AGE)])


def write(db: Database, looked: Looked, now: datetime) -> None:
    """Book a visit: the page's text where it is the longer one, a signal, or when to try again.

    A shortlink stands for good: a page keeps its number at its site.
    """
    visit = looked.visit
    row = db.execute(
        "SELECT attempts FROM pages WHERE entry_id = ? AND fingerprint = ?",
        [visit.entry_id, visit.fingerprint],
    ).fetchone()
    if row is None:  # revised meanwhile, and queued anew
        return
    again = looked.again and row[0] < len(BACKOFF)
    columns: dict[str, Any] = {
        "attempts": row[0] + 1, "failure": looked.failure, "looked_at": to_text(now),
        "due_at": maybe_text(now + BACKOFF[row[0]] if again else None),
    }  # fmt: skip
    if looked.failure is None or looked.signal:
        signal = looked.signal
        columns |= {"signal": signal and signal.text, "effect": signal and signal.effect}
    if looked.shortlink:
        columns["shortlink"] = looked.shortlink
    db.table("pages").update(visit.entry_id, columns)
    if looked.url and denials.is_denied(db, looked.url):
        db.table("entries").update(visit.entry_id, {"excluded": "leads to what was taken down"})
        return
    if looked.signal and looked.signal.effect == "stop":
        db.table("entries").update(visit.entry_id, {"excluded": f"opt-out: {looked.signal.text}"})
    if looked.text:
        _write_text(db, looked)


def _write_text(db: Database, looked: Looked) -> None:
    visit = looked.visit
    db.execute(
        """UPDATE articles SET origin = 'page', text = ?, fingerprint = ?
        WHERE entry_id = ? AND input_fingerprint = ?""",
        [looked.text, fingerprint(visit.title, looked.text), visit.entry_id, visit.fingerprint],
    )


def signals(db: Database, feed_id: int) -> list[dict[str, Any]]:
    """List the signals seen for a feed's entries, the latest first, each with its effect and number."""
    return list(db.query(_SIGNALS, [feed_id]))


def troubles(db: Database, feed_id: int) -> list[dict[str, Any]]:
    """List the commonest reasons why pages of a feed's entries gave no text."""
    return list(db.query(_TROUBLES, [feed_id]))
