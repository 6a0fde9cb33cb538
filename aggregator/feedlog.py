"""What happened to a feed lately: its polls, and what became of the entries they brought."""

from typing import Any

from sqlite_utils import Database

from aggregator.store import feeds
from aggregator.store.retention import DROPPED

POLLS = ("polled_at", "outcome", "status", "bytes", "seconds", "new", "revised", "detail")
ENTRIES = ("first_seen_at", "entry_id", "title", "became")
_POLLS = """
SELECT polled_at, outcome, status, bytes, round(seconds, 2) AS seconds, added AS new, changed AS revised,
  detail
FROM polls WHERE feed_id = ? ORDER BY polled_at DESC, poll_id DESC LIMIT ?
"""
_ENTRIES = """
SELECT e.first_seen_at, e.entry_id, e.title, e.revisions, e.excluded, st.lead_entry_id, p.state,
  t.failure, t.title IS NOT NULL AS is_translated
FROM entries e JOIN stories st USING (story_id) LEFT JOIN publications p USING (story_id)
  LEFT JOIN translations t ON t.entry_id = e.entry_id AND t.language = :language
WHERE e.feed_id = :feed ORDER BY e.sort_at DESC, e.entry_id DESC LIMIT :most
"""
_STATES = {
    "translated": "published",
    "untranslated": "published untranslated",
    "withdrawn": "taken back",
    "held": "waits for its translation",
    None: "waits for its text and summary",
}


def collect(db: Database, text: str, language: str, most: int) -> dict[str, Any]:
    """Return the feed, when it is polled next, its last polls and its newest entries, the latest first.

    Shape: polls of 30 days are kept.
    Raises: AggregatorError where none or several feeds fit the text.
    """
    feed = feeds.find(db, text)
    shown = ("feed_id", "title", "state", "listed_url", "next_poll_at", "failures", "failure")
    rows = db.query(_ENTRIES, {"feed": feed["feed_id"], "language": language, "most": most})
    return {
        "feed": {name: feed[name] for name in shown},
        "polls": list(db.query(_POLLS, [feed["feed_id"], most])),
        "entries": [{**row, "became": _became(row)} for row in rows],
    }


def _became(row: dict[str, Any]) -> str:
    if row["excluded"] == DROPPED:
        return "its texts went with its age"
    if row["excluded"]:
        return f"kept out: {row['excluded']}"
    if row["lead_entry_id"] not in {None, row["entry_id"]}:
        return f"told with entry {row['lead_entry_id']}"
    failure = f" ({row['failure']})" if row["failure"] and not row["is_translated"] else ""
    return _STATES[row["state"]] + failure
