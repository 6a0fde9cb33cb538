"""Settings that are well formed but cannot work, and the form of those that are more than a number."""

import ipaddress
import re
import shlex
import zoneinfo
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aggregator import workplaces

if TYPE_CHECKING:
    from aggregator.config import Config

DROP_AFTER_LEAST = timedelta(days=14)  # feeds, counts, comments and digests look back at a week
ENGINES = ("firefox", "llamacpp", "openai", "deepl")
CHAIN = f"auto | {' | '.join(ENGINES)} | none, or several of them in order: deepl,firefox"
GROUPS = ("poll", "translate", "publish", "count", "care")  # of stages, as stages.py has them
_USUAL = "30s"
_COMMENTS = ("hackernews", "wordpress", "github")  # whose text may be shown
_BUDGET = re.compile(r"[0-9]{1,12}(?: yen)?")


def faults(config: "Config") -> Iterator[tuple[str, str]]:
    """Yield the settings that are well formed but cannot work, each with what was expected."""
    if not _works(lambda: config.zone):
        yield "timezone", f"timezone = {config.timezone!r}: expected a zone name such as Asia/Tokyo"
    for key in ("executor_poll", "executor_enrich", "executor_translate"):
        try:
            workplaces.read(spec := getattr(config, key))
        except ValueError as error:
            yield key, f"{key} = {spec!r}: {error}"
    if not _works(lambda: config.address) or not config.address[0] or not 0 <= config.address[1] <= 65535:
        yield "listen", f"listen = {config.listen!r}: expected address:port such as 127.0.0.1:8080"
    elif config.visibility == "local" and not _is_loopback(config.address[0]):
        remedy = "set visibility to private or public"
        yield "listen", f"listen = {config.listen!r}: visibility = local serves on 127.0.0.1 only; {remedy}"
    yield from _url_faults(config)
    yield from _schedule_faults(config)
    if not config.max_entries:
        yield "max_entries", "max_entries = 0: expected a whole number of 1 or more"
    if timedelta() < config.drop_after < DROP_AFTER_LEAST:
        yield "drop_after", f"drop_after: expected {DROP_AFTER_LEAST.days}d or more, or 0"
    yield from _alert_faults(config)
    yield from _engine_faults(config)
    yield from _count_faults(config)
    yield from _visibility_faults(config)
    yield from _command_faults(config)


def _command_faults(config: "Config") -> Iterator[tuple[str, str]]:
    for key in ("after_publish", "after_backup"):
        if not _works(lambda: shlex.split(getattr(config, key))):  # noqa: B023 - called here
            yield (
                key,
                f"{key} = {getattr(config, key)!r}: expected a command and its arguments; a quote is open",
            )
    if not config.hook_timeout:
        yield "hook_timeout", "hook_timeout = 0: expected a duration such as 10m"


def _schedule_faults(config: "Config") -> Iterator[tuple[str, str]]:
    for key in (f"schedule_{group}" for group in GROUPS):
        text = getattr(config, key)
        if text != _USUAL and _works(lambda: config.zone):
            from aggregator import schedule  # APScheduler: most runs are not kept waiting for it

            try:
                schedule.read(text, config.zone)
            except ValueError as error:
                yield key, f"{key} = {text!r}: {schedule.EXPECTED} ({error})"
    if config.schedule_digest:
        from aggregator import schedule

        try:
            schedule.daily(config.schedule_digest, config.timezone)
        except ValueError as error:
            yield "schedule_digest", f"schedule_digest = {config.schedule_digest!r}: expected {error}"
    for key in ("budget_poll", "budget_publish", "budget_count", "budget_care", "publish_every"):
        if not getattr(config, key):
            yield key, f"{key} = 0: expected a duration such as 30s or 1m"


def _url_faults(config: "Config") -> Iterator[tuple[str, str]]:
    for key in ("base_url", "openai_url", "deepl_url", "counts_via", "hub"):
        if (url := getattr(config, key)) and not _is_http(url):
            yield key, f"{key} = {url!r}: expected an http or https URL"
        elif key in {"base_url", "hub"} and urlsplit(url).username is not None:
            yield key, f"{key}: everybody is told it, so it may hold no user name and no password"


def _visibility_faults(config: "Config") -> Iterator[tuple[str, str]]:
    missing = [name for name in ("base_url", "contact") if not getattr(config, name)]
    if config.visibility == "public" and missing:
        yield "visibility", f"visibility = public: {' and '.join(missing)} must be set"
    if config.hub and config.visibility != "public":
        yield "hub", f"hub = {config.hub!r}: makes addresses known, so it needs visibility = public"


def _alert_faults(config: "Config") -> Iterator[tuple[str, str]]:
    if "://" in config.alert.split(" ")[0] and not _is_http(config.alert):
        yield "alert", "alert: expected a command, or an http or https URL"  # which may hold a key
    elif not _works(lambda: shlex.split(config.alert)):
        yield "alert", "alert: expected a command as a shell reads it; a quotation mark is not closed"
    if not config.alert_after:
        yield "alert_after", "alert_after = 0: expected a whole number of 1 or more"


def _engine_faults(config: "Config") -> Iterator[tuple[str, str]]:
    if not is_chain(config.engine):
        yield "engine", f"engine = {config.engine!r}: expected {CHAIN}"
    if not re.fullmatch("[a-z]{2,3}", config.language):
        yield "language", f"language = {config.language!r}: expected a language's code such as ja"
    if not config.engine_timeout:
        yield "engine_timeout", "engine_timeout = 0: expected a duration such as 30s or 1m"
    for engine, budget in (("openai", config.openai_budget), ("deepl", config.deepl_budget)):
        key = f"{engine}_budget"
        if not _BUDGET.fullmatch(budget):
            yield key, f"{key} = {budget!r}: expected characters such as 1000000, or yen such as 3000 yen"
        elif budget.endswith("yen") and not getattr(config, f"{engine}_yen"):
            yield key, f"{key} = {budget!r}: {engine}_yen must say what a million characters cost"


def _count_faults(config: "Config") -> Iterator[tuple[str, str]]:
    if config.counts not in {"auto", "none"}:
        from aggregator.model import PROVIDERS  # most runs need not load what counts

        names = [name.strip() for name in config.counts.split(",")]
        if not set(names) <= {*PROVIDERS} or len(names) > len({*names}):
            expected = f"auto | none, or several of {', '.join(PROVIDERS)}, with commas"
            yield "counts", f"counts = {config.counts!r}: expected {expected}"
    if config.comments != "none":
        named = [name.strip() for name in config.comments.split(",")]
        if not set(named) <= {*_COMMENTS} or len(named) > len({*named}):
            others = "others do not allow it: docs/discussions.md"
            expected = f"none, or some of {', '.join(_COMMENTS)}, with commas; {others}"
            yield "comments", f"comments = {config.comments!r}: expected {expected}"
    if not re.fullmatch(r"[A-Za-z0-9_-]{0,40}", config.reddit_user):
        yield "reddit_user", f"reddit_user = {config.reddit_user!r}: expected a name, without u/"


def is_chain(text: str) -> bool:
    """Return whether a text names engines as the setting `engine` does."""
    names = [name.strip() for name in text.split(",")]
    return text in {"auto", "none"} or (set(names) <= {*ENGINES} and len(names) == len({*names}))


def _works(look_up: Callable[[], object]) -> bool:
    try:
        look_up()
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):  # OSError: a zone that is a folder
        return False
    return True


def _is_http(url: str) -> bool:
    return _works(lambda: urlsplit(url)) and bool(re.match(r"https?://[^/]", url, re.IGNORECASE))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
