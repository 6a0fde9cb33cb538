"""`aggregator run`: groups of stages have their turns, each at its times, until a signal ends it."""

import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from aggregator import reloading
from aggregator.alerts import Watch
from aggregator.backup.opening import open_kept
from aggregator.config import Config
from aggregator.errors import AggregatorError, ConfigError, OpmlError, StoreDamaged, StoreLocked
from aggregator.pipeline import Clock, Crash, Progress, StageReport, guarded
from aggregator.rota import Rota
from aggregator.schedule import Schedule, read
from aggregator.session import ROUND, Session, take_down, take_up_filters, take_up_opml
from aggregator.signals import Asked
from aggregator.stages import GROUPS
from aggregator.store import feeds, store_errors
from aggregator.systemd import ServiceManager
from aggregator.times import duration_text

log = logging.getLogger(__name__)

LOOK = timedelta(seconds=5)  # between two looks at the machine's clock, which may be set meanwhile
_JUMP = timedelta(minutes=1)  # back; less is a clock that is kept right

Adopt = Callable[[Config], None]


def machine_clock() -> datetime:
    """Return the machine's time: the session's clock, which says what is due, may stand still."""
    return datetime.now(UTC)


def schedules(config: Config) -> dict[str, Schedule]:
    """Return when each group of stages has its turn."""
    return {name: read(getattr(config, f"schedule_{name}"), config.zone) for name in GROUPS}


@dataclass(slots=True, kw_only=True)
class Daemon:
    """Turns of groups in one thread, what asks for them, and who is told."""

    session: Session
    rota: Rota
    asked: Asked
    manager: ServiceManager
    reread: Callable[[], Config]
    adopt: Adopt  # what else follows the settings: the server
    time: Clock = machine_clock
    alerts: Watch = field(default_factory=Watch)
    damage: StoreDamaged | None = None

    def work(self) -> None:
        """Take turns until a stop is asked for; the batch in hand is finished and recorded."""
        self.rota.start(self.time())
        while not self.asked.stop:
            if self.asked.reload:
                self.asked.reload = False
                self.reload()
            self.manager.alive()
            back = self.rota.look(self.time())
            if back and back >= _JUMP:
                log.warning("clock_set_back by='%s'", duration_text(back))
            if name := self.rota.turn():
                self.take_turn(name)
                self.tell()
            else:
                self.manager.status("waits for the next turn")
                self.asked.wait(min(self.rota.idle(self.time()), LOOK).total_seconds())

    def take_turn(self, name: str) -> None:
        """Run a group within its budget, and let it wait for another turn where work is left.

        An error is logged, also one that nobody foresaw: other groups go on, and this one tries again.
        """
        turn = guarded(lambda _, group: self._turn(group), self.session.config, name)
        if isinstance(turn, Crash):
            log.error("turn_crashed group=%s error=%s\n%s", name, turn.error, turn.traceback)
            self.session.end_workers()  # what they have in hand is still due, and would be done twice at once
            now = self.session.clock()
            self.session.note(now, StageReport(name=f"{ROUND} {name}", failure=turn.error))
        elif any(report.jobs and not report.finished for report in turn):
            self.rota.call([name])

    def _turn(self, name: str) -> list[StageReport]:
        try:
            with self.session.noted(f"{ROUND} {name}"), store_errors(self.session.config.store):
                reports = self._polled() if name == "poll" else self._run(name)
        except StoreDamaged as error:
            self.damage, self.asked.stop = error, True  # nothing more is written to it
            return []
        except AggregatorError as error:
            log.error("turn_failed group=%s error=%s", name, error)
            return []
        _log(reports)
        return reports

    def tell(self) -> None:
        """Tell an operator of trouble; whatever goes wrong with that holds nothing up."""
        session = self.session
        told = guarded(
            lambda config, now: self.alerts.look(session.db, config, now), session.config, session.clock()
        )
        if isinstance(told, Crash):
            log.error("alerts_crashed error=%s\n%s", told.error, told.traceback)

    def _run(self, name: str) -> list[StageReport]:
        return GROUPS[name](self.session, budget(self.session.config, name))

    def _polled(self) -> list[StageReport]:
        db = self.session.db
        _take_up(self.session)
        polls_before = feeds.last_poll_id(db)
        reports = self._run("poll")
        if feeds.all_failed_since(db, polls_before):
            log.warning("every_poll_failed hint='is the network up? see: aggregator status'")
        return reports

    def reload(self) -> None:
        """Go on with the settings as they are now; where they cannot be used the old ones stay."""
        self.manager.reloading()
        if new := reloading.settings(self.reread, self.session.config):
            self._try_to_adopt(new)
        self.rota.call(["poll", "publish"])  # feeds.opml and filters.toml, and what readers see of it all
        self.manager.ready()

    def _try_to_adopt(self, new: Config) -> None:
        """Take settings up; while another program holds the store it is tried again before any turn."""
        try:
            self._adopt(new)
        except StoreLocked as error:
            log.warning("settings_wait error=%s", error)
            self.asked.reload = True

    def _adopt(self, new: Config) -> None:
        self.session.adopt(new)
        self.rota.schedules = schedules(new)
        self.rota.start(self.time())
        reloading.serve(self.adopt, new)


def budget(config: Config, name: str) -> timedelta:
    """Return how long each stage of a group may work in one turn."""
    return config.publish_every if name == "translate" else getattr(config, f"budget_{name}")


def run(
    config: Config,
    clock: Clock,
    *,
    asked: Asked,
    manager: ServiceManager,
    reread: Callable[[], Config],
    adopt: Adopt = lambda _: None,
) -> None:
    """Work until a stop is asked for; a wish to reload has the settings read anew.

    The caller holds the instance lock, and has signals listened to.
    Raises: StoreDamaged where what is read cannot be relied on.
    """
    db = open_kept(config, clock())
    session = Session(db=db, config=config, clock=clock, stop=lambda: asked.stop, watch=_watched_by(manager))
    rota = Rota(schedules(config))
    daemon = Daemon(session=session, rota=rota, asked=asked, manager=manager, reread=reread, adopt=adopt)
    log.info("started store=%s output=%s", config.store, config.output)
    manager.ready()
    daemon.work()
    log.info("stopping")
    manager.stopping()
    daemon.alerts.close()
    session.close()
    db.close()
    if daemon.damage:
        raise daemon.damage


def _watched_by(manager: ServiceManager) -> Callable[[str, int], contextlib.AbstractContextManager[Progress]]:
    """Return what tells a service manager of each stage, and of each job it books: a sign of life."""

    @contextlib.contextmanager
    def watch(stage: str, backlog: int) -> Iterator[Progress]:
        if backlog:
            manager.status(f"{stage}: {backlog} to do")
        manager.alive()
        yield lambda _: manager.alive()

    return watch


def _log(reports: Sequence[StageReport]) -> None:
    for report in reports:
        if report.jobs:
            log.info(
                "stage name=%s units=%d crashes=%d seconds=%.1f",
                report.name,
                report.units,
                report.crashes,
                report.seconds,
            )


def _take_up(session: Session) -> None:
    try:
        synced = take_up_opml(session.db, session.config, session.clock)
        if synced:
            log.info("opml_taken_up %s", synced)
    except OpmlError as error:
        log.error("opml_refused error=%s", error)
    try:
        if take_up_filters(session.db, session.config):
            log.info("filters_taken_up file=%s", session.config.filters)
    except ConfigError as error:
        log.error("filters_refused error=%s", error)
    try:
        if take_down(session.db, session.config, session.clock()):
            session.rewrite()
    except AggregatorError as error:
        log.error("takedown_failed error=%s", error)
