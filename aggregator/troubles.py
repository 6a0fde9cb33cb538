"""What does not go as it should, and is more than a feed's own business."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from sqlite_utils import Database

from aggregator.config import Config
from aggregator.model import Trouble
from aggregator.resources import free_disk
from aggregator.session import ROUND
from aggregator.store import backups, hook_states, network, stage_runs, vitals
from aggregator.times import duration_text, in_a_row
from aggregator.translate import engines

OUTAGE = timedelta(minutes=15)  # of the network, or of every feed: shorter ones mend themselves
UNREADY = timedelta(hours=6)  # without an engine: what a model's download or a service's bad day may take
SILENCE = timedelta(hours=6)  # without a translation
FEW = 3  # stories that wait; fewer may be what no engine can translate
ROOM = 200_000_000  # bytes


def found(db: Database, config: Config, now: datetime) -> list[Trouble]:
    """List the troubles there are now."""
    return [trouble for look in _LOOKS for trouble in look(db, config, now)]


def _stages(db: Database, config: Config, _: datetime) -> Iterator[Trouble]:
    failing = [each for each in stage_runs.all_of(db).values() if each.failures >= config.alert_after]
    stages = [each for each in failing if not each.stage.startswith(ROUND)]
    for each in stages or failing:  # a round fails with its stage
        text = f"{each.stage} failed {in_a_row(each.failures)}: {each.failure}"
        yield Trouble(key=f"stage {each.stage}", text=text)


def _network(db: Database, _: Config, now: datetime) -> Iterator[Trouble]:
    since = network.down_since(db)
    if since:
        text = f"no feed can be reached since {duration_text(now - since)}: our own network is down"
        yield Trouble(key="network", text=text, patience=OUTAGE)
    elif vitals.all_failing(vitals.states(db)):
        yield Trouble(key="feeds", text="every feed fails; see: aggregator status", patience=OUTAGE)


def _room(_: Database, config: Config, __: datetime) -> Iterator[Trouble]:
    for name, path in (("store", config.store.parent), ("output", config.output)):
        free = free_disk(path)
        if free < ROOM:
            yield Trouble(key=f"disk {name}", text=f"{free / 1e6:.0f} MB are free on the disk of the {name}")


def _engine(_: Database, config: Config, __: datetime) -> Iterator[Trouble]:
    if config.engine != "none" and not engines.ready(config):
        text = f"no engine translates: {'; '.join(engines.why_not(config))}"
        yield Trouble(key="engine", text=text, patience=UNREADY)


def _silence(db: Database, config: Config, now: datetime) -> Iterator[Trouble]:
    """Find an engine that is ready and yet brings nothing: out of reach, or refused by the checks."""
    if config.engine == "none":
        return
    count, since = vitals.overtaken(db)
    if since and count >= FEW and now - since > SILENCE:
        text = f"nothing was translated for {duration_text(now - since)}, and {count} stories wait for it"
        yield Trouble(key="silence", text=text)


def _backup(db: Database, _: Config, __: datetime) -> Iterator[Trouble]:
    known = backups.state(db)
    if known.failure:
        yield Trouble(key="backup", text=f"no backup could be made: {known.failure}")
    if known.trial_failure:
        yield Trouble(key="backup trial", text=f"the backup cannot be restored: {known.trial_failure}")


def _hooks(db: Database, config: Config, _: datetime) -> Iterator[Trouble]:
    for name, state in hook_states.read(db).items():
        if getattr(config, name) and state.failures >= config.alert_after:
            text = f"{name} failed {in_a_row(state.failures)}: {state.failure}"
            yield Trouble(key=f"hook {name}", text=text)


_LOOKS: tuple[Callable[[Database, Config, datetime], Iterator[Trouble]], ...] = (
    _stages, _network, _room, _engine, _silence, _backup, _hooks,
)  # fmt: skip
