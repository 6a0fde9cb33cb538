"""What a run of stages needs: the open store, its feeds as feeds.opml lists them, and workers.

Loads no stage: a command that runs one pays for no other.
"""

import contextlib
import hashlib
import logging
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from pathlib import Path

from sqlite_utils import Database

from aggregator import __version__, deny_list, resources
from aggregator.config import DEFAULT_FILTERS, Config
from aggregator.errors import AggregatorError, ConfigError, OpmlError, StoreError
from aggregator.executors import Workers, open_workers
from aggregator.hooks import Hooks
from aggregator.model import FeedSettings
from aggregator.pipeline import Clock, Progress, Stage, StageReport, Stop, run_stage
from aggregator.poll import filters
from aggregator.publish import changed
from aggregator.store import admission, denials, feeds, meta, stage_runs, store_errors
from aggregator.store.stage_runs import StageRun

# The setting that says where a stage works; a stage that is not named works inline.
EXECUTORS = {
    "websub": "executor_poll",
    "poll": "executor_poll",
    "article": "executor_enrich",
    "page": "executor_poll",
    "summary": "executor_enrich",
    "translate": "executor_translate",
    "count": "executor_poll",
}
# Stages that work where another one does: a model is loaded once.
_SHARED = {
    **dict.fromkeys(("hub", "picture", "comments"), "count"),
    **dict.fromkeys(("comment_translate", "viewpoints"), "translate"),
}

_MAKES_ROOM = frozenset({"retention"})
_TAKES_AWAY = frozenset({"publish", "source"})  # what was taken down, out of documents

# Another version of the program may read more in the same file.
_READER = " ".join((__version__, *(setting.name for setting in fields(FeedSettings)), "")).encode()

_NOTED = 1000  # runs at most that wait to be written, while the store takes nothing
ROUND = "round"  # how the names begin by which rounds of stages are noted
_UNWRITTEN = timedelta(seconds=30)  # so long at most does a run wait for others: an idle store has one commit

log = logging.getLogger(__name__)

log = logging.getLogger(__name__)

Watch = Callable[[str, int], AbstractContextManager[Progress]]


def unwatched(_: str, __: int) -> AbstractContextManager[Progress]:
    """Show nothing."""
    return contextlib.nullcontext(lambda _: None)


@dataclass(slots=True, kw_only=True)
class Session:
    """What a run of stages needs: the open store, the clock, and workers kept between rounds."""

    db: Database
    config: Config
    clock: Clock
    stop: Stop = lambda: False
    watch: Watch = unwatched
    workers: dict[str, Workers] = field(default_factory=dict)  # by stage; some may be started already
    ran: deque[StageRun] = field(default_factory=lambda: deque(maxlen=_NOTED))  # and not written yet
    hooks: Hooks = field(init=False)
    shortage: str = ""  # of room on a disk, for which nothing is added
    owed: set[str] = field(default_factory=set)  # stages that run all the same: see `rewrite`

    def __post_init__(self) -> None:
        """Make ready the commands that are run after a publish or a backup."""
        with store_errors(self.config.store):
            self.hooks = Hooks(self.db, self.config, self.clock)

    def run(self, stage: Stage, budget: timedelta | None = None) -> StageReport:
        """Run one stage until nothing is due, its budget is spent or `stop` says so.

        Shape: where a disk is nearly full none runs that adds to it; what is due stays due.
        """
        if stage.name not in _MAKES_ROOM | self.owed and self._is_short():
            return StageReport(name=stage.name)
        started = self.clock()
        try:
            with store_errors(self.config.store):
                report = self._run(stage, budget, started)
                self.hooks.note("after_publish", self.config.output, changed.take())
                self.hooks.look()
        except (AggregatorError, OSError) as error:
            self.ran.append(_run(StageReport(name=stage.name, failure=str(error)), started, self.clock()))
            self.rest(stage)  # what is in flight stays due, and would be done twice at once
            raise
        self.note(started, report)
        if report.finished:
            self.owed.discard(stage.name)
        return report

    def rewrite(self) -> None:
        """Have documents written without what was taken down, however full the disk is."""
        self.owed |= _TAKES_AWAY

    def _is_short(self) -> bool:
        """Tell whether a disk is nearly full, and say so when that changes."""
        shortage = resources.shortage({"store": self.config.store.parent, "output": self.config.output})
        if shortage and not self.shortage:
            log.error("nothing_is_added reason='%s'", shortage)
        elif self.shortage and not shortage:
            log.warning("there_is_room_again")
        self.shortage = shortage
        return bool(shortage)

    @contextlib.contextmanager
    def noted(self, name: str) -> Iterator[None]:
        """Note how a round of stages goes, as that of a single one is."""
        started = self.clock()
        try:
            yield
        except (AggregatorError, OSError) as error:
            self.ran.append(_run(StageReport(name=name, failure=str(error)), started, self.clock()))
            raise
        self.note(started, StageReport(name=name, seconds=(self.clock() - started).total_seconds()))

    def note(self, started: datetime, report: StageReport) -> None:
        """Note that a stage, or a round of them, ran; what had nothing to do is written with what follows."""
        self.ran.append(_run(report, started, self.clock()))
        if report.jobs or self.ran[-1].ended_at - self.ran[0].ended_at >= _UNWRITTEN:
            self.write_runs()

    def write_runs(self) -> None:
        """Write which stages ran, in one small transaction; while the store takes nothing they wait."""
        with contextlib.suppress(StoreError), store_errors(self.config.store):
            if self.ran:
                stage_runs.add(self.db, self.ran)
                self.ran.clear()

    def end_hooks(self) -> None:
        """Wait for the commands after a publish or a backup, unless `stop` says to end them."""
        with contextlib.suppress(StoreError), store_errors(self.config.store):
            self.hooks.close(self.stop)  # what cannot be noted is told again

    def _run(self, stage: Stage, budget: timedelta | None, now: datetime) -> StageReport:
        with self.watch(stage.name, stage.backlog(self.db, self.config, now)) as progress:
            return run_stage(
                stage, self.db, self.config, self._workers_of(stage.name), self.clock,
                budget=budget, stop=self.stop, progress=progress,
            )  # fmt: skip

    def rest(self, stage: Stage) -> None:
        """Give a stage's workers back; they start again when needed."""
        self._workers_of(stage.name).close()

    def close(self) -> None:
        """End all workers and commands, and write which stages ran."""
        self.write_runs()
        self.end_workers()
        self.end_hooks()

    def adopt(self, config: Config) -> None:
        """Go on with other settings; commands that run are not waited for."""
        self.write_runs()
        self.end_workers()
        self.workers.clear()  # others may be asked for, and models be loaded otherwise
        self.config = config
        with store_errors(config.store):
            self.hooks.adopt(config)

    def end_workers(self) -> None:
        """Give all workers back; they start again when needed."""
        for workers in self.workers.values():
            workers.close()

    def _workers_of(self, stage: str) -> Workers:
        name = _SHARED.get(stage, stage)
        if name not in self.workers:
            setting = EXECUTORS.get(name)
            spec = getattr(self.config, setting) if setting else "inline:"
            self.workers[name] = open_workers(spec, self.config.store)
        return self.workers[name]


