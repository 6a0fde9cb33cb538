"""What `aggregator status --json` says in numbers and machine words, beside the words for people."""

from collections import Counter
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from aggregator import disk, lags, troubles
from aggregator.config import Config
from aggregator.store import (
    comments,
    due,
    feeds,
    hook_states,
    network,
    providers,
    publications,
    retention,
    translations,
    usage,
    viewpoints,
    vitals,
    websub,
)
from aggregator.store.hook_states import HookState
from aggregator.times import maybe_text
from aggregator.translate import allowance, engines
from aggregator.translate.engines import services
from aggregator.translate.stage import STAGE as TRANSLATE

STATES = ("ok", "new", "failing", "paused", "gone")
_TIMES = f"""SELECT (SELECT max(last_poll_at) FROM feeds WHERE listed = 1) AS last_poll_at,
  ({publications.NEWEST_AT}) AS newest_entry_at,
  (SELECT max(published_at) FROM digests) AS last_digest_at"""  # noqa: S608 - constants of ours


def collect(db: Database, config: Config, now: datetime) -> dict[str, Any]:
    """Return the figures by names that stay: scripts rely on them, so names are added, never changed.

    Units: times as in the store or None, sizes in bytes, budgets in characters of the source.
    """
    return {
        "feeds": _feeds(db),
        **next(db.query(_TIMES)),
        "next_poll_at": maybe_text(due.next_at(db)),
        "network_down_since": maybe_text(network.down_since(db)),
        "troubles": {each.key: each.text for each in troubles.found(db, config, now)},
        **lags.figures(db, now),
        "hubs": websub.counts(db, now),
        **_entries(db),
        "waiting_for_translation": TRANSLATE.backlog(db, config, now),
        **_engines(db, config, now),
        "discussions": {each.provider: _covered(each) for each in providers.coverage(db, now)},
        "comments": comments.summary(db),
        "viewpoints": viewpoints.summary(db),
        "dropped": retention.state(db).total,
        "store_bytes": config.store.stat().st_size,
        "store_free_bytes": retention.free_bytes(db),
        "disk": _disk(disk.look(db, config)),
        "hooks": {
            name: _hook(state) for name, state in hook_states.read(db).items() if getattr(config, name)
        },
    }


def _covered(seen: providers.Coverage) -> dict[str, Any]:
    return {
        "counted": seen.counted,
        "dropped": seen.dropped,
        "requests": seen.requests,
        "rests_until": maybe_text(seen.rests_until),
    }


def _disk(seen: disk.Disk) -> dict[str, Any]:
    return {
        "output_files": seen.noted.output_files if seen.noted else None,
        "output_bytes": seen.noted.output_bytes if seen.noted else None,
        "backup_bytes": seen.backup_bytes,
        "bytes_an_entry": seen.bytes_an_entry,
        "bytes_a_day": seen.bytes_a_day,
        "days_until_full": seen.days_until_full,
        "free_bytes": seen.free_bytes,
        "free_files": seen.free_files,
        "is_short": bool(seen.shortage),
    }


def _hook(state: HookState) -> dict[str, Any]:
    return {
        "ran_at": state.ran_at or None,
        "failures": state.failures,
        "failure": state.failure or None,
        "waiting": len(state.waiting),
    }


def _feeds(db: Database) -> dict[str, int]:
    states = Counter(row["state"] for row in feeds.health(db))
    return {"listed": states.total()} | {state: states[state] for state in STATES}


def _entries(db: Database) -> dict[str, Any]:
    published = vitals.stories(db)
    refusals = dict(translations.refusals(db))
    return {
        "entries": db.execute("SELECT count(*) FROM entries").fetchone()[0],
        "published": published.get("translated", 0),
        "untranslated": published.get("untranslated", 0),
        "held": published.get("held", 0),
        "refused": sum(refusals.values()),
        "refusals": refusals,
    }


def _engines(db: Database, config: Config, now: datetime) -> dict[str, Any]:
    ready = engines.ready(config)
    names = [choice.name for choice in ready]
    own = {
        setting: missing
        for setting in translations.feed_engines(db)
        if (missing := _missing(engines.of_feed(setting, config)))
    }
    return {
        "engines": names,
        "engines_not_ready": _missing(config),
        "feeds_engines_not_ready": own,
        "engines_resting": usage.resting_until(db, now),
        "budgets": {choice.name: _budget(db, config, choice.name, now) for choice in ready if choice.paid},
    }


def _missing(config: Config) -> list[str]:
    names = {choice.name for choice in engines.ready(config)}
    return [name for name in engines.wanted(config) if name not in names]


def _budget(db: Database, config: Config, name: str, now: datetime) -> dict[str, int]:
    used = usage.used(db, name, allowance.today(config, now))
    return {
        "budget_a_month": services.monthly(name, config),
        "used_this_month": used.month,
        "used_today": used.today,
        "left_today": allowance.left(db, config, name, now),
    }
