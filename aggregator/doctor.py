"""What `aggregator doctor` looks at, and the next step for each finding."""

import importlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime

from aggregator import deny_list, operator_token, opml, store, surroundings
from aggregator.backup.opening import open_kept
from aggregator.config import Config
from aggregator.discuss import access
from aggregator.discuss import comments_stage as reading
from aggregator.errors import AggregatorError, ConfigError, StoreError
from aggregator.session import read_filters
from aggregator.store import denials, retention, store_errors
from aggregator.surroundings import Finding
from aggregator.translate import engines, glossary

MUCH_FREE = 100_000_000  # of the store: less is soon used again
_WAY_BACK = "of a damaged one: aggregator backup --list, then aggregator restore FILE"

# Distribution -> module, for every default dependency; tests keep it equal to setup.cfg.
MODULES = {
    "APScheduler": "apscheduler",
    "Brotli": "brotli",
    "Jinja2": "jinja2",
    "aiohttp": "aiohttp",
    "backports.zstd": "backports.zstd",
    "feedgen": "feedgen.feed",
    "feedparser": "feedparser",
    "fxtranslate": "fxtranslate",
    "idna": "idna",
    "lxml": "lxml.etree",
    "lxml_html_clean": "lxml_html_clean",
    "nh3": "nh3",
    "prometheus-client": "prometheus_client",
    "pycurl": "pycurl",
    "regex": "regex",
    "rich": "rich",
    "sqlite-utils": "sqlite_utils",
    "tld": "tld",
    "trafilatura": "trafilatura",
    "typer": "typer",
    "tzdata": "tzdata",
}


def examine(config: Config, now: datetime) -> list[Finding]:
    """Look at everything a run needs."""
    return [finding for check in CHECKS for finding in check(config, now)]


def _packages(_: Config, __: datetime) -> Iterator[Finding]:
    broken = [(name, error) for name, module in MODULES.items() if (error := _import_error(module))]
    for name, error in broken:
        yield Finding(text=f"package {name}: {error}", ok=False, next_step=f"pip install {name}")
    if not broken:
        yield Finding(text=f"packages: all {len(MODULES)} import")


def _import_error(module: str) -> str | None:
    try:
        importlib.import_module(module)
    except ImportError as error:
        return str(error)
    return None


def _opml(config: Config, _: datetime) -> Iterator[Finding]:
    try:
        count = len(opml.parse(config.opml.read_bytes(), str(config.opml)))
    except (AggregatorError, OSError) as error:
        text = f"{config.opml}: {error.strerror}" if isinstance(error, OSError) else str(error)
        yield Finding(text=text, ok=False, next_step="mend the file, or add a feed: aggregator add URL")
        return
    yield Finding(
        text=f"{config.opml}: {count} feeds", ok=count > 0, next_step="" if count else "aggregator add URL"
    )


def _filters(config: Config, _: datetime) -> Iterator[Finding]:
    try:
        rules = read_filters(config)
    except AggregatorError as error:
        yield Finding(text=str(error), ok=False, next_step="mend the rule; those known so far go on")
        return
    if config.filters.exists():
        yield Finding(text=f"{config.filters}: {len(rules.mute)} mute and {len(rules.keep)} keep rules")


def _glossary(config: Config, _: datetime) -> Iterator[Finding]:
    if config.glossary == glossary.NONE:
        return
    try:
        terms = glossary.load(config.glossary)
    except AggregatorError as error:
        yield Finding(text=str(error), ok=False, next_step="mend the file: nothing is translated until then")
        return
    number = len(terms.keep) + len(terms.renderings)
    yield Finding(text=f"{config.glossary}: {number} terms over the program's")


def _store(config: Config, now: datetime) -> Iterator[Finding]:
    try:
        with store_errors(config.store):
            db = open_kept(config, now)
            verdict = db.execute("PRAGMA quick_check").fetchone()[0]
            free = retention.free_bytes(db)
            db.close()
    except AggregatorError as error:
        yield Finding(text=str(error), ok=False, next_step=_WAY_BACK)
        return
    yield Finding(
        text=f"{config.store}: {verdict}",
        ok=verdict == "ok",
        next_step="" if verdict == "ok" else _WAY_BACK,
    )
    size = config.store.stat().st_size
    if free > max(size / 2, MUCH_FREE):
        text = f"{config.store}: {free / 1e6:.0f} of {size / 1e6:.0f} MB are free"
        yield Finding(text=text, ok=False, serious=False, next_step="aggregator prune --compact")