def _run(report: StageReport, started: datetime, ended: datetime) -> StageRun:
    return StageRun(
        stage=report.name, started_at=started, ended_at=ended, worked=report.jobs > 0, units=report.units,
        crashes=report.crashes, seconds=report.seconds, failure=report.failure,
    )  # fmt: skip


def take_up_opml(db: Database, config: Config, clock: Clock) -> feeds.Synced | None:
    """Bring the store in line with feeds.opml; None where the file did not change.

    Raises: OpmlError; the store then keeps the list it has.
    """
    try:
        data = config.opml.read_bytes()
    except OSError as error:
        raise OpmlError(unreadable(config, error)) from error
    return mirror(db, config, data, clock())


def unreadable(config: Config, error: OSError) -> str:
    """Say why feeds.opml cannot be read, and how it comes to be where it is not there yet."""
    step = "; its first feed makes it: aggregator add URL" if isinstance(error, FileNotFoundError) else ""
    return f"{config.opml}: cannot be read ({error.strerror}){step}"


def mirror(db: Database, config: Config, data: bytes, now: datetime) -> feeds.Synced | None:
    """Bring the store in line with what feeds.opml holds; None where that was taken up last.

    Feeds that were taken down are left out, whoever wrote them there.
    Raises: OpmlError; the store then keeps the list it has.
    """
    digest = hashlib.sha256(_READER + denials.digest(db).encode() + data).hexdigest()
    if meta.value(db, "opml") == digest:
        return None
    from aggregator import opml  # seldom: the list stays the same for weeks
    from aggregator.store import leads

    subscriptions = opml.parse(data, str(config.opml))
    denied = denials.denied_feeds(db, (url for each in subscriptions for url in (each.url, each.address)))
    for url in denied:
        log.warning("feed_taken_down url=%s file=%s", url, config.opml)
    subscriptions = tuple(each for each in subscriptions if denied.isdisjoint((each.url, each.address)))
    with db.atomic():
        synced = feeds.sync(db, subscriptions, now)
        leads.hand_on_of_removed(db, now)
        meta.note(db, "opml", digest)
    return synced


def take_down(db: Database, config: Config, now: datetime) -> bool:
    """Take down what the deny list names and the store still holds; return whether there was anything.

    Shape: the caller holds the instance lock.
    Raises: ConfigError where the list cannot be read, PublishError.
    """
    if not denials.is_behind(db, deny_list.read(config.store), now):
        return False
    from aggregator import takedown  # seldom

    return takedown.enforce(db, config, now) is not None


def take_up_filters(db: Database, config: Config) -> bool:
    """Bring the store in line with filters.toml and return whether its rules are others than before.

    Raises: ConfigError; the store then keeps the rules it has.
    """
    return admission.take_up(db, read_filters(config))


def read_filters(config: Config) -> filters.Filters:
    """Return the rules of filters.toml; none where the file is not there.

    Raises: ConfigError naming file, rule and what was expected.
    """
    try:
        data = config.filters.read_bytes()
    except FileNotFoundError as error:
        if config.filters != Path(DEFAULT_FILTERS):
            raise ConfigError(f"{config.filters}: is not there; expected a file of rules") from error
        return filters.Filters()
    except OSError as error:
        raise ConfigError(f"{config.filters}: cannot be read ({error.strerror})") from error
    return filters.read(data, str(config.filters))
