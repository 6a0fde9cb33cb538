"""Which entries are stored but neither translated nor published, and why.

Decided at first sight, and of rules about the title in Japanese once there is one, before it is published.
"""

import functools
import json
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo

from sqlite_utils import Database

from aggregator.model import DueFeed, FeedSettings, ParsedEntry
from aggregator.poll import filters, revise
from aggregator.poll.filters import Filters, Patience, Told
from aggregator.store import meta
from aggregator.store.feeds import read_settings
from aggregator.times import to_text

MUTED = "mute"
DAILY = "max_per_day"
_META = "filters"

log = logging.getLogger(__name__)


def excluded(
    db: Database, feed: DueFeed, new: Sequence[ParsedEntry], now: datetime, zone: tzinfo
) -> dict[str, str]:
    """Return, by guid, why new entries are excluded; what is not named is admitted.

    Shape: muted ones take no place among the first fill, and neither takes one of the day's.
    """
    reasons: dict[str, str] = {}
    if not new:
        return reasons
    rules, patience = of_all(db) | of_feed(feed.settings), Patience()
    for entry in new:
        rule = rules.muted_by(filters.told(entry), patience)
        if rule:
            reasons[entry.guid] = f"{MUTED} {rule.text}"
    for slow, times in patience.slow.items():
        log.warning("filter_too_slow rule=%r url=%s times=%d", slow.text, feed.fetch_url, times)
    if feed.first_poll:
        # What was read is what the parser took for the newest; it may have counted otherwise.
        reasons |= {entry.guid: revise.FIRST_FILL_REASON for entry in new if not entry.fingerprint}
        beyond = revise.beyond(_admitted(new, reasons), revise.FIRST_FILL)
        reasons |= dict.fromkeys(beyond, revise.FIRST_FILL_REASON)
    most = feed.settings.max_per_day
    if most is not None:
        left = max(0, most - _admitted_today(db, feed.feed_id, now, zone))
        reasons |= dict.fromkeys(revise.beyond(_admitted(new, reasons), left), f"{DAILY} {most}")
    return reasons


def muted(db: Database, translated: Mapping[int, Told]) -> tuple[dict[int, str], set[int]]:
    """Return, by story, why the leads of translated stories are not published; what is not named is.

    Shape: and of these stories those that the lead's feed alone has a rule against.
    """
    sql = """SELECT st.story_id, f.settings FROM stories AS st
      JOIN entries AS e ON e.entry_id = st.lead_entry_id JOIN feeds AS f USING (feed_id)
      WHERE st.story_id IN (SELECT value FROM json_each(?))"""
    everywhere, patience = of_all(db), Patience()
    reasons: dict[int, str] = {}
    own: set[int] = set()
    for story_id, settings in db.execute(sql, [json.dumps(list(translated))]).fetchall():
        rules = everywhere | of_feed(read_settings(settings))
        rule = rules.late().muted_by(translated[story_id], patience)
        if rule:
            reasons[story_id] = f"{MUTED} {rule.text}"
            own |= {story_id} if rule not in everywhere.mute else set()
    for slow, times in patience.slow.items():
        log.warning("filter_too_slow rule=%r times=%d", slow.text, times)
    return reasons, own


def exclude(db: Database, reasons: Mapping[int, str]) -> None:
    """Write why stories are not published, by their leads."""
    sql = """UPDATE entries SET excluded = :reason
      WHERE entry_id = (SELECT lead_entry_id FROM stories WHERE story_id = :story_id)"""
    db.conn.executemany(sql, [{"story_id": story, "reason": reason} for story, reason in reasons.items()])


def _admitted(new: Sequence[ParsedEntry], reasons: dict[str, str]) -> list[ParsedEntry]:
    return [entry for entry in new if entry.guid not in reasons]


def _admitted_today(db: Database, feed_id: int, now: datetime, zone: tzinfo) -> int:
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    sql = "SELECT count(*) FROM entries WHERE feed_id = ? AND sort_at >= ? AND excluded IS NULL"
    return int(db.execute(sql, [feed_id, to_text(midnight)]).fetchone()[0])


def of_feed(settings: FeedSettings) -> Filters:
    """Return the rules of a feed's own outline."""
    return _of_texts(settings.mute or "", settings.keep or "")


@functools.lru_cache(maxsize=1024)
def _of_texts(mute: str, keep: str) -> Filters:
    return filters.of_rules(filters.split(mute), filters.split(keep))


def of_all(db: Database) -> Filters:
    """Return the rules of filters.toml as they were taken up last."""
    known = meta.value(db, _META)
    return _read(known) if known else Filters()


_read = functools.lru_cache(maxsize=1)(filters.from_text)


def take_up(db: Database, rules: Filters) -> bool:
    """Let rules hold for entries stored from now on; return whether they are others than before."""
    if of_all(db) == rules:
        return False
    with db.atomic():
        meta.note(db, _META, filters.to_text(rules))
    return True
