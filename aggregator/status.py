"""What `aggregator status` says: counts and lags straight from the store."""

from collections import Counter
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from aggregator import disk, hooks, lags, troubles
from aggregator.backup import stage as backup
from aggregator.config import Config
from aggregator.discuss import access
from aggregator.discuss import stage as counting
from aggregator.discuss.providers import KINDS
from aggregator.poll.outage import wait
from aggregator.store import (
    comments,
    due,
    feeds,
    hook_states,
    hub_pings,
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
from aggregator.times import duration_text, from_text, in_a_row
from aggregator.translate import allowance, budget, engines
from aggregator.translate.engines import services
from aggregator.translate.stage import waiting
from aggregator.websub import protocol, spool

_NAMED = 5
_COUNTED = 1000  # entries that wait
TROUBLED = ("failing", "gone")
_REASONS = 3  # shown of why translations were refused


def collect(db: Database, config: Config, now: datetime) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the overview, and the feeds in trouble with the reason, worst first."""
    rows = feeds.health(db)
    states = Counter(row["state"] for row in rows)
    published = vitals.stories(db)
    overview = {
        "feeds": _feeds(len(rows), states),
        "identity": _identities(rows),
        "last poll": _ago(db, "SELECT max(last_poll_at) FROM feeds WHERE listed = 1", now),
        "next poll": _ahead(due.next_at(db), now),
        "network": _network(db, now),
        "trouble": "; ".join(each.text for each in troubles.found(db, config, now)) or "none",
        **lags.lines(db, now),
        "entries": db.execute("SELECT count(*) FROM entries").fetchone()[0],
        "published": published.get("translated", 0),
        "untranslated": published.get("untranslated", 0),
        "held": published.get("held", 0),
        "waiting for translation": _waiting(db, config, now),
        "refused by the checks": _refused(db),
        "hubs": _hubs(db, config, now),
        "own hub": _own_hub(db, config, now),
        "engine": _engine(config),
        "feeds' own engines": _own_engines(db, config),
        "budgets": _budgets(db, config, now),
        "engines that rest": _resting(db, now),
        "discussions": _discussions(db, config, now),
        "comments": _comments(db, config),
        "viewpoints": _viewpoints(db, config),
        "newest entry": _ago(db, publications.NEWEST_AT, now),
        "last digest": _digest(db, now),
        "output": config.output,
        "dropped": _dropped(db, config),
        "store": _store(db, config),
        "disk": disk.summary(disk.look(db, config)),
        "backup": backup.summary(db, config),
        "hooks": _hooks(db, config, now),
    }
    troubled = [row for row in rows if row["state"] in TROUBLED]
    return overview, sorted(troubled, key=lambda row: -row["failures"])


def _feeds(total: int, states: Counter[str]) -> str:
    parts = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    return f"{total} ({parts})" if parts else "0; add one: aggregator add URL"


def _hubs(db: Database, config: Config, now: datetime) -> str:
    known = websub.summary(db, now)
    if known and protocol.is_possible(config) and not spool.is_open(config):
        return f"{known}; none is asked while no server runs beside the store"
    return known or "-"


def _own_hub(db: Database, config: Config, now: datetime) -> str:
    if not config.hub:
        return "-"
    told_at, waiting, failure = hub_pings.summary(db)
    told = f"told {duration_text(now - told_at)} ago" if told_at else "never told yet"
    return f"{told}, {waiting} feeds wait" + (f": {failure}" if failure else "")


def _network(db: Database, now: datetime) -> str:
    since = network.down_since(db)
    if since is None:
        return "up"
    lasts, every = duration_text(now - since), duration_text(wait(now - since))
    return f"down: no feed could be reached for {lasts}; they are asked every {every}"


def _identities(rows: list[dict[str, Any]]) -> str:
    """Name the feeds whose guids do not tell their entries apart."""
    other = [
        f"{row['title'] or row['listed_url']} by {row['identity']}"
        for row in rows
        if row["identity"] != "guid"
    ]
    return f"by guid; {_named(other)}" if other else "by guid"


def _engine(config: Config) -> str:
    ready = engines.ready(config)
    if ready:
        return " → ".join(f"{choice.name} ({choice.model})" for choice in ready)
    return "; ".join((f"{config.engine}: none ready", *engines.why_not(config)))


def _own_engines(db: Database, config: Config) -> str:
    """Name the feeds whose attribute `engine` asks for what is not ready."""
    said = [
        f"{_named(titles)}: {reason}"
        for own, titles in translations.feed_engines(db).items()
        for reason in engines.why_not(engines.of_feed(own, config))
    ]
    return "; ".join(said) or "-"


def _named(titles: list[str]) -> str:
    more = f" and {len(titles) - _NAMED} more" if len(titles) > _NAMED else ""
    return f"{', '.join(titles[:_NAMED])}{more}"


def _budgets(db: Database, config: Config, now: datetime) -> str:
    day = allowance.today(config, now)
    paid = [choice.name for choice in engines.ready(config) if choice.paid]
    used = {name: usage.used(db, name, day) for name in paid}
    said = [
        f"{name}: {budget.sentence(services.monthly(name, config), used[name].month, used[name].today)}"
        for name in paid
    ]
    return "; ".join(said) or "-"


def _resting(db: Database, now: datetime) -> str:
    return "; ".join(f"{name}: {failure}" for name, failure in usage.resting(db, now).items()) or "-"


def _discussions(db: Database, config: Config, now: datetime) -> str:
    """Say how much of what was due in the last 24 hours was counted where, and who is not asked."""
    asked = counting.wanted(config)
    if not asked and config.counts == "auto":
        return "not counted until contact is set"
    seen = {each.provider: each for each in providers.coverage(db, now)}
    said = [_covered(seen[name]) if name in seen else f"{KINDS[name].label}: nothing yet" for name in asked]
    missing = [f"{KINDS[name].label}: {lack}" for name, lack in access.complaints(config).items()]
    return "; ".join([*said, *missing]) or "not counted"


def _covered(seen: providers.Coverage) -> str:
    label, due = KINDS[seen.provider].label, seen.counted + seen.dropped
    dropped = f" ({seen.dropped:,} dropped)" if seen.dropped else ""
    rests = f", rests: {seen.failure}" if seen.rests_until else ""
    return f"{label} {seen.counted:,} of {due:,}{dropped}{rests}"


def _comments(db: Database, config: Config) -> str:
    if config.comments == "none":
        return "not shown"
    found = comments.summary(db)
    return (
        f"{found['shown']} shown, {found['waiting']} to be translated, {found['untranslated']} not translated"
    )


def _viewpoints(db: Database, config: Config) -> str:
    if not config.viewpoints:
        return "off"
    found = viewpoints.summary(db)
    reasons = list(found["refused"].items())
    said = "; ".join(f"{number} × {reason}" for reason, number in reasons[:_REASONS])
    return f"{found['written']} written" + (f" ({said}{'; …' if reasons[_REASONS:] else ''})" if said else "")


def _waiting(db: Database, config: Config, now: datetime) -> int | str:
    """Count what waits, as far as a glance needs it: each of many costs a look at five tables."""
    found = waiting(db, config, now, most=_COUNTED + 1)
    return found if found <= _COUNTED else f"more than {_COUNTED:,}"


def _refused(db: Database) -> str:
    reasons = translations.refusals(db)
    if not reasons:
        return "0"
    shown = "; ".join(f"{number} × {reason}" for reason, number in reasons[:_REASONS])
    more = "; …" if reasons[_REASONS:] else ""
    return f"{sum(number for _, number in reasons)} ({shown}{more})"


def _dropped(db: Database, config: Config) -> str:
    """Say how many entries lost their texts to their age."""
    reached = retention.state(db)
    if not (config.drop_after or config.keep_entries):
        return f"{reached.total:,} entries; no more: drop_after = 0"
    state = "the pass is under way" if reached.after else f"last pass {reached.done_on or 'never'}"
    return f"{reached.total:,} entries; {state}"


def _store(db: Database, config: Config) -> str:
    free = retention.free_bytes(db)
    shown = f", {free / 1e6:.1f} MB of it free" if free > 1e6 else ""
    return f"{config.store} ({config.store.stat().st_size / 1e6:.1f} MB{shown})"


def _hooks(db: Database, config: Config, now: datetime) -> str:
    """Say how the commands fared that run after a publish or a backup."""
    states = hook_states.read(db)
    said = [
        f"{name} {_ran(states.get(name, HookState()), now)}" for name in hooks.HOOKS if getattr(config, name)
    ]
    return "; ".join(said) or "-"


def _ran(state: HookState, now: datetime) -> str:
    if not state.ran_at:
        return "never ran yet"
    ago = f"{duration_text(now - from_text(state.ran_at))} ago"
    failed = f"failed {in_a_row(state.failures)}, last {ago}: {state.failure}"
    return failed if state.failures else f"ran {ago}"


def _digest(db: Database, now: datetime) -> str:
    sql = "SELECT title, published_at FROM digests ORDER BY published_at DESC, digest_id DESC LIMIT 1"
    row = db.execute(sql).fetchone()
    return f"{row[0]}, {duration_text(now - from_text(row[1]))} ago" if row else "none yet"


def _ago(db: Database, sql: str, now: datetime) -> str:
    moment = db.execute(sql).fetchone()[0]
    return "never" if moment is None else f"{duration_text(now - from_text(moment))} ago"


def _ahead(moment: datetime | None, now: datetime) -> str:
    if moment is None:
        return "-"
    return "now" if moment <= now else f"in {duration_text(moment - now)}"
