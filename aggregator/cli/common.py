"""What every command uses: the clock, the settings, the open store, the lock."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from aggregator.config import PREFIX, Config, load
from aggregator.errors import AggregatorError, ConfigError, StoreDamaged
from aggregator.times import from_text, parse_duration

if TYPE_CHECKING:
    from sqlite_utils import Database

    from aggregator.executors import Workers
    from aggregator.pipeline import Stage, StageReport
    from aggregator.session import Session

EVERY_POLL_FAILED = 6
_POLL_WORK = "aggregator.poll.shard"  # what a poll worker loads

Polls = Literal["no", "maybe", "surely"]  # what a command is in for

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Wait = Annotated[str, typer.Option(help="How long to wait for another run over the same store.")]


@dataclass(slots=True)
class Options:
    """What was given before the command."""

    config_file: Path | None
    flags: dict[str, str]

    def config(self) -> Config:
        """Read the settings."""
        return load(self.config_file, os.environ, self.flags)

    def given(self) -> set[str]:
        """Name the settings that flags and environment set."""
        return {*self.flags, *(name[len(PREFIX) :].lower() for name in os.environ if name.startswith(PREFIX))}


def clock() -> datetime:
    """Return the time; AGGREGATOR_NOW holds it still, for reproducible runs."""
    still = os.environ.get("AGGREGATOR_NOW")
    try:
        return from_text(still) if still else datetime.now(UTC)
    except ValueError as error:
        raise ConfigError(
            f"environment: AGGREGATOR_NOW = {still!r}: expected a time such as 2026-11-24T06:00:00Z"
        ) from error


@contextmanager
def opened(config: Config, *, ended_well: bool = True) -> Iterator["Database"]:
    """Hold the open store, looked at first where its last writer did not end well; errors leave as ours."""
    from aggregator.backup.opening import open_kept
    from aggregator.store import store_errors

    with (
        sound_store(config, ended_well=ended_well),
        offering_a_backup(config),
        store_errors(config.store),
    ):
        db = open_kept(config, clock())
        try:
            yield db
        finally:
            db.close()


@contextmanager
def sound_store(config: Config, *, ended_well: bool) -> Iterator[None]:
    """Refuse a damaged store before anything is written; after a good end it is not looked through."""
    with offering_a_backup(config):
        if _was_emptied(config):
            raise StoreDamaged(f"{config.store}: is empty, and backups say that it was not")
        if not ended_well:
            from aggregator.store import soundness

            soundness.check(config.store)
    yield


def _was_emptied(config: Config) -> bool:
    """Tell whether nothing is left of a store; one that is new has no backup."""
    if not config.store.is_file() or config.store.stat().st_size:
        return False
    from aggregator.backup import making

    return making.newest(config, clock()) is not None


@contextmanager
def offering_a_backup(config: Config) -> Iterator[None]:
    """Say of a damaged store how it comes back."""
    try:
        yield
    except StoreDamaged as error:
        raise StoreDamaged(f"{error}; {_way_back(config)}") from error


def _way_back(config: Config) -> str:
    from aggregator.backup import making

    if path := making.newest(config, clock()):
        return f"the newest backup is put in its place by: aggregator restore {path}"
    return "no backup is there: put a copy in its place, or move it away to begin anew"


@contextmanager
def open_session(
    config: Config, command: str, wait: str, *, quiet: bool = False, polls: Polls = "no"
) -> Iterator["Session"]:
    """Hold the instance lock and the open store; ^C and SIGTERM finish the batch in hand, ^C again none.

    Where `polls` may come their worker starts first, which is quick as long as nothing is held or loaded.
    """
    workers = {} if polls == "no" else {"poll": _poll_worker(config, polls)}
    try:
        from aggregator.demo.leftovers import clear_leftovers
        from aggregator.lock import instance_lock
        from aggregator.report import watch
        from aggregator.session import Session, unwatched
        from aggregator.signals import stop_on_signals

        with (
            instance_lock(config.store, f"aggregator {command}", duration(wait)) as ended_well,
            opened(config, ended_well=ended_well) as db,
        ):
            clear_leftovers(config)
            seen = unwatched if quiet else watch
            stop = stop_on_signals(say_stopping)
            session = Session(db=db, config=config, clock=clock, stop=stop, watch=seen, workers=workers)
            try:
                yield session
            finally:
                session.write_runs()
                session.end_hooks()
    except KeyboardInterrupt:
        from aggregator.executors import end_at_once

        end_at_once()  # or closing them would wait for a feed that hangs
        raise
    finally:
        for started in workers.values():
            started.close()


def _poll_worker(config: Config, polls: Polls) -> "Workers":
    from aggregator.executors import open_workers

    worker = open_workers(config.executor_poll, config.store)
    worker.fork()
    if polls == "surely":
        worker.warm_up(_POLL_WORK)
    return worker


def expect_polls(session: "Session") -> None:
    """Let the poll worker load what it works with where a feed is due, while we load the stages."""
    from aggregator.store import due

    if due.count(session.db, clock()):
        session.workers["poll"].warm_up(_POLL_WORK)


def say_stopping() -> None:
    """Say what a wish to stop leads to."""
    print("finishing the batch in hand; ^C again ends at once", file=sys.stderr, flush=True)


def counted(number: int, one: str, several: str = "") -> str:
    """Return a number with its noun."""
    return f"{number} {one if number == 1 else several or f'{one}s'}"


def duration(text: str, option: str = "--wait") -> timedelta:
    """Read a duration given as an option."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise ConfigError(f"{option} {text}: expected a duration such as 30s, 15m, 6h or 2d") from error


