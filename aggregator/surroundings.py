"""What a run needs of its machine: a clock that is right, room, a network, secrets that stay secret."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from aggregator import opml, resources, store, workplaces
from aggregator.config import Config
from aggregator.errors import AggregatorError, StoreError
from aggregator.executors import open_workers
from aggregator.http import reach
from aggregator.times import EARLIEST, maybe_time
from aggregator.urls import registrable_domain

AHEAD = timedelta(minutes=5)  # of the clock: what was written later than this was written by another clock
ASKED = 3  # hosts that are tried
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing looked at."""

    text: str
    ok: bool = True
    serious: bool = True  # a run cannot do its work as it is
    next_step: str = ""


def clock(config: Config, now: datetime) -> Iterator[Finding]:
    """Look whether the time can be right, and whether the store has seen a later one."""
    written = _last_poll(config)
    is_set, is_behind = now > EARLIEST, written is not None and written > now + AHEAD
    said = f"; the store was written at {written:%Y-%m-%d %H:%M}, which is later" if is_behind else ""
    yield Finding(
        text=f"clock: {now:%Y-%m-%d %H:%M} UTC{said}", ok=is_set and not is_behind, serious=not is_set,
        next_step="" if is_set and not is_behind else "set the clock (NTP); a run mends what it put off",
    )  # fmt: skip


def _last_poll(config: Config) -> datetime | None:
    if not config.store.exists():
        return None
    try:
        with store.reading(config.store) as db:
            return maybe_time(db.execute("SELECT max(last_poll_at) FROM feeds").fetchone()[0])
    except StoreError:  # said elsewhere
        return None


def folders(config: Config, _: datetime) -> Iterator[Finding]:
    """Look whether output and store can be written, and how much room there is."""
    for name, folder in (("output", config.output), ("store", config.store.parent)):
        there = _existing(folder)
        writable = os.access(there, os.W_OK)
        text = f"{name} folder {folder}: {'writable' if writable else 'not writable'}"
        yield Finding(text=text, ok=writable,
                      next_step="" if writable else f"chown or chmod {there}")  # fmt: skip
        free, short = resources.free_disk(there), resources.shortage({name: folder})
        yield Finding(text=short or f"{name} disk: {free / 1e9:.1f} GB free", ok=not short,
                      next_step="make room: nothing is added until there is" if short else "")  # fmt: skip


def _existing(folder: Path) -> Path:
    folder = folder.absolute()
    while not folder.exists():
        folder = folder.parent
    return folder


def network(config: Config, _: datetime) -> Iterator[Finding]:
    """Look whether the hosts of a few feeds can be connected to; nothing is asked of them."""
    chosen = _some_feeds(config)
    if not chosen:
        return
    found = reach.obstacles(chosen.values(), allow_private=config.allow_private_hosts)
    troubles = [f"{domain}: {found[url]}" for domain, url in chosen.items() if found[url]]
    reached = len(chosen) - len(troubles)
    yield Finding(
        text="; ".join([f"network: {reached} of {len(chosen)} hosts of feeds answer", *troubles]),
        ok=reached > 0, serious=not reached,
        next_step="" if reached else "look at the network, its name servers and the firewall (ports 80, 443)",
    )  # fmt: skip


def _some_feeds(config: Config) -> dict[str, str]:
    """Return the addresses of a few feeds by their domains; none where the list cannot be read."""
    try:
        listed = opml.parse(config.opml.read_bytes(), str(config.opml))
    except (AggregatorError, OSError):
        return {}
    domains: dict[str, str] = {}
    for each in listed:
        if not each.settings.paused:
            domains.setdefault(registrable_domain(each.url), each.url)
    return dict(list(domains.items())[:ASKED])


def secrets(config: Config, _: datetime) -> Iterator[Finding]:
    """Look whether others on this machine can read what is to be kept from them."""
    keys = [
        file
        for name in ("openai_key_file", "deepl_key_file", "reddit_client_file", "github_token_file")
        if (file := getattr(config, name)) != Path() and file.exists() and _is_open(file)
    ]
    for file in keys:
        yield Finding(text=f"{file}: others can read this key", ok=False, next_step=f"chmod 600 {file}")
    folder = config.store.parent
    if (
        config.visibility == "private"
        and config.store.exists()
        and _is_open(config.store)
        and _is_open(folder)
    ):
        text = f"{config.store}: others on this machine can read it, and with it the private path"
        yield Finding(text=text, ok=False, serious=False, next_step=f"chmod 700 {folder}")


def _is_open(path: Path) -> bool:
    return bool(path.stat().st_mode & _OTHERS)


def clusters(config: Config, _: datetime) -> Iterator[Finding]:
    """Look whether the clusters that stages are to work on have workers that can do their jobs."""
    for spec in sorted({config.executor_poll, config.executor_enrich, config.executor_translate}):
        if not workplaces.read(spec).is_elsewhere:
            continue
        workers = open_workers(spec)
        try:
            yield Finding(text=f"{spec}: {workers.open().width} workers, of this version")
        except AggregatorError as error:
            yield Finding(text=str(error), ok=False, next_step="docs/scaling.md says how")
        finally:
            workers.close()
