"""What rules would have kept out of the last days: `aggregator filter test`."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from importlib import resources
from typing import Any

from sqlite_utils import Database

from aggregator.config import Config
from aggregator.poll import filters
from aggregator.poll.filters import Filters, Patience, Rule, Told
from aggregator.store import admission
from aggregator.store.feeds import read_settings
from aggregator.times import from_text, to_text

COLUMNS = ("entries", "of", "rule", "example")
_LOSING = (admission.MUTED, admission.DAILY)
_SAID = {"mute": admission.MUTED, "keep": "keep saves"}
_RECENT = """
SELECT e.feed_id, e.title, e.authors, e.tags, e.permalink, e.sort_at, f.settings,
  coalesce(nullif(f.title, ''), f.listed_url) AS feed, t.title AS translated
FROM entries AS e JOIN feeds AS f USING (feed_id)
  LEFT JOIN translations AS t ON t.entry_id = e.entry_id AND t.language = :language
WHERE e.first_seen_at >= :since AND e.excluded IS NOT 'first fill' AND f.listed = 1
ORDER BY e.sort_at DESC, e.entry_id DESC
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """An entry of the last days and its feed's rules."""

    entry: Told
    feed: str
    day: str
    own: Filters
    max_per_day: int | None


def starter() -> str:
    """Return the rules to start from, as a filters.toml."""
    return resources.files("aggregator.poll").joinpath("filters.toml").read_text(encoding="utf-8")


def by_rule(
    db: Database, config: Config, rules: Filters, now: datetime, length: timedelta
) -> tuple[list[dict[str, Any]], int, int]:
    """Return what each rule would have done, and how many entries would have been lost, of how many.

    Shape: a rule counts the entries that it is the first to mute, or to save, or that took it too long.
    """
    values = {"since": to_text(now - length), "language": config.language}
    seen = [_seen(row, config) for row in db.query(_RECENT, values)]
    everywhere = {(kind, "all feeds", rule.text) for kind, rule in _kinds(rules)}
    hits: Counter[tuple[str, str, str]] = Counter(dict.fromkeys(sorted(everywhere), 0))
    examples: dict[tuple[str, str, str], str] = {}
    lost = 0
    trial = _Trial(rules)
    for each in seen:
        found = list(trial.done(each))
        lost += any(kind in _LOSING for kind, _, _ in found)
        for done in found:
            hits[done] += 1
            examples.setdefault(done, each.entry.title)
    for rule, times in trial.patience.slow.items():
        hits["too slow", trial.slow_of[rule], rule.text] = times
    rows = [
        {"entries": count, "of": of, "rule": f"{kind} {text}", "example": examples.get((kind, of, text))}
        for (kind, of, text), count in sorted(hits.items(), key=lambda hit: -hit[1])
    ]
    return rows, lost, len(seen)


def _kinds(rules: Filters) -> Iterator[tuple[str, Rule]]:
    yield from ((_SAID["mute"], rule) for rule in rules.mute)
    yield from ((_SAID["keep"], rule) for rule in rules.keep)


class _Trial:
    """What rules do to one entry after another, newest first."""

    def __init__(self, rules: Filters) -> None:
        self.rules = rules
        self.patience = Patience()
        self.slow_of: dict[Rule, str] = {}
        self._days: Counter[tuple[str, str]] = Counter()  # what a feed's day has admitted

    def done(self, each: _Seen) -> Iterator[tuple[str, str, str]]:
        """Yield kind, place and text of the rules that mute or save an entry."""
        both = self.rules | each.own
        early = replace(each.entry, translated=None)  # rules come first when there is no translation yet
        muting, saving = self._tried(both, early)
        if muting is None or saving:
            muted_late, saved_late = self._tried(both.late(), each.entry)
            muting, saving = (muted_late, saved_late) if muted_late else (muting, saving)
        for rule in self.patience.slow:
            self.slow_of.setdefault(rule, _of(each, rule))
        if muting and saving:
            yield _SAID["keep"], _of(each, saving), saving.text
        elif muting:
            yield _SAID["mute"], _of(each, muting), muting.text
            return
        self._days[each.feed, each.day] += 1
        if each.max_per_day is not None and self._days[each.feed, each.day] > each.max_per_day:
            yield admission.DAILY, each.feed, str(each.max_per_day)

    def _tried(self, rules: Filters, entry: Told) -> tuple[Rule | None, Rule | None]:
        """Return the rule that mutes an entry, and the one that saves it from that."""
        muting = Filters(mute=rules.mute).muted_by(entry, self.patience)
        return muting, Filters(mute=rules.keep).muted_by(entry, self.patience) if muting else None


def _of(each: _Seen, rule: Rule) -> str:
    return each.feed if rule in each.own.mute + each.own.keep else "all feeds"


def _seen(row: dict[str, Any], config: Config) -> _Seen:
    settings = read_settings(row["settings"])
    entry = Told(
        title=row["title"], authors=tuple(json.loads(row["authors"])), tags=tuple(json.loads(row["tags"])),
        permalink=row["permalink"], translated=row["translated"],
    )  # fmt: skip
    return _Seen(
        entry=entry, feed=row["feed"], own=admission.of_feed(settings), max_per_day=settings.max_per_day,
        day=f"{from_text(row['sort_at']).astimezone(config.zone):%F}",
    )  # fmt: skip


def read_starter() -> Filters:
    """Return the rules to start from."""
    return filters.read(starter().encode(), "the starter list")