def _deny_list(config: Config, now: datetime) -> Iterator[Finding]:
    file = deny_list.path(config.store)
    try:
        listed = deny_list.read(config.store)
        with store.reading(config.store) as db:
            known, is_behind = denials.count(db), denials.is_behind(db, listed, now)
            traces = denials.traces_since(db)
    except ConfigError as error:
        yield Finding(text=str(error), ok=False, next_step="mend the line; what it said before holds")
        return
    except StoreError:  # said above
        return
    if known and not listed.digest:
        text = f"{file}: is gone; what was taken down stays so in this store alone"
        yield Finding(text=text, ok=False, serious=False, next_step="put it back from a backup")
    elif is_behind:
        yield Finding(text=f"{file}: names what is still there", ok=False, next_step="aggregator once")
    elif traces:
        text = f"{config.store}: there was no room to write it without traces of what was taken down"
        yield Finding(text=text, ok=False, serious=False, next_step="make room; it is tried once a day")
    elif listed.denials:
        yield Finding(text=f"{file}: {len(listed.denials)} takedowns, nothing of them is left")


def _engines(config: Config, _: datetime) -> Iterator[Finding]:
    ready = engines.ready(config)
    for choice in ready:
        yield Finding(text=f"engine {choice.name}: ready ({choice.model})")
    for line in engines.why_not(config):
        wanted = not ready and config.engine != "none"
        yield Finding(text=line, ok=False, serious=wanted)
    asked = {"summary = llm": config.summary == "llm", "headline = write": config.headline == "write",
             "viewpoints": config.viewpoints}  # fmt: skip
    written = [setting for setting, on in asked.items() if on]
    if written and not any(choice.writes for choice in ready):
        yield Finding(
            text=f"{', '.join(written)}: no engine of the chain can write; texts are translated only",
            ok=False, serious=False, next_step="set openai_url and openai_model, or llamacpp_writer",
        )  # fmt: skip


def _own_engines(config: Config, _: datetime) -> Iterator[Finding]:
    """Look at the engines that feeds name for themselves; what is wrong with the list is said elsewhere."""
    try:
        listed = opml.parse(config.opml.read_bytes(), str(config.opml))
    except (AggregatorError, OSError):
        return
    feeds: dict[str, list[str]] = defaultdict(list)
    for each in listed:
        if each.settings.engine:
            feeds[each.settings.engine].append(each.title or each.url)
    for own, titles in feeds.items():
        here = engines.of_feed(own, config)
        serious = own != "none" and not engines.ready(here)
        for line in engines.why_not(here):
            yield Finding(text=f"engine of {', '.join(titles)}: {line}", ok=False, serious=serious)


def _counts(config: Config, _: datetime) -> Iterator[Finding]:
    for name, complaint in access.complaints(config).items():
        yield Finding(text=f"counts of {name}: {complaint}", ok=False, serious=False)
    is_usual = config.counts == "auto" and config.contact
    if is_usual and access.obstacle(config, "github-discussions"):
        given = f"{access.GITHUB} or github_token_file"
        yield Finding(text=f"counts: GitHub's discussions are left out, since they want a token ({given})")
    for name in reading.unasked(config):
        yield Finding(
            text=f"comments of {name}: its numbers are not asked for, so nor are its comments", ok=False,
            serious=False, next_step="set contact, or name it in counts",
        )  # fmt: skip


def _contact(config: Config, _: datetime) -> Iterator[Finding]:
    if not config.contact:
        uncounted = ", and comments are not counted" if config.counts == "auto" else ""
        yield Finding(text=f"contact: not set, so hosts cannot reach you{uncounted}", ok=False, serious=False,
                      next_step="set contact in aggregator.toml")  # fmt: skip


def _operator(config: Config, _: datetime) -> Iterator[Finding]:
    try:
        if operator_token.is_set(config):
            yield Finding(text=f"operator's page: {config.site_url}operator/, and its token is kept well")
    except ConfigError as error:
        yield Finding(text=str(error), ok=False, next_step="until then no server starts")


CHECKS: tuple[Callable[[Config, datetime], Iterator[Finding]], ...] = (
    _packages, surroundings.clock, _opml, _filters, _glossary, _store, _deny_list, surroundings.folders,
    surroundings.network, surroundings.secrets, surroundings.clusters, _engines, _own_engines, _counts,
    _contact, _operator,
)  # fmt: skip
