"""The one way stages run: pending -> work (anywhere) -> record, or postpone where the work crashed."""

import logging
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Protocol

from sqlite_utils import Database

from aggregator.config import Config
from aggregator.executors import Workers

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]
Stop = Callable[[], bool]


class Stage(Protocol):
    """A step of the data path, as four functions in a module.

    `pending` yields what is due now, best first, and is asked again until it yields nothing; `work` runs in any
    process and touches no database; `record` and `postpone` write the store (the pipeline gives each a
    transaction of its own) and must make the job not pending any more.
    """

    NAME: str

    def pending(self, db: Database, config: Config, now: datetime) -> Iterable[Any]: ...  # noqa: D102
    def work(self, config: Config, job: Any) -> Any: ...  # noqa: D102
    def record(self, db: Database, config: Config, job: Any, outcome: Any, now: datetime) -> None: ...  # noqa: D102
    def postpone(self, db: Database, config: Config, job: Any, failure: str, now: datetime) -> None: ...  # noqa: D102
