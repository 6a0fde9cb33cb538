"""Why a feed is polled when it is: the last answer, each rule's opinion, and what else bears on it."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlite_utils import Database

from aggregator.model import FeedSettings
from aggregator.poll.decide import JITTER
from aggregator.store import admission, feeds, pages, translations
from aggregator.times import duration_text, from_text

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_RULES = {
    "max_age": "how long the answer says that it stays fresh",
    "ttl": "the feed's <ttl>",
    "update_every": "the feed's update period",
    "base": "poll_every; too few entries to say more",
    "adaptive": "half the mean gap between its newest entries",
    "floor": "no feed is asked more often",
    "ceiling": "no feed is asked less often",
    "websub": "its hub tells what is new",
    "backoff": "a failure",
    "network": "no feed could be reached: our own network was down",
    "retry_after": "as the server asked",
}
_AT_REST = frozenset({"gone", "paused"})
_JITTER = f"up to {JITTER:.0%} later, so that feeds part company"
_LAST = "SELECT * FROM polls WHERE feed_id = ? ORDER BY poll_id DESC LIMIT 1"
_FEED = """
SELECT feeds.*, hosts.next_fetch_at, hosts.retry_after_at AS domain_rests_until, hosts.reason,
  host_rests.retry_after_at AS host_rests_until
FROM feeds LEFT JOIN hosts USING (domain) LEFT JOIN host_rests USING (host) WHERE feed_id = ?
"""
_EXCLUDED = """
SELECT excluded, count(*) FROM entries WHERE feed_id = ? AND excluded != 'dropped'
GROUP BY excluded ORDER BY count(*) DESC, excluded
"""


def collect(db: Database, text: str) -> dict[str, Any]:
    """Return all that bears on when a feed is polled and what of it is kept.

    Raises: AggregatorError where none or several feeds fit the text.
    """
    shown = feeds.find(db, text)
    row = next(db.query(_FEED, [shown["feed_id"]]))
    last = next(db.query(_LAST, [shown["feed_id"]]), None)
    settings, hints = feeds.read_settings(row["settings"]), feeds.read_hints(row["hints"])
    return {
        "feed": {name: shown[name] for name in ("feed_id", "title", "state", "listed_url", "fetch_url")}
        | {"moved_to": row["moved_to"], "failures": row["failures"], "failure": row["failure"]},
        "last_poll": last,
        "next_poll_at": row["next_poll_at"],
        "rules": _rules(json.loads(row["next_poll_reasons"])),
        "skips": {"hours": hints.skip_hours, "days": [_DAYS[day] for day in hints.skip_days]},
        "rests": {
            name: row[column] for name, column in (
                ("feed", "retry_after_at"), ("host", "host_rests_until"), ("domain", "domain_rests_until"),
            ) if row[column]
        },
        "domain": {"name": row["domain"], "next_fetch_at": row["next_fetch_at"], "reason": row["reason"]},
        "identity": {"policy": row["identity"], "stated": settings.identity},
        "validators": {"etag": row["etag"], "last_modified": row["last_modified"]},
        "entries": shown["entries"],
        "filters": _filters(db, shown["feed_id"], settings),
        "opt_out": {"signals": pages.signals(db, shown["feed_id"]), "rights_note": settings.rights_note},
        "pages": pages.troubles(db, shown["feed_id"]),
        "untranslated": [
            {"entries": number, "failure": failure}
            for failure, number in translations.refusals(db, shown["feed_id"])
        ],
    }  # fmt: skip


def _rules(reasons: Iterable[tuple[str, int | str]]) -> list[dict[str, Any]]:
    """Return each rule's opinion and which won, and what moved the moment after that."""
    given = dict(reasons)
    winner = given.pop("winner", None)
    opinions: list[dict[str, Any]] = [
        {"rule": rule, "seconds": value, "won": rule == winner, "meaning": _RULES.get(rule, "")}
        for rule, value in given.items() if rule != "skipped_until"
    ]  # fmt: skip
    if winner and winner not in given:  # a bound: it has no opinion of its own, it cuts the others
        opinions.append(
            {"rule": winner, "seconds": None, "won": True, "meaning": _RULES.get(str(winner), "")}
        )
    if winner:
        opinions.append({"rule": "jitter", "seconds": None, "won": False, "meaning": _JITTER})
    if "skipped_until" in given:
        moved = f"until {given['skipped_until']}, out of skipHours and skipDays"
        opinions.append({"rule": "skipped", "seconds": None, "won": False, "meaning": moved})
    return opinions


def _filters(db: Database, feed_id: int, settings: FeedSettings) -> dict[str, Any]:
    own = admission.of_feed(settings)
    everyone = admission.of_all(db)
    rules = {"mute": (*everyone.mute, *own.mute), "keep": (*everyone.keep, *own.keep)}
    counts: dict[str, Any] = {name: len(found) for name, found in rules.items()}
    excluded = dict(db.execute(_EXCLUDED, [feed_id]).fetchall())
    return counts | {"max_per_day": settings.max_per_day, "excluded": excluded}


