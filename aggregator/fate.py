"""What became of an entry, and why: kept out, waiting, refused or published, step by step."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from aggregator.config import Config
from aggregator.errors import AggregatorError
from aggregator.publish.place import private_root, site_of
from aggregator.store import joins
from aggregator.store.retention import DROPPED
from aggregator.store.translations import ATTEMPTS
from aggregator.times import from_text, to_text

_FATE = """
SELECT e.entry_id, e.title, e.permalink, e.published_at, e.first_seen_at, e.revisions, e.excluded,
  e.feed_id, coalesce(nullif(f.title, ''), f.listed_url) AS feed, f.listed, st.lead_entry_id,
  p.state, p.held_at, p.first_published_at, p.slug, p.title AS shown_title,
  a.origin AS text_origin, a.input_fingerprint IS e.fingerprint AS has_text, a.failure AS text_failure,
  look.failure AS page_failure, look.signal, look.effect,
  s.text AS summary, s.origin AS summary_origin, s.failure AS summary_failure,
  t.title AS translated_title, t.summary AS translated_summary, t.engine, t.model, t.translated_at, t.redo,
  t.failure, t.attempts, t.retry_at, t.input_fingerprint IS s.fingerprint AS is_current
FROM entries e JOIN feeds f USING (feed_id) JOIN stories st USING (story_id)
  LEFT JOIN publications p ON p.story_id = e.story_id LEFT JOIN articles a USING (entry_id)
  LEFT JOIN pages look USING (entry_id) LEFT JOIN summaries s USING (entry_id)
  LEFT JOIN translations t ON t.entry_id = e.entry_id AND t.language = :language
WHERE e.entry_id = :entry
"""
_NAMES = {DROPPED: "its texts went with its age", "first fill": "older than what a new feed brings"}
_ASKED = "asked"


def collect(db: Database, config: Config, text: str) -> dict[str, Any]:
    """Return all that bears on whether an entry is shown, and how.

    Shape: `text` is its number, its original's address or its page's; of several entries of that story the
    one that was named, else the one the story is published from.
    Raises: AggregatorError where there is no such entry.
    """
    members = joins.members(db, text)
    if not members:
        raise AggregatorError(f"no entry has the number or address {text!r}")
    named = (row["entry"] for row in members if str(row["entry"]) == text)
    number = next(named, members[0]["entry"])
    row = next(db.query(_FATE, {"entry": number, "language": config.language}))
    site = site_of(config, private_root(db, config))
    shown = row["state"] in {"translated", "untranslated"} and row["slug"]
    address = f"{site.base_url}entries/{row['slug']}.html" if shown else None
    others = [each["entry"] for each in members if each["entry"] != number]
    return row | {"page": address, "story": others}


def lines(found: dict[str, Any], config: Config) -> list[tuple[str, str]]:
    """Return the same as named lines for people."""
    return [
        ("entry", f"{found['entry_id']} {found['title']}"),
        ("feed", f"{found['feed_id']} {found['feed']}{'' if found['listed'] else ', not listed any more'}"),
        ("original", found["permalink"] or "none"),
        ("came", f"{found['first_seen_at']}, dated {found['published_at'] or 'never'}{_revised(found)}"),
        ("state", _state(found, config)),
        *([("page", found["page"])] if found["page"] else ()),
        *([("same story", ", ".join(map(str, found["story"])))] if found["story"] else ()),
        *_making(found),
        ("translation", _translation(found)),
    ]


def _revised(found: dict[str, Any]) -> str:
    return f", revised {found['revisions']} times" if found["revisions"] else ""


def _state(found: dict[str, Any], config: Config) -> str:
    if found["excluded"]:
        return f"kept out: {_NAMES.get(found['excluded'], found['excluded'])}"
    if found["lead_entry_id"] not in {None, found["entry_id"]}:
        return f"one of its story's sources; that is published from entry {found['lead_entry_id']}"
    match found["state"]:
        case "translated":
            return f"published {found['first_published_at']}"
        case "untranslated":
            return f"shown as 【未訳】 since {found['first_published_at']}, waits for its translation"
        case "held":
            return f"held since {found['held_at']} for its translation, {_until(found['held_at'], config)}"
        case "withdrawn":
            return "withdrawn: its texts went, or it was taken back"
        case _:
            return "waits for its text" if found["listed"] else "not published: its feed is not listed"


def _until(held_at: str, config: Config) -> str:
    until: datetime = from_text(held_at) + config.hold_time
    return f"until {to_text(until)} at the latest"


def _making(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what the steps before the translation made, or did not."""
    text = f"of its {found['text_origin']}" if found["has_text"] else "none yet"
    yield "text", text + (f"; {found['text_failure']}" if found["text_failure"] else "")
    if found["page_failure"]:
        yield "its page", found["page_failure"]
    if found["effect"]:
        yield "opt-out", f"{found['signal']}: {found['effect']}"
    if found["summary"] is not None:
        length = f"{len(found['summary'])} characters, {found['summary_origin']}"
        yield "summary", length + (f"; {found['summary_failure']}" if found["summary_failure"] else "")


def _translation(found: dict[str, Any]) -> str:
    said = []
    if found["translated_title"]:
        now = "" if found["is_current"] else ", of an earlier text"
        at = f", {found['translated_at']}" if found["translated_at"] else ""
        said.append(f"by {found['engine']} {found['model']}".rstrip() + at + now)
    if found["redo"] == _ASKED:
        said.append("asked for again")
    if found["failure"]:
        said.append(f"{found['failure']} ({found['attempts']} attempts, {_again(found)})")
    return "; ".join(said) or "none yet"


def _again(found: dict[str, Any]) -> str:
    if found["retry_at"]:
        return f"again at {found['retry_at']}"
    return "not again by itself" if found["attempts"] >= ATTEMPTS else "again at the next look"