def take_up(session: "Session") -> ConfigError | None:
    """Read feeds.opml, filters.toml and the deny list; where one cannot be read what is known goes on.

    Raises: PublishError where what was taken down cannot be removed.
    """
    from aggregator.session import take_down

    refused = take_up_list(session.db, session.config)
    try:
        if take_down(session.db, session.config, clock()):
            session.rewrite()
    except ConfigError as error:
        print(f"aggregator: {error}", file=sys.stderr)
        refused = refused or error
    return refused


def take_up_list(db: "Database", config: Config) -> ConfigError | None:
    """Do the same without a session: what is shown is what stands in the file, polled or not."""
    from aggregator.session import take_up_filters, take_up_opml

    refused: ConfigError | None = None
    for bring in (lambda: take_up_opml(db, config, clock), lambda: take_up_filters(db, config)):
        try:
            bring()
        except ConfigError as error:
            print(f"aggregator: {error}", file=sys.stderr)
            refused = refused or error
    return refused


def leave(reports: "list[StageReport]", refused: ConfigError | None, *, all_failed: bool = False) -> None:
    """End with the exit code that says what went wrong, worst first."""
    if any(report.crashes for report in reports):
        raise typer.Exit(AggregatorError.exit_code)
    if refused:
        raise typer.Exit(refused.exit_code)
    if all_failed:
        print("aggregator: every poll failed; is the network up? see: aggregator status", file=sys.stderr)
        raise typer.Exit(EVERY_POLL_FAILED)


def run_stages(
    context: typer.Context,
    command: str,
    wait: str,
    prepare: "Callable[[Session], None] | None",
    stages: "Callable[[], tuple[Stage, ...]]",
    *,
    polls: Polls = "no",
) -> None:
    """Run single stages under the lock; `prepare` may make work due first, `stages` load what they need."""
    config = context.obj.config()
    with open_session(config, command, wait, polls=polls) as session:
        from aggregator.store import feeds

        polls_before = feeds.last_poll_id(session.db)
        refused = take_up(session)
        if prepare:
            prepare(session)
        reports = [session.run(stage) for stage in stages()]
        all_failed = feeds.all_failed_since(session.db, polls_before)
    leave(reports, refused, all_failed=all_failed)


def address(config: Config) -> str:
    """Return where the pages are read."""
    from aggregator.publish.place import addresses

    with opened(config) as db:
        return addresses(db, config)["page"]