# --- as lines -----------------------------------------------------------------------------------------------


def lines(found: dict[str, Any], now: datetime) -> list[tuple[str, str]]:
    """Return the same as named lines for people."""
    feed = found["feed"]
    return [
        ("feed", f"{feed['feed_id']} {feed['title'] or feed['listed_url']}: {feed['state']}"),
        ("address", feed["fetch_url"]),
        *([("listed as", feed["listed_url"])] if feed["listed_url"] != feed["fetch_url"] else ()),
        *([("moving to", f"{feed['moved_to']}, should it lead there again")] if feed["moved_to"] else ()),
        ("last poll", _last(found["last_poll"], now)),
        ("next poll", _next(found, now)),
        *((f"  {'→' if rule['won'] else ' '} {rule['rule']}", _opinion(rule)) for rule in _ruling(found)),
        *(("Retry-After", f"{what} rests until {at}") for what, at in _running(found["rests"], now)),
        *([("skips", _skips(found["skips"]))] if any(found["skips"].values()) else ()),
        ("validators", ", ".join(name for name, value in found["validators"].items() if value) or "none"),
        ("domain", _domain(found["domain"], now)),
        ("identity", _identity(**found["identity"])),
        ("entries", str(found["entries"])),
        ("filters", _kept_out(found["filters"])),
        *_opt_outs(found["opt_out"]),
        *(("pages", f"{each['entries']} without text: {each['failure']}") for each in found["pages"]),
        *(("untranslated", f"{each['entries']}: {each['failure']}") for each in found["untranslated"]),
    ]  # fmt: skip


def _last(poll: dict[str, Any] | None, now: datetime) -> str:
    if poll is None:
        return "never"
    said = [
        f"{duration_text(now - from_text(poll['polled_at']))} ago: {poll['outcome']}",
        f"status {poll['status'] or 'none'}", f"{poll['bytes']:,} bytes", f"{poll['seconds']:.2f} s",
        f"{poll['added']} new", f"{poll['changed']} revised",
    ]  # fmt: skip
    return ", ".join(said) + (f"; {poll['detail']}" if poll["detail"] else "")


def _next(found: dict[str, Any], now: datetime) -> str:
    state = found["feed"]["state"]
    if state in _AT_REST:
        return f"none: {state}; see aggregator resume"
    at = max([found["next_poll_at"], *found["rests"].values()])
    ahead = from_text(at) - now
    return f"{at}, in {duration_text(ahead)}" if ahead > timedelta() else "due now"


def _ruling(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [] if found["feed"]["state"] in _AT_REST else found["rules"]


def _running(rests: dict[str, str], now: datetime) -> list[tuple[str, str]]:
    return [(what, at) for what, at in rests.items() if from_text(at) > now]


def _opinion(rule: dict[str, Any]) -> str:
    if rule["seconds"] is None:
        return str(rule["meaning"])
    return f"{duration_text(timedelta(seconds=rule['seconds']))}: {rule['meaning']}"


def _skips(skips: dict[str, Any]) -> str:
    hours = ", ".join(f"{hour:02}" for hour in skips["hours"])
    return "; ".join(
        part for part in (f"hours {hours} UTC" if hours else "", ", ".join(skips["days"])) if part
    )


def _domain(domain: dict[str, Any], now: datetime) -> str:
    free_at = domain["next_fetch_at"]
    waits = from_text(free_at) - now if free_at else timedelta()
    said = f"free in {duration_text(waits)}" if waits > timedelta() else "free"
    return f"{domain['name']}: {said}" + (f" ({domain['reason']})" if domain["reason"] else "")


def _identity(policy: str, stated: str | None) -> str:
    if stated and stated != policy:
        return f"{policy}; {stated}, as stated in feeds.opml, once the feed changes"
    if policy == "guid":
        return policy
    return f"{policy}, {'stated in feeds.opml' if stated else 'chosen by its entries'}"


def _kept_out(found: dict[str, Any]) -> str:
    limits = [f"{found['mute']} mute", f"{found['keep']} keep"]
    if found["max_per_day"] is not None:
        limits.append(f"{found['max_per_day']} a day")
    kept_out = [f"{count} by {reason!r}" for reason, count in found["excluded"].items()]
    return ", ".join(limits) + (f"; kept out: {', '.join(kept_out)}" if kept_out else "; nothing kept out")


def _opt_outs(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    holds = f"; does not hold: {found['rights_note']}" if found["rights_note"] else ""
    for each in found["signals"]:
        said = (
            f"{each['signal']}: {each['effect']}, {each['entries']} of its entries, last at {each['seen_at']}"
        )
        yield "opt-out", said + holds
